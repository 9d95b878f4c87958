from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from nasboard.harness.boards.board import Undefined
from nasboard.harness.context import Context
from nasboard.harness.errors import NothingComparableError
from nasboard.harness.gate.compare import changed, compare, difference, tell
from nasboard.harness.gate.told import Told
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.rank import kendall_tau
from tests.harness.stored_runs import BENCHMARK, PANEL_TRUTH, SMALL_PANEL, loaded, noisy, ranked, searched


def rows(made) -> dict[str, dict[str, object]]:
    return {str(row["label"]): dict(row) for row in made.rows}


def test_differences_are_b_minus_a_with_an_interval_paired_by_seed(tmp_path: Path) -> None:
    a = loaded(tmp_path / "a", [ranked("r", s, [noisy(s, 0.05)]) for s in range(4)])
    b = loaded(tmp_path / "b", [ranked("r", s, [noisy(s, 0.3)]) for s in range(4)])
    [made] = compare(a, b)
    found = rows(made)["r"]
    each = np.array(
        [kendall_tau(noisy(s, 0.3), PANEL_TRUTH) - kendall_tau(noisy(s, 0.05), PANEL_TRUTH) for s in range(4)]
    )
    low, high = stats.ttest_1samp(each, 0).confidence_interval(0.95)
    assert found["tau_difference"] == pytest.approx(each.mean())
    assert found["tau_interval"] == Interval(pytest.approx(low), pytest.approx(high))
    assert found["accuracy_difference"] == Undefined("no incumbent")
    assert (found["seeds_a"], found["seeds_b"]) == (4, 4)


def test_other_seeds_take_welchs_interval() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(9), 3 * rng.standard_normal(9) + 1
    low, high = stats.ttest_ind(y, x, equal_var=False).confidence_interval(0.95)
    found = difference(dict(enumerate(x)), dict(enumerate(y, 5)))
    assert found == Interval(pytest.approx(low), pytest.approx(high))


def test_a_difference_without_spread_is_a_point() -> None:
    assert difference({0: 1.0, 1: 1.0}, {5: 3.0, 6: 3.0, 7: 3.0}) == Interval(2.0, 2.0)


def test_a_difference_of_accuracies_is_between_minus_one_and_one() -> None:
    low, high = {0: 0.0, 1: 0.1}, {0: 1.0, 1: 0.9}
    for other in (high, {seed + 5: value for seed, value in high.items()}):
        up, down = difference(low, other, (0.0, 1.0)), difference(other, low, (0.0, 1.0))
        assert isinstance(up, Interval)
        assert isinstance(down, Interval)
        assert (up.high, down.low) == (1.0, -1.0)
        assert up.low < 0.9 < up.high


def test_differences_on_a_board_stay_on_the_scale(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [searched("re", s, [5]) for s in range(2)])

    def ending(*accuracies: float) -> Comparison:
        runs = [replace(o, accuracy=np.array([a])) for o, a in zip(found.outcomes["re"], accuracies, strict=True)]
        return replace(found, outcomes={"re": tuple(runs)})

    [made] = compare([ending(0.0, 0.1)], [ending(1.0, 0.9)])
    interval = rows(made)["re"]["accuracy_interval"]
    assert isinstance(interval, Interval)
    assert interval.high == 1.0


def test_one_seed_has_no_interval() -> None:
    assert difference({0: 1.0}, {0: 2.0, 1: 3.0}) == Undefined("one seed")


def test_a_store_does_not_differ_from_itself(tmp_path: Path) -> None:
    a = loaded(tmp_path, [searched("re", s, [3000, 100 * s]) for s in range(3)])
    [made] = compare(a, a)
    found = rows(made)["re"]
    assert found["accuracy_difference"] == found["drop_difference"] == 0.0
    assert found["accuracy_interval"] == Interval(0.0, 0.0)
    assert found["accuracy_a"] == found["accuracy_b"]


def test_what_both_have_not_got_says_why_and_not_that_one_lacks_it(tmp_path: Path) -> None:
    a = loaded(tmp_path, [searched("re", s, [5 + s]) for s in range(3)])
    [made] = compare(a, a)
    assert rows(made)["re"]["tau_difference"] == rows(made)["re"]["tau_interval"] == Undefined("does not rank")


def test_a_label_of_one_store_is_shown_without_a_difference(tmp_path: Path) -> None:
    a = loaded(tmp_path / "a", [searched("old", s, [5]) for s in range(2)])
    b = loaded(tmp_path / "b", [searched("new", s, [5]) for s in range(2)])
    [made] = compare(a, b)
    assert list(rows(made)) == ["new", "old"]
    assert rows(made)["old"]["accuracy_b"] == Undefined("not in this store")
    assert rows(made)["old"]["accuracy_difference"] == Undefined("not in both")


def test_rankings_of_two_panels_are_not_compared(tmp_path: Path) -> None:
    a = loaded(tmp_path / "a", [ranked("r", s, [noisy(s, 0.05)]) for s in range(2)])
    b = loaded(tmp_path / "b", [ranked("r", s, [noisy(s, 0.05, SMALL_PANEL)], panel=SMALL_PANEL) for s in range(2)])
    [made] = compare(a, b)
    assert rows(made)["r"]["tau_difference"] == Undefined("panels differ")


