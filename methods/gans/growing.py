"""The state of AutoGAN's search: shared GANs, the controller of the stage, and the beam of what is decided so far.

A stage decides the tokens of one cell. Its controller begins where that of the stage before ended for each of the rows
that were kept, so that what it decides depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from numpy.random import Generator as Rng
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.gans.data import GanData
from nasboard.benchmarks.live.gans.game import made, resized
from nasboard.benchmarks.live.gans.recipe import GanRecipe
from nasboard.benchmarks.live.supernets.saved import array, load_rng, save_rng
from nasboard.benchmarks.spaces.autogan import GanSpace
from nasboard.benchmarks.spaces.relaxation import owner, splits
from nasboard.harness.api import State
from nasboard.harness.space import Arch, Archs, Choice, Floats
from nasboard.methods.gans.shared import Reset, Shared
from nasboard.methods.weight_sharing.controller import Controller, Decided, Reinforced, Shape, States


@dataclass(frozen=True, slots=True)
class Policy:
    """How controllers are made and trained.

    Attributes:
        hidden: units of the LSTM, which has one layer.
        lr: of Adam, with the betas of the shared GAN.
        steps: of training after the shared GAN had its epochs.
        entropy_weight: of the entropy in a reward.
        decay: of the baseline, which begins anew with every iteration.
        candidates: rows that are drawn when a stage ends.
        kept: of them, the best.
    """

    hidden: int
    lr: float
    steps: int
    entropy_weight: float
    decay: float
    candidates: int
    kept: int


@dataclass(frozen=True, slots=True)
class Beam:
    """Beginnings of rows `(k, tokens)`, and the states `(k, hidden)` that controllers go on from: output and cell."""

    archs: Archs
    out: Tensor
    cell: Tensor

    def drawn(self, n: int, rng: Rng) -> Beam:
        """Return `n` of them, drawn with replacement."""
        at = rng.integers(len(self.archs), size=n)
        index = torch.from_numpy(at)
        return Beam(self.archs[at], self.out[index], self.cell[index])

    @property
    def states(self) -> States:
        """Return the states as a controller of one layer takes them."""
        return ((self.out, self.cell),)


@dataclass
class Growing:
    """A search in the middle.

    Attributes:
        data: images and networks.
        device: where networks are.
        rng: the run's generator.
        by: how shared GANs are trained.
        reset: when one is begun anew.
        policy: of controllers.
        shared: one shared GAN, or those of `splits(split)`, in that order.
        split: groups that are split.
        step: iterations done.
        stage: the cell, counted from 0, whose tokens are decided.
        incumbent: the best of the last candidates whose rows were whole.
        resets: how often a shared GAN was begun anew.
    """

    data: GanData
    device: str
    rng: Rng
    by: GanRecipe
    reset: Reset
    policy: Policy
    shared: list[Shared] = field(init=False)
    reinforced: Reinforced = field(init=False)
    beam: Beam = field(init=False)
    seed: int = field(init=False)
    split: tuple[int, ...] = ()
    step: int = 0
    stage: int = 0
    incumbent: Arch | None = None
    resets: int = 0

    def __post_init__(self) -> None:
        self.shared = [Shared.of(self.data, self.rng, self.device, self.by, self.reset, None)]
        nothing = torch.zeros(1, self.policy.hidden)
        self.beam = Beam(np.empty((1, 0), dtype=Choice), nothing, nothing)
        self.seed = int(self.rng.integers(2**63))
        self._begin(0)

    @property
    def space(self) -> GanSpace:
        """Return the search space."""
        return self.data.space

    @property
    def whole(self) -> bool:
        """Return whether the last cell is decided, so that rows are architectures."""
        return self.stage + 1 == self.space.cells

    def grow(self) -> None:
        """Keep the best of what the stage found, and go on to the next cell with a fresh controller."""
        self.beam = self._best()
        self._begin(self.stage + 1)

    def derive(self) -> None:
        """Set the incumbent: the best of rows that are drawn."""
        self.incumbent = self._best().archs[0]

    def parted(self, groups: tuple[int, ...]) -> None:
        """Put sub-GANs, with the weights of the shared one, in its place; controller and beam stay."""
        [parent] = self.shared
        self.shared = []
        for allowed in splits(self.space.groups, groups):
            child = Shared.of(self.data, self.rng, self.device, self.by, self.reset, allowed)
            child.take_over(parent)
            self.shared.append(child)
        self.split = groups

    def iterate(self, real: Tensor) -> dict[str, float]:
        """Train every shared GAN on real images `(n, c, side, side)`, then the controller; returns what is logged."""
        images = resized(real, self.data.parts.macro.side(self.stage + 1))
        stuck = [self._train(each, images) for each in self.shared]
        logs = self._learn()
        for number, anew in enumerate(stuck):
            if anew:
                allowed = self.shared[number].allowed
                self.shared[number] = Shared.of(self.data, self.rng, self.device, self.by, self.reset, allowed)
                self.resets += 1
        self.step += 1
        return {**logs, "stage": float(self.stage), "resets": float(self.resets)}

    def rank(self, archs: Archs) -> Floats:
        """Return the classifier score `(n,)` of architectures `(n, d)` with shared weights, all of the same noise."""
        return np.array([self.score(arch, np.random.default_rng(self.seed)) for arch in archs])

    def score(self, arch: Arch, rng: Rng) -> float:
        """Return the classifier score of what the shared GAN that owns a row, whole or not, makes along it."""
        parts, at = self.data.parts, 0
        if self.split:
            at = int(owner(self.space, arch[None], self.split)[0])
        images = made(self.shared[at].game.maker.net, arch, parts.scored_on, parts.white, rng)
        return self.data.judge(self.device).score(images)

    def _begin(self, stage: int) -> None:
        self.stage, tokens = stage, GanSpace(stage + 1, first=stage)
        shape = Shape(hidden=self.policy.hidden, layers=1, temperature=1.0, tanh=None)
        controller = Controller(tokens, tuple(range(len(tokens.choices))), shape, self.rng)
        self.reinforced = Reinforced(
            controller,
            torch.optim.Adam(controller.parameters(), self.policy.lr, (self.by.beta1, self.by.beta2)),
            decay=self.policy.decay,
            entropy_weight=self.policy.entropy_weight,
            clip=0.0,
        )

    def _drawn(self, n: int) -> tuple[Archs, Decided]:
        """Return rows `(n, tokens)` up to this stage's cell, and what the controller decided of them."""
        begun = self.beam.drawn(n, self.rng)
        decided = self.reinforced.controller.draw(n, self.rng, begun.states)
        return np.concatenate([begun.archs, decided.archs], axis=1), decided

    def _train(self, shared: Shared, real: Tensor) -> bool:
        """Train one shared GAN for the recipe's epochs; returns whether it is to be begun anew."""
        step = 0
        for _ in range(self.by.epochs):
            order = torch.from_numpy(self.rng.permutation(len(real))).to(real.device)
            for at in range(0, len(order), self.by.batch):
                with torch.no_grad():
                    [arch], _ = self._drawn(1)
                if shared.allowed is not None:  # a sub-GAN trains what is drawn as its own
                    arch[list(self.split)] = [shared.allowed[group][0] for group in self.split]
                makes = step % self.by.critics == 0
                losses = shared.game.round(real[order[at : at + self.by.batch]], arch, self.rng, makes=makes)
                if shared.saw(losses):
                    return True
                step += 1
        return False

    def _learn(self) -> dict[str, float]:
        """Train the controller and return the means of what is worth a curve."""
        self.reinforced.baseline = None
        told: list[Mapping[str, float]] = []
        for _ in range(self.policy.steps):
            [arch], decided = self._drawn(1)
            told.append(self.reinforced.update(decided, np.array([self.score(arch, self.rng)])))
        return {name: float(np.mean([each[name] for each in told])) for name in ("reward", "policy_entropy")}

    @torch.no_grad()
    def _best(self) -> Beam:
        """Return the best of rows that are drawn, best first."""
        archs, decided = self._drawn(self.policy.candidates)
        scores = np.array([self.score(arch, self.rng) for arch in archs])
        at = np.argsort(-scores, kind="stable")[: self.policy.kept]
        [(out, cell)], index = decided.states, torch.from_numpy(at)
        return Beam(archs[at], out[index], cell[index])

    def save(self) -> State:
        """Return all that the next iteration depends on."""
        return {
            "step": self.step,
            "stage": self.stage,
            "parts": len(self.shared),
            "shared": [each.save() for each in self.shared],
            "reinforced": self.reinforced.save(),
            "beam": {"archs": self.beam.archs, "out": array(self.beam.out), "cell": array(self.beam.cell)},
            "seed": str(self.seed),
            "incumbent": self.incumbent,
            "resets": self.resets,
            "rng": save_rng(self.rng),
        }

    def load(self, state: State, split: tuple[int, ...]) -> None:
        """Take over what `save` returned; `split` are the groups of a search whose state is of several parts."""
        if cast(int, state["parts"]) > 1:
            self.parted(split)
        self._begin(cast(int, state["stage"]))
        self.step, self.resets = cast(int, state["step"]), cast(int, state["resets"])
        for each, saved in zip(self.shared, cast("list[State]", state["shared"]), strict=True):
            each.load(saved)
        self.reinforced.load(cast(State, state["reinforced"]))
        beam = cast("Mapping[str, NDArray[np.float32]]", state["beam"])
        archs = cast(State, state["beam"])["archs"]
        self.beam = Beam(cast(Archs, archs), torch.tensor(beam["out"]), torch.tensor(beam["cell"]))
        self.seed = int(cast(str, state["seed"]))
        self.incumbent = cast("Arch | None", state["incumbent"])
        load_rng(self.rng, cast(State, state["rng"]))
