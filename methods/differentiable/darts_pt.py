"""DARTS-PT: DARTS, and an architecture read off what hurts the supernet most when it is removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from nasboard.methods.differentiable.bilevel.method import Derivation, Differentiable


@dataclass(frozen=True, slots=True)
class DartsPt(Differentiable):
    """DARTS with the perturbation-based derivation, which `derivation` gives to every other method as well.

    Source: Wang et al., Rethinking Architecture Selection in Differentiable NAS (ICLR 2021): of each group, in random
    order, the option stays without which the supernet's validation accuracy is lowest, and the supernet is tuned for
    `tune_epochs` before the next one; then of the edges into each node those two. Settings of the search are those of
    its release, DARTS' own. DARTS-PT with fixed alpha is `alpha_from` at `epochs`: alpha never moves. On
    NAS-Bench-201 the release searches for 100 epochs. How the derivation differs from the release: `Perturbed`.
    """

    nesterov: bool = False  # release, as the next
    weight_decay: float = 3e-4
    derivation: Derivation = "perturbation"

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=2, eigenvalue_every=2, tune_epochs=1)
