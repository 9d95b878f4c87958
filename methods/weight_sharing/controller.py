"""The controller of ENAS: an LSTM that decides an architecture slot by slot, and REINFORCE, which trains it.

The decisions are the slots of a row: of NAS-Bench-201 one operation for each edge, of NAS-Bench-1Shot1 operations and
sets of parents, of the DARTS cells a pair of sources for each node and an operation on each of its two edges. So every
architecture is one sequence of decisions, the probabilities of all architectures add up to 1, and which groups of a
relaxation compete with each other need not be known. An option that the rules of the space forbid after what was
decided before has probability 0. Nothing here knows a network, and it all happens on the processor.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.saved import load_taught, save_taught
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace
from nasboard.harness.api import State
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs, Choice, Floats, SearchSpace, sample

INIT = 0.1  # weights are drawn from [-INIT, INIT]
DRAWN = 200  # rows that the rules of a space are tried on

States = tuple[tuple[Tensor, Tensor], ...]  # of each layer: what it puts out and its cell, both (n, hidden)
Decide = Callable[[int, Tensor], Tensor]  # slot, log probabilities (n, options) -> choices (n,) int64


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a controller, and what is done to its logits.

    Attributes:
        hidden: units of a layer.
        layers: of the LSTM.
        temperature: that logits are divided by.
        tanh: logits are then `tanh * tanh(logits)`; None leaves them as they are.
    """

    hidden: int
    layers: int
    temperature: float
    tanh: float | None


@dataclass(frozen=True, slots=True)
class Decided:
    """Architectures, and what the controller says of them.

    Attributes:
        archs: `(n, d)`.
        log_prob: `(n,)`, with its gradient.
        entropy: `(n,)` in nats, summed over the decisions as they stood on the way; without a gradient. Its mean over
            architectures as they are drawn is the entropy of the policy.
        states: of the LSTM after the last decision, with their gradient.
    """

    archs: Archs
    log_prob: Tensor
    entropy: Tensor
    states: States


def alike(space: RelaxedSpace) -> tuple[int, ...]:
    """Return a number for each slot, the same for slots that choose among the same options.

    Where slots are not the groups of the relaxation one by one, those with as many options are taken to be.
    """
    told: list[Hashable] = list(space.choices)
    if len(space.groups) == len(space.choices):
        told = [(group.chosen, group.options) for group in space.groups]
    order = list(dict.fromkeys(told))
    return tuple(order.index(each) for each in told)


