from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.boards.quantities import Quantity
from nasboard.harness.context import Context
from nasboard.harness.errors import DigestError
from nasboard.harness.gate.case import Case
from nasboard.harness.gate.settings import with_settings
from nasboard.harness.gate.shares import ERROR_RATE
from nasboard.harness.gate.verdict import (
    FLOORS,
    STATEMENT,
    TOGETHER,
    Verdict,
    as_json,
    check_readable,
    judge,
    judge_cases,
    read_baseline,
    write_baseline,
)
from nasboard.harness.outcomes.load import Unreadable
from tests.harness.stored_runs import BENCHMARK, SMALL_PANEL, Stored, key, loaded, noisy, ranked, searched


def good(seeds: int = 4, noise: float = 0.05, last: int = 3000) -> list[Stored]:
    runs = [ranked("one_shot", s, [noisy(s, noise)]) for s in range(seeds)]
    return runs + [searched("re", s, [10, last + 20 * s]) for s in range(seeds)]


def judged(
    folder: Path, now: list[Stored], planned: list[object] | None = None, **settings: list[str]
) -> dict[tuple[str, str], Verdict]:
    """Return (label, quantity) -> verdict of runs against the good ones."""
    path = folder / "baselines" / "quick.json"
    write_baseline(loaded(folder / "reference", good()), path)
    comparisons = loaded(folder / "now", now, planned or ())  # type: ignore[arg-type]
    baseline = with_settings(read_baseline(path), **settings)  # type: ignore[arg-type]
    return {(v.label, v.quantity): v for v in judge(comparisons, baseline)}


def outcomes(verdicts: dict[tuple[str, str], Verdict]) -> dict[tuple[str, str], str]:
    return {name: v.outcome for name, v in verdicts.items()}


def test_the_same_runs_are_unchanged_bit_for_bit(tmp_path: Path) -> None:
    found = judged(tmp_path, good())
    assert set(outcomes(found)) == {("one_shot", "tau"), ("re", "drop"), ("re", "accuracy")}
    assert set(outcomes(found).values()) == {"unchanged"}
    assert all(v.value == v.reference and v.seeds == 4 and v.level is None for v in found.values())
    fewer = judged(tmp_path / "fewer", good(seeds=3))
    assert set(outcomes(fewer).values()) == {"unchanged"}
    assert "3 of 4 seeds" in fewer["one_shot", "tau"].reason


def test_what_did_not_change_leaves_its_error_rate_to_what_did(tmp_path: Path) -> None:
    assert judged(tmp_path / "a", good(noise=0.06))["one_shot", "tau"].level == pytest.approx(ERROR_RATE)
    both = judged(tmp_path / "b", good(noise=0.06, last=3001))
    assert both["one_shot", "tau"].level == pytest.approx(0.8 * ERROR_RATE)
    assert both["re", "accuracy"].level == pytest.approx(0.1 * ERROR_RATE)


def test_seeds_of_the_reference_and_others_are_tested_unpaired(tmp_path: Path) -> None:
    now = [ranked("one_shot", s, [noisy(s, 0.05)]) for s in range(2, 6)]
    verdict = judged(tmp_path, now + good()[4:])["one_shot", "tau"]
    assert (verdict.outcome, verdict.kind, verdict.seeds) == ("ok", "unpaired", 4)


def test_worse_tau_is_a_regression_and_only_that(tmp_path: Path) -> None:
    found = judged(tmp_path, good(noise=0.3))
    assert found["one_shot", "tau"].kind == "paired"
    assert outcomes(found) == {
        ("one_shot", "tau"): "regression", ("re", "drop"): "unchanged", ("re", "accuracy"): "unchanged"
    }  # fmt: skip
    verdict = found["one_shot", "tau"]
    assert verdict.value is not None
    assert verdict.tolerance is not None
    assert verdict.value < verdict.reference - verdict.tolerance
    assert f"worse by {verdict.reference - verdict.value:.4f}, allowed" in verdict.reason


