"""The transformation board: by how much methods improve the architectures they are given, and at what cost.

A row a method and panel of inputs. Gains are true accuracies after minus before; costs never rise, or the run failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from nasboard.harness.boards import gains, measures
from nasboard.harness.boards.board import NOT_APPLICABLE, Board, Column, Undefined, Value
from nasboard.harness.boards.gains import NO_TRANSFORM, Best
from nasboard.harness.boards.kinds.accuracy import significance
from nasboard.harness.outcomes.outcome import Comparison, PanelTruth, RunOutcome
from nasboard.harness.panel import CLASSES, is_sample
from nasboard.harness.space import Floats
from nasboard.harness.statistics import intervals
from nasboard.harness.statistics.bootstrap import RESAMPLES, Interval, draw
from nasboard.harness.statistics.significance import ALPHA, MIN_SEEDS, tiers

TRANSITIONS = ("O->S", "O->N", "O->O", "S->N", "N->S")
BEST = "best allowed"
_DRAWN_WITH = 0  # seed of the resamples
_NOTES = (
    "Gain: true accuracy of what an architecture became minus its own, mean over the architectures of the panel and "
    "over seeds that ended well. Better, equal, worse: share of them by the truth, which is noisy; worst: the lowest "
    "gain of one, mean over seeds. 95 %: of a panel that is a sample of the space over architectures and seeds (t "
    f"interval of two variance components, bootstrap of {RESAMPLES} resamples), else over seeds alone.",
    "Parameters, multiply-adds and what else is known: change of the mean over the panel. Parameters and "
    "multiply-adds, where they are counted, never rise: a run that raises those of an architecture has failed.",
    "Changed: share of edges with another operation; O -> S and so on: of all edges, S a skip, N nothing, O any other.",
    "Tiers are within a panel, as on the accuracy board: Student's t on differences by seed, else Welch's, corrected "
    f"together (Shaffer), level {ALPHA}. Under {MIN_SEEDS} seeds: no tier.",
)


def transformation_board(comparison: Comparison, title: str) -> Board:
    """Return the board: panels in the order of the suite, in each the best mean gain first, what bounds it last."""
    labels = [label for label, runs in comparison.outcomes.items() if _transforms(runs)]
    identities = dict.fromkeys(
        each for label in labels for o in comparison.outcomes[label] for each in o.run.key.inputs or ()
    )
    extra = _objectives(comparison)
    columns = _columns(extra)
    rows: list[Mapping[str, Value]] = []
    for identity in identities:
        mine = [
            label for label in labels if any(identity in (o.run.key.inputs or ()) for o in comparison.outcomes[label])
        ]
        rows += _of_panel(comparison, identity, mine, columns)
    notes = (*_NOTES, *_best_note(comparison), *_class_note(identities), *_silent(comparison, labels))
    return Board("transformation", title, columns, tuple(rows), notes)


def _transforms(outcomes: Sequence[RunOutcome]) -> bool:
    """Return whether a label transforms; one without an ended run is taken to, when it has inputs."""
    ended = measures.ended(outcomes)
    return any(o.became for o in ended) if ended else any(o.run.key.inputs for o in outcomes)


def _columns(extra: Sequence[str]) -> tuple[Column, ...]:
    def share(key: str, heading: str, better: bool | None = None, detail: bool = False) -> Column:
        return Column(key, heading, "fraction", better, 1, detail=detail)

    return (
        Column("label", "method"),
        Column("inputs", "inputs", brief=True),
        Column("tier", "tier", "rank", False, brief=True),
        Column("gain", "gain", "fraction", True, 2, brief=True, truth="difference"),
        Column("gain_interval", "95 %", "fraction", True, 2, brief=True, truth="difference"),
        Column("gain_spread", "sd over seeds", "fraction", False, 2, detail=True, truth="difference"),
        share("better", "better", True),
        share("equal", "equal", detail=True),
        share("worse", "worse", False),
        Column("worst", "worst", "fraction", True, 1, truth="difference"),
        Column("regret", "regret", "fraction", False, 2, brief=True, truth="difference"),
        Column("parameters", "parameters", "fraction", False, 1, brief=True),
        Column("multiply_adds", "multiply-adds", "fraction", False, 1),
        *(Column(name, name.replace("_", " "), "fraction", False, 1, detail=i > 0) for i, name in enumerate(extra)),
        Column("p", "p", digits=4),
        Column("test", "test", detail=True),
        share("changed", "changed"),
        *(share(name, name.replace("->", " → "), detail=True) for name in TRANSITIONS),
        Column("n", "n", "count"),
        Column("seeds", "seeds", "count", brief=True),
        Column("failed", "failed", "count", False),
        Column("incomplete", "incomplete", "count", False),
        Column("panel", "panel", detail=True),
    )


def _of_panel(
    comparison: Comparison, identity: str, labels: Sequence[str], columns: Sequence[Column]
) -> list[Mapping[str, Value]]:
    panel = comparison.panels.get(identity)
    best = Undefined(comparison.untold[identity]) if panel is None else gains.best_of(comparison, panel)
    found = {label: _matrix(comparison, comparison.outcomes[label], identity) for label in labels}
    placed = tiers(
        {
            label: {s: float(v.mean()) for s, v in each.items()}
            for label, each in found.items()
            if isinstance(each, dict)
        }
    )
    rows = []
    for label in labels:
        outcomes, counted = comparison.outcomes[label], measures.counts(comparison.outcomes[label])
        row = _empty(columns, identity, comparison.space.name) | {
            "label": label,
            "seeds": counted.ended,
            "failed": counted.failed,
        }
        row["incomplete"] = counted.incomplete
        values = found[label]
        if isinstance(values, Undefined) or panel is None:
            lost = values if isinstance(values, Undefined) else Undefined(comparison.untold[identity])
            rows.append(row | {key: lost for key, value in row.items() if value == NO_TRANSFORM})
            continue
        row |= _values(comparison, np.stack(list(values.values())), panel, best) | significance(placed[label])
        rows.append(row | {"n": len(panel.truth)} | _costs(comparison, measures.ended(outcomes), panel))
    rows.sort(key=lambda row: (-row["gain"] if isinstance(row["gain"], float) else np.inf, str(row["label"])))
    if panel is None or isinstance(best, Undefined):
        return [*rows]
    row = dict.fromkeys((column.key for column in columns), NOT_APPLICABLE) | _empty(
        (), identity, comparison.space.name
    )
    gain = {"gain": float(best.gain.mean()), "regret": 0.0}
    return [*rows, row | {"label": BEST, "n": len(best.gain)} | gain]


def _empty(columns: Sequence[Column], identity: str, space: str) -> dict[str, Value]:
    row: dict[str, Value] = {column.key: NO_TRANSFORM for column in columns}
    return row | {"panel": identity, "inputs": shown(identity, space)}


def shown(identity: str, space: str) -> str:
    """Return the name of a panel without that of its space: `uniform-200` of `nb201-uniform-200:0a1b`."""
    return identity.rpartition(":")[0].removeprefix(f"{space}-")


def _matrix(comparison: Comparison, outcomes: Sequence[RunOutcome], identity: str) -> dict[int, Floats] | Undefined:
    """Return seed -> gains `(n,)` of the runs that ended well, or why they are not there."""
    found = {o.run.key.seed: gains.gain_of(comparison, o, identity) for o in measures.ended(outcomes)}
    lost = [each for each in found.values() if isinstance(each, Undefined)]
    if lost or not found:
        return lost[0] if lost else Undefined("no run ended well")
    return {seed: each for seed, each in found.items() if not isinstance(each, Undefined)}


def _values(comparison: Comparison, found: Floats, panel: PanelTruth, best: Best | Undefined) -> dict[str, Value]:
    """Return the values of gains `(seeds, n)`."""
    by_seed = found.mean(axis=1)
    return {
        "gain": float(by_seed.mean()),
        "gain_interval": _interval(comparison, found, panel),
        "gain_spread": measures.spread(by_seed),
        "better": float((found > 0).mean()),
        "equal": float((found == 0).mean()),
        "worse": float((found < 0).mean()),
        "worst": float(found.min(axis=1).mean()),
        "regret": best if isinstance(best, Undefined) else float(best.gain.mean() - by_seed.mean()),
    }


def _interval(comparison: Comparison, found: Floats, panel: PanelTruth) -> Interval | Undefined:
    by_seed = found.mean(axis=1)
    n = found.shape[1]
    if not is_sample(panel.panel) or measures.complete(comparison, panel):
        return measures.t_interval(by_seed)
    if n < 2:
        return Undefined("one architecture")
    resampled = found @ draw(n, RESAMPLES, _DRAWN_WITH).T / n
    return measures.defined(lambda: intervals.over_architectures(by_seed, resampled, n))


def _costs(comparison: Comparison, ended: Sequence[RunOutcome], panel: PanelTruth) -> dict[str, Value]:
    became = [o.became[panel.panel.identity] for o in ended]
    before = gains.counts_of(comparison, panel.panel.archs)
    after = gains.counts_of(comparison, np.concatenate([each.archs for each in became]))
    took = gains.transitions_of(comparison, panel, became)
    keys = ("parameters", "multiply_adds", *_objectives(comparison))
    told: dict[str, Value] = dict.fromkeys(keys, Undefined("not known of all"))
    if took:
        told |= {"changed": 1 - took["kept"]} | {name: took.get(name, 0.0) for name in TRANSITIONS}
    else:
        told |= dict.fromkeys(("changed", *TRANSITIONS), Undefined("operations are not known"))
    return told | gains.rises(before, after)


def _objectives(comparison: Comparison) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in comparison.contexts.values() for name in gains.objectives_of(each)))


def _best_note(comparison: Comparison) -> tuple[str, ...]:
    if comparison.whole is None:
        return ()
    by_seed = comparison.whole.by_seed
    how = "by the mean there is, and so too good, by luck"
    if by_seed is not None and by_seed.shape[1] > 1:
        how = f"chosen by one half of the {by_seed.shape[1]} trainings behind the truth and measured by the other"
    return (
        f"Best allowed: of all that keeping, nulling or skipping each operation can make of an architecture, {how}; "
        "regret is what it gains more. It is an estimate, and its own halves may choose wrong, so that a regret may be "
        "negative; so may that of a method which also puts cheaper operations on edges.",
    )


def _class_note(identities: Iterable[str]) -> tuple[str, ...]:
    if not any(name in identity for identity in identities for name in CLASSES):
        return ()
    return (
        "Best and worst tenth were drawn by this very truth: the luck of its trainings is in their accuracy before and "
        "not in that after, so that gains of the best are too low and those of the worst too high.",
    )


def _silent(comparison: Comparison, labels: Sequence[str]) -> tuple[str, ...]:
    silent = [label for label in comparison.outcomes if label not in labels]
    return (f"Transform nothing, so not shown: {', '.join(silent)}.",) if silent else ()
