from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.boards import render
from nasboard.harness.boards.board import Board, Undefined
from nasboard.harness.boards.fronts.pareto import make
from nasboard.harness.boards.measures import t_interval
from nasboard.harness.errors import MissingDataError, UnknownNameError
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.space import Archs, Bools, Floats
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.pareto import front, hypervolume
from nasboard.harness.store import Moved
from tests.harness.devices import CONTEXT, compared, latency, visiting
from tests.harness.stored_runs import ARCHS, BENCHMARK, TRUTH, loaded, searched

LATENCY = latency(ARCHS)
ERROR = (TRUTH.max() - TRUTH) / (TRUTH.max() - TRUTH.min())
POINTS = np.stack([ERROR, (LATENCY - LATENCY.min()) / (LATENCY.max() - LATENCY.min())], axis=1)
PLACES = {seed: np.random.default_rng(seed).integers(0, len(ARCHS), 30).tolist() for seed in range(4)}
RUNS = [visiting("random_search", seed, places) for seed, places in PLACES.items()]
FEW = [visiting("few", seed, [3, 3, 40 + seed]) for seed in range(4)]


def board(comparisons: list[Comparison], objective: str | None = "watch_latency") -> Board:
    [made] = make(comparisons, objective)
    for row in made.rows:
        assert set(row) == {column.key for column in made.columns}
    return made


def row(made: Board, label: str) -> dict[str, object]:
    [found] = [dict(r) for r in made.rows if r["label"] == label]
    return found


def test_hypervolume_is_that_of_the_visited_over_the_range_of_the_space(tmp_path: Path) -> None:
    made = board(compared(tmp_path, [*RUNS, *FEW]))
    found = row(made, "random_search")
    volumes = [hypervolume(POINTS[places]) for places in PLACES.values()]
    assert found["hypervolume"] == pytest.approx(np.mean(volumes))
    assert found["hypervolume_spread"] == pytest.approx(np.std(volumes, ddof=1))
    interval = t_interval(volumes)
    assert isinstance(interval, Interval)
    assert found["hypervolume_interval"] == Interval(pytest.approx(interval.low), pytest.approx(interval.high))
    assert found["share"] == pytest.approx(np.mean(volumes) / hypervolume(POINTS))
    assert found["front"] == np.mean([len(front(POINTS[np.unique(places)])) for places in PLACES.values()])
    assert found["visited"] == np.mean([len(set(places)) for places in PLACES.values()])
    assert (found["seeds"], found["failed"], found["incomplete"]) == (4, 0, 0)
    assert row(made, "few")["visited"] == 2  # the one visited twice counts once


def test_the_largest_hypervolume_comes_first_and_the_true_front_last(tmp_path: Path) -> None:
    made = board(compared(tmp_path, [*FEW, *RUNS]))
    assert [r["label"] for r in made.rows] == ["random_search", "few", "true front"]
    last = made.rows[-1]
    assert (last["hypervolume"], last["share"]) == (pytest.approx(hypervolume(POINTS)), 1.0)
    assert (last["front"], last["visited"]) == (len(front(POINTS)), len(ARCHS))


def test_fronts_are_of_all_seeds_together_and_in_json_alone(tmp_path: Path) -> None:
    made = board(compared(tmp_path, RUNS))
    every = np.unique(np.concatenate(list(PLACES.values())))
    along = every[front(POINTS[every])]
    told = json.loads(render.to_text([made], "json"))[0]["fronts"]
    assert told["random_search"] == [
        {"spec": BENCHMARK.space.decode(ARCHS[i]), "accuracy": TRUTH[i], "value": LATENCY[i]} for i in along
    ]
    assert len(told["true front"]) == len(front(POINTS))
    assert not any("p-" in render.to_text([made], form) for form in ("md", "csv", "latex"))


def test_the_title_and_the_notes_say_what_was_compared(tmp_path: Path) -> None:
    made = board(compared(tmp_path, RUNS))
    assert made.title.startswith("Accuracy against watch_latency (ms): planted, space planted, version v1, table")
    notes = " ".join(made.notes)
    assert "reference point (1, 1)" in notes
    assert f"watch_latency from {LATENCY.min():.4g} to {LATENCY.max():.4g} ms" in notes
    assert "Other objectives (--objective): watch_energy." in notes
    assert made.notes[-1] == CONTEXT.notes[-1]


