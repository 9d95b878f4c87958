"""What the report draws of transformations, against numbers from the table of digits201."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, NONE, POOL, SKIP
from nasboard.harness.boards.gains import effects_of
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.panel import Panel
from nasboard.harness.report.page import html
from nasboard.harness.report.pictures.figures import Figure, colours
from nasboard.harness.report.pictures.transformation import transformation_figures, transformed_cells
from nasboard.harness.space import Choice
from tests.harness.transformed_runs import BENCHMARK, SPACE, compared, transforming

BEFORE = np.array([[CONV3, NONE, SKIP, POOL, CONV1, SKIP], [CONV3] * 6, [CONV1, CONV3] * 3], dtype=Choice)
AFTER = np.array([[CONV3, SKIP, SKIP, SKIP, CONV1, SKIP], [CONV3] * 6, [CONV1, NONE] * 3], dtype=Choice)
PANEL = Panel("nb201-known", BEFORE)
LABELS = ("same", "some")


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    made = {"same": BEFORE, "some": AFTER}
    runs = [transforming(name, seed, (PANEL,), {PANEL.identity: made[name]}) for name in LABELS for seed in (3, 4)]
    return compared(tmp_path_factory.mktemp("runs"), runs, (PANEL,))


def drawn(comparison: Comparison) -> dict[str, Figure]:
    return {figure.key: figure for figure in transformation_figures(comparison, "p", colours(LABELS))}


def data(figure: Figure) -> list[dict[str, object]]:
    assert isinstance(figure.spec, dict)
    return figure.spec["data"]  # type: ignore[return-value]


def test_points_are_accuracies_before_and_after(comparison: Comparison) -> None:
    same, some, line = data(drawn(comparison)["p-transformed"])
    assert same["x"] == same["y"] == some["x"]
    assert some["y"] == pytest.approx(100 * BENCHMARK.truth(AFTER), abs=1e-3)
    assert line["x"] == line["y"]


def test_arrows_of_the_best_label_lead_to_fewer_parameters(comparison: Comparison) -> None:
    traces = data(drawn(comparison)["p-arrows"])
    gains = {"same": 0.0, "some": float((BENCHMARK.truth(AFTER) - BENCHMARK.truth(BEFORE)).mean())}
    best = max(gains, key=gains.__getitem__)
    shown = [t["name"] for t in traces if t["mode"] == "lines" and t.get("visible") != "legendonly"]
    assert shown == [best]
    some = next(t for t in traces if t.get("name") == "some")
    counted = BENCHMARK.context.counted
    assert counted is not None
    ends = [counted(archs)["parameters"] / 1000 for archs in (BEFORE, AFTER)]
    assert some["x"] == [v for pair in zip(*ends, strict=True) for v in (*pair, None)]


def test_what_a_change_brings_is_measured_with_the_others_left_as_they_became(comparison: Comparison) -> None:
    runs = comparison.outcomes["some"]
    found = effects_of(comparison, comparison.panels[PANEL.identity], [o.became[PANEL.identity] for o in runs[:1]])
    alone = AFTER[[0]].copy()
    alone[0, 1] = NONE
    assert found["N->S"] == pytest.approx(BENCHMARK.truth(AFTER[[0]]) - BENCHMARK.truth(alone))
    assert {name: len(values) for name, values in found.items()} == {"N->S": 1, "O->N": 3, "O->S": 1}
    bars = data(drawn(comparison)["p-transitions"])
    assert [bar["name"] for bar in bars] == ["some"]
    assert bars[0]["x"] == ["N → S", "O → N", "O → S"]


def test_changed_edges_are_marked_before_and_after(comparison: Comparison) -> None:
    cells = transformed_cells(comparison)
    assert "same" not in cells
    pairs = list(zip(cells["some"][::2], cells["some"][1::2], strict=True))
    for before, after in pairs:
        old, new = SPACE.encode(before.spec), SPACE.encode(after.spec)
        marks = [[edge.mark == "changed" for edge in cell.drawings[0].edges] for cell in (before, after)]
        assert marks[0] == marks[1] == (old != new).tolist()
        assert (before.role, after.role) == ("before", "after")
        assert before.note.endswith("seed 3")


def test_the_page_has_a_section_where_something_was_transformed(comparison: Comparison, tmp_path: Path) -> None:
    assert 'id="part-0-transformation"' in html([comparison], [], "t")
    plain = compared(tmp_path, [transforming("same", 0, (PANEL,), {})], (PANEL,))
    assert transformation_figures(plain, "p", {}) == ()
    assert "part-0-transformation" not in html([plain], [], "t")
