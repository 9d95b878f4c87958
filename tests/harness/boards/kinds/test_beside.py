from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness import registry
from nasboard.harness.boards import kinds, render
from nasboard.harness.boards.board import Board, Quoted, Undefined
from nasboard.harness.context import Context
from nasboard.harness.errors import MissingDataError
from nasboard.harness.space import Archs
from nasboard.harness.store import Moved
from tests.harness.devices import BUDGET_S, CONTEXT, NAME, compared, visiting
from tests.harness.stored_runs import TRUTH, loaded, searched

RANDOM = [visiting("random_search", seed, [5, 100 * seed + 9]) for seed in range(3)]
OTHER = [visiting("reinforce", seed, [50 * seed + 7]) for seed in range(3)]


def accuracy_board(folder: Path, context: Context = CONTEXT) -> Board:
    [made] = kinds.make(compared(folder, [*RANDOM, *OTHER], context), only="accuracy")
    for row in made.rows:
        assert set(row) == {column.key for column in made.columns}
    return made


def row(made: Board, label: str) -> dict[str, object]:
    [found] = [dict(r) for r in made.rows if r["label"] == label]
    return found


def test_final_architectures_are_scored_on_the_other_data_set(tmp_path: Path) -> None:
    found = row(accuracy_board(tmp_path), "random_search")
    finals = TRUTH[[9, 109, 209]] / 2
    assert found["on_dots"] == pytest.approx(finals.mean())
    assert found["on_dots_spread"] == pytest.approx(finals.std(ddof=1))


def test_a_published_figure_stands_beside_the_same_method_at_the_same_budget(tmp_path: Path) -> None:
    made = accuracy_board(tmp_path)
    found = row(made, "random_search")
    assert found["published"] == Quoted(0.9370, 0.0036, "M")
    assert found["published_source"] == "A paper, Table 5; from memory"
    assert found["published_dots"] == Quoted(0.7104, None, "T")
    assert {row(made, "reinforce")[k] for k in ("published", "published_dots")} == {Undefined("none")}
    [note] = [line for line in made.notes if line.startswith("Published")]
    assert "[M] quoted from memory, unverified: not to be cited as the paper's" in note
    assert "[T] read in a text that quotes it" in note


def test_a_figure_of_another_budget_or_benchmark_is_not_beside(tmp_path: Path) -> None:
    for i, other in enumerate(({"budget_s": 2 * BUDGET_S}, {"benchmark": "planted@v1"})):
        runs = [visiting("random_search", seed, [5], **other) for seed in range(3)]  # type: ignore[arg-type]
        [found] = compared(tmp_path / str(i), runs)
        if "benchmark" in other:  # its own context quotes nothing
            found = replace(found, contexts={**{NAME: CONTEXT}, "planted@v1": replace(CONTEXT, published=())})
        [made] = kinds.make([found], only="accuracy")
        assert not [c.key for c in made.columns if c.key.startswith("published")]
        assert not [line for line in made.notes if line.startswith("Published")]


@pytest.mark.parametrize("published", [{}, {"population": 50}])
def test_a_figure_is_of_the_published_settings_alone(tmp_path: Path, published: dict[str, int]) -> None:
    figure = replace(CONTEXT.published[0], method="regularized_evolution", params=published)
    context = replace(CONTEXT, published=(figure, replace(figure, method="gone")))
    default = registry.resolved(registry.method("regularized_evolution"))
    runs = []
    for label, params in (("default", default), ("larger", default | {"population": 50})):
        for run, *rest in [visiting("regularized_evolution", seed, [5]) for seed in range(3)]:
            key = replace(run.key, params=params)
            runs.append(Moved(replace(run, run_id=key.run_id, key=key, label=label), *rest))
    runs += [visiting("gone", seed, [5]) for seed in range(3)]  # a method that cannot be asked for its defaults
    [made] = kinds.make(compared(tmp_path, runs, context), only="accuracy")
    same, *others = ("larger", "default", "gone") if published else ("default", "larger", "gone")
    assert row(made, same)["published"] == Quoted(0.9370, 0.0036, "M")
    assert {row(made, label)["published"] for label in others} == {Undefined("none")}
    assert any("the same method with the same settings" in note for note in made.notes)


