"""The published protocol on the compact NAS-Bench-201 table, through suite, runner and store: known means come out."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from nasboard.harness import registry
from nasboard.harness.planning import suite
from nasboard.harness.planning.selection import with_settings
from nasboard.harness.running import runner
from nasboard.harness.running.sweep import plan
from nasboard.harness.store import new_owner, open_store
from tests.places import ROOT
from tests.tables import imported

SUITE = ROOT / "suites" / "nb201.toml"
SEEDS = 200
PUBLISHED = {
    "random_search": 93.70,
    "regularized_evolution as released": 93.92,
}  # percent; see nasboard.benchmarks.tabulated.nb201.published
WITHIN = 0.1


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Return label -> true test accuracy `(SEEDS,)` in percent of the architecture that each run ends with."""
    imported("nb201-compact")
    whole = tomllib.loads(SUITE.read_text())
    whole["runs"] = [entry for entry in whole["runs"] if entry.get("label", entry["method"]) in PUBLISHED]
    planned, panels = suite.resolve(with_settings(suite.Suite.model_validate(whole), [f"seeds={SEEDS}"]))
    specs: dict[str, list[str]] = {label: [] for label in PUBLISHED}
    owner = new_owner()
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('nb201')}/runs.db") as store:
        ids = plan(store, planned, panels)
        while (claim := store.claim(ids, owner)) is not None:
            assert runner.execute(claim, store, owner, runner.Setting()) == "budget"
        for record in store.runs():
            last = store.steps(record.run_id)[-1]
            assert last.incumbent is not None
            assert last.cost_s <= 12_000
            specs[record.label].append(last.incumbent)
    benchmark = registry.benchmark(planned[0].key.benchmark)
    return {
        label: 100 * benchmark.truth(np.stack([benchmark.space.encode(s) for s in specs[label]])) for label in specs
    }


@pytest.mark.parametrize("label", PUBLISHED)
def test_the_mean_test_accuracy_is_the_published_one(found: dict[str, np.ndarray], label: str) -> None:
    assert len(found[label]) == SEEDS
    assert found[label].mean() == pytest.approx(PUBLISHED[label], abs=WITHIN)
    assert 0.2 < found[label].std() < 0.5  # published: 0.36 and 0.30


def test_regularized_evolution_is_above_random_search(found: dict[str, np.ndarray]) -> None:
    test = mannwhitneyu(found["regularized_evolution as released"], found["random_search"], alternative="greater")
    assert test.pvalue < 0.01


def test_the_suite_has_the_published_budget_and_signal() -> None:
    entries = suite.read(SUITE).runs
    assert {entry.budget_s for entry in entries} == {12_000.0}
    assert {entry.seeds for entry in entries} == {500}
    single = {e.benchmark for e in entries if e.method != "hyperband"}
    assert single == {"nb201-cifar10@v1.0-compact?fidelity=12&seeds=mean"}
