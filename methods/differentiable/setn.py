"""SETN: weights along uniformly drawn architectures, alpha under the mixture of all; the best of the likely wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from torch import Tensor

from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.spaces.relaxation import draw
from nasboard.harness.space import Arch, Archs, enumerate_all, size
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.search import Search

LISTED = 20_000  # architectures of a space that is searched whole for likely ones


@dataclass(frozen=True, slots=True)
class Setn(Differentiable):
    """Self-evaluated template network.

    Source: Dong & Yang, One-Shot Neural Architecture Search via Self-Evaluated Template Network (ICCV 2019); defaults
    of its NAS-Bench-201 version (ICLR 2020). A step of the weights trains one architecture, drawn uniformly; one of
    alpha has the mixture of all. In the end the `candidates` most likely architectures under softmax(alpha) are each
    scored with shared weights on one validation batch, of which the best is the result. A space too large to be listed
    is searched for likely ones among draws from softmax(alpha), 100 for each candidate. In between the result is the
    latest one found, or what alpha stands for before the first (`derive_every`, ours).
    """

    epochs: int = 250
    candidates: int = 100
    score_batch: int = 512  # validation images
    derive_every: int = 25  # epochs; the last one derives always

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=3, eigenvalue_every=2, candidates=5, derive_every=2)

    def lesson(self, search: Search) -> Tensor:
        """Return the mixture `(m,)` of an architecture, each equally likely."""
        arch = draw(search.net.space, search.net.allowed, search.rng)
        return search.held(search.net.mixtures(arch[None], search.alpha.device)[0])

    def genotype(self, search: Search) -> Arch:
        """Return the best `(d,)` of the likely ones."""
        if search.epoch % self.derive_every and search.epoch != self.epochs:
            return Differentiable.genotype(self, search) if search.found is None else search.found
        archs, scored = self._likely(search), search.parts.scored
        images, labels = scored.images[: self.score_batch], scored.labels[: self.score_batch]
        found: Arch = archs[evaluate(search.net, archs, images, labels).score.argmax()]
        return found

    def _likely(self, search: Search) -> Archs:
        """Return the `candidates` most likely architectures `(n, d)` under softmax(alpha), the likeliest first."""
        space = search.net.space
        if size(space) <= LISTED:
            every = enumerate_all(space)
        else:
            mix = search.mixture()
            rng = np.random.default_rng(search.epoch)  # of its own: what is measured draws nothing from the run's
            drawn = (search.simplices.sample(mix, rng) * mix for _ in range(100 * self.candidates))
            every = np.unique([space.derive(search.full(each).double().cpu().numpy()) for each in drawn], axis=0)
        order = np.argsort(-search.rank_by_alpha(every), kind="stable")[: self.candidates]
        return every[order]
