"""R-DARTS(L2): second-order DARTS at several strengths of weight decay, of which a short training chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from nasboard.methods.differentiable.bilevel.method import Differentiable


@dataclass(frozen=True, slots=True)
class RDartsL2(Differentiable):
    """Robust DARTS by regularisation of the shared weights with weight decay.

    Source: Zela et al., Understanding and Robustifying Differentiable Architecture Search (ICLR 2020), R-DARTS(L2), and
    its release: DARTS of second order, searched `searches` times at each of `strengths`; what each search finds is
    trained for a short time, and the best on validation images is the result. The four strengths are from memory; the
    release's grid has a fifth, 243e-4. The release cuts no squares out of images where it drops no paths, and so does
    this; `cutout` does. How long the short training is, is not published (`pick_recipe`).
    """

    nesterov: bool = False
    second_order: bool = True
    strengths: tuple[float, ...] = (3e-4, 9e-4, 27e-4, 81e-4)  # of `weight_decay`, whose own value is not used

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=1, strengths=(3e-4, 81e-4), eigenvalue_every=0, pick_recipe="quick-1")

    def entries(self) -> Sequence[Differentiable]:
        """Return a search for each strength, as often as `searches` says."""
        return tuple(replace(self, weight_decay=strength) for strength in self.strengths) * self.searches
