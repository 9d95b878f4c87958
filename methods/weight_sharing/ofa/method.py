"""Once-for-All: a supernet by progressive shrinking, an accuracy predictor, and evolution under a bound.

The steps of a run are the epochs of all phases, then some sub-networks scored each, then the predictor's training, then
some generations each. There is no incumbent before the first of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Self, cast

import numpy as np
import torch

from nasboard.benchmarks.live.data import LiveData, live_data
from nasboard.benchmarks.live.supernets.elastic.supernet import ElasticSupernet
from nasboard.benchmarks.live.supernets.recalibration import Recalibrated
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import first_batches
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.harness.api import Checkpoint, Images, Logits, Need, State, Task
from nasboard.harness.errors import UsageError
from nasboard.methods.weight_sharing.bounds import Bounds
from nasboard.methods.weight_sharing.evolution import Breeding, Evolution
from nasboard.methods.weight_sharing.ofa.phases import Lasting, Phase, Warming, elastic_space, phases
from nasboard.methods.weight_sharing.ofa.predictor import Fit
from nasboard.methods.weight_sharing.ofa.shrinking import Shrinking
from nasboard.methods.weight_sharing.ofa.specialising import Specialising, Survey, generations_of
from nasboard.methods.weight_sharing.single_path import SinglePath, Stepping

PER = 64  # images that a learning rate is given for
NEVER = 1 << 62  # steps between two derivations: there is none in training


@dataclass(frozen=True, slots=True)
class Ofa:
    """Once-for-All.

    Source: Cai et al., Once-for-All: Train One Network and Specialize it for Efficient Deployment (ICLR 2020), and its
    release, mit-han-lab/once-for-all. The largest network is trained, then teaches ever smaller ones; some sub-networks
    are scored on validation images and a predictor learns from them; evolution finds the best predicted one that keeps
    the bounds. Before the predictor has learned, architectures are ranked by the supernet, afterwards by it, unless
    `rank_by_predictor` is false. What is scored as the result is the incumbent trained from scratch; the network that
    the last step hands out has the weights of the supernet, as OFA deploys it.

    Differs: images have one size; the rate moves by epoch, not by step; no dropout, nor augmentation beyond the
    benchmark's; `evolution` and `predictor` say what differs there. Statistics of batch norm are the batch's in
    training, and those of training images, averaged over batches, wherever a sub-network is scored. The paper's figures
    for the largest network and the number of samples are from memory; the release trains neither.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    checked_on: ClassVar[str] = "ofa-digits"
    bn_policy: ClassVar[str] = (
        "affine, of which narrower blocks take the first channels; batch statistics in training, of teacher and "
        "sub-networks alike, no running averages; architectures are scored, and the network at the end answers, with "
        "statistics of training images, computed for each of its own and averaged over batches; with recalibrate 0, "
        "scores are with those of all validation images in one batch"
    )

    full_epochs: int = 180  # of the largest network; from memory of the paper
    full_lr: float = 0.08  # for 64 images; from memory of the paper: 2.6 for 2,048
    kernel_epochs: int = 120  # release, as all that follows
    kernel_lr: float = 0.03
    first_epochs: int = 25  # of every phase of depths, and of widths, but the last
    first_lr: float = 2.5e-3
    last_epochs: int = 120  # of the last one
    last_lr: float = 7.5e-3
    warmup: int = 5  # epochs before those of the kernels and of the last phases
    batch: int = 64  # of one GPU there; rates are in proportion, the warm-up begins at that of 64
    momentum: float = 0.9
    weight_decay: float = 3e-5  # none on batch norm and biases
    clip: float = 0.0  # norm of the gradient; 0: not clipped
    smoothing: float = 0.1  # of labels
    ratio: float = 1.0  # of the teacher's part in the loss
    samples: int = 16_000  # sub-networks that the predictor learns from; from memory of the paper
    held_out: float = 0.2  # share of them that it is judged on instead; ours
    samples_a_step: int = 500  # ours
    hidden: int = 400  # release
    layers: int = 3  # release: hidden ones
    predictor_steps: int = 4_000  # ours, as the two that follow
    predictor_lr: float = 1e-3
    predictor_decay: float = 1e-4
    population: int = 100  # release, as all that follows
    generations: int = 500  # bred, after a random one
    parents: float = 0.25  # of the population
    mutated: float = 0.5  # of a generation; the others are crossed
    mutation_rate: float = 0.1  # of each slot
    generations_a_step: int = 50  # ours
    recalibrate: int = 2_000  # training images, fewer where there are fewer; 0: none
    recalibrate_batch: int = 100
    rank_by_predictor: bool = True
    most_multiply_adds: float = 0.0  # of the network from scratch; 0: no bound
    most_parameters: float = 0.0  # likewise
    most_ms: float = 0.0  # likewise, of the images that the table `latency` was measured with
    latency: str | None = None  # a file: `nasboard.benchmarks.spaces.costs.latency`

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        if min(self.population, self.generations, self.generations_a_step, self.samples_a_step) < 1:
            raise UsageError("ofa: population, generations, generations_a_step and samples_a_step are at least 1")
        if min(self.hidden, self.layers, self.predictor_steps, self.batch) < 1:
            raise UsageError("ofa: hidden, layers, predictor_steps and batch are at least 1")
        if not 0 <= self.held_out < 1 or self.samples * (1 - self.held_out) < 1:
            raise UsageError(
                f"ofa: the predictor learns from samples but for the share held_out in [0, 1); given {self.samples}, "
                f"{self.held_out}"
            )
        if not 0 < self.parents <= 1 or not 0 <= self.mutated <= 1 or not 0 <= self.mutation_rate <= 1:
            raise UsageError(
                "ofa: parents is a share in (0, 1], mutated and mutation_rate are in [0, 1], given "
                f"{self.parents}, {self.mutated}, {self.mutation_rate}"
            )
        if self.recalibrate < 0 or self.recalibrate_batch < 2:
            raise UsageError(
                "ofa: recalibrate is at least 0, recalibrate_batch at least 2, given "
                f"{self.recalibrate}, {self.recalibrate_batch}"
            )
        _ = self.bounds  # which refuses those that are none

    @property
    def bounds(self) -> Bounds:
        """Return what a network may cost at most."""
        return Bounds(self.most_multiply_adds, self.most_parameters, self.most_ms, self.latency)

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(
            full_epochs=1,
            kernel_epochs=1,
            first_epochs=1,
            last_epochs=1,
            warmup=0,
            batch=150,
            samples=10,
            samples_a_step=5,
            hidden=16,
            predictor_steps=4,
            population=8,
            generations=3,
            generations_a_step=2,
            recalibrate=50,
            recalibrate_batch=50,
        )

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch, then after every step of the search.

        Raises:
            UsageError: the task has no live data, its supernets are not elastic, or no architecture keeps the bounds.
        """
        data = live_data(task, "ofa")
        space, net = elastic_space(data), cast(ElasticSupernet, data.supernet(task.rng, task.device))
        stages = self.phases(space)
        shrinking = Shrinking(stages[0], self.ratio, partial(_largest, data, stages[0], task.device))
        special = self._specialising(data, space)
        run = self._run(task, data, net, shrinking)
        steps = [*self._steps(special, run)]
        done, end = 0, sum(phase.epochs for phase in stages) + len(steps)
        saved = task.resume
        for phase in stages:
            begun, done = done, done + phase.epochs
            if saved is not None and cast(int, saved["step"]) > done and phase is not stages[-1]:
                continue
            run.learner = Learner(net, self.schedule(phase).optimiser(net))
            if saved is None:
                shrinking.enter(phase, net)
            else:
                shrinking.phase = phase
                run.load(saved)
                special.load(cast(State, saved["special"]))
                saved = None
            for seen in run.phase(self.schedule(phase), begun, end):
                yield self._told(seen, run, special)
        for step in steps[run.step - done :]:
            run.step += 1
            yield self._told(run.checkpoint(step(), end), run, special)

    def phases(self, space: LayerSpace) -> tuple[Phase, ...]:
        """Return the phases of the training.

        Raises:
            UsageError: a phase without an epoch.
        """
        return phases(
            space,
            full=Lasting(self.full_epochs, self.full_lr),
            kernel=Lasting(self.kernel_epochs, self.kernel_lr, self.warmup),
            first=Lasting(self.first_epochs, self.first_lr),
            last=Lasting(self.last_epochs, self.last_lr, self.warmup),
        )

    def schedule(self, phase: Phase) -> Warming:
        """Return how the weights are trained in a phase."""
        start = phase.lasting.lr
        lr = start * self.batch / PER
        return Warming(
            phase.epochs,
            self.batch,
            lr,
            0.0,
            self.momentum,
            self.weight_decay,
            self.clip,
            warmup=phase.lasting.warmup,
            start=start,
        )

    def _run(self, task: Task, data: LiveData, net: ElasticSupernet, shrinking: Shrinking) -> SinglePath:
        parts = data.on(task.device)
        calibrating = first_batches(parts.train, self.recalibrate, self.recalibrate_batch)
        return SinglePath(
            parts=parts,
            rng=task.rng,
            sampler=shrinking,
            derive_every=NEVER,
            learner=Learner(net, self.schedule(shrinking.phase).optimiser(net)),
            stepping=Stepping(smoothing=self.smoothing),
            scored_as=lambda net: Recalibrated(net, calibrating) if calibrating else net,
        )

    def _specialising(self, data: LiveData, space: LayerSpace) -> Specialising:
        mutations = round(self.mutated * self.population)
        crossovers, parents = self.population - mutations, max(1, round(self.parents * self.population))
        breeding = Breeding(self.population, crossovers, mutations, self.mutation_rate, parents)
        fit = Fit(self.hidden, self.layers, self.predictor_steps, self.predictor_lr, self.predictor_decay)
        survey = Survey(self.samples, self.held_out, self.samples_a_step)
        return Specialising(space, survey, fit, Evolution(breeding, space, partial(self.bounds.kept, data)))

    def _steps(self, special: Specialising, run: SinglePath) -> Iterator[Callable[[], Mapping[str, float]]]:
        """Yield the steps that follow the training, each of which returns what is worth a curve."""
        for _ in range(special.survey.steps):
            yield partial(special.look, run)
        yield partial(special.learn, run.rng)
        for generations in generations_of(1 + self.generations, self.generations_a_step):
            yield partial(special.evolve, generations, run)

    def _told(self, seen: Checkpoint, run: SinglePath, special: Specialising) -> Checkpoint:
        """Return a checkpoint with all that the search adds to it."""
        by_predictor = self.rank_by_predictor and special.predictor is not None
        return replace(
            seen,
            rank=special.predict if by_predictor else run.rank,
            network=partial(_answers, run) if seen.last else None,
            state=lambda: {**run.save(), "special": special.save()},
        )


def _largest(data: LiveData, full: Phase, device: str) -> Supernet:
    """Return a supernet that holds the largest network alone; its weights are to be replaced."""
    return data.supernet(np.random.default_rng(0), device, full.allowed)


def _answers(run: SinglePath, images: Images) -> Logits:
    """Return logits `(n, classes)` of the incumbent, with the weights of the supernet, for images as they are kept."""
    assert run.incumbent is not None, "the last step has an incumbent"
    scored = run.scored_as(run.learner.net)
    given = torch.from_numpy(images).to(run.parts.device)
    (logits,) = scored.logits(run.incumbent[None], run.parts.train.scale.apply(given))
    return cast(Logits, logits.cpu().numpy())