def test_worse_accuracy_is_a_regression(tmp_path: Path) -> None:
    assert judged(tmp_path, good(last=2000))["re", "accuracy"].outcome == "regression"


def test_a_larger_drop_is_a_regression(tmp_path: Path) -> None:
    now = [ranked("one_shot", s, [noisy(s, 0.05)]) for s in range(4)]
    now += [searched("re", s, [3520, 3510, 3490, 3480, 3485, 3475, 3000 + 20 * s]) for s in range(4)]
    found = judged(tmp_path, now)
    assert found["re", "drop"].outcome == "regression"
    assert found["re", "accuracy"].outcome == "unchanged"


def test_better_is_never_a_regression(tmp_path: Path) -> None:
    found = judged(tmp_path, good(noise=0.001, last=3400))
    assert {v.closes for v in found.values()} == {False}
    assert "better by" in found["re", "accuracy"].reason


def test_a_method_that_became_erratic_is_said_to_be(tmp_path: Path) -> None:
    now = [ranked("one_shot", s, [noisy(s, noise)]) for s, noise in enumerate((0.01, 0.01, 0.4, 2.0), start=4)]
    verdict = judged(tmp_path, now + good()[4:])["one_shot", "tau"]
    assert "its spread over seeds has grown from 0.0" in verdict.reason


def case(label: str, old: list[float], new: list[float], quantity: Quantity = "tau", first: int = 100) -> Case:
    return Case("d", label, quantity, dict(enumerate(old)), dict(enumerate(new, start=first)))


def standardised(values: list[float], mean: float, sd: float) -> list[float]:
    array = np.array(values)
    return list(mean + sd * (array - array.mean()) / array.std(ddof=1))


@pytest.mark.parametrize("first", [0, 100], ids=["paired", "unpaired"])
def test_a_tau_that_fell_by_a_third_closes_a_gate_of_eighteen_values(first: int) -> None:
    """Epochs 60 -> 40: 0.393 to 0.259 over four seeds each, B - A -0.134 [-0.220, -0.047]."""
    rng = np.random.default_rng(0)
    before = standardised([1.0, -0.3, 0.4, -1.1], 0.393, 0.05)
    after = standardised([0.2, 0.8, -1.2, 0.3], 0.259, 0.05)
    cases = [case("one_shot", before, after, first=first)]
    for i in range(3):
        cases.append(case(f"other {i}", *(list(rng.normal(0.5, 0.05, 4)) for _ in range(2)), first=first))
    for i in range(14):
        drawn = (list(rng.normal(0.9, 0.02, 4)) for _ in range(2))
        cases.append(case(f"method {i % 7}", *drawn, quantity="drop" if i % 2 else "accuracy", first=first))
    verdicts = {(v.label, v.quantity): v for v in judge_cases([cases])}
    verdict = verdicts["one_shot", "tau"]
    assert verdict.kind == ("unpaired" if first else "paired")
    assert verdict.outcome == "regression"
    assert verdict.tolerance is not None
    assert verdict.tolerance < 0.134


def test_a_drop_that_no_single_entry_shows_is_seen_by_all_together() -> None:
    rng = np.random.default_rng(1)
    cases = []
    for i in range(6):
        old, new = (
            standardised(list(rng.normal(size=10)), 0.4, 0.05),
            standardised(list(rng.normal(size=4)), 0.35, 0.05),
        )
        cases.append(case(f"m{i}", old, new))
    together, *each = judge_cases([cases])
    assert (together.label, together.outcome) == (TOGETHER, "regression")
    assert together.reference - (together.value or 0) == pytest.approx(0.05)
    assert {v.outcome for v in each} == {"ok"}
    assert sum(v.level or 0 for v in (together, *each)) == pytest.approx(ERROR_RATE)


