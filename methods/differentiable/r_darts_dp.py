"""R-DARTS(DP): second-order DARTS at several strengths of dropped paths, of which a short training chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch

from nasboard.benchmarks.live.data import OnDevice
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Pass
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.search import Search


@dataclass(frozen=True, slots=True)
class RDartsDp(Differentiable):
    """Robust DARTS by regularisation of the shared weights with dropped paths and squares cut out of the images.

    Source: Zela et al., Understanding and Robustifying Differentiable Architecture Search (ICLR 2020), R-DARTS(DP), and
    its release: DARTS of second order, searched `searches` times at each of `strengths`; what each search finds is
    trained for a short time, and the best on validation images is the result. With a strength above 0, the share of
    paths dropped grows linearly from 0 to it, and that of images with a square cut out from 0 to `cutout_prob`; at 0
    none is cut out. The paper regularises the inner objective, that of the weights: here so are training batches alone,
    in the weights' step and in the step within alpha's, and the identity is never dropped, as in the trainings of found
    cells. The release (`as_released`) does both to alpha's validation batches as well, and drops edges as a whole, the
    identity with them. There each evaluation within a step of alpha draws anew, which the finite difference of the
    second order multiplies; here all of a step see one draw. How long the short training is, is not published
    (`pick_recipe`).
    """

    nesterov: bool = False
    weight_decay: float = 3e-4
    second_order: bool = True
    cutout: int = 16
    strengths: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6)  # of `path_drop`, whose own value is not used
    as_released: bool = False

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=2, cutout=3, strengths=(0.0, 0.5), eigenvalue_every=0, pick_recipe="quick-1")

    def entries(self) -> Sequence[Differentiable]:
        """Return a search for each strength, as often as `searches` says."""
        cuts = {strength: self.cutout if strength else 0 for strength in self.strengths}
        return tuple(replace(self, path_drop=p, cutout=side) for p, side in cuts.items()) * self.searches

    def passing(self, search: Search) -> Pass:
        """Return which paths are dropped."""
        how = Differentiable.passing(self, search)
        if how.path_drop is None or not self.as_released:
            return how
        return replace(how, path_drop=torch.full_like(how.path_drop, float(how.path_drop.max())), whole=True)

    def guiding(self, search: Search) -> Pass:
        """Return what is dropped in alpha's step: nothing, or the same."""
        return self.passing(search) if self.as_released else PLAIN

    def images(self, search: Search) -> tuple[OnDevice, OnDevice]:
        """Return training batches with squares cut out, and those of alpha's step without, or with."""
        lessons, guides = Differentiable.images(self, search)
        return lessons, lessons if self.as_released else guides
