"""What a policy may do to each edge, and the distribution over it that its logits make.

NAT's actions on an edge are null, keep and skip, in the order of its release; those of NATv2 are all operations. What
is not allowed has probability 0; everything else has a little more than the softmax gives it.

Source: Guo et al., NAT (NeurIPS 2019), guoyongcs/NAT:search_model.py; guoyongcs/NATv2:search_model.py, whose softmax is
over the operations that are allowed. Differs: both add 1e-5 to every probability and leave it at that; here they are
divided by their sum, so that a logarithm is that of what is drawn by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.harness.space import Archs, Bools
from nasboard.harness.transitions import Ops, Transitions, allowed, released
from nasboard.methods.transforming.inputs import draw_ops

LEAST = 1e-5  # added to the probability of every action
NULL, KEEP, SKIP = range(3)


@dataclass(frozen=True, slots=True)
class Actions:
    """The actions on the edges of n architectures.

    Attributes:
        ops: `(n, e, actions)`: the operation that each puts there.
        may: `(n, e, actions)`: whether it is allowed.
    """

    ops: NDArray[np.int64]
    may: Bools


@dataclass(frozen=True, slots=True)
class Choices:
    """The distribution over the actions on every edge.

    Attributes:
        log_probs: `(n, e, actions)`, with their gradient; -inf where an action is not allowed.
        actions: what they are.
    """

    log_probs: Tensor
    actions: Actions

    @property
    def entropy(self) -> Tensor:
        """Return the entropy `(n,)` in nats, summed over edges, with its gradient."""
        kept = self.log_probs.masked_fill(torch.isneginf(self.log_probs), 0.0)
        return -(self.log_probs.exp() * kept).sum((1, 2))

    def log_prob(self, taken: Ops) -> Tensor:
        """Return the logarithm of the probability `(n,)` of taking actions `(n, e)`, with its gradient."""
        return self.log_probs.gather(2, torch.from_numpy(taken)[..., None])[..., 0].sum(1)

    def draw(self, rng: Generator) -> Ops:
        """Return an action for each edge `(n, e)`, drawn."""
        return np.concatenate([*self._drawn(rng, 1)])

    def draws(self, rng: Generator, n: int) -> Ops:
        """Return `n` draws `(n, e)` for the first architecture."""
        return next(self._drawn(rng, n))

    def put(self, taken: Ops) -> Ops:
        """Return the operations `(n, e)` that actions `(n, e)` put on the edges."""
        return np.take_along_axis(self.actions.ops, taken[..., None], axis=2)[..., 0]

    def _drawn(self, rng: Generator, n: int) -> Iterator[Ops]:
        for chances in self.log_probs.detach().double().exp().numpy():
            yield draw_ops(rng, chances, n)


def released_actions(of: Transitions, archs: Archs) -> Actions:
    """Return null, keep and skip on every edge of architectures `(n, d)`.

    An operation that the space has not is not allowed; where a skip is already, to keep it and to put it are two
    actions, as in the release.
    """
    there = of.wiring(archs).ops
    numbers = [of.kinds.index(kind) if kind in of.kinds else None for kind in ("null", "skip")]
    null, skip = (there if number is None else np.full_like(there, number) for number in numbers)
    ops = np.stack([null, there, skip], axis=-1)
    may = np.take_along_axis(released(of, archs), ops, axis=-1)
    may[..., [action for action, number in zip((NULL, SKIP), numbers, strict=True) if number is None]] = False
    return Actions(ops, may)


def graded_actions(of: Transitions, archs: Archs) -> Actions:
    """Return all operations on every edge of architectures `(n, d)`, of which those are allowed that cost no more."""
    may = allowed(of, archs)
    return Actions(np.broadcast_to(np.arange(may.shape[-1]), may.shape), may)


def distribution(logits: Tensor, actions: Actions) -> Choices:
    """Return the distribution that logits `(n, e, actions)` make over what is allowed."""
    may = torch.from_numpy(actions.may)
    raised = logits.masked_fill(~may, -torch.inf).softmax(-1) + LEAST
    among = raised * may
    probs = among / among.sum(-1, keepdim=True)
    return Choices(probs.masked_fill(~may, 1.0).log().masked_fill(~may, -torch.inf), actions)
