from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from nasboard.harness.outcomes.outcome import RunOutcome
from nasboard.harness.record import Json, RunRecord
from nasboard.harness.report.fairness import ENOUGH_SEEDS, Check, checks
from tests.harness.report import fields

UNKNOWN: Json = {"revision": None, "dirty": None}  # outside a checkout

Change = Callable[[RunRecord], RunRecord]

RANDOM = "Random search is among the methods"
SEEDS = f"Enough seeds (at least {ENOUGH_SEEDS} of each method)"
BUDGET = "Simulated budget stated, equal and kept"
BATCH_NORM = "Batch-norm policy recorded"
CODE = "One clean code revision or release"
SAME = "Same search space, data and panel for all"
COST = "Cost measured end to end"
ENDED = "Every planned run ended"
UNUSED = "Test data never used in search"


def good() -> dict[str, tuple[RunOutcome, ...]]:
    return {
        "random_search": tuple(fields.black_box("random_search", seed, 0) for seed in range(ENOUGH_SEEDS)),
        "one_shot": tuple(fields.live("one_shot", seed, 0.5, epochs=2) for seed in range(ENOUGH_SEEDS)),
    }


def judged(outcomes: dict[str, tuple[RunOutcome, ...]]) -> dict[str, Check]:
    return {check.setting: check for check in checks(fields.comparison(outcomes))}


def with_one_changed(label: str, change: Change) -> dict[str, tuple[RunOutcome, ...]]:
    outcomes = good()
    first, *rest = outcomes[label]
    return outcomes | {label: (replace(first, run=change(first.run)), *rest)}


def test_a_fair_comparison_meets_every_setting() -> None:
    assert [check for check in judged(good()).values() if not check.met] == []


def provenance(**facts: Json) -> Change:
    return lambda run: replace(run, provenance={**run.provenance, **facts})


def key(**changes: object) -> Change:
    return lambda run: replace(run, key=replace(run.key, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("setting", "label", "change", "evidence"),
    [
        (UNUSED, "one_shot", provenance(recorded_by="NASLib"), "that others ran and recorded: one_shot"),
        (SAME, "one_shot", key(dataset="other"), "nb201 on other"),
        (SAME, "one_shot", key(table_digest="cd" * 32), "cdcdcdcdcdcd"),
        (SAME, "one_shot", key(panel="tiny:1"), "tiny:1"),
        (BUDGET, "random_search", key(budget_s=400.0), "400 s, 500 s"),
        (BUDGET, "random_search", lambda run: replace(run, cost_s=501.0), "overspent by 1"),
        (COST, "one_shot", lambda run: replace(run, wall_s=0.0), "without a cost: 1"),
        (BATCH_NORM, "one_shot", provenance(batch_norm=None), "Not recorded for one_shot"),
        (
            CODE,
            "one_shot",
            provenance(git={"revision": "f" * 40, "dirty": False}),
            "revision ffffffffffff",
        ),
        (CODE, "one_shot", provenance(git={"revision": "0123456789ab" * 3, "dirty": True}), "changes: 1"),
        (CODE, "one_shot", provenance(git=UNKNOWN), "release 0.1.0, revision 0123456789ab"),
        (CODE, "one_shot", provenance(git=UNKNOWN, release=None), "without a revision or release: 1"),
        (CODE, "one_shot", lambda run: replace(run, provenance={}), "without a revision or release: 1"),
        (ENDED, "one_shot", lambda run: replace(run, status="running"), "1 running"),
        (SEEDS, "one_shot", lambda run: replace(run, status="failed"), "Fewer than 6: one_shot"),
    ],
)
def test_one_run_out_of_line_is_not_met_and_named(setting: str, label: str, change: Change, evidence: str) -> None:
    check = judged(with_one_changed(label, change))[setting]
    assert not check.met
    assert evidence in check.evidence


def test_without_random_search_its_setting_is_not_met() -> None:
    outcomes = {"one_shot": good()["one_shot"]}
    assert not judged(outcomes)[RANDOM].met


def test_random_search_counts_by_method_not_by_label() -> None:
    renamed = tuple(replace(o, run=replace(o.run, label="baseline")) for o in good()["random_search"])
    assert judged({"baseline": renamed})[RANDOM].met


def test_nothing_is_met_by_no_ended_run_but_what_needs_none() -> None:
    met = {name for name, check in judged({"darts": (fields.failed("darts", 0),)}).items() if check.met}
    assert met == {SAME, BATCH_NORM}


def test_the_unused_test_set_is_said_to_be_derived() -> None:
    assert judged(good())[UNUSED].evidence.startswith("Derived from the search API")


def released(*versions: str | None, stored: bool = True) -> Check:
    """Return what is said of runs without a revision, of these releases; `stored`: as they say today."""
    changes = [
        provenance(git=UNKNOWN, **({"release": v} if stored else {"versions": {"nasboard": v}})) for v in versions
    ]
    runs = [replace(o, run=c(o.run)) for o, c in zip(good()["random_search"], changes, strict=False)]
    return judged({"random_search": tuple(runs)})[CODE]


@pytest.mark.parametrize("stored", [True, False])
def test_one_release_is_one_code(stored: bool) -> None:
    check = released("0.2.0", "0.2.0", stored=stored)
    assert check.met
    assert "release 0.2.0" in check.evidence
    assert not released("0.2.0", "0.2.1", stored=stored).met


@pytest.mark.parametrize("version", ["0.2.0.dev3", "0.2.0+g1234", "0.2.0.dev3+g1234.d20260102", None])
def test_a_state_between_two_releases_is_no_release(version: str | None) -> None:
    check = released(version, version)
    assert not check.met
    assert "without a revision or release: 2" in check.evidence


def test_a_method_that_asks_nothing_where_others_ask_trains_no_supernet() -> None:
    outcomes = good()
    quiet = [replace(o, run=provenance(batch_norm=None)(key(benchmark="table")(o.run))) for o in outcomes["one_shot"]]
    asking = tuple(replace(o, run=key(benchmark="table")(o.run)) for o in outcomes["random_search"])
    assert judged({"random_search": asking, "proxy": tuple(quiet)})[BATCH_NORM].met
    assert not judged({"proxy": tuple(quiet)})[BATCH_NORM].met


def test_a_method_that_asks_nothing_where_trainings_answer_others_trains_a_supernet() -> None:
    live = key(benchmark="live", live="ab" * 32)
    quiet = tuple(replace(o, run=provenance(batch_norm=None)(live(o.run))) for o in good()["one_shot"])
    asking = tuple(replace(o, run=live(o.run)) for o in good()["random_search"])
    assert not judged({"random_search": asking, "one_shot": quiet})[BATCH_NORM].met