class Controller(nn.Module):
    """An LSTM; the embedding of each decision is the input of the next.

    Source: Pham et al., ENAS (ICML 2018), in the form of NAS-Bench-201 (Dong & Yang, ICLR 2020): a decision is a linear
    function of what the last layer puts out, the same for all slots of one kind, as is the embedding. Differs: the
    release of ENAS chooses inputs by attention over earlier nodes and adds constants to the logits of its own five
    operations; biases start at zero.
    """

    def __init__(self, space: SearchSpace, kinds: tuple[int, ...], shape: Shape, rng: Generator) -> None:
        """Draw the weights; `kinds` has a number for each slot, the same for those that share weights."""
        super().__init__()
        self.space, self.kinds, self.shape = space, kinds, shape
        self._filling = _filling(space)
        h = shape.hidden
        options = [space.choices[kinds.index(kind)] for kind in range(max(kinds) + 1)]

        def drawn(*size: int) -> nn.Parameter:
            return nn.Parameter(torch.from_numpy(rng.uniform(-INIT, INIT, size).astype(np.float32)))

        self.start = drawn(h)
        self.cells = nn.ParameterList(drawn(2 * h, 4 * h) for _ in range(shape.layers))
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(4 * h)) for _ in range(shape.layers))
        self.heads = nn.ParameterList(drawn(h, n) for n in options)
        self.shifts = nn.ParameterList(nn.Parameter(torch.zeros(n)) for n in options)
        self.embeddings = nn.ParameterList(drawn(n, h) for n in options)

    def draw(self, n: int, rng: Generator, begun: States | None = None) -> Decided:
        """Return `n` architectures drawn from the policy.

        Args:
            n: how many.
            rng: draws them.
            begun: what the states begin with, of each of the n; None for zeros.

        Raises:
            UsageError: the rules of the space leave a slot without an option.
        """

        def decide(_: int, log_prob: Tensor) -> Tensor:
            ends = log_prob.detach().double().exp().cumsum(-1)
            drawn = torch.from_numpy(rng.random((n, 1))) * ends[:, -1:]
            return (ends <= drawn).sum(-1).clamp(max=ends.shape[1] - 1)

        return self._unroll(n, decide, begun)

    def of(self, archs: Archs) -> Decided:
        """Return what the policy says of architectures `(n, d)`."""
        given = torch.from_numpy(archs.astype(np.int64))
        return self._unroll(len(archs), lambda slot, _: given[:, slot])

    def _unroll(self, n: int, decide: Decide, begun: States | None = None) -> Decided:
        like = self.start.new_zeros(n, self.shape.hidden)
        states = [(like, like)] * self.shape.layers if begun is None else list(begun)
        x = self.start.expand(n, -1)
        archs = np.repeat(self._filling[None], n, axis=0)
        log_prob = entropy = self.start.new_zeros(n)
        for slot, kind in enumerate(self.kinds):
            x = self._advance(x, states)
            logits = (x @ self.heads[kind] + self.shifts[kind]) / self.shape.temperature
            logits = logits if self.shape.tanh is None else self.shape.tanh * logits.tanh()
            of_option = logits.masked_fill(~self._open(archs, slot), -torch.inf).log_softmax(-1)
            taken = decide(slot, of_option)
            archs[:, slot] = taken.numpy()
            log_prob = log_prob + of_option.gather(1, taken[:, None])[:, 0]
            entropy = entropy + torch.special.entr(of_option.detach().exp()).sum(-1)
            x = self.embeddings[kind][taken]
        return Decided(archs, log_prob, entropy, tuple(states))

    def _advance(self, x: Tensor, states: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Return what the last layer puts out for `x` `(n, hidden)`; `states` (output and cell of each layer) move."""
        for layer, (weight, bias) in enumerate(zip(self.cells, self.biases, strict=True)):
            before, cell = states[layer]
            into, forget, out, new = (torch.cat([x, before], 1) @ weight + bias).chunk(4, 1)
            cell = forget.sigmoid() * cell + into.sigmoid() * new.tanh()
            x = out.sigmoid() * cell.tanh()
            states[layer] = x, cell
        return x

    def _open(self, archs: Archs, slot: int) -> Tensor:
        """Return which options of a slot the rules allow `(n, options)`, the slots behind it as they are."""
        options = self.space.choices[slot]
        rows = np.repeat(archs[:, None], options, axis=1)
        rows[:, :, slot] = np.arange(options)
        found = self.space.valid(rows.reshape(-1, rows.shape[2])).reshape(-1, options)
        return torch.from_numpy(found)


def _filling(space: SearchSpace) -> Arch:
    """Return a valid row `(d,)` that can follow what was decided of any other: the first options, where they can.

    Raises:
        UsageError: it cannot follow what was decided of one of many rows that were drawn.
    """
    rng = np.random.default_rng(0)  # the same row whenever asked
    first, drawn = np.zeros(len(space.choices), dtype=Choice), sample(space, rng, DRAWN)
    row = first if space.valid(first[None])[0] else drawn[0]
    for slot in range(1, len(row)):
        follows = space.valid(np.hstack([drawn[:, :slot], np.repeat(row[None, slot:], len(drawn), axis=0)]))
        if not follows.all():
            begun, wrong = drawn[int(np.argmin(follows)), :slot].tolist(), row[slot:].tolist()
            raise UsageError(
                f"{space.name}: after {begun} a valid row cannot go on with {wrong}; a controller needs a space whose "
                "rules can be kept slot by slot"
            )
    return row


class Reinforced:
    """A controller, its optimiser and the baseline of its rewards.

    Source: Williams, REINFORCE (Machine Learning 1992), as Pham et al. (2018) use it: the baseline is an exponential
    moving average that holds the reward it is compared with.

    Attributes:
        baseline: None before the first reward, whose baseline is the accuracy it holds.
        begun: what it was when the epoch began.
    """

    def __init__(
        self,
        controller: Controller,
        adam: torch.optim.Adam,
        *,
        decay: float,
        entropy_weight: float,
        clip: float,
        baseline: float | None = None,
        held: bool = False,
    ) -> None:
        """Start with a baseline.

        Args:
            controller: what is trained.
            adam: its optimiser.
            decay: of the baseline.
            entropy_weight: of the entropy in a reward.
            clip: largest norm of a gradient; 0 clips nothing.
            baseline: before the first reward.
            held: each reward moves the baseline that the epoch began with, not what the reward before left.
        """
        self.controller, self.adam = controller, adam
        self.decay, self.entropy_weight, self.clip, self.held = decay, entropy_weight, clip, held
        self.baseline = self.begun = baseline

    def begin(self) -> None:
        """Begin an epoch."""
        self.begun = self.baseline

    def update(self, decided: Decided, accuracy: Floats) -> dict[str, float]:
        """Make one step on the mean over architectures of `-(reward - baseline) * log_prob`.

        Args:
            decided: architectures as they were drawn.
            accuracy: of each `(n,)`, fractions.

        Returns:
            Means of what is worth a curve, and the baseline after the last reward.
        """
        rewards = accuracy + self.entropy_weight * decided.entropy.numpy()
        baselines = [self._baseline(reward, seen) for reward, seen in zip(rewards, accuracy, strict=True)]
        advantages = rewards - np.array(baselines)
        loss = -(torch.from_numpy(advantages).to(decided.log_prob) * decided.log_prob).mean()
        self.adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.clip:
            torch.nn.utils.clip_grad_norm_(self.controller.parameters(), self.clip)
        self.adam.step()
        return {
            "reward": float(rewards.mean()),
            "policy_entropy": float(decided.entropy.mean()),
            "policy_loss": float(loss.detach()),
            "baseline": baselines[-1],
        }

    def _baseline(self, reward: float, accuracy: float) -> float:
        """Move the baseline by a reward and return it."""
        before = self.begun if self.held else self.baseline
        self.baseline = float(accuracy if before is None else before - (1 - self.decay) * (before - reward))
        return self.baseline

    def save(self) -> State:
        """Return weights, moments and baseline."""
        return save_taught(self.controller, self.adam) | {"baseline": self.baseline}

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        load_taught(self.controller, self.adam, state)
        self.baseline = cast("float | None", state["baseline"])
