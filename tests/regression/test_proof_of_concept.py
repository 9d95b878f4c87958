"""The direction of few-shot's proof of concept: several sub-supernets rank the space better than one.

Of the stored runs of `suites/few-shot/poc.toml`, whose truth is every one of 1,296 networks trained alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from nasboard.harness import registry
from nasboard.harness.outcomes.load import load
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.planning import suite
from nasboard.harness.report.pictures.sub_supernets import split_figures, split_of
from nasboard.harness.statistics.rank import kendall_tau
from nasboard.harness.store import open_store
from nasboard.harness.store.exchange import import_runs
from tests.places import ROOT

STORED = "few-shot-poc.json.xz"
SPLITS = ("k=0", "k=1", "k=2", "k=3")  # 1, 6, 36, 216 sub-supernets

Taus = Mapping[str, np.ndarray]  # label -> (seeds,)


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    pytest.importorskip("torch", reason="the benchmark trains networks: pip install 'nasboard[live]'")
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('store')}/runs.db") as store:
        import_runs(store, ROOT / "results" / STORED)
        (found,) = load(store, registry.benchmark)
        return found


@pytest.fixture(scope="module")
def taus(comparison: Comparison) -> Taus:
    assert comparison.whole is not None
    truth = comparison.whole.truth
    return {
        label: np.array([kendall_tau(run.all_scores, truth) for run in runs if run.all_scores is not None])
        for label, runs in comparison.outcomes.items()
    }


def test_the_suite_trains_one_supernet_as_long_as_each_split_at_equal_settings() -> None:
    planned, _ = suite.resolve(suite.read(ROOT / "suites" / "few-shot" / "poc.toml"))
    params = {run.label: dict(run.key.params) for run in planned}
    space = registry.benchmark("digits1296").space
    splits = {label: split_of(space, "few_shot", told) for label, told in params.items()}
    assert [getattr(splits[label], "supernets", None) for label in SPLITS] == [1, 6, 36, 216]
    for k in (1, 2, 3):
        one, many = splits[f"as long as k={k}"], splits[f"k={k}"]
        assert one is not None
        assert many is not None
        assert (one.supernets, one.epochs) == (1, many.epochs)
    equal = [{n: v for n, v in told.items() if n not in ("k", "epochs", "sub_epochs")} for told in params.values()]
    assert all(each == equal[0] for each in equal)


def test_tau_rises_with_the_number_of_sub_supernets(taus: Taus) -> None:
    seeds = min(len(taus[label]) for label in SPLITS)
    assert seeds >= 2
    one, six, more, most = (taus[label][:seeds] for label in SPLITS)
    assert np.all(one < six)
    assert np.all(six < more)
    assert np.all(six < most)  # 216 with 20 epochs each are no better than 36: docs/digits1296.md


def test_36_and_216_sub_supernets_go_beyond_one_supernet_trained_as_long(taus: Taus) -> None:
    for split in ("k=2", "k=3"):
        some, alone = taus[split], taus[f"as long as {split}"]
        assert len(some) == len(alone) == 2
        assert some.min() > alone.max()


def test_the_report_draws_the_four_of_them_beside_the_ceiling(comparison: Comparison) -> None:
    (figure,) = split_figures(comparison, "p", dict.fromkeys(comparison.outcomes, "#4C78A8"))
    assert isinstance(figure.spec, dict)
    traces = {trace["name"]: trace for trace in figure.spec["data"]}  # type: ignore[index,union-attr]
    means = traces["mean of the splits"]
    assert means["x"] == [1, 6, 36, 216]
    assert "of the whole space" in figure.caption
    assert traces["attainable"]["y"][0] > max(means["y"])