def test_the_notes_say_which_table_the_measurements_are_of(tmp_path: Path) -> None:
    measured = replace(CONTEXT.objectives["watch_latency"], source="watches v3, table 0123456789ab")
    context = replace(CONTEXT, objectives={"watch_latency": measured})
    made = board(compared(tmp_path / "a", RUNS, context))
    assert "watch_latency is of watches v3, table 0123456789ab." in made.notes
    assert not [note for note in board(compared(tmp_path / "b", RUNS)).notes if " is of " in note]


def test_without_a_name_it_is_the_first_objective(tmp_path: Path) -> None:
    assert "watch_energy (mJ)" in board(compared(tmp_path, RUNS), None).title


def test_an_unknown_objective_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'watch_latency'"):
        make(compared(tmp_path, RUNS), "wach_latency")


def test_no_objective_is_missing_data_that_says_which_import_gives_some(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="nasboard data import hw-nas-bench PATH") as caught:
        make(loaded(tmp_path, [searched("a", 0, [7])]), "watch_latency")
    assert caught.value.exit_code == 3


def test_a_comparison_without_objectives_does_not_hide_one_with(tmp_path: Path) -> None:
    plain = loaded(tmp_path / "a", [searched("a", 0, [7])])
    able = compared(tmp_path / "b", RUNS)
    assert len(make([*plain, *able], "watch_latency")) == 1
    [only] = compared(tmp_path / "c", RUNS, replace(CONTEXT, objectives={"b": CONTEXT.objectives["watch_energy"]}))
    assert len(make([*able, only], "watch_latency")) == 1
    assert len(make([*able, only])) == 2


def test_what_has_no_visits_says_why(tmp_path: Path) -> None:
    key = replace(RUNS[0].run.key, method="live", budget_s=None)
    live = replace(RUNS[0].run, key=key, run_id=key.run_id, label="live", queries=0)
    [found] = compared(tmp_path, [RUNS[0]._replace(visits=None), *RUNS[1:], Moved(live, RUNS[0].steps)])
    made = board([found])
    assert "the visits of 1 of 4 seeds are not stored" in row(made, "random_search")["hypervolume"].reason  # type: ignore[attr-defined]
    assert row(made, "live")["hypervolume"] == Undefined("asks no oracle")
    assert set(made.fronts) == {"true front"}


# --- objectives that not all architectures have


def some(archs: Archs) -> Bools:
    return np.asarray(archs.sum(axis=1) % 3 != 0)


def values_of_some(archs: Archs) -> Floats:
    assert some(archs).all()  # nobody asks for what is not there
    return latency(archs)


PARTIAL = replace(CONTEXT.objectives["watch_latency"], of=values_of_some, known=some)
WITH_PARTIAL = replace(CONTEXT, objectives=dict(CONTEXT.objectives) | {"watch_latency": PARTIAL})
KNOWN = some(ARCHS)


def partial_points() -> np.ndarray:
    """Return the points over the range of the known ones; the others are beyond the reference."""
    truth, values = TRUTH[KNOWN], LATENCY[KNOWN]
    error = (truth.max() - TRUTH) / (truth.max() - truth.min())
    scaled = (LATENCY - values.min()) / (values.max() - values.min())
    return np.where(KNOWN[:, None], np.stack([error, scaled], axis=1), 2.0)


