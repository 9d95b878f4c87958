"""What bounds the tau of a ranking: how far the truth agrees with itself, and what a perfect predictor could reach.

Also each tau per class: isomorphic architectures share a function, and some classes have hundreds of members, so that a
tau over architectures is one of the large classes above all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Undefined, Value
from nasboard.harness.outcomes.outcome import PanelTruth
from nasboard.harness.space import Ints, SearchSpace
from nasboard.harness.statistics.bootstrap import Matrix, Metric
from nasboard.harness.statistics.ceiling import attainable, reproducibility
from nasboard.harness.statistics.rank import (
    HALF,
    TENTH,
    best_true_rank,
    kendall_tau,
    precision_at_k,
    share_of,
    spearman,
    top_k_tau,
    weighted_tau,
)

KS = (10, 100)
SHARES: Mapping[str, float] = MappingProxyType({"tau": 1.0, "top_half_tau": HALF, "top_tenth_tau": TENTH})
PER_CLASS = "class_"  # before a name of `SHARES`: of one architecture of each class


@dataclass(frozen=True, slots=True)
class Bounds:
    """A panel with what bounds its methods, by column.

    Attributes:
        truth: of the panel.
        classes: `(m,)` places of the first architecture of each isomorphism class, ascending.
        reproducibility: metrics between halves of the trainings behind the truth.
        attainable: taus of the expected accuracies; no other metric has one.
    """

    truth: PanelTruth
    classes: Ints
    reproducibility: Mapping[str, Value]
    attainable: Mapping[str, Value]

    @classmethod
    def of(cls, space: SearchSpace, truth: PanelTruth) -> Bounds:
        """Return the bounds of a panel; undefined, with the reason, where its table has no single trainings."""
        classes = np.sort(np.unique(space.canonical(truth.panel.archs), return_index=True)[1])
        taus = (*SHARES, *(PER_CLASS + name for name in SHARES))
        if truth.by_seed is None:
            lost = Undefined("no table seeds")
            return cls(truth, classes, dict.fromkeys((*taus, *_others()), lost), dict.fromkeys(taus, lost))
        everyone, each = truth.by_seed, truth.by_seed[classes]
        others = {name: measures.defined(partial(reproducibility, everyone, m)) for name, m in _others().items()}
        again = _by_share(everyone, each, lambda values, share: reproducibility(values, _within(share, len(values))))
        return cls(truth, classes, again | others, _by_share(everyone, each, attainable))


def per_class(scores: Matrix, seen: Bounds) -> dict[str, Value]:
    """Return the mean tau over seeds of scores `(seeds, n)`, one architecture a class, by column."""
    some, truth = scores[:, seen.classes], seen.truth.truth[seen.classes]

    def tau(share: float) -> float:
        return measures.mean(_within(share, len(truth))(score, truth) for score in some)

    return {PER_CLASS + name: measures.defined(partial(tau, share)) for name, share in SHARES.items()}


def _by_share(everyone: Matrix, each: Matrix, of: Callable[[Matrix, float], float]) -> dict[str, Value]:
    return {
        before + name: measures.defined(partial(of, values, share))
        for before, values in (("", everyone), (PER_CLASS, each))
        for name, share in SHARES.items()
    }


def _within(share: float, n: int) -> Metric:
    return partial(top_k_tau, k=share_of(n, share)) if share < 1 else kendall_tau


def _others() -> dict[str, Metric]:
    return {
        "spearman": spearman,
        "weighted_tau": weighted_tau,
        **{f"precision_at_{k}": partial(precision_at_k, k=k) for k in KS},
        **{f"best_true_rank_{k}": partial(best_true_rank, k=k) for k in KS},
    }
