"""The state of a bilevel search: shared weights, alpha, both optimisers, and the steps that move them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.data import OnDevice
from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.live.supernets.saved import Learner, array, load_adam, load_rng, save_adam, save_rng
from nasboard.benchmarks.live.supernets.stepping import Batch, WeightSchedule, set_lr, weight_step
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Pass, Supernet
from nasboard.benchmarks.spaces.relaxation import cuts
from nasboard.harness.api import Logged, State
from nasboard.harness.space import Arch, Archs, Floats
from nasboard.methods.differentiable.bilevel.measuring import GAP, measure
from nasboard.methods.differentiable.bilevel.smoothing import smoothed
from nasboard.methods.differentiable.bilevel.stopping import DECAY_FACTOR, MOST_DECAY, Watch
from nasboard.methods.differentiable.bilevel.unrolled import repeated, unrolled_gradient

if TYPE_CHECKING:
    from nasboard.methods.differentiable.bilevel.method import Differentiable
    from nasboard.methods.differentiable.bilevel.perturbation import Settled


NEVER = -1e9  # log probability of an option that is not held


class Search:
    """One bilevel search, an epoch a step.

    alpha and mixtures here are over the options that the supernet holds, `(m,)`; `full` brings a mixture to the whole
    space's.

    Attributes:
        method: settings and hooks.
        net: the supernet.
        simplices: over the options that it holds.
        parts: images.
        rng: the run's generator.
        alpha: `(m,)`.
        epoch: epochs done.
        first: epoch that it begins with, later than 0 in a later stage.
        last: epoch that it ends before, unless its method ends it earlier.
        found: the architecture `(d,)` derived after the last of them, None before the first.
        steps: epochs made, those that were gone back on too.
        ended: whether the eigenvalue has ended it.
    """

    def __init__(self, method: Differentiable, net: Supernet, parts: OnDevice, rng: Generator) -> None:
        """Draw alpha; everything else starts at zero."""
        s = method
        self.method, self.net, self.parts, self.rng = method, net, parts, rng
        groups = [
            replace(group, options=tuple(group.options[option] for option in held))
            for group, held in zip(net.space.groups, net.allowed, strict=True)
        ]
        self.simplices = Simplices(tuple(groups))
        self.schedule = WeightSchedule(
            s.epochs, s.batch, s.lr, s.lr_min, s.momentum, s.weight_decay, s.clip, s.nesterov
        )
        self.learner = Learner(net, self.schedule.optimiser(net))
        drawn = method.initial(self.simplices.size, rng)
        self.alpha = torch.tensor(drawn, device=parts.device, requires_grad=True)
        self.adam = torch.optim.Adam([self.alpha], s.alpha_lr, s.alpha_betas, weight_decay=s.alpha_weight_decay)
        self.epoch = self.first = 0
        self.last = s.epochs
        self.found: Arch | None = None
        self.steps = 0
        self.ended = False
        self.watch = Watch()
        self.settled: Settled | None = None

    @property
    def done(self) -> int:
        """Return how many epochs were made."""
        return self.steps

    @property
    def total(self) -> int:
        """Return how many epochs the search takes, unless it ends before or goes back once more."""
        return self.steps if self.ended else self.steps + self.last - self.epoch

    @property
    def decay(self) -> float:
        """Return the decay of the weights now, which growing eigenvalues may have raised."""
        return cast(float, self.learner.optimiser.param_groups[0]["weight_decay"])

    @decay.setter
    def decay(self, decay: float) -> None:
        for group in self.learner.optimiser.param_groups:
            group["weight_decay"] = decay

    @property
    def over(self) -> bool:
        """Return whether it has come to its end."""
        return self.ended or self.epoch >= self.last

    @property
    def incumbent(self) -> Arch:
        """Return the architecture `(d,)` that the search stands for now."""
        return self.method.genotype(self) if self.found is None else self.found

    @property
    def ranker(self) -> Callable[[Archs], Floats]:
        """Return what ranks architectures: shared weights, or alpha."""
        return self.rank_by_alpha if self.method.rank_by_alpha else self.rank

    def advance(self) -> Mapping[str, Logged]:
        """Search for one epoch and return what is worth a curve."""
        logs = self._pass(self.schedule.lr_at(self.epoch))
        return logs if self.method.stop == "never" else {**logs, **self._watched(logs)}

    def tune(self, lr: float) -> Mapping[str, Logged]:
        """Repeat the last epoch at another rate of the weights, and return what is worth a curve."""
        self.epoch -= 1
        return self._pass(lr)

    def restart(self) -> None:
        """Forget the momentum of the weights."""
        decay = self.decay
        self.learner = Learner(self.net, self.schedule.optimiser(self.net))
        self.decay = decay

    def _pass(self, lr: float) -> Mapping[str, Logged]:
        set_lr(self.learner.optimiser, lr)
        losses: list[float] = []
        size, (lessons, guided) = self.method.batch, self.method.images(self)
        guides = guided.guides(size, self.rng)
        whole = None
        for step, (lesson, guide) in enumerate(zip(lessons.lessons(size, self.rng), guides, strict=False)):
            moving = self.method.moves(self, step)
            if moving and not self.method.weights_first:
                self._step_alpha(guide, lesson)
            losses.append(self._step_weights(lesson))
            if moving and self.method.weights_first:
                self._step_alpha(guide, lesson)
            whole = guide if len(guide.labels) == size else whole
        self.epoch += 1
        self.steps += 1
        self.found = self.method.genotype(self)
        return {"loss": float(np.mean(losses))} | measure(self, whole or guide)

    def full(self, mix: Tensor) -> Tensor:
        """Return a mixture `(m,)` over the options held, and what is settled, as one over all of the space's."""
        done = self.settled
        return self.spread(mix if done is None else torch.where(done.at, done.mix.to(mix.dtype), mix))

    def spread(self, mix: Tensor) -> Tensor:
        """Return a mixture `(m,)` over the options held as one over all of the space's, 0 at the others."""
        if self._place is None:
            return mix
        return mix.new_zeros(self._size).index_copy(0, self._place.to(mix.device), mix)

    def held(self, mix: Tensor) -> Tensor:
        """Return what a mixture `(m,)` over all of the space's options says of those held."""
        return mix if self._place is None else mix[self._place.to(mix.device)]

    def mixture(self) -> Tensor:
        """Return the mixture `(m,)` that alpha stands for now, without a gradient."""
        return self.method.relaxed(self.simplices, self.alpha.detach())

    def derived(self) -> Arch:
        """Return the architecture `(d,)` of the mixture that alpha stands for now, and of what is settled."""
        return self.net.space.derive(self.full(self.mixture()).double().cpu().numpy())

    def loss(self, batch: Batch, mix: Tensor, how: Pass = PLAIN) -> Tensor:
        """Return the cross-entropy of a batch under a mixture `(m,)`."""
        return F.cross_entropy(self.net(batch.images, self.full(mix), how), batch.labels)

    def val_loss(self, batch: Batch, alpha: Tensor) -> Tensor:
        """Return the cross-entropy of a batch under the mixture that alpha `(m,)` stands for, without chance."""
        return self.loss(batch, self.method.relaxed(self.simplices, alpha))

    def alpha_gradient(self, guide: Batch, lesson: Batch) -> Tensor:
        """Return the gradient `(m,)` of alpha: of first order at the present weights, or unrolled."""
        guide_of, penalty = partial(self.method.guide, self), self.method.penalty(self, self.alpha)
        val = self._loss_of(guide, self.method.guiding(self))
        if self.method.second_order:
            train = self._loss_of(lesson, self.method.passing(self))
            found = unrolled_gradient(self.learner, self.alpha, repeated(guide_of, self.rng), val, train)
        else:
            (found,) = torch.autograd.grad(val(guide_of(self.alpha)), self.alpha, materialize_grads=True)
        return found if penalty is None else found + torch.autograd.grad(penalty, self.alpha)[0]

    def rank(self, archs: Archs) -> Floats:
        """Return the validation score `(n,)` of architectures `(n, d)` with shared weights.

        One that has options which are not held is below all others, by as many as it has.
        """
        foreign = self._foreign(archs)
        score = -foreign
        held = foreign == 0
        if held.any():
            score[held] = evaluate(self.net, archs[held], self.parts.scored.images, self.parts.scored.labels).score
        return score

    def rank_by_alpha(self, archs: Archs) -> Floats:
        """Return the log probability `(n,)` of what architectures `(n, d)` take, when drawn from softmax(alpha)."""
        held = self.simplices.log_softmax(self.alpha.detach().double())
        of_option = self.spread(held - NEVER) + NEVER if self._place is not None else held
        score: Floats = self.net.mixtures(archs).double().numpy() @ of_option.cpu().numpy()
        return score

    def save(self) -> State:
        """Return all that the next epoch depends on."""
        more = {"steps": self.steps, "ended": self.ended, "decay": self.decay, "watch": self.watch.save()}
        return {**self.standing(), **more, "rng": save_rng(self.rng)}

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.stand(state)
        self.steps, self.ended = cast(int, state["steps"]), cast(bool, state["ended"])
        self.decay = cast(float, state["decay"])
        self.watch = Watch.loaded(cast(State, state["watch"]))
        load_rng(self.rng, cast(State, state["rng"]))

    def standing(self) -> State:
        """Return where the search stands: weights, alpha, both optimisers, the epoch; no draws."""
        return {
            "epoch": self.epoch,
            "found": self.found,
            "learner": self.learner.save(),
            "alpha": array(self.alpha),
            "adam": save_adam(self.adam, self.alpha),
        }

    def stand(self, state: State) -> None:
        """Go where the search stood."""
        self.epoch = cast(int, state["epoch"])
        self.found = cast("Arch | None", state["found"])
        self.learner.load(cast(State, state["learner"]))
        with torch.no_grad():
            self.alpha.copy_(torch.tensor(cast("NDArray[np.float32]", state["alpha"])))
        load_adam(self.adam, self.alpha, cast(State, state["adam"]))

    def handed_on(self) -> State:
        """Return the architecture found, and the mixture `(m,)` of the whole space that it was read off."""
        return {"found": self.incumbent, "mix": array(self.full(self.mixture()))}

    def _watched(self, logs: Mapping[str, Logged]) -> dict[str, float]:
        """Go back where the eigenvalue has grown: to its end, or to go on with more decay; returns where to."""
        if "eigenvalue" not in logs:
            return {}
        place = self.watch.look(self, cast(float, logs["eigenvalue"]), cast(float, logs[GAP]))
        if place is None or (self.method.stop == "adapt" and self.decay > (1 - 1e-9) * MOST_DECAY):
            return {}
        self.stand(self.watch.back_to(place))
        if self.method.stop == "early":
            self.ended = True
        else:
            self.decay = min(MOST_DECAY, DECAY_FACTOR * self.decay)
        return {"back_to": float(self.epoch), "weight_decay": self.decay, GAP: self.watch.gaps[place]}

    def _foreign(self, archs: Archs) -> Floats:
        """Return how many options `(n,)` of architectures `(n, d)` are not held."""
        mixes = self.net.mixtures(archs)
        found: Floats = (mixes.sum(1) - self.held(mixes.T).sum(0)).double().numpy()
        return found

    def _loss_of(self, batch: Batch, how: Pass) -> Callable[[Tensor], Tensor]:
        """Return the loss of a batch by the mixture; what is dropped is drawn once, and the same in every call."""
        if how.rng is None:
            return partial(self.loss, batch, how=how)
        seed = int(how.rng.integers(2**63))
        return lambda mix: self.loss(batch, mix, replace(how, rng=np.random.default_rng(seed)))

    def _step_alpha(self, guide: Batch, lesson: Batch) -> None:
        self.alpha.grad = self.alpha_gradient(guide, lesson)
        if self.method.alpha_clip:
            torch.nn.utils.clip_grad_norm_(self.alpha, self.method.alpha_clip)
        self.adam.step()
        self.method.settle(self)

    def _step_weights(self, lesson: Batch) -> float:
        mix = self.full(smoothed(self, self.method.lesson(self), lesson))
        how = self.method.passing(self)
        return weight_step(self.net, self.learner.optimiser, lesson, mix, self.method.clip, how=how)

    @property
    def _size(self) -> int:
        return sum(len(group.options) for group in self.net.space.groups)

    @cached_property
    def _place(self) -> Tensor | None:
        """Return `(m,)`: where the options held stand among all; None where all are held."""
        if self.simplices.size == self._size:
            return None
        at = zip(cuts(self.net.space.groups), self.net.allowed, strict=True)
        return torch.tensor([cut.start + option for cut, held in at for option in held])