def test_one_bad_seed_of_three_is_no_regression_and_three_are() -> None:
    old = [0.93, 0.94, 0.92, 0.93, 0.95, 0.93, 0.94, 0.91, 0.93, 0.92]
    [one] = judge_cases([[case("darts", old, [0.93, 0.94, 0.31], "accuracy")]])
    assert one.outcome == "ok"
    assert "of all arrangements of these values are as bad: a few bad seeds may do it" in one.reason
    [three] = judge_cases([[case("darts", old, [0.5, 0.7, 0.31], "accuracy")]])
    assert three.outcome == "regression"


def test_a_difference_below_the_floor_is_none() -> None:
    [verdict] = judge_cases([[case("a", [0.5, 0.5, 0.5001], [0.49, 0.49, 0.4901])]])
    assert (verdict.outcome, verdict.tolerance, verdict.resolves) == ("ok", FLOORS["tau"], FLOORS["tau"])
    assert "tau 0.02" in STATEMENT


def test_a_tolerance_stands_in_place_of_the_test(tmp_path: Path) -> None:
    now = good(noise=0.3)
    found = judged(tmp_path / "a", now, tolerances=["one_shot:tau=0.9"])["one_shot", "tau"]
    assert (found.outcome, found.kind, found.tolerance, found.level) == ("ok", "tolerance", 0.9, None)
    tight = judged(tmp_path / "b", good(noise=0.051), tolerances=["tau=0"])["one_shot", "tau"]
    assert tight.outcome == ("regression" if (tight.worse or 0) > 0 else "ok")


def test_what_is_not_judged_is_shown_and_closes_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path, good(noise=0.3, last=2000), ignored=["re"], quantities=["tau"])
    assert outcomes(found) == {
        ("one_shot", "tau"): "regression", ("re", "drop"): "not judged", ("re", "accuracy"): "not judged"
    }  # fmt: skip
    assert found["one_shot", "tau"].level == pytest.approx(ERROR_RATE)


def test_random_search_spends_nothing_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    baseline = write_baseline(
        loaded(tmp_path / "r", [searched("random_search", s, [10, 3000 + s]) for s in range(4)]), path
    )
    now = loaded(tmp_path / "n", [searched("random_search", s, [10, 1000 + s]) for s in range(4)])
    assert {v.outcome for v in judge(now, baseline)} == {"not judged"}
    asked = with_settings(baseline, labels=["random_search"])
    assert {v.quantity: v.outcome for v in judge(now, asked)}["accuracy"] == "regression"


def test_what_changed_is_named(tmp_path: Path) -> None:
    reference = [searched("re", s, [5], params={"epochs": 60, "lr": 0.1}) for s in range(3)]
    baseline = write_baseline(loaded(tmp_path / "r", reference), tmp_path / "b.json")
    now = loaded(tmp_path / "n", [searched("re", s, [5], params={"epochs": 40, "lr": 0.1}) for s in range(3)])
    for verdict in judge(now, baseline):
        assert [str(change) for change in verdict.changed] == ["epochs 60 -> 40"]
        assert as_json(verdict)["changed"] == ["epochs 60 -> 40"]


