from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.api import Context
from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.harness.gate.verdict import (
    FLOORS,
    STATEMENT,
    Verdict,
    as_json,
    check_readable,
    judge,
    read_baseline,
    tolerance,
    write_baseline,
)
from nasboard.harness.outcomes.load import Unreadable
from tests.harness.stored_runs import BENCHMARK, SMALL_PANEL, Stored, key, loaded, noisy, ranked, searched


def good(seeds: int = 4, noise: float = 0.05, last: int = 3000) -> list[Stored]:
    runs = [ranked("one_shot", s, [noisy(s, noise)]) for s in range(seeds)]
    return runs + [searched("re", s, [10, last + 20 * s]) for s in range(seeds)]


def judged(folder: Path, now: list[Stored], planned: list[object] | None = None) -> dict[tuple[str, str], Verdict]:
    """Return (label, quantity) -> verdict of runs against the good ones."""
    path = folder / "baselines" / "quick.json"
    write_baseline(loaded(folder / "reference", good()), path)
    comparisons = loaded(folder / "now", now, planned or ())  # type: ignore[arg-type]
    return {(v.label, v.quantity): v for v in judge(comparisons, read_baseline(path))}


def outcomes(verdicts: dict[tuple[str, str], Verdict]) -> dict[tuple[str, str], str]:
    return {name: v.outcome for name, v in verdicts.items()}


def test_the_same_runs_pass(tmp_path: Path) -> None:
    found = judged(tmp_path, good())
    assert outcomes(found) == {("one_shot", "tau"): "ok", ("re", "drop"): "ok", ("re", "accuracy"): "ok"}
    assert all(v.value == pytest.approx(v.reference) and v.seeds == 4 for v in found.values())


def test_worse_tau_is_a_regression_and_only_that(tmp_path: Path) -> None:
    found = judged(tmp_path, good(noise=0.3))
    assert outcomes(found) == {("one_shot", "tau"): "regression", ("re", "drop"): "ok", ("re", "accuracy"): "ok"}
    verdict = found["one_shot", "tau"]
    assert verdict.value is not None
    assert verdict.tolerance is not None
    assert verdict.value < verdict.reference - verdict.tolerance
    assert f"worse by {verdict.reference - verdict.value:.4f}, allowed" in verdict.reason


def test_worse_accuracy_is_a_regression(tmp_path: Path) -> None:
    assert judged(tmp_path, good(last=2000))["re", "accuracy"].outcome == "regression"


def test_a_larger_drop_is_a_regression(tmp_path: Path) -> None:
    now = [ranked("one_shot", s, [noisy(s, 0.05)]) for s in range(4)]
    now += [searched("re", s, [3500, 3000 + 20 * s]) for s in range(4)]
    found = judged(tmp_path, now)
    assert found["re", "drop"].outcome == "regression"
    assert found["re", "accuracy"].outcome == "ok"


def test_better_is_never_a_regression(tmp_path: Path) -> None:
    found = judged(tmp_path, good(noise=0.001, last=3400))
    assert set(outcomes(found).values()) == {"ok"}
    assert "better by" in found["re", "accuracy"].reason


def test_a_method_that_became_erratic_does_not_widen_its_tolerance(tmp_path: Path) -> None:
    now = [ranked("one_shot", s, [noisy(s, noise)]) for s, noise in enumerate((0.01, 0.01, 0.4, 2.0))]
    assert judged(tmp_path, now + good()[4:])["one_shot", "tau"].outcome == "regression"


def test_tolerance_is_the_stated_formula(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    baseline = write_baseline(loaded(tmp_path / "r", good(noise=0.4)), path)
    [tau] = [r for r in baseline.comparisons[0].references if r.quantity == "tau"]
    # t of 3 degrees of freedom at 0.95 is 2.353363
    assert tolerance(tau, 9) == pytest.approx(max(0.02, 2.353363 * tau.spread * (1 / 4 + 1 / 9) ** 0.5))
    assert tolerance(tau.model_copy(update={"spread": 1.0}), 9) == pytest.approx(2.353363 * (1 / 4 + 1 / 9) ** 0.5)
    assert tolerance(tau.model_copy(update={"spread": 0.0}), 9) == FLOORS["tau"]
    shared = tolerance(tau.model_copy(update={"spread": 1.0}), 9, judged=10)
    assert shared == pytest.approx(5.840909 * (1 / 4 + 1 / 9) ** 0.5)  # t(0.995, 3)
    assert "t(1 - 0.05 / m, n_ref - 1) * sd_ref * sqrt(1 / n_ref + 1 / n_now)" in STATEMENT


def test_false_alarms_are_as_rare_as_stated() -> None:
    from nasboard.harness.gate.baseline import Reference

    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(2000):
        old, new = rng.standard_normal(3), rng.standard_normal(5)
        reference = Reference(label="a", quantity="tau", mean=float(old.mean()), spread=float(old.std(ddof=1)), seeds=3)
        alarms += old.mean() - new.mean() > tolerance(reference, 5)
    assert 0.035 <= alarms / 2000 <= 0.065


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
    before = json.loads(path.read_text())  # a file from before protocols were written is judged without them
    for reference in before["comparisons"][0]["references"]:
        del reference["benchmark"], reference["budget_s"]
    path.write_text(json.dumps(before))
    assert {v.outcome for v in judge([other], read_baseline(path))} == {"ok"}


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


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([searched("re", s, [5]) for s in range(2)], "re, drop: 2 seeds, judged from 3 on"),
        ([searched("re", s, [5], status="failed" if s == 3 else "done") for s in range(4)], "1 failed"),
        (
            [ranked("r", s, [noisy(s, 0.05, SMALL_PANEL)], panel=SMALL_PANEL) for s in range(3)],
            "a panel of 60 architectures, judged from 100 on",
        ),
        ([ranked("r", s, [np.ones(300, dtype=np.float32)]) for s in range(3)], "every score of 300 is 1"),
        ([], "make some with `nasboard run`"),
    ],
)
def test_no_reference_is_taken_from_what_could_not_be_judged(tmp_path: Path, runs: list[Stored], said: str) -> None:
    path = tmp_path / "b.json"
    with pytest.raises(UsageError, match=said):
        write_baseline(loaded(tmp_path / "r", runs), path)
    assert not path.exists()


def test_a_baseline_is_replaced_whole_and_written_the_same_way_twice(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    comparisons = loaded(tmp_path / "r", good())
    written = write_baseline(comparisons, path)
    first = path.read_bytes()
    write_baseline(comparisons, path)
    assert path.read_bytes() == first
    assert read_baseline(path) == written
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["b.json"]
    assert json.loads(first)["version"] == 1


def test_an_absent_baseline_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="--write"):
        read_baseline(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the file"),
        ('{"version": 2, "comparisons": []}', "version"),
        ('{"version": 1, "comparisons": [], "extra": 1}', "extra"),
        ('{"version": 1}', "comparisons"),
        (
            '{"version": 1, "comparisons": [{"dataset": "d", "space": "s", "table_digest": null, "references": '
            '[{"label": "a", "quantity": "speed", "mean": 1, "spread": 1, "seeds": 3}]}]}',
            "comparisons.0.references.0.quantity",
        ),
    ],
)
def test_a_file_that_is_no_baseline_says_where_it_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_baseline(path)


def test_verdicts_become_json(tmp_path: Path) -> None:
    for verdict in judged(tmp_path, good(noise=0.3)).values():
        assert json.loads(json.dumps(as_json(verdict)))["outcome"] == verdict.outcome
