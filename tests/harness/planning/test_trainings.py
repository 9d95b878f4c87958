from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness import registry
from nasboard.harness.errors import SpecError, SuiteError, UsageError
from nasboard.harness.planning import suite, trainings
from nasboard.harness.planning.trainings import Trainer
from nasboard.harness.record import FIRST_TRUTH_SEED, TRAINING
from nasboard.harness.running.sweep import older, plan, sweep
from nasboard.harness.store import Planned, Store, open_store
from tests import toy_live


@pytest.fixture(autouse=True)
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(toy_live.install(tmp_path / "site")))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as opened:
        yield opened


def resolved(train: dict[str, int], *entries: dict[str, object]) -> tuple[suite.Suite, list[Planned], list[object]]:
    made = suite.validated({"name": "test", "train": train, "runs": list(entries)}, "test")
    planned, panels = suite.resolve(made)
    return made, planned, list(panels)


def searched(store: Store, train: dict[str, int], *entries: dict[str, object]) -> list[Planned]:
    """Make the searches of a suite and return the trainings that it then asks for."""
    made, planned, panels = resolved(train, *entries)
    sweep(store, plan(store, planned, panels), jobs=1)  # type: ignore[arg-type]
    return trainings.of_suite(made, planned, store)


DRIFTING = {"method": "drifting", "benchmark": "toy-live", "seeds": 2}


def asked(runs: list[Planned]) -> Counter[tuple[str, int]]:
    return Counter((str(run.key.params["spec"]), run.key.seed - FIRST_TRUTH_SEED) for run in runs)


def test_a_training_is_a_run_whose_key_says_all_that_it_depends_on() -> None:
    trainer = Trainer.of(registry.benchmark("toy-live?cells=2"))
    run = trainer.planned(np.array([1, 0, 3, 2, 0, 2], dtype=np.int16), 1001)
    assert (run.label, run.cost_kind, run.key.seed, run.key.budget_s, run.key.panel) == (
        TRAINING,
        "measured",
        1001,
        None,
        None,
    )
    assert run.key.trains
    assert run.key.benchmark == "toy-live"  # what concerns supernets alone is no part of it
    assert run.key.params == {"spec": "p-1-0-3-2-0-0", "recipe": "quick", "epochs": 4, "batch": 64}
    assert run.key.live == registry.benchmark("toy-live").context.parts
    assert json.loads(run.key.canonical())["live"] == run.key.live
    assert run.key.method_by is not None
    assert trainer.planned(trainer.benchmark.space.encode("p-1-0-3-2-0-0"), 1001) == run  # isomorphic ones share it


def test_what_is_not_in_the_space_or_not_trained_is_refused() -> None:
    with pytest.raises(SpecError):
        Trainer.of(registry.benchmark("toy-live")).planned(np.array([9, 0, 0, 0, 0, 0], dtype=np.int16), 0)
    with pytest.raises(UsageError, match="planted trains no architecture from scratch"):
        Trainer.of(registry.benchmark("planted"))


def test_the_incumbents_of_a_suite_are_trained_each_once(store: Store) -> None:
    runs = searched(store, {"final_seeds": 3, "along": 2, "along_seeds": 2}, DRIFTING)
    specs = {
        run_id: {step: spec for i, step, _, spec in store.incumbents() if i == run_id}
        for run_id in {row[0] for row in store.incumbents()}
    }
    canonical = lambda spec: spec[:-1] + "0" if spec[-3] == "0" else spec  # noqa: E731 - slot 5 means nothing there
    expected = Counter()
    for by_step in specs.values():
        expected |= Counter({(canonical(by_step[6]), seed): 1 for seed in range(3)})
        expected |= Counter({(canonical(by_step[step]), seed): 1 for step in (2, 4) for seed in range(2)})
    assert asked(runs) == expected
    assert trainings.of_suite(*resolved({"final_seeds": 0}, DRIFTING)[:2], store) == []


