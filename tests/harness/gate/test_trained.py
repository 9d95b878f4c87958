from __future__ import annotations

from pathlib import Path

import pytest

from nasboard.harness.boards.measures import TOO_FEW_TRAINED
from nasboard.harness.errors import RefusedError, UsageError
from nasboard.harness.gate.baseline import Baseline, take
from nasboard.harness.gate.compare import compare, tell
from nasboard.harness.gate.verdict import Verdict, judge, raise_if_closed
from tests.harness.stored_runs import Stored, searched
from tests.harness.trained_runs import loaded, mean, on_toy, trained, training

SEEDS = range(4)
ALONG = [5, 60, 200, 40, 700, 800]


def runs(last: int = 3000) -> list[Stored]:
    return [on_toy(searched("re", seed, [*ALONG, last + 20 * seed])) for seed in SEEDS]


def finals(last: int = 3000) -> list[Stored]:
    return trained([last + 20 * seed for seed in SEEDS])


def judged(folder: Path, baseline: Baseline, now: list[Stored]) -> dict[str, Verdict]:
    return {v.quantity: v for v in judge(loaded(folder, now), baseline)}


def test_values_of_trained_truth_are_judged_as_those_of_a_table(tmp_path: Path) -> None:
    baseline = take(loaded(tmp_path / "old", [*runs(), *finals(), *trained(ALONG)]))
    same = judged(tmp_path / "same", baseline, [*runs(), *finals(), *trained(ALONG)])
    assert {name: v.outcome for name, v in same.items()} == {"drop": "unchanged", "accuracy": "unchanged"}
    worse = judged(tmp_path / "worse", baseline, [*runs(300), *finals(300), *trained(ALONG)])
    assert worse["accuracy"].outcome == "regression"
    assert worse["accuracy"].reference == pytest.approx(sum(mean(3000 + 20 * seed) for seed in SEEDS) / 4)


def test_a_missing_training_is_refused_with_what_to_do(tmp_path: Path) -> None:
    baseline = take(loaded(tmp_path / "old", [*runs(), *finals()]))
    [found] = judged(tmp_path / "now", baseline, [*runs(), *finals()[2:]]).values()
    assert (found.outcome, found.value) == ("refused", None)
    assert found.reason == "1 of 4 seeds: not trained; nasboard run SUITE trains it"
    with pytest.raises(RefusedError, match="not trained"):
        raise_if_closed([found], "closed")
    assert RefusedError.exit_code == 5


def test_no_reference_is_taken_where_a_training_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="from re, drop: not trained; nasboard run SUITE trains it"):
        take(loaded(tmp_path, [*runs(), *finals()[2:]]))


def test_a_suite_that_trains_finals_alone_has_a_reference_of_accuracy_alone(tmp_path: Path) -> None:
    [entry] = take(loaded(tmp_path, [*runs(), *finals()])).entries()
    assert set(entry.values) == {"accuracy"}


def test_compare_leaves_a_missing_training_undefined_with_the_reason(tmp_path: Path) -> None:
    a = loaded(tmp_path / "a", [*runs(), *finals()])
    b = loaded(tmp_path / "b", [*runs(), *finals()[2:]])
    [made] = compare(a, b)
    lines = {line.quantity: line for line in tell(a, b, ("A", "B"), [made]).lines}
    assert lines["accuracy (%)"].state == "undefined"
    assert "not trained" in lines["accuracy (%)"].reason
    assert made.rows[0]["drop_a"] == TOO_FEW_TRAINED


def test_trainings_of_two_stores_are_each_sides_own(tmp_path: Path) -> None:
    more = [training(3000 + 20 * seed, 1002) for seed in SEEDS]
    a, b = (loaded(tmp_path / n, [*runs(), *finals(), *extra]) for n, extra in (("a", []), ("b", more)))
    [made] = compare(a, b)
    gained = [mean(3000 + 20 * s, (1000, 1001, 1002)) - mean(3000 + 20 * s) for s in SEEDS]
    assert made.rows[0]["accuracy_difference"] == pytest.approx(sum(gained) / 4)
