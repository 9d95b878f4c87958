"""How a policy is taught: it proposes what becomes of architectures, and is rewarded by how much better that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.saved import load_taught, save_taught
from nasboard.harness.api import State
from nasboard.harness.errors import MethodError
from nasboard.harness.space import Arch, Archs, Floats
from nasboard.harness.transitions import KINDS, Ops, Transitions
from nasboard.methods.transforming.actions import Actions, Choices, distribution
from nasboard.methods.transforming.inputs import own_generator

Acting = Callable[[Transitions, Archs], Actions]


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a policy made of architectures.

    Attributes:
        before: `(n, d)`.
        after: `(n, d)`.
        choices: the distribution that it was drawn from.
        taken: `(n, e)`: the actions.
    """

    before: Archs
    after: Archs
    choices: Choices
    taken: Ops


class Transformer:
    """A policy, its optimiser and the baseline of its rewards, on one space.

    Source: Guo et al., NAT (NeurIPS 2019): REINFORCE with an entropy term of its own gradient; the reward is how much
    accuracy rises. Differs: the baseline is the moving average of rewards, and each is compared with what it was
    before. In the release it moves by the reward less the baseline, so that it averages something else.

    Attributes:
        baseline: 0 before the first reward.
    """

    def __init__(
        self,
        of: Transitions,
        policy: nn.Module,
        adam: torch.optim.Adam,
        acting: Acting,
        *,
        decay: float,
        entropy_weight: float,
    ) -> None:
        """Start untaught.

        Args:
            of: how architectures are graphs.
            policy: wiring of n architectures -> logits `(n, e, actions)`.
            adam: its optimiser.
            acting: which actions there are.
            decay: of the baseline.
            entropy_weight: of the entropy, summed over edges, in the objective.
        """
        self.of, self.policy, self.adam, self.acting = of, policy, adam, acting
        self.decay, self.entropy_weight, self.baseline = decay, entropy_weight, 0.0

    def choices(self, archs: Archs) -> Choices:
        """Return the distribution over what becomes of architectures `(n, d)`."""
        logits: Tensor = self.policy(self.of.wiring(archs))
        return distribution(logits, self.acting(self.of, archs))

    def propose(self, archs: Archs, rng: Generator) -> Proposed:
        """Return what became of architectures `(n, d)`, drawn once each."""
        choices = self.choices(archs)
        taken = choices.draw(rng)
        return Proposed(archs, self.of.put(archs, choices.put(taken)), choices, taken)

    @torch.no_grad()
    def outcomes(self, arch: Arch, key: int, n: int) -> Archs:
        """Return `n` draws `(n, d)` of what becomes of an architecture `(d,)`, by a key the same whenever asked."""
        choices = self.choices(arch[None])
        taken = choices.draws(own_generator(key, arch), n)
        ops = np.take_along_axis(choices.actions.ops, taken[..., None], axis=2)[..., 0]
        return self.of.put(np.repeat(arch[None], n, axis=0), ops)

    def loss(self, proposed: Proposed, advantages: Floats) -> Tensor:
        """Return the mean over architectures of `-advantage * log_prob - entropy_weight * entropy`."""
        log_prob = proposed.choices.log_prob(proposed.taken)
        rewarded = (torch.from_numpy(advantages).to(log_prob) * log_prob).mean()
        return -rewarded - self.entropy_weight * proposed.choices.entropy.mean()

    def learn(self, proposed: Proposed, rewards: Floats) -> dict[str, float]:
        """Make one step on what was proposed, and return what is worth a curve.

        Args:
            proposed: as it was drawn.
            rewards: of each `(n,)`: accuracy after less accuracy before, as fractions.

        Raises:
            MethodError: a reward or the loss is not finite.
        """
        if not np.isfinite(rewards).all():
            raise MethodError(
                f"a reward is {rewards[~np.isfinite(rewards)][0]}: the supernet does not tell architectures apart any "
                "more; lower its learning rate `lr`"
            )
        loss = self.loss(proposed, rewards - self.baseline)
        if not torch.isfinite(loss):
            raise MethodError(f"the loss of the policy is {float(loss.detach())}; lower its learning rate `policy_lr`")
        self.adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.adam.step()
        self.baseline = self.decay * self.baseline + (1 - self.decay) * float(rewards.mean())
        return {
            "reward": float(rewards.mean()),
            "baseline": self.baseline,
            "policy_entropy": float(proposed.choices.entropy.mean().detach()),
            "policy_loss": float(loss.detach()),
            **self.shares(proposed),
        }

    def shares(self, proposed: Proposed) -> Mapping[str, float]:
        """Return the shares of edges that were kept, and of those that became null, skip or another operation."""
        before, after = (self.of.wiring(archs).ops for archs in (proposed.before, proposed.after))
        kinds = np.array([KINDS.index(kind) for kind in self.of.kinds])[after]
        kept = before == after
        became = {f"share_{kind}": float(((kinds == i) & ~kept).mean()) for i, kind in enumerate(KINDS)}
        return {"share_keep": float(kept.mean()), **became}

    def save(self) -> State:
        """Return weights, moments and baseline."""
        return save_taught(self.policy, self.adam) | {"baseline": self.baseline}

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        load_taught(self.policy, self.adam, state)
        self.baseline = cast(float, state["baseline"])
