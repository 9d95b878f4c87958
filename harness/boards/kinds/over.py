"""Rank correlation over a hyper-parameter: rows that differ in it alone stand together, as one row.

It answers whether the hyper-parameter matters: its share of the spread of tau beside that of the seeds. Tau is of the
whole space where every run ranked it, and of the panel elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Board, Column, Row, Undefined, Value
from nasboard.harness.boards.kinds.bounds import Bounds
from nasboard.harness.outcomes.outcome import Comparison, PanelTruth, RunOutcome
from nasboard.harness.space import Floats
from nasboard.harness.statistics.components import Components, two_way
from nasboard.harness.statistics.rank import HALF, TENTH, kendall_tau, share_of, top_of

COLUMNS = (
    Column("label", "method"),
    Column("levels", "values", "count", brief=True),
    Column("seeds", "seeds", "count", brief=True),
    Column("tau", "tau", "correlation", True, 3, brief=True),
    Column("tau_interval", "95 %", "correlation", True, 3, brief=True),
    Column("lowest", "lowest", "correlation", True, 3, brief=True),
    Column("highest", "highest", "correlation", True, 3, brief=True),
    Column("sd_levels", "sd, values", "correlation", None, 3, brief=True),
    Column("sd_seeds", "sd, seeds", "correlation", None, 3, brief=True),
    Column("sd_residual", "sd, rest", "correlation", None, 3, brief=True),
    Column("p", "p, no effect", digits=4, brief=True),
    Column("top_half_tau", "top half", "correlation", True, 3),
    Column("top_tenth_tau", "top 10 %", "correlation", True, 3),
    Column("of_attainable", "of attainable", "fraction", True, 1),
    Column("agreement", "seeds agree", "correlation", True, 3),
    Column("cost_s", "cost", "seconds", False, 0, measured=True),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What one run says.

    Attributes:
        scores: of the whole space, or of the panel, `(n,)`.
        tau: against the truth, and within its best half and tenth.
        cost_s: of the run.
    """

    scores: Floats
    tau: tuple[float, float, float]
    cost_s: float


Cells = Mapping[tuple[str, int], Cell]  # (value, seed) -> what the run says


def over_board(comparison: Comparison, title: str, key: str) -> Board:
    """Return the board of a comparison: a row for all that differs in the hyper-parameter `key` alone."""
    groups: dict[tuple[str, ...], list[tuple[str, RunOutcome]]] = {}
    for label, outcomes in comparison.outcomes.items():
        for outcome in measures.ended(outcomes):
            params = dict(outcome.run.key.params)
            if key in params and outcome.rankings:
                del params[key]
                same = (_without(label, key), outcome.run.key.method, outcome.run.key.benchmark, json.dumps(params))
                groups.setdefault(same, []).append((label, outcome))
    several = {
        same: runs for same, runs in groups.items() if len({json.dumps(o.run.key.params[key]) for _, o in runs}) > 1
    }
    rows = [row for (name, *_), runs in several.items() for row in _rows(comparison, name, runs, key)]
    return Board("over", title, COLUMNS, tuple(rows), _notes(key))


def _rows(comparison: Comparison, name: str, runs: Sequence[tuple[str, RunOutcome]], key: str) -> list[Row]:
    whole = comparison.whole if all(o.all_scores is not None for _, o in runs) else None
    truth = whole or comparison.panels.get(str(runs[0][1].run.key.panel))
    if truth is None:
        return []
    cells = {(json.dumps(o.run.key.params[key]), o.run.key.seed): _cell(o, truth, whole is not None) for _, o in runs}
    return [{"label": name} | _values(cells, Bounds.of(comparison.space, truth))]


def _cell(outcome: RunOutcome, truth: PanelTruth, whole: bool) -> Cell:
    scores = outcome.all_scores if whole else outcome.rankings[-1].scores
    assert scores is not None
    each, true = [], truth.truth
    for share in (1.0, HALF, TENTH):
        top = top_of(true, share_of(len(true), share))
        each.append(float(kendall_tau(scores[top], true[top])))
    return Cell(scores, (each[0], each[1], each[2]), outcome.run.cost_s or 0.0)


def _values(cells: Cells, seen: Bounds) -> dict[str, Value]:
    levels, seeds = sorted({level for level, _ in cells}), sorted({seed for _, seed in cells})
    whole = [seed for seed in seeds if all((level, seed) in cells for level in levels)]
    taus = np.array([[cells[level, seed].tau[0] for seed in whole] for level in levels])
    found = measures.defined(lambda: two_way(taus))
    means = [float(np.mean([c.tau[0] for (level, _), c in cells.items() if level == each])) for each in levels]
    attainable = seen.attainable["tau"]

    def of(part: Callable[[Components], float]) -> Value:
        return found if isinstance(found, Undefined) else part(found)

    tau = float(np.mean(means))
    return {
        "levels": len(levels),
        "seeds": len(seeds),
        "tau": tau,
        "tau_interval": measures.t_interval(taus.mean(axis=0).tolist(), (-1.0, 1.0)) if whole else _partly(seeds),
        "lowest": min(means),
        "highest": max(means),
        "sd_levels": of(lambda c: c.factor),
        "sd_seeds": of(lambda c: c.seeds),
        "sd_residual": of(lambda c: c.residual),
        "p": of(lambda c: c.p),
        "top_half_tau": float(np.mean([c.tau[1] for c in cells.values()])),
        "top_tenth_tau": float(np.mean([c.tau[2] for c in cells.values()])),
        "of_attainable": tau / attainable if isinstance(attainable, float) else attainable,
        "agreement": _agreement(cells, levels, seeds),
        "cost_s": float(np.mean([c.cost_s for c in cells.values()])),
    }


def _agreement(cells: Cells, levels: Sequence[str], seeds: Sequence[int]) -> Value:
    """Return the mean tau between the scores of two seeds of one value."""
    pairs = [(level, a, b) for level in levels for a, b in combinations(seeds, 2)]
    both = [(cells[x, a], cells[x, b]) for x, a, b in pairs if (x, a) in cells and (x, b) in cells]
    return float(np.mean([kendall_tau(a.scores, b.scores) for a, b in both])) if both else Undefined("one seed")


def _partly(seeds: Sequence[int]) -> Undefined:
    return Undefined(f"none of {len(seeds)} seeds has every value")


def _without(label: str, key: str) -> str:
    return re.sub(rf", {re.escape(key)}=[^,]*", "", label)


def _notes(key: str) -> tuple[str, ...]:
    return (
        f"A row is all that differs in {key} alone; tau is the mean over its values, lowest and highest those of the "
        "means over seeds of one value, 95 % over the seeds that have every value.",
        "sd: components of a two-way analysis of variance over these seeds, values beside seeds; p of the F test that "
        "the value has no effect. Runs of one seed are blocks.",
        "Seeds agree: tau between scores of two seeds of one value, a mean over pairs. Top half and top 10 % are by "
        "true accuracy.",
    )
