"""A suite judged by a baseline: what is not readable here, and when a test of it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nasboard.harness.errors import DigestError, NasboardError, NothingComparableError, RefusedError, RegressionError
from nasboard.harness.gate.verdict import Outcome, Verdict
from nasboard.harness.store import open_store
from nasboard.harness.testing import regression
from tests import toy_live
from tests.harness.stored_runs import searched, store_at

SUITE = """
name = "small"
[[runs]]
method = "regularized_evolution"
benchmark = "planted"
seeds = 3
budget_s = 50.0
"""
ELSEWHERE = "f" * 64  # a table that is not here


def verdict(outcome: Outcome, runs: int = 3) -> Verdict:
    return Verdict("planted", "re", "tau", 0.5, 0.1, None, None, 0, outcome, "why", runs=runs)


@pytest.mark.parametrize(
    ("found", "error", "said"),
    [
        ([], NothingComparableError, "nothing to judge"),
        ([verdict("not judged")], NothingComparableError, "nothing to judge"),
        (
            [verdict("refused", runs=0), verdict("not judged")],
            NothingComparableError,
            "1 of 2 values .* b.json: re tau: why",
        ),
        ([verdict("refused")], RefusedError, "1 of 1 values are not those of b.json"),
        ([verdict("regression"), verdict("refused"), verdict("ok")], RegressionError, "2 of 3 values"),
    ],
)
def test_what_is_worse_or_not_judged_raises(found: list[Verdict], error: type[NasboardError], said: str) -> None:
    with pytest.raises(error, match=said):
        regression.settle(found, Path("b.json"))


def test_what_is_as_good_as_it_was_does_not_raise() -> None:
    regression.settle([verdict("ok"), verdict("unchanged"), verdict("not judged")], Path("b.json"))


def test_runs_that_cannot_be_scored_here_matter_where_the_baseline_judges_them(tmp_path: Path) -> None:
    suite, baseline = tmp_path / "small.toml", tmp_path / "b.json"
    suite.write_text(SUITE)
    regression.write(suite, baseline, f"sqlite:///{tmp_path / 'clean.db'}")
    store = store_at(tmp_path, [searched("re", s, [5], digest=ELSEWHERE) for s in range(3)])
    assert {v.outcome for v in regression.verdicts(suite, baseline, store)} == {"unchanged"}
    stored = json.loads(baseline.read_text())
    stored["comparisons"][0]["table_digest"] = ELSEWHERE
    baseline.write_text(json.dumps(stored))
    with pytest.raises(DigestError, match="were made with table ffff"):
        regression.verdicts(suite, baseline, store)
    with pytest.raises(DigestError, match="were made with table ffff"):
        regression.write(suite, baseline, store)


TRAINED = """
name = "trained"
[train]
final_seeds = 2
along = 6
[[runs]]
method = "drifting"
benchmark = "toy-live"
params = { steps = 12 }
seeds = 3
[[runs]]
method = "random_search"
benchmark = "toy-live"
seeds = 3
budget_s = 40.0
"""


def test_a_suite_on_trained_truth_is_searched_trained_and_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(toy_live.install(tmp_path / "site")))
    suite, baseline, store = tmp_path / "t.toml", tmp_path / "b.json", f"sqlite:///{tmp_path / 'runs.db'}"
    suite.write_text(TRAINED)
    [found], lost = regression.outcomes(suite, store)
    assert lost == []
    assert list(found.outcomes) == ["drifting", "random_search"]
    assert found.trained is not None
    with open_store(store) as opened:
        tested = {run_id: accuracy for run_id, _, accuracy in opened.measured()}
        runs = {run.run_id: run for run in opened.runs()}
    for outcome in found.outcomes["random_search"]:
        assert outcome.final_arch is not None
        spec = found.space.decode(found.trained.how.canonical(outcome.final_arch[None])[0])
        own = [a for i, a in tested.items() if runs[i].key.params["spec"] == spec and runs[i].key.seed >= 1000]
        assert len(own) >= 2
        assert outcome.final_accuracy == pytest.approx(sum(own) / len(own))
    regression.write(suite, baseline, store)
    verdicts = regression.verdicts(suite, baseline, store)
    outcomes = {(v.label, v.quantity): v.outcome for v in verdicts}
    assert outcomes["drifting", "accuracy"] == outcomes["drifting", "drop"] == "unchanged"
    assert outcomes["random_search", "accuracy"] == "not judged"