def told_of(a: list[Comparison], b: list[Comparison]) -> Told:
    return tell(a, b, ("a.db", "b.db"), compare(a, b))


def test_each_value_is_said_to_be_worse_or_better_and_the_worst_comes_first(tmp_path: Path) -> None:
    a = [searched("re", s, [10, 3000 + 20 * s]) for s in range(4)] + [searched("up", s, [2000 + s]) for s in range(4)]
    falling = [3520, 3510, 3490, 3480, 3485, 3475]
    b = [searched("re", s, [*falling, 2500 + 20 * s]) for s in range(4)]
    b += [searched("up", s, [3000 + s]) for s in range(4)]
    a += [ranked("r", s, [noisy(s, 0.05)]) for s in range(4)]
    b += [ranked("r", s, [noisy(s, 0.05)]) for s in range(4)]
    told = told_of(loaded(tmp_path / "a", a), loaded(tmp_path / "b", b))
    states = {(line.label, line.quantity): line.state for line in told.lines}
    assert states == {
        ("re", "drop (%)"): "worse", ("re", "accuracy (%)"): "worse", ("up", "accuracy (%)"): "better",
        ("up", "drop (%)"): "unchanged", ("r", "tau"): "unchanged",
    }  # fmt: skip
    assert [line.state for line in told.lines] == ["worse", "worse", "better", "unchanged", "unchanged"]
    assert told.headline == "B against A: 2 of 5 values worse, 1 better"
    assert [side.partition(",")[0] for side in told.sides] == ["a.db", "b.db"]


def test_values_on_two_spaces_of_one_data_set_are_told_apart(tmp_path: Path) -> None:
    [one] = loaded(tmp_path / "a", [searched("re", s, [5]) for s in range(2)])
    other = replace(one, space=replace(one.space, name="other"))
    assert {line.dataset for line in told_of([one], [one]).lines} == {one.dataset}
    assert {line.dataset for line in told_of([one, other], [one]).lines} == {
        f"{one.dataset}, {one.space.name}",
        f"{one.dataset}, other",
    }


def test_what_cannot_be_compared_is_undefined(tmp_path: Path) -> None:
    a = loaded(tmp_path / "a", [searched("old", s, [5]) for s in range(2)])
    b = loaded(tmp_path / "b", [searched("new", s, [5]) for s in range(2)])
    assert {line.state for line in told_of(a, b).lines} == {"undefined"}


def test_changed_hyperparameters_are_named_in_the_row_and_over_all(tmp_path: Path) -> None:
    a = loaded(tmp_path / "a", [searched("re", s, [5 + s], params={"k": 1}) for s in range(2)])
    b = loaded(tmp_path / "b", [searched("re", s, [5 + s], params={"k": 2}) for s in range(2)])
    [made] = compare(a, b)
    assert rows(made)["re"]["changed"] == "k 1 -> 2"
    assert changed(a, b) == told_of(a, b).changed == ("k 1 -> 2 (re)",)
    assert changed(a, a) == ()


def test_runs_of_two_tables_are_not_compared_and_both_are_named(tmp_path: Path) -> None:
    [a] = loaded(tmp_path, [searched("re", s, [5]) for s in range(2)])
    told = rf"A has runs of table {BENCHMARK.digest} and B of table f{{64}}:"
    with pytest.raises(NothingComparableError, match=told):
        compare([a], [replace(a, table_digest="f" * 64)])


def test_runs_of_two_versions_are_not_compared_and_both_are_named(tmp_path: Path) -> None:
    [a] = loaded(tmp_path, [searched("re", s, [5]) for s in range(2)])
    first, second = (replace(a, contexts={"planted": Context(version=name)}) for name in ("v1.0", "v1.1"))
    with pytest.raises(NothingComparableError, match=r"runs of version v1\.0 \(table .*\) and B of version v1\.1 "):
        compare([first], [second])
    shared, alone = compare([first], [first, second])
    assert rows(shared)["re"]["accuracy_difference"] == 0.0
    assert "version v1.1" in alone.title
    assert rows(alone)["re"]["accuracy_a"] == Undefined("not in this store")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"budget_s": 20000.0}, "budgets differ: no limit and 20000 s"),
        ({"benchmark": "planted?seeds=draw"}, "benchmarks differ: planted and planted?seeds=draw"),
    ],
)
def test_runs_under_another_protocol_are_not_compared(tmp_path: Path, change: dict[str, object], why: str) -> None:
    [a] = loaded(tmp_path, [searched("re", s, [5]) for s in range(2)])
    runs = [replace(o, run=replace(o.run, key=replace(o.run.key, **change))) for o in a.outcomes["re"]]
    [made] = compare([a], [replace(a, outcomes={"re": tuple(runs)})])
    assert rows(made)["re"]["accuracy_difference"] == rows(made)["re"]["accuracy_interval"] == Undefined(why)