def test_nothing_is_trained_for_a_search_that_failed_or_was_not_made(store: Store) -> None:
    made, planned, panels = resolved({}, {**DRIFTING, "params": {"steps": 0}})
    run_ids = plan(store, planned, panels)  # type: ignore[arg-type]
    assert trainings.of_suite(made, planned, store) == []
    assert sweep(store, run_ids, jobs=1).counts == {"failed": 2}
    assert trainings.of_suite(made, planned, store) == []


def test_a_panel_is_ranked_where_it_is_trained_and_nowhere_else(store: Store) -> None:
    assert [run.key.panel for run in resolved({}, DRIFTING)[1]] == [None, None]
    runs = searched(store, {"panel": 5, "panel_seeds": 2, "final_seeds": 0}, DRIFTING)
    ((panel, _),) = store.panels()
    assert len(panel.archs) == 5
    assert [len(store.steps(run.run_id)[-1].scores) for run in store.runs()] == [5, 5]  # type: ignore[arg-type]
    trained = {registry.benchmark("toy-live").space.encode(spec).tobytes() for spec, _ in asked(runs)}
    how = registry.benchmark("toy-live").context.trainings
    assert how is not None
    assert trained == {row.tobytes() for row in how.canonical(panel.archs)}
    assert set(asked(runs).values()) == {1}
    assert len(runs) == 2 * len(trained)


def test_what_was_transformed_and_what_it_became_are_trained(store: Store) -> None:
    made = suite.validated(
        {
            "name": "test",
            "inputs": {"uniform": 6},
            "train": {"inputs_seeds": 2},
            "runs": [{"method": "lessening", "benchmark": "toy-live", "seeds": 2}],
        },
        "test",
    )
    planned, panels = suite.resolve(made)
    most = trainings.most(made, planned, panels)
    assert sweep(store, plan(store, planned, panels), jobs=1).counts == {"done": 2}
    runs = trainings.of_suite(made, planned, store)
    ((panel, _),) = panels
    how = registry.benchmark("toy-live").context.trainings
    assert how is not None
    became = panel.archs * np.array([0, 1, 1, 1, 1, 1], dtype=np.int16)
    expected = {row.tobytes() for row in how.canonical(np.concatenate([panel.archs, became]))}
    space = registry.benchmark("toy-live").space
    assert {space.encode(spec).tobytes() for spec, _ in asked(runs)} == expected
    assert len(runs) == 2 * len(expected) <= most == (6 + 6 + 6) * 2 + 2 * 3  # and incumbents, if it had any


def test_a_benchmark_with_a_table_lets_nothing_be_trained(store: Store) -> None:
    entry = {"method": "random_search", "benchmark": "planted", "seeds": 2, "budget_s": 60}
    assert searched(store, {"final_seeds": 3, "panel": 5}, entry) == []


def test_the_most_that_is_trained_is_said_beforehand(store: Store) -> None:
    entries = (DRIFTING, {"method": "random_search", "benchmark": "planted", "seeds": 2, "budget_s": 60})
    made, planned, _ = resolved({"final_seeds": 3, "along": 2, "panel": 5, "panel_seeds": 2}, *entries)
    assert trainings.most(made, planned, ()) == 2 * (3 + 2) + 5 * 2
    assert trainings.most(*resolved({}, entries[1])[:2], ()) == 0


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"method": "training_toy", "benchmark": "toy-live", "seeds": 1}, r"trainings stand under \[train\]"),
        (
            {"method": "random_search", "benchmark": "toy-live?shows=no", "seeds": 1, "budget_s": 9},
            "hold no validation images out",
        ),
    ],
)
def test_what_a_suite_cannot_ask_of_trainings_is_refused(entry: dict[str, object], told: str) -> None:
    with pytest.raises(SuiteError, match=told):
        resolved({}, entry)


def test_trainings_of_other_seeds_are_not_taken_for_those_of_other_code(store: Store) -> None:
    trainer = Trainer.of(registry.benchmark("toy-live"))
    arch = np.zeros(6, dtype=np.int16)
    store.plan([trainer.planned(arch, seed) for seed in range(3)])
    assert older(store, [trainer.planned(arch, FIRST_TRUTH_SEED)]) == {}
