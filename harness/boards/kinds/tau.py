"""The rank-correlation board: how well the predicted quality of the panel agrees with its true accuracy.

Metrics are means over seeds of the run's last ranking; intervals are over seeds and, where the architectures are a
sample of the space, over those too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import NOT_APPLICABLE, Board, Column, Row, Undefined, Value
from nasboard.harness.boards.kinds.bounds import KS, Bounds, per_class
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.space import Floats
from nasboard.harness.statistics.bootstrap import EXACT_UP_TO, RESAMPLES, Interval, Matrix, Metric
from nasboard.harness.statistics.rank import (
    HALF,
    TENTH,
    best_true_rank,
    bootstrap_interval,
    kendall_tau,
    precision_at_k,
    share_of,
    spearman,
    top_of,
    weighted_tau,
)

DETAIL_RESAMPLES = 200
_Interval = Callable[[Metric, Matrix, Floats, int], Interval | Undefined]  # (metric, scores, truth, resamples)

_WHOLE_CLASSES = ("whole_class_tau", "whole_class_top_half_tau", "whole_class_top_tenth_tau")
_WHOLE = ("whole_tau", "whole_tau_interval", "whole_top_half_tau", "whole_top_tenth_tau", *_WHOLE_CLASSES)
_OF_WHOLE = (*_WHOLE, "whole_attainable")


def tau_board(comparison: Comparison, title: str) -> Board:
    """Return the board: a row a ranking label, best tau first; what bounds tau on each panel below.

    Tau of the whole space leads where it was ranked, the panel's is the estimate of it.
    """
    ranking = [label for label in comparison.outcomes if _ranks(comparison.outcomes[label])]
    identities = sorted({_panel_of(comparison.outcomes[label]) for label in ranking})
    panels = [comparison.panels[i] for i in identities if i in comparison.panels]
    seen = {p.panel.identity: Bounds.of(comparison.space, p) for p in panels}
    rows = [_row(comparison, label, seen.get(_panel_of(comparison.outcomes[label]))) for label in ranking]
    below = [row for each in seen.values() for row in _bound_rows("", each)]
    if comparison.whole is not None and _rank_all(comparison):
        whole = Bounds.of(comparison.space, comparison.whole)
        rows = [dict(row) | _whole_values(whole, comparison.outcomes[str(row["label"])]) for row in rows]
        below += _bound_rows("whole space", whole)
    rows.sort(key=lambda row: (-_leading(row), str(row["label"])))
    unknown = {key for key in _OF_WHOLE if all(isinstance(r[key.removesuffix("_interval")], Undefined) for r in rows)}
    kept = [column for column in _columns() if column.key not in unknown]
    keys = [column.key for column in kept]
    shown = tuple({key: row[key] for key in keys} for row in [*rows, *below])
    return Board("tau", title, tuple(kept), shown, _notes(comparison))


def _ranks(outcomes: Sequence[RunOutcome]) -> bool:
    """Return whether a label ranks; one without an ended run is taken to, when it has a panel."""
    ended = measures.ended(outcomes)
    return any(o.rankings for o in ended) if ended else any(o.run.key.panel is not None for o in outcomes)


def _leading(row: Row) -> float:
    """Return the tau that a row is placed by; minus infinity without one."""
    return next((tau for key in ("whole_tau", "tau") if isinstance(tau := row[key], float)), -np.inf)


def _rank_all(comparison: Comparison) -> bool:
    return any(o.all_scores is not None for each in comparison.outcomes.values() for o in measures.ended(each))


def _columns() -> list[Column]:
    def tau(key: str, heading: str, detail: bool = False, brief: bool = False) -> Column:
        return Column(key, heading, "correlation", True, 3, detail=detail, brief=brief)

    def bound(key: str, heading: str, detail: bool = False, brief: bool = False) -> Column:
        return replace(tau(key, heading, detail, brief), higher_is_better=None)

    return [
        Column("label", "method"),
        tau("whole_tau", "tau, whole space", brief=True),
        tau("whole_tau_interval", "whole space, 95 %", brief=True),
        tau("tau", "tau, panel", brief=True),
        tau("tau_interval", "95 %", brief=True),
        bound("attainable", "attainable", brief=True),
        Column("tau_spread", "sd over seeds", "correlation", False, 3, detail=True),
        tau("top_half_tau", "tau, top half"),
        tau("top_half_tau_interval", "top half, 95 %", detail=True),
        tau("top_tenth_tau", "tau, top 10 %", brief=True),
        tau("top_tenth_tau_interval", "top 10 %, 95 %", detail=True),
        tau("class_tau", "tau, per class"),
        tau("class_top_half_tau", "top half, per class", detail=True),
        tau("class_top_tenth_tau", "top 10 %, per class"),
        tau("spearman", "Spearman"),
        tau("spearman_interval", "Spearman, 95 %", detail=True),
        tau("weighted_tau", "weighted"),
        tau("weighted_tau_interval", "weighted, 95 %", detail=True),
        *(Column(f"precision_at_{k}", f"P@{k}", "fraction", True, 1) for k in KS),
        *(Column(f"precision_at_{k}_interval", f"P@{k}, 95 %", "fraction", True, 1, detail=True) for k in KS),
        *(Column(f"best_true_rank_{k}", f"best of top {k}", "rank", False, 1) for k in KS),
        tau("whole_top_half_tau", "whole space, top half", detail=True),
        tau("whole_top_tenth_tau", "whole space, top 10 %", detail=True),
        tau("whole_class_tau", "whole space, per class", detail=True),
        tau("whole_class_top_half_tau", "whole space, top half, per class", detail=True),
        tau("whole_class_top_tenth_tau", "whole space, top 10 %, per class", detail=True),
        bound("whole_attainable", "whole space, attainable", detail=True),
        Column("n", "n", "count"),
        Column("classes", "classes", "count", detail=True),
        Column("seeds", "seeds", "count", brief=True),
        Column("failed", "failed", "count", False),
        Column("incomplete", "incomplete", "count", False),
        Column("panel", "panel", detail=True),
    ]


def _panel_of(outcomes: Sequence[RunOutcome]) -> str:
    return next(o.run.key.panel for o in outcomes if o.run.key.panel is not None)


def _row(comparison: Comparison, label: str, seen: Bounds | None) -> Row:
    """Return the row of a label; `seen` is its panel, None where that has no truth."""
    outcomes = comparison.outcomes[label]
    counted, ended = measures.counts(outcomes), measures.ended(outcomes)
    row: dict[str, Value] = {"label": label, "panel": _panel_of(outcomes)}
    row |= {"seeds": counted.ended, "failed": counted.failed, "incomplete": counted.incomplete}
    if seen is None:
        return dict.fromkeys((c.key for c in _columns()), Undefined(comparison.untold[_panel_of(outcomes)])) | row
    panel = seen.truth
    row |= {"n": len(panel.truth), "attainable": seen.attainable["tau"], "classes": len(seen.classes)}
    missing = sum(not o.rankings for o in ended)
    if not ended or missing:
        lost: Value = Undefined(f"{missing} of {len(ended)} seeds do not rank" if ended else "no run ended well")
        return {column.key: lost for column in _columns()} | row
    row |= dict.fromkeys(_OF_WHOLE, Undefined("not ranked"))
    scores = np.stack([o.rankings[-1].scores for o in ended]).astype(np.float64)
    interval = _over_seeds if measures.complete(comparison, panel) else _over_all
    return row | _panel_values(scores, panel.truth, interval) | per_class(scores, seen)


def _panel_values(scores: Matrix, truth: Floats, interval: _Interval) -> dict[str, Value]:
    """Return the values of scores `(seeds, n)` against truth `(n,)`."""
    out: dict[str, Value] = {
        "tau": _mean(kendall_tau, scores, truth),
        "tau_interval": interval(kendall_tau, scores, truth, RESAMPLES),
    }
    out["tau_spread"] = _spread(kendall_tau, scores, truth)
    for name, share in (("top_half_tau", HALF), ("top_tenth_tau", TENTH)):
        top = _top(truth, share)
        out[name] = _mean(kendall_tau, scores[:, top], truth[top])
        out[f"{name}_interval"] = interval(kendall_tau, scores[:, top], truth[top], RESAMPLES)
    wide: list[tuple[str, Metric, float]] = [("spearman", spearman, -1.0), ("weighted_tau", weighted_tau, -1.0)]
    wide += [(f"precision_at_{k}", partial(precision_at_k, k=k), 0.0) for k in KS]
    for name, metric, lowest in wide:
        out[name] = _mean(metric, scores, truth)
        found = interval(metric, scores, truth, DETAIL_RESAMPLES)
        out[f"{name}_interval"] = found if isinstance(found, Undefined) else found.cut(lowest, 1.0)
    for k in KS:
        out[f"best_true_rank_{k}"] = _mean(partial(best_true_rank, k=k), scores, truth)
    return out


def _whole_values(seen: Bounds, outcomes: Sequence[RunOutcome]) -> dict[str, Value]:
    ended = measures.ended(outcomes)
    found = [o.all_scores for o in ended if o.all_scores is not None]
    if not found or len(found) < len(ended):
        return dict.fromkeys(_OF_WHOLE, Undefined("not ranked"))
    scores, truth = np.stack(found).astype(np.float64), seen.truth.truth
    half, tenth = _top(truth, HALF), _top(truth, TENTH)
    return {
        "whole_tau": _mean(kendall_tau, scores, truth),
        "whole_tau_interval": _over_seeds(kendall_tau, scores, truth),
        "whole_top_half_tau": _mean(kendall_tau, scores[:, half], truth[half]),
        "whole_top_tenth_tau": _mean(kendall_tau, scores[:, tenth], truth[tenth]),
        "whole_attainable": seen.attainable["tau"],
    } | {f"whole_{name}": value for name, value in per_class(scores, seen).items()}


def _bound_rows(of: str, seen: Bounds) -> tuple[Row, Row]:
    """Return the rows of reproducibility and of attainable tau, labelled and placed with `of` where it is not empty."""
    truth = seen.truth
    seeds: Value = Undefined("no table seeds") if truth.by_seed is None else truth.by_seed.shape[1]
    row: dict[str, Value] = {column.key: NOT_APPLICABLE for column in _columns()}
    row |= {"panel": of or truth.panel.identity, "n": len(truth.truth), "classes": len(seen.classes), "seeds": seeds}
    named = ((name, f"{name}, {of}" if of else name) for name in ("reproducibility", "attainable"))

    def placed(values: Mapping[str, Value]) -> Row:
        return {f"whole_{key}" if of and f"whole_{key}" in row else key: value for key, value in values.items()}

    first, second = (row | {"label": label} | dict(placed(getattr(seen, name))) for name, label in named)
    return first, second


def _mean(metric: Metric, scores: Matrix, truth: Floats) -> float | Undefined:
    return measures.defined(lambda: measures.mean(metric(score, truth) for score in scores))


def _spread(metric: Metric, scores: Matrix, truth: Floats) -> float | Undefined:
    each = measures.defined(lambda: [metric(score, truth) for score in scores])
    return each if isinstance(each, Undefined) else measures.spread(each)


def _over_all(metric: Metric, scores: Matrix, truth: Floats, resamples: int) -> Interval | Undefined:
    """Return the interval over seeds and the architectures, which are a sample."""
    return measures.defined(partial(bootstrap_interval, scores, truth, metric, resamples=resamples))


def _over_seeds(metric: Metric, scores: Matrix, truth: Floats, resamples: int = 0) -> Interval | Undefined:
    """Return the interval over seeds alone: the architectures are all there are, so none are drawn."""
    each = measures.defined(lambda: [metric(score, truth) for score in scores])
    return each if isinstance(each, Undefined) else measures.t_interval(each, (-1.0, 1.0))


def _top(truth: Floats, share: float) -> NDArray[np.int64]:
    return top_of(truth, share_of(len(truth), share))


def _notes(comparison: Comparison) -> tuple[str, ...]:
    silent = [label for label, outcomes in comparison.outcomes.items() if not _ranks(outcomes)]
    return (
        "Metrics compare the scores of the panel at the last step that ranks with mean true test accuracy; means over "
        "seeds that ended well. Failed and incomplete runs are counted, never averaged in.",
        "95 %: t interval of two variance components, architectures (bootstrap, "
        f"{RESAMPLES} resamples for tau, {DETAIL_RESAMPLES} for other metrics; above {EXACT_UP_TO} architectures to "
        "first order) and seeds. Within the top the set stays as it is and is resampled. One seed: over architectures "
        "only. The whole space is no sample: over seeds only. Best of top k has none: it is an extreme.",
        "Top half and top 10 % are by true accuracy, ties with the last included. P@k: share of the predicted top k "
        "that is in the true top k. Best of top k: best true rank among them, 1 is the best of all.",
        "Attainable: tau of a perfect predictor, which knows expected accuracies, against this truth, a mean over few "
        "trainings; inferred. Reproducibility: the metric between the means of two halves of these trainings, "
        "mean over splits, one half saying what the top is; it is lower, for halves are noisier than the whole.",
        "Per class: of the first architecture of each isomorphism class; some classes have hundreds of members.",
        *([f"Do not rank, so not shown: {', '.join(silent)}."] if silent else []),
    )
