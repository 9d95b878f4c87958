"""AutoGAN: a shared GAN that grows cell by cell, and a controller for each cell; few-shot where a token is split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from nasboard.benchmarks.live.gans.data import gan_data
from nasboard.benchmarks.live.gans.generator import POLICY
from nasboard.benchmarks.live.gans.recipe import GanRecipe
from nasboard.benchmarks.spaces.relaxation import splits
from nasboard.harness.api import Checkpoint, Need, Task
from nasboard.harness.errors import UsageError
from nasboard.methods.gans.growing import Growing, Policy
from nasboard.methods.gans.shared import Reset


@dataclass(frozen=True, slots=True)
class AutoGan:
    """A shared GAN trained along paths that a controller draws, which learns from what the made images score.

    Source: Gong et al., AutoGAN (ICCV 2019), in the form and with the numbers of VITA-Group/AutoGAN:search.py,
    functions.py, exps/autogan_search.sh. An iteration trains the shared GAN for some epochs, and then the controller by
    REINFORCE. At the iterations `grow_at` the best of the candidates are kept, the next cell is put on, and a fresh
    controller begins from the states of those that were kept. A shared GAN whose losses stand still is begun anew.

    Few-shot: Zhao et al., Few-shot NAS (ICML 2021), which splits AutoGAN in three; their code for it is not public, so
    how is ours. After the last iteration the tokens `split` are split: every combination of their options gets a shared
    GAN of its own, with the weights of the one before, generator and discriminator, and goes on for `sub_iterations`;
    a row is scored by the GAN that owns it. Every one of the m GANs has an iteration's epochs: at equal compute that is
    m `sub_iterations` more of one-shot.

    Differs from the release: the score is that of a classifier trained here, which is no Inception network; batch norm
    as the generator says; weights that a step does not use stay where they are; the first input of the controller is
    learned, its weights are drawn from [-0.1, 0.1].

    Attributes:
        iterations: before the split.
        grow_at: iterations after which a cell is put on; as many as there are cells but one are read.
        shared_epochs: of the shared GAN an iteration.
        controller_steps: of REINFORCE an iteration, one row each.
        candidates: rows drawn when a stage ends.
        kept: of them.
        lr: of generator and discriminator; Adam with beta1 and beta2, which controllers have too.
        critics: steps of the discriminator for each one of the generator.
        batch: real images a step.
        made: images in a step of the generator.
        hidden: units of a controller.
        controller_lr: of Adam.
        entropy_weight: in a reward.
        baseline_decay: of the moving average of rewards.
        reset_window: losses that dynamic reset looks at.
        reset_threshold: of their variance.
        split: tokens, counted from 0, that are split; none for one-shot.
        sub_iterations: after the split; ours.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = POLICY
    checked_on: ClassVar[str] = (
        "autogan-digits?channels=4&critic=4&judge=quick-3&recipe=gan-3&scored_on=20&train=60&val=60"
    )

    iterations: int = 65
    grow_at: tuple[int, ...] = (15, 35)
    shared_epochs: int = 15
    controller_steps: int = 30
    candidates: int = 10
    kept: int = 5
    lr: float = 2e-4
    beta1: float = 0.0
    beta2: float = 0.9
    critics: int = 5
    batch: int = 64
    made: int = 128
    hidden: int = 100
    controller_lr: float = 3.5e-4
    entropy_weight: float = 1e-3
    baseline_decay: float = 0.9
    reset_window: int = 500
    reset_threshold: float = 1e-3
    split: tuple[int, ...] = ()
    sub_iterations: int = 15

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(
            iterations=3,
            grow_at=(1,),
            shared_epochs=1,
            controller_steps=2,
            candidates=3,
            kept=2,
            hidden=8,
            split=(6,),
            sub_iterations=2,
        )

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every iteration; it ranks from the last stage on, and has an incumbent at its end.

        Raises:
            UsageError: the task has no generators, iterations are out of order, or tokens cannot be split.
            MethodError: a loss is not finite.
        """
        data = gan_data(task, "autogan")
        grow_at = self._grow_at(data.space.cells)
        if self.split:
            splits(data.space.groups, self.split)
        run = Growing(data, task.device, task.rng, self._recipe(), self._reset(), self._policy())
        if task.resume is not None:
            run.load(task.resume, self.split)
        real = data.real(task.device)
        end = self.iterations + (self.sub_iterations if self.split else 0)
        while run.step < end:
            if run.step in grow_at:
                run.grow()
            if run.step == self.iterations:
                run.parted(self.split)
            logs = run.iterate(real)
            if run.step in (self.iterations, end):
                run.derive()
            yield Checkpoint(
                step=run.step,
                incumbent=run.incumbent,
                rank=run.rank if run.whole else None,
                state=run.save,
                logs=logs,
                last=run.step == end,
                total=end,
            )

    def _grow_at(self, cells: int) -> tuple[int, ...]:
        wanted = self.grow_at[: cells - 1]
        ascends = list(wanted) == sorted({*wanted}) and all(0 < at < self.iterations for at in wanted)
        if len(wanted) < cells - 1 or not ascends:
            raise UsageError(
                f"autogan: grow_at names {cells - 1} ascending iterations within 1..{self.iterations - 1} for {cells} "
                f"cells, given {list(self.grow_at)}"
            )
        if not 1 <= self.kept <= self.candidates:
            raise UsageError(f"autogan: of {self.candidates} candidates 1..{self.candidates} are kept, not {self.kept}")
        return wanted

    def _recipe(self) -> GanRecipe:
        return GanRecipe(
            name="shared",
            epochs=self.shared_epochs,
            source="the method's own settings",
            lr=self.lr,
            beta1=self.beta1,
            beta2=self.beta2,
            critics=self.critics,
            batch=self.batch,
            made=self.made,
        )

    def _reset(self) -> Reset:
        return Reset(self.reset_window, self.reset_threshold)

    def _policy(self) -> Policy:
        return Policy(
            hidden=self.hidden,
            lr=self.controller_lr,
            steps=self.controller_steps,
            entropy_weight=self.entropy_weight,
            decay=self.baseline_decay,
            candidates=self.candidates,
            kept=self.kept,
        )