def test_settings_that_only_measure_may_be_others_than_the_published_ones(tmp_path: Path) -> None:
    default = registry.resolved(registry.method("regularized_evolution"))
    runs = [visiting("regularized_evolution", seed, [5]) for seed in range(3)]
    for i, run in enumerate(runs):
        key = replace(run.run.key, params=default | {"population": 50})
        runs[i] = run._replace(run=replace(run.run, run_id=key.run_id, key=key))
    figure = replace(CONTEXT.published[0], method="regularized_evolution")
    for measuring, expected in ((set(), None), ({"population"}, Quoted(0.9370, 0.0036, "M")), ({"sample"}, None)):
        context = replace(CONTEXT, published=(replace(figure, measuring=frozenset(measuring)),))
        [made] = kinds.make(compared(tmp_path / str(len(measuring)) / str(expected), runs, context), only="accuracy")
        assert row(made, "regularized_evolution").get("published") == expected


def test_people_read_percent_and_marks_and_machines_fractions_and_sources(tmp_path: Path) -> None:
    made = accuracy_board(tmp_path)
    shown = render.to_text([made], "md")
    assert "93.70 ± 0.36 \\[M\\]" in shown
    assert "71.04 \\[T\\]" in shown
    assert "A paper" not in shown
    told = {r["label"]: r for r in json.loads(render.to_text([made], "json"))[0]["rows"]}
    assert told["random_search"]["published"] == {"mean": 0.937, "sd": 0.0036, "mark": "M"}
    assert told["random_search"]["published_source"] == "A paper, Table 5; from memory"
    assert told["random_search"]["on_dots_spread"] > 0
    assert told["reinforce"]["published"] is None
    head, *rows = csv.reader(render.to_text([made], "csv").splitlines())
    [mine] = [dict(zip(head, cells, strict=False)) for cells in rows if "random_search" in cells]
    kept = [mine[f"published_{part}"] for part in ("mean", "sd", "mark")]
    assert kept == ["0.937", "0.0036", "M"]
    assert mine["published_dots_sd"] == ""
    assert "published_dots_sd: not given" in mine["undefined"]


def test_without_anything_to_show_the_board_is_what_it_was(tmp_path: Path) -> None:
    [plain] = kinds.make(loaded(tmp_path / "a", [searched("random_search", 0, [7])]), only="accuracy")
    assert not [c.key for c in plain.columns if c.key.startswith(("published", "on_"))]
    bare = accuracy_board(tmp_path / "b", Context())
    assert [c.key for c in bare.columns] == [c.key for c in plain.columns]
    assert bare.notes == plain.notes


def test_titles_and_notes_carry_the_version_and_what_the_benchmark_says(tmp_path: Path) -> None:
    for made in kinds.make(compared(tmp_path, RANDOM)):
        assert "planted, space planted, version v1, table" in made.title
        assert made.notes[-1] == "seeds=draw: a query shows one training"


def test_an_architecture_that_the_other_table_lacks_is_undefined_with_the_reason(tmp_path: Path) -> None:
    def lacking(archs: Archs) -> dict[str, np.ndarray]:
        raise MissingDataError("the table was imported with --partial")

    made = accuracy_board(tmp_path, replace(CONTEXT, transfer=lacking))
    assert row(made, "reinforce")["on_other data sets"] == Undefined("the table was imported with --partial")


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (
            lambda archs: {"dots": np.full(len(archs), 92.67)},
            "truth on dots has values from 92.67 to 92.67, allowed are",
        ),
        (lambda archs: {"dots": np.full(len(archs), np.nan)}, "truth on dots has 6 of 6 values not finite"),
        (lambda archs: {"dots": np.full((len(archs), 1), 0.5)}, "truth on dots gives float64 (6, 1), allowed are"),
    ],
)
def test_a_wrong_truth_of_another_data_set_is_undefined_with_the_reason(
    tmp_path: Path, other: Callable[[Archs], dict[str, np.ndarray]], says: str
) -> None:
    found = row(accuracy_board(tmp_path, replace(CONTEXT, transfer=other)), "reinforce")
    assert isinstance(found["on_other data sets"], Undefined)
    assert found["on_other data sets"].reason.startswith(f"{NAME}: {says}")


def test_a_label_without_an_ended_run_has_no_figures(tmp_path: Path) -> None:
    [found] = compared(tmp_path, [*RANDOM, *OTHER])
    failed = tuple(replace(o, run=replace(o.run, status="failed", error="x")) for o in found.outcomes["reinforce"])
    [made] = kinds.make([replace(found, outcomes={**found.outcomes, "reinforce": failed})], only="accuracy")
    assert row(made, "reinforce")["on_dots"] == Undefined("no incumbent")
