"""Derivation by perturbation: of each group the option is kept whose removal from the supernet hurts most.

Source: Wang et al., Rethinking Architecture Selection in Differentiable NAS (ICLR 2021), and its release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.benchmarks.spaces.relaxation import Group, cuts
from nasboard.harness.api import Logged, State
from nasboard.harness.space import Arch, Archs, Floats
from nasboard.methods.differentiable.bilevel.measuring import GAP, derived_accuracy, supernet_accuracy

if TYPE_CHECKING:
    from nasboard.methods.differentiable.bilevel.search import Search

Parts = tuple[tuple[int, ...], ...]  # places in the mixture that go together, one part after the other
LR_SHARE = 0.1  # of the search's first rate: tuning starts there; the release


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided at once: which of some parts of a mixture stay.

    Attributes:
        name: of the group or node.
        parts: places in the mixture that go together: an option, or all options of a group that competes.
        kept: how many parts stay.
        hot: whether the places of a part that stays get weight 1; else they keep theirs.
        also: places that nothing is left of, such as a `none` that stands for being left out.
    """

    name: str
    parts: Parts
    kept: int
    hot: bool = True
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What is decided of mixtures, whatever alpha says.

    Attributes:
        at: `(m,)`, where.
        mix: `(m,)`, the weights there, and 0 elsewhere.
    """

    at: Tensor
    mix: Tensor

    def put(self, place: int, weight: float) -> None:
        """Decide a weight."""
        self.at[place], self.mix[place] = True, weight

    def to(self, device: torch.device) -> Settled:
        """Return the same on a device."""
        return Settled(self.at.to(device), self.mix.to(device))


def decisions(groups: Sequence[Group]) -> tuple[list[Decision], list[Decision]]:
    """Return what is decided of operations, and after that of the topology: inputs, outputs and edges."""
    operations: list[Decision] = []
    topology: list[Decision] = []
    nodes: dict[tuple[str, int], list[tuple[int, ...]]] = {}
    for group, at in zip(groups, cuts(tuple(groups)), strict=True):
        places = tuple(range(at.start, at.stop))
        parts = tuple((at.start + option,) for option in group.takeable)
        if len(places) > group.chosen and parts:
            also = tuple(place for place in places if (place,) not in parts)
            kind = operations if group.kind == "operation" else topology
            kind.append(Decision(group.name, parts, group.chosen, also=also))
        if group.node is not None:
            nodes.setdefault(group.node, []).append(places)
    if not any(group.kind == "edge" for group in groups):  # whose weights say which of a node's groups are taken
        topology += [Decision(n, tuple(p), kept, hot=False) for (n, kept), p in nodes.items() if len(p) > kept]
    return operations, topology


class Perturbed:
    """A search, and after it the decisions, one every `tune_epochs` epochs in which alpha and weights are tuned.

    Groups are decided in random order, operations before topology. What is decided is settled in every mixture from
    then on, and smoothing leaves it alone. An option is removed by setting its weight to 0, without bringing the others
    back to a sum of 1. Tuning starts with a fresh optimiser at a tenth of the search's rate, which falls along a cosine
    to `lr_min`; all that follows the epoch (radius, temperature) stays as in the last epoch. Differs from the release:
    what DARTS' two cells decide side by side there is one decision after the other here, so that tuning takes twice as
    long; equal accuracies are told apart by the loss; `none` is no candidate where an architecture cannot take it; on
    NAS-Bench-201 the rate falls too, and one more epoch follows the last decision.
    """

    def __init__(self, search: Search) -> None:
        """Wrap a search at its start."""
        self._search = search
        self._decisions = [*(listed := decisions(search.simplices.groups))[0], *listed[1]]
        self._operations = len(listed[0])
        self._order: list[int] = []
        self._tuned = 0
        self._accuracy = 0.0  # of the supernet before anything is decided

    @property
    def done(self) -> int:
        """Return how many epochs were made."""
        return self._search.done

    @property
    def total(self) -> int:
        """Return how many epochs search and tuning take."""
        searched = self._search.done if self._search.over else self._search.total
        return searched + self._tuning - self._tuned

    @property
    def over(self) -> bool:
        """Return whether all is decided and tuned."""
        return self._search.over and self._tuned >= self._tuning

    @property
    def incumbent(self) -> Arch:
        """Return the architecture `(d,)` of what is settled and, elsewhere, of alpha."""
        return self._search.incumbent

    @property
    def ranker(self) -> Callable[[Archs], Floats]:
        """Return what ranks architectures."""
        return self._search.ranker

    def advance(self) -> Mapping[str, Logged]:
        """Search for one epoch; once that is over, decide where it is due, and tune for one."""
        search = self._search
        if not search.over:
            return search.advance()
        if not self._tuned:
            self._begin()
        number, rest = divmod(self._tuned, search.method.tune_epochs)
        if not rest:
            self._decide(self._decisions[self._order[number]])
        logs = search.tune(self._schedule.lr_at(self._tuned))
        self._tuned += 1
        search.found = search.derived()
        return {**logs, "decided": number + 1, GAP: self._accuracy - derived_accuracy(search)}

    def save(self) -> State:
        """Return all that the next epoch depends on."""
        settled = self._search.settled
        return {
            "search": self._search.save(),
            "tuned": self._tuned,
            "order": self._order,
            "accuracy": self._accuracy,
            "settled": None if settled is None else [settled.at.cpu().numpy(), settled.mix.cpu().numpy()],
        }

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self._search.load(cast(State, state["search"]))
        self._tuned, self._order = cast(int, state["tuned"]), cast("list[int]", state["order"])
        self._accuracy = cast(float, state["accuracy"])
        if state["settled"] is not None:
            at, mix = (torch.tensor(each) for each in cast("Iterable[NDArray[np.generic]]", state["settled"]))
            self._search.settled = Settled(at, mix).to(self._search.alpha.device)

    def handed_on(self) -> State:
        """Return what the search hands on."""
        return self._search.handed_on()

    @property
    def _tuning(self) -> int:
        """Return how many epochs tuning takes: one follows the last decision."""
        return self._search.method.tune_epochs * (len(self._decisions) - 1) + 1 if self._decisions else 0

    @property
    def _schedule(self) -> WeightSchedule:
        """Return the rates of tuning."""
        searched = self._search.schedule
        return replace(searched, epochs=self._tuning, lr=LR_SHARE * searched.lr)

    def _begin(self) -> None:
        """Note how good the supernet is, draw the order, and forget the momentum."""
        search, first, n = self._search, self._operations, len(self._decisions)
        after = first + search.rng.permutation(n - first)
        self._order = [*search.rng.permutation(first).tolist(), *after.tolist()]
        search.restart()
        self._accuracy = supernet_accuracy(search)

    def _decide(self, decision: Decision) -> None:
        """Settle which parts stay: those without which accuracy is lowest, and of equal ones the loss highest."""
        search = self._search
        mix = search.held(search.full(search.mixture()))
        without = [self._judged(mix, part) for part in decision.parts]
        candidates = search.method.may_stay(search, decision.parts)
        barred = [part not in candidates for part in decision.parts]
        hurting = sorted(range(len(without)), key=lambda i: (barred[i], without[i][0], -without[i][1]))
        settled = search.settled or Settled(torch.zeros_like(mix, dtype=torch.bool), torch.zeros_like(mix))
        for place in decision.also:
            settled.put(place, 0.0)
        for rank, part in enumerate(hurting):
            for place in decision.parts[part]:
                if rank >= decision.kept or decision.hot:
                    settled.put(place, float(rank < decision.kept))
        search.settled = settled

    @torch.no_grad()
    def _judged(self, mix: Tensor, part: tuple[int, ...]) -> tuple[float, float]:
        """Return validation accuracy and loss of the supernet under a mixture `(m,)` without some places."""
        without, scored = mix.clone(), self._search.parts.scored
        without[list(part)] = 0.0
        logits = self._search.net(scored.images, self._search.spread(without))
        right = (logits.argmax(1) == scored.labels).double().mean()
        return float(right), float(F.cross_entropy(logits, scored.labels))