@pytest.mark.parametrize(
    ("now", "planned", "said"),
    [
        (good(seeds=2), [], "2 seeds, judged from 3 on"),
        ([*good(), searched("re", 4, [5], status="failed")], [], "1 failed and 0 incomplete runs of 5"),
        (good(), [key("re", 9)], "0 failed and 1 incomplete runs of 5"),
        (good()[:4], [], "not in the store, which has one_shot"),
        ([*good()[:4], searched("re", 0, [5], status="failed")], [], "no run ended well"),
        ([], [], "the store has no runs on planted, space planted"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_the_reason(tmp_path: Path, now, planned, said: str) -> None:
    verdict = judged(tmp_path, now, planned)["re", "accuracy"]
    assert verdict.outcome == "refused"
    assert said in verdict.reason
    assert verdict.tolerance is None


def test_another_panel_is_refused(tmp_path: Path) -> None:
    now = [ranked("one_shot", s, [noisy(s, 0.05, SMALL_PANEL)], panel=SMALL_PANEL) for s in range(4)]
    verdict = judged(tmp_path, now)["one_shot", "tau"]
    assert verdict.outcome == "refused"
    assert "planted-uniform-300" in verdict.reason
    assert "planted-uniform-60" in verdict.reason


def test_another_table_is_refused_naming_both_digests(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    [found] = loaded(tmp_path / "r", good())
    write_baseline([found], path)
    for verdict in judge([replace(found, table_digest="f" * 64)], read_baseline(path)):
        assert verdict.outcome == "refused"
        assert "f" * 64 in verdict.reason
        assert str(BENCHMARK.digest) in verdict.reason


def test_another_version_is_refused_naming_both(tmp_path: Path) -> None:
    [found] = loaded(tmp_path / "r", good())
    write_baseline([replace(found, contexts={"planted": Context(version="v1.0")})], tmp_path / "b.json")
    now = replace(found, table_digest="f" * 64, contexts={"planted": Context(version="v1.1")})
    for verdict in judge([now], read_baseline(tmp_path / "b.json")):
        assert verdict.outcome == "refused"
        assert f"made with table {BENCHMARK.digest} (v1.0), the runs with table {'f' * 64} (v1.1)" in verdict.reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"budget_s": 12000.0}, "the reference had a budget of no limit, the runs of 12000 s"),
        ({"benchmark": "planted?seeds=draw"}, "the reference was made on planted, the runs on planted?seeds=draw"),
    ],
)
def test_another_protocol_is_refused_naming_both(tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = tmp_path / "b.json"
    [found] = loaded(tmp_path / "r", good())
    write_baseline([found], path)
    runs = [replace(o, run=replace(o.run, key=replace(o.run.key, **change))) for o in found.outcomes["re"]]
    other = replace(found, outcomes={**found.outcomes, "re": tuple(runs)})
    told = {(v.label, v.outcome, v.reason) for v in judge([other], read_baseline(path)) if v.label == "re"}
    assert told == {("re", "refused", said)}


def test_two_spaces_on_one_data_set_are_told_apart(tmp_path: Path) -> None:
    found = loaded(tmp_path / "r", good())
    baseline = write_baseline(found, tmp_path / "b.json")
    (one,) = baseline.comparisons
    assert {v.dataset for v in judge(found, baseline)} == {one.dataset}
    both = baseline.model_copy(update={"comparisons": (one, one.model_copy(update={"space": "other"}))})
    verdicts = judge(found, both)
    assert {v.dataset for v in verdicts} == {f"{one.dataset}, {one.space}", f"{one.dataset}, other"}
    assert {v.outcome for v in verdicts if v.dataset.endswith("other") and v.label == "re"} == {"refused"}


def test_what_it_judges_must_be_readable_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    found = loaded(tmp_path / "r", good())
    baseline = write_baseline(found, path)
    lost = Unreadable("planted", "planted", BENCHMARK.digest, ("planted",), 3, DigestError("the table was changed"))
    with pytest.raises(DigestError, match="the table was changed"):
        check_readable(baseline, [], [lost])
    check_readable(baseline, found, [replace(lost, table_digest="f" * 64)])
    check_readable(baseline, found, [replace(lost, dataset="other")])


def test_constant_scores_are_refused(tmp_path: Path) -> None:
    now = [ranked("one_shot", s, [np.ones(300, dtype=np.float32)]) for s in range(4)]
    verdict = judged(tmp_path, now)["one_shot", "tau"]
    assert verdict.outcome == "refused"
    assert "every score of 300 is 1" in verdict.reason


def test_labels_without_a_reference_are_not_judged(tmp_path: Path) -> None:
    found = judged(tmp_path, [*good(), searched("new", 0, [5])])
    assert {label for label, _ in found} == {"one_shot", "re"}


def test_verdicts_become_json(tmp_path: Path) -> None:
    for verdict in judged(tmp_path, good(noise=0.3)).values():
        assert json.loads(json.dumps(as_json(verdict)))["outcome"] == verdict.outcome
