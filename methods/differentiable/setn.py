"""SETN: weights along uniformly drawn architectures, alpha under the mixture of all; the best of the likely wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from torch import Tensor

from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.spaces.relaxation import draw
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs, Floats, neighbours
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.search import NEVER, Search


@dataclass(frozen=True, slots=True)
class Setn(Differentiable):
    """Self-evaluated template network.

    Source: Dong & Yang, One-Shot Neural Architecture Search via Self-Evaluated Template Network (ICCV 2019); defaults
    of its NAS-Bench-201 version (ICLR 2020). A step of the weights trains one architecture, drawn uniformly; one of
    alpha has the mixture of all. In the end the `candidates` most likely architectures under softmax(alpha) are each
    scored with shared weights on one validation batch, of which the best is the result. In between the result is the
    latest one found, or what alpha stands for before the first (`derive_every`, ours).

    Differs from that version: all candidates see the same batch, the first images, so that none is lucky with its own;
    equal accuracies are told apart by the probability given to the true class; weights that a step does not use stay
    where they are; their gradient is clipped as everywhere here. The likely ones are not picked from a list of the
    whole space, but found from what alpha stands for outwards.
    """

    epochs: int = 250  # NAS-Bench-201 version, as all that follows
    weights_first: bool = True
    candidates: int = 100
    score_batch: int = 512  # validation images
    derive_every: int = 25  # epochs; the last one derives always

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        if min(self.candidates, self.score_batch, self.derive_every) < 1:
            raise UsageError(
                "setn: candidates, score_batch and derive_every are at least 1, given "
                f"{self.candidates}, {self.score_batch} and {self.derive_every}"
            )

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=3, eigenvalue_every=2, candidates=5, derive_every=2)

    def lesson(self, search: Search) -> Tensor:
        """Return the mixture `(m,)` of an architecture, each equally likely."""
        arch = draw(search.net.space, search.net.allowed, search.rng)
        return search.held(search.net.mixtures(arch[None], search.alpha.device)[0])

    def genotype(self, search: Search) -> Arch:
        """Return the best `(d,)` of the likely ones, the latest found where it is not yet time."""
        begun = Differentiable.genotype(self, search)
        if search.epoch % self.derive_every and not search.over:
            return begun if search.found is None else search.found
        archs, scored = likely(search, begun, self.candidates), search.parts.scored
        images, labels = scored.images[: self.score_batch], scored.labels[: self.score_batch]
        found: Arch = archs[evaluate(search.net, archs, images, labels).score.argmax()]
        return found


def likely(search: Search, begun: Arch, count: int) -> Archs:
    """Return the `count` most likely architectures `(n, d)` under softmax(alpha), the likeliest first.

    From `begun` `(d,)` on, the neighbours of the likeliest are looked at, until the `count` best of all that were seen
    have been gone on from. Where slots are chosen one by one, every architecture but the likeliest has a neighbour that
    is likelier, so that none is missed; where edges compete, one may be. Those that the supernet does not hold are left
    out, and of those that are the same row one is kept.
    """
    space = search.net.space
    best, gone_on = begun[None], np.zeros(1, dtype=bool)
    while not gone_on.all():
        near = np.concatenate([neighbours(space, arch) for arch in best[~gone_on]])
        archs, first = np.unique(np.concatenate([best, near]), axis=0, return_index=True)
        found: Floats = search.rank_by_alpha(archs)
        order = np.argsort(-found, kind="stable")
        order = order[found[order] > NEVER / 2][:count]
        best, gone_on = archs[order], first[order] < len(best)
    return best