def test_a_partial_objective_is_seen_over_the_architectures_that_have_a_value(tmp_path: Path) -> None:
    made = board(compared(tmp_path, RUNS, WITH_PARTIAL))
    found, points = row(made, "random_search"), partial_points()
    volumes = [hypervolume(points[places]) for places in PLACES.values()]
    assert found["hypervolume"] == pytest.approx(np.mean(volumes))
    assert found["share"] == pytest.approx(np.mean(volumes) / hypervolume(points[KNOWN]))
    each = [np.unique(places) for places in PLACES.values()]
    assert found["visited"] == np.mean([len(places) for places in each])
    assert found["lacking"] == np.mean([(~KNOWN[places]).sum() for places in each])
    assert found["front"] == np.mean([len(front(points[p[KNOWN[p]]])) for p in each])
    true = row(made, "true front")
    assert (true["visited"], true["lacking"]) == (len(ARCHS), int((~KNOWN).sum()))
    specs = {BENCHMARK.space.decode(arch) for arch in ARCHS[KNOWN]}
    assert all(point.spec in specs for points in made.fronts.values() for point in points)
    assert len(made.fronts["true front"]) == len(front(points[KNOWN]))


def test_how_many_have_a_value_stands_in_title_notes_and_beside_each_method(tmp_path: Path) -> None:
    told = f"{int(KNOWN.sum()):,} of {len(ARCHS):,} architectures"
    made = board(compared(tmp_path / "a", RUNS, WITH_PARTIAL))
    assert made.title.startswith(f"Accuracy against watch_latency (ms, {told}): planted")
    assert any(note.startswith(f"watch_latency is known of {told}: ranges") for note in made.notes)
    assert "without a value" in render.to_text([made], "md")
    other = board(compared(tmp_path / "b", RUNS, WITH_PARTIAL), "watch_energy")
    assert f"Other objectives (--objective): watch_latency ({told})." in other.notes
    assert other.title.startswith("Accuracy against watch_energy (mJ): planted")
    assert "without a value" not in render.to_text([other], "md")
    assert row(other, "random_search")["lacking"] == 0


def test_a_run_that_visited_nothing_with_a_value_dominates_nothing(tmp_path: Path) -> None:
    lacking = np.flatnonzero(~KNOWN)[:3].tolist()
    made = board(compared(tmp_path, [visiting("few", 0, lacking), *RUNS], WITH_PARTIAL))
    found = row(made, "few")
    assert (found["hypervolume"], found["front"], found["visited"], found["lacking"]) == (0.0, 0, 3, 3)
    assert made.fronts["few"] == ()


def test_an_objective_that_no_architecture_has_is_undefined(tmp_path: Path) -> None:
    none = replace(PARTIAL, known=lambda archs: np.zeros(len(archs), dtype=np.bool_))
    context = replace(CONTEXT, objectives={"watch_latency": none})
    reason = row(board(compared(tmp_path, RUNS, context)), "random_search")["hypervolume"]
    assert reason == Undefined(f"none of the {len(ARCHS):,} architectures has a value of watch_latency")


def test_failed_runs_are_counted_never_averaged_in(tmp_path: Path) -> None:
    [found] = compared(tmp_path, RUNS)
    first, *rest = found.outcomes["random_search"]
    failed = replace(first, run=replace(first.run, status="failed", error="x"))
    made = row(board([replace(found, outcomes={"random_search": (failed, *rest)})]), "random_search")
    volumes = [hypervolume(POINTS[PLACES[seed]]) for seed in (1, 2, 3)]
    assert made["hypervolume"] == pytest.approx(np.mean(volumes))
    assert (made["seeds"], made["failed"]) == (3, 1)


def test_one_seed_has_no_spread(tmp_path: Path) -> None:
    found = row(board(compared(tmp_path, RUNS[:1])), "random_search")
    assert isinstance(found["hypervolume"], float)
    assert found["hypervolume_spread"] == found["hypervolume_interval"] == Undefined("one seed")


def test_random_search_has_a_row_also_where_it_was_not_run(tmp_path: Path) -> None:
    made = board(compared(tmp_path, FEW))
    assert [r["label"] for r in made.rows] == ["few", "random_search", "true front"]
    assert row(made, "random_search")["hypervolume"] == Undefined("not run")


def test_a_space_without_a_whole_has_no_scale(tmp_path: Path) -> None:
    [found] = compared(tmp_path, RUNS)
    made = board([replace(found, whole=None)])
    lost = row(made, "random_search")
    assert "not tabulated as a whole" in lost["hypervolume"].reason  # type: ignore[attr-defined]
    assert lost["seeds"] == 4
    assert made.fronts == {}
