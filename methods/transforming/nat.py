"""NAT: a policy learns, from shared weights, which operations of an architecture to remove or to replace by skips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import ClassVar, Self, cast, get_args

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.data import live_data
from nasboard.benchmarks.live.supernets.ops import BN_POLICY
from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import Batch, Part, WeightSchedule, batches
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.harness.api import Checkpoint, Need, State, Task
from nasboard.harness.errors import MethodError, UsageError
from nasboard.harness.space import Arch, Archs, Choice, check, sample
from nasboard.harness.transitions import TransformableSpace
from nasboard.methods.transforming.actions import graded_actions, released_actions
from nasboard.methods.transforming.inputs import transformable
from nasboard.methods.transforming.policies.choosing import POLICIES, PolicyName
from nasboard.methods.transforming.policies.parts import plan
from nasboard.methods.transforming.teaching import Transformer
from nasboard.methods.weight_sharing.single_path import Found, Sampler, SinglePath


@dataclass(frozen=True, slots=True)
class Nat:
    """Neural architecture transformer.

    Source: Guo et al., NAT: Neural Architecture Transformer (NeurIPS 2019), and its release, guoyongcs/NAT. An epoch
    trains shared weights along architectures drawn uniformly, on a part of the training images, then the policy by
    REINFORCE on the others: of an architecture drawn uniformly it makes another, and the reward is how much higher its
    accuracy is on the same images. What becomes of an input is the best, by shared weights on validation images, of
    some that the policy draws. Actions on an edge are null, keep and skip; what would cost more there is not allowed.

    With `graded` they are all operations that cost no more, as in Guo et al., Towards Accurate and Compact
    Architectures via NAT (TPAMI 2021), whose release, guoyongcs/NATv2, trains for 200 epochs and is the same otherwise.

    Differs: the baseline is the moving average of rewards (`teaching`), probabilities add up to 1 (`actions`), results
    are chosen on validation images (there on those that the policy learns from). The incumbent is what became of one
    architecture, drawn uniformly when the run began: a transformer searches nothing.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = BN_POLICY

    epochs: int = 100  # release, as all that follows
    batch: int = 64  # images of a step of the weights
    lr: float = 0.01  # SGD, constant
    momentum: float = 0.9
    weight_decay: float = 3e-4
    share: float = 0.4  # of the training images, for the weights; the policy has the others
    policy: PolicyName = "gcn"
    graded: bool = False
    policy_batch: int = 64  # images of a step of the policy
    policy_lr: float = 3e-4  # Adam
    policy_betas: tuple[float, float] = (0.5, 0.999)
    policy_decay: float = 5e-4
    entropy_weight: float = 0.003
    baseline_decay: float = 0.99
    pairs: int = 1  # inputs of a step of the policy, and what became of each, all on the same images
    nulls: bool = False  # whether architectures that are drawn in training may have null operations
    draws: int = 10  # for each input that is transformed
    derive_every: int = 10  # epochs

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        counts = ("epochs", "batch", "policy_batch", "pairs", "draws", "derive_every")
        for name, value in ((name, getattr(self, name)) for name in counts):
            if value < 1:
                raise UsageError(f"nat: {name} is at least 1, given {value}")
        if not 0 < self.share < 1 or not 0 <= self.baseline_decay < 1:
            raise UsageError(
                f"nat: share is in (0, 1) and baseline_decay in [0, 1), given {self.share} and {self.baseline_decay}"
            )
        if self.policy not in POLICIES:
            raise UsageError(f"nat: policy is one of {', '.join(get_args(PolicyName))}, given {self.policy!r}")

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=3, batch=32, policy_batch=32, draws=3, derive_every=2)

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch; the incumbent is None before the first derivation.

        Raises:
            UsageError: the task has no live data, its space does not say what its operations may become, or there are
                too few images for weights and policy.
            MethodError: a loss or a reward is not finite.
        """
        data, space = live_data(task, "nat"), transformable(task.space, "nat")
        schedule = WeightSchedule(
            self.epochs, self.batch, self.lr, self.lr, self.momentum, self.weight_decay, clip=0.0, nesterov=False
        )
        net, parts = data.supernet(task.rng, task.device), data.on(task.device)
        learning = Learning(
            self,
            self.transformer(space, task.rng),
            order=task.rng.permutation(len(parts.train.labels)),
            given=sample(space, task.rng, 1)[0],
            key=int(task.rng.integers(2**63)),
        )
        if task.resume is not None:
            learning.load(cast(State, task.resume["sampler"]))
        mine, learning.guides = learning.divided(parts.train)
        run = SinglePath(
            parts=replace(parts, train=mine),
            rng=task.rng,
            sampler=learning,
            derive_every=self.derive_every,
            learner=Learner(net, schedule.optimiser(net)),
        )
        if task.resume is not None:
            run.load(task.resume)
        for seen in run.phase(schedule, 0, self.epochs):
            yield replace(seen, transform=partial(learning.transform, run, space))

    def transformer(self, space: TransformableSpace, rng: Generator) -> Transformer:
        """Return an untaught transformer of a space."""
        of, acting = space.transitions, graded_actions if self.graded else released_actions
        one = sample(space, np.random.default_rng(0), 1)  # any
        actions = acting(of, one).ops.shape[-1]
        policy = POLICIES[self.policy](plan(of, of.wiring(one), actions), rng)
        adam = torch.optim.Adam(policy.parameters(), self.policy_lr, self.policy_betas, weight_decay=self.policy_decay)
        return Transformer(of, policy, adam, acting, decay=self.baseline_decay, entropy_weight=self.entropy_weight)


class Learning(Sampler):
    """Draws paths uniformly, and teaches the policy after them on images that the weights never see.

    Attributes:
        guides: what the policy learns from.
        given: the architecture `(d,)` whose transformation is the incumbent.
    """

    guides: Part

    def __init__(
        self, settings: Nat, transformer: Transformer, *, order: NDArray[np.int64], given: Arch, key: int
    ) -> None:
        """Start untaught.

        Args:
            settings: of the method.
            transformer: what is taught.
            order: of the training images, of which the first are the weights'.
            given: architecture `(d,)`.
            key: of what is drawn for inputs that are transformed.
        """
        self.settings, self.transformer = settings, transformer
        self.order, self.given, self.key = order, given, key

    def divided(self, train: Part) -> tuple[Part, Part]:
        """Return the images of the weights, and those of the policy.

        Raises:
            UsageError: one of them has none.
        """
        cut = int(len(self.order) * self.settings.share)
        if not 0 < cut < len(self.order):
            raise UsageError(
                f"nat: share {self.settings.share} of {len(self.order)} training images leaves a side none"
            )
        index = torch.from_numpy(self.order).to(train.labels.device)
        mine, its = (replace(train, images=train.images[i], labels=train.labels[i]) for i in (index[:cut], index[cut:]))
        return mine, its

    def held(self, net: Supernet) -> tuple[tuple[int, ...], ...]:
        """Return the options of each group that weights and policy learn from: but for null, if any other is there."""
        if self.settings.nulls:
            return net.allowed
        of = self.transformer.of
        null = {name for name, kind in zip(of.operations, of.kinds, strict=True) if kind == "null"}
        groups = zip(net.space.groups, net.allowed, strict=True)
        plain = [tuple(i for i in held if group.options[i].partition("<-")[0] not in null) for group, held in groups]
        return tuple(kept or held for kept, held in zip(plain, net.allowed, strict=True))

    def step(
        self, run: SinglePath, learner: Learner[Supernet], batch: Batch, mixes: Sequence[Tensor], clip: float
    ) -> float:
        """Make a step of the weights, and return the loss before it.

        Raises:
            MethodError: it is not finite.
        """
        loss = Sampler.step(self, run, learner, batch, mixes, clip)
        if not isfinite(loss):
            raise MethodError(f"the loss of the supernet is {loss}; lower its learning rate `lr`")
        return loss

    def learn(self, run: SinglePath) -> Mapping[str, float]:
        """Make the policy's steps of an epoch, and return their means, of the baseline the last."""
        s = self.settings
        told = [
            self.teach(run, batch) for batch in batches(self.guides, s.policy_batch, run.rng, run.parts.augmentation)
        ]
        return {name: float(np.mean([each[name] for each in told])) for name in told[0]} | {
            "baseline": told[-1]["baseline"]
        }

    def teach(self, run: SinglePath, batch: Batch) -> dict[str, float]:
        """Make one step of the policy: what it makes of fresh architectures is compared with them on a batch.

        Raises:
            MethodError: a reward is not finite.
        """
        net, n = run.learner.net, self.settings.pairs
        proposed = self.transformer.propose(np.stack([self.draw(run, net) for _ in range(n)]), run.rng)
        seen = evaluate(net, np.concatenate([proposed.before, proposed.after]), batch.images, batch.labels)
        accuracy = np.where(np.isfinite(seen.confidence), seen.accuracy, np.nan)  # an argmax of NaN is a class, too
        return self.transformer.learn(proposed, accuracy[n:] - accuracy[:n])

    def choose(self, run: SinglePath) -> Found:
        """Return what becomes of the architecture that was drawn when the run began."""
        found = self.transform(run, cast(TransformableSpace, run.learner.net.space), self.given[None])
        return Found(found[0], float(run.evaluate(found).accuracy[0]))

    def transform(self, run: SinglePath, space: TransformableSpace, archs: Archs) -> Archs:
        """Return what becomes of architectures `(n, d)`: the best of some draws each, by shared weights.

        Raises:
            SpecError: they are not in the space.
        """
        archs, draws = check(space, archs), self.settings.draws
        if not len(archs):
            return archs
        drawn = np.stack([self.transformer.outcomes(arch, self.key, draws) for arch in archs])  # (n, draws, d)
        scores = run.rank(drawn.reshape(-1, archs.shape[1])).reshape(-1, draws)
        best: Archs = drawn[np.arange(len(archs)), scores.argmax(axis=1)]
        return best

    def save(self) -> State:
        """Return all that is not in the run itself."""
        return {"transformer": self.transformer.save(), "order": self.order, "given": self.given, "key": self.key}

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.transformer.load(cast(State, state["transformer"]))
        self.order, self.given = cast("NDArray[np.int64]", state["order"]), cast("NDArray[Choice]", state["given"])
        self.key = cast(int, state["key"])
