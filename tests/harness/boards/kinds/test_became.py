"""What single architectures became, where trainings are the truth: intervals over trainings, and what has none yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.boards.board import Row, Undefined
from nasboard.harness.boards.kinds import make
from nasboard.harness.context import Context
from nasboard.harness.panel import Panel
from nasboard.harness.record import StepRecord
from nasboard.harness.statistics.significance import paired
from tests.harness.stored_runs import ARCHS, ORDER, Stored, searched
from tests.harness.trained_runs import TOY, accuracy, loaded, on_toy, trained, trainings

BEFORE, AFTER = (10, 20), (900, 20)  # places in the order of truth
SEEDS = (1000, 1001, 1002)
PANEL = Panel("planted-known", ARCHS[ORDER[list(BEFORE)]])


def transformer() -> Stored:
    """Return a run that made the better of the first architecture, and left the second as it was."""
    run, _ = on_toy(searched("lifts", 0, [0]))
    key = replace(run.key, inputs=(PANEL.identity,))
    became = {PANEL.identity: ARCHS[ORDER[list(AFTER)]]}
    return replace(run, key=key, run_id=key.run_id), [StepRecord(1, 1.0, 1.0, transformed=became)]


def rows(folder: Path, runs: list[Stored]) -> tuple[Row, ...]:
    named = {"plain": TOY.space.decode(PANEL.archs[0])}
    benchmark = replace(TOY, context=Context(trainings=trainings(), named=named))
    [comparison] = loaded(folder, [transformer(), *runs], {"toy": benchmark}, panels=(PANEL,))
    [board] = make([comparison], "became")
    return board.rows


def test_an_interval_is_of_the_difference_over_trainings_of_both(tmp_path: Path) -> None:
    first, second = rows(tmp_path, trained((*BEFORE, *AFTER), SEEDS))
    old, new = (np.array([accuracy(ARCHS[ORDER[place]], seed) for seed in SEEDS]) for place in (10, 900))
    test = paired(new - old)
    assert (first["architecture"], first["trainings"]) == ("plain", 3)
    assert first["gain"] == pytest.approx(new.mean() - old.mean())
    assert first["gain_interval"] == test.interval()
    assert first["p"] == test.p
    assert (second["gain"], second["p"]) == (0.0, 1.0)
    assert second["architecture"] == TOY.space.decode(PANEL.archs[1])
    assert first["parameters"] == Undefined("not counted")


def test_one_training_each_is_no_interval_and_an_untrained_one_is_said(tmp_path: Path) -> None:
    first, _ = rows(tmp_path / "one", trained((*BEFORE, *AFTER), SEEDS[:1]))
    assert first["gain_interval"] == first["p"] == Undefined("1 trainings")
    first, _ = rows(tmp_path / "part", trained(BEFORE, SEEDS))
    assert isinstance(first["gain"], Undefined)
    assert "of what it became, 1 of 2 architectures of the panel are trained" in first["gain"].reason
    assert isinstance(first["before"], float)
