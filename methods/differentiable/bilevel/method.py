"""What every differentiable method is: settings that all have, and the few points at which methods differ.

A method is a frozen dataclass over `Differentiable` that overrides defaults and hooks. Smoothing, second order, early
stopping and derivation are settings here, so that each combines with every method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.data import LiveData, OnDevice, live_data
from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.live.supernets.ops import BN_POLICY
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Pass
from nasboard.harness.api import Checkpoint, Need, State, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Floats
from nasboard.methods.differentiable.bilevel.perturbation import Parts, Perturbed
from nasboard.methods.differentiable.bilevel.relay import Leg, relay
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.bilevel.stopping import Stop
from nasboard.methods.differentiable.bilevel.tryout import best_of

if TYPE_CHECKING:
    from nasboard.benchmarks.spaces.relaxation import Allowed

Smoothing = Literal["none", "random", "adversarial"]
Derivation = Literal["largest", "perturbation"]


@dataclass(frozen=True, slots=True)
class Differentiable:
    """Settings of a bilevel search, and hooks with what DARTS does; a method overrides some of both.

    Source of the defaults: the NAS-Bench-201 version of DARTS (Dong & Yang, ICLR 2020).
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = BN_POLICY

    epochs: int = 50
    batch: int = 64
    lr: float = 0.025  # SGD, cosine by epoch
    lr_min: float = 0.001
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    clip: float = 5.0  # norm of the gradient of the weights
    alpha_lr: float = 3e-4  # Adam
    alpha_betas: tuple[float, float] = (0.5, 0.999)
    alpha_weight_decay: float = 1e-3
    alpha_init: float = 1e-3  # times N(0, 1)
    alpha_clip: float = 0.0  # norm of the gradient of alpha; 0 clips nothing
    alpha_from: int = 0  # epochs in which the weights alone move
    second_order: bool = False  # True: the unrolled gradient of alpha, DARTS (ICLR 2019), equation 7
    weights_first: bool = False  # True: a step moves the weights before alpha, as the NAS-Bench-201 version
    smoothing: Smoothing = "none"  # of the mixture that the weights are trained under, SmoothDARTS (ICML 2020)
    eps_min: float = 0.03  # radius of the smoothing, linear in the epoch
    eps_max: float = 0.3
    attack_steps: int = 7  # of the adversarial smoothing
    path_drop: float = 0.0  # of operations but the identity, in the weights' step, linear in the epoch from 0 to this
    cutout: int = 0  # side of the square cut out of the images of the weights' step
    cutout_prob: float = 1.0  # share of the images; with path_drop it grows from 0 to this as that does
    stop: Stop = "never"  # early: DARTS-ES, the search ends where its eigenvalue grew; adapt: DARTS-ADA, it goes back
    stop_factor: float = 1.3  # growth of the eigenvalue's local average
    stop_from: int = 10  # no epoch before is returned to
    searches: int = 1  # of which a short training of what each found chooses; tables on S1 to S4: 4
    pick_recipe: str = "quick-10"  # of that training
    derivation: Derivation = "largest"  # "perturbation": what hurts most when removed, DARTS-PT (ICLR 2021)
    tune_epochs: int = 5  # after each decision of that derivation; release of DARTS-PT
    rank_by_alpha: bool = False  # True: rank by the log probability under softmax(alpha); the search is the same
    eigenvalue_every: int = 1  # epochs; 0 never. SmoothDARTS' release: every epoch
    trace_every: int = 0  # of the same Hessian
    landscape_every: int = 0  # validation loss around alpha, and on the way to the derived architecture
    alpha_every: int = 0  # the mixture that alpha stands for

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=3, eigenvalue_every=2)

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch.

        Raises:
            UsageError: the task has no live data, or its space no relaxation; nothing is to be searched for; or the
                rule that ends a search has no eigenvalues.
        """
        if self.stop != "never" and not self.eigenvalue_every:
            raise UsageError(f"stop={self.stop} looks at eigenvalues; set eigenvalue_every to 1 or more")
        data = live_data(task, type(self).__name__)
        entries = self.entries()
        if not entries:
            raise UsageError(f"{type(self).__name__} makes one search at least, given none")
        searches = [entry.legs(task, data) for entry in entries]
        if len(searches) == 1:
            yield from relay(task, searches[0])
        else:
            spaces = [entry.prepare(data).space for entry in entries]
            yield from relay(task, best_of(searches, spaces, task, data, self.pick_recipe))

    def entries(self) -> Sequence[Differentiable]:
        """Return the searches that are made one after the other, of which the best result is chosen."""
        return (self,) * self.searches

    def legs(self, task: Task, data: LiveData) -> Sequence[Callable[[State], Leg]]:
        """Return what one search does one after the other; each is opened with what the one before left."""
        return [lambda _: self.deriving(self.open(task, data))]

    def deriving(self, search: Search) -> Leg:
        """Return a search that ends in the derivation of the settings."""
        return search if self.derivation == "largest" else Perturbed(search)

    def open(self, task: Task, data: LiveData, allowed: Allowed | None = None) -> Search:
        """Return a search that stands at its start, on what `prepare` makes of the data."""
        prepared = self.prepare(data)
        net = prepared.supernet(task.rng, task.device, allowed)
        return Search(self, net, prepared.on(task.device), task.rng)

    # What methods differ in.

    def prepare(self, data: LiveData) -> LiveData:
        """Return the data with supernets of the method's kind."""
        return data

    def initial(self, size: int, rng: Generator) -> NDArray[np.float32]:
        """Return the first alpha `(size,)`."""
        return rng.standard_normal(size, dtype=np.float32) * np.float32(self.alpha_init)

    def relaxed(self, simplices: Simplices, alpha: Tensor) -> Tensor:
        """Return the mixture `(m,)` that alpha `(m,)` stands for, without chance: what is measured and derived from."""
        return simplices.softmax(alpha)

    def moves(self, search: Search, step: int) -> bool:
        """Return whether alpha moves beside step 0, 1, ... of the weights in this epoch."""
        return search.epoch - search.first >= self.alpha_from

    def guide(self, search: Search, alpha: Tensor) -> Tensor:
        """Return the mixture `(m,)` under which alpha's gradient is taken, differentiable in alpha."""
        return self.relaxed(search.simplices, alpha)

    def lesson(self, search: Search) -> Tensor:
        """Return the mixture `(m,)` of a step of the weights, before it is smoothed."""
        return self.relaxed(search.simplices, search.alpha.detach())

    def passing(self, search: Search) -> Pass:
        """Return what a forward pass on training images leaves out or drops."""
        rate = self.path_drop * self._grown(search.epoch)
        if not rate:
            return PLAIN
        return Pass(path_drop=rate * (~search.net.identities).float(), rng=search.rng)

    def guiding(self, search: Search) -> Pass:
        """Return what a forward pass on validation images leaves out or drops, in alpha's step."""
        return PLAIN

    def images(self, search: Search) -> tuple[OnDevice, OnDevice]:
        """Return where the batches of the weights' step come from, and those of alpha's."""
        prob = self.cutout_prob * (self._grown(search.epoch) if self.path_drop else 1.0)
        return search.parts.cutting(self.cutout, prob), search.parts

    def penalty(self, search: Search, alpha: Tensor) -> Tensor | None:
        """Return what is added to the validation loss in alpha's step, None for nothing."""
        return None

    def settle(self, search: Search) -> None:
        """Do what follows a step of alpha, such as bringing it back into its box."""

    def genotype(self, search: Search) -> Arch:
        """Return the architecture `(d,)` that the search stands for."""
        mix: Floats = search.full(self.relaxed(search.simplices, search.alpha.detach().double())).cpu().numpy()
        return search.net.space.derive(mix)

    def may_stay(self, search: Search, parts: Parts) -> Parts:
        """Return which of the parts of a mixture that are decided on together, by perturbation, may stay."""
        return parts

    def eps_at(self, epoch: int) -> float:
        """Return the radius in epoch 0, 1, ...; `eps_max` would be reached one epoch after the last."""
        return self.eps_min + (self.eps_max - self.eps_min) * epoch / self.epochs

    def _grown(self, epoch: int) -> float:
        """Return what share of its final value a rate has in epoch 0, 1, ...: all of it in the last."""
        return epoch / max(1, self.epochs - 1)
