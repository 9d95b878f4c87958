"""TPE: optuna's sampler, asked and told. Everything that decides is optuna's; this file translates."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.random import Generator

from nasboard.harness.api import Checkpoint, Need, Observation, Proposal, Task
from nasboard.harness.asktell import play
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.space import Arch, Choice, SearchSpace, sample

if TYPE_CHECKING:
    from optuna import Study, Trial

SEEDS = 2**32  # that optuna's generator takes
MOST = 10_000  # candidates of a draw, all of which are held at once
TRIES = 10  # times the sampler may propose what breaks the rules of the space


@dataclass(frozen=True, slots=True)
class Tpe:
    """Tree-structured Parzen estimator, as optuna has it.

    Source: Bergstra et al., Algorithms for Hyper-Parameter Optimization (NeurIPS 2011), by optuna's `TPESampler` on one
    categorical variable a slot, maximising validation accuracy after full training. The share of good trials is
    optuna's own (a tenth, at most 25). Where a space has rules, a proposal that breaks them is told to optuna as a
    failed trial and another one asked for; after ten of them a valid architecture is drawn uniformly.

    Differs from the hyperopt baseline of few-shot NAS: hyperopt has independent slots and `gamma sqrt(n)` good trials.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"query"})

    startup: int = 20  # random trials before the model; hyperopt's default, as the NAS baselines have it. optuna: 10
    candidates: int = 24  # draws from the good of which the best is asked for; default of hyperopt and of optuna
    multivariate: bool = True  # one joint model of all slots; optuna's default since version 5. False: one each

    def __post_init__(self) -> None:
        """Refuse what cannot be played when it is made, so that a suite is refused before anything runs.

        Raises:
            UsageError: a setting out of range.
            MissingDataError: optuna is not installed.
        """
        if self.startup < 1 or not 1 <= self.candidates <= MOST:
            raise UsageError(
                f"tpe: startup is at least 1 and candidates 1..{MOST}, given {self.startup} and {self.candidates}"
            )
        if find_spec("optuna") is None:
            raise MissingDataError("tpe needs optuna: pip install 'nasboard[optuna]'")

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every query."""
        return play(lambda: Sampled(self, task.space, task.rng), task)


class Sampled:
    """A study in memory that is asked and told."""

    def __init__(self, settings: Tpe, space: SearchSpace, rng: Generator) -> None:
        """Open a study; its sampler is seeded from `rng`, which is used for nothing else but the rules of a space."""
        from optuna.distributions import BaseDistribution, CategoricalDistribution

        self.space = space
        self.rng = rng
        self.slots: dict[str, BaseDistribution] = {
            f"slot{i:03d}": CategoricalDistribution(tuple(range(options))) for i, options in enumerate(space.choices)
        }
        self.study: Study = open_study(settings, int(rng.integers(SEEDS)))
        self.trial: Trial | None = None

    def ask(self) -> Proposal:
        """Return what the sampler proposes, or a uniform draw where it proposes nothing valid."""
        for _ in range(TRIES):
            arch = self._propose()
            if self.space.valid(arch[None])[0]:
                return Proposal(arch)
            self._close(None)
        drawn = sample(self.space, self.rng, 1)[0]
        self.study.enqueue_trial(dict(zip(self.slots, drawn.tolist(), strict=True)))
        return Proposal(self._propose())

    def tell(self, proposal: Proposal, seen: Observation) -> None:
        """Tell the study the accuracy."""
        self._close(seen.val_accuracy)

    def _propose(self) -> Arch:
        self.trial = self.study.ask(self.slots)
        return np.array([self.trial.params[slot] for slot in self.slots], dtype=Choice)

    def _close(self, accuracy: float | None) -> None:
        """End the open trial, as a failure where there is no accuracy."""
        from optuna.trial import TrialState

        assert self.trial is not None
        self.study.tell(self.trial, accuracy, state=TrialState.FAIL if accuracy is None else TrialState.COMPLETE)


def open_study(settings: Tpe, seed: int) -> Study:
    """Return a study in memory, without a word on standard error and without touching how optuna logs elsewhere."""
    import optuna

    with warnings.catch_warnings(), quiet(optuna.logging.get_logger("optuna")):
        # `multivariate` was experimental before version 5
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=settings.startup,
            n_ei_candidates=settings.candidates,
            multivariate=settings.multivariate,
            constant_liar=False,  # one trial at a time: nothing to lie about
        )
        return optuna.create_study(direction="maximize", sampler=sampler, study_name="nasboard")


@contextmanager
def quiet(logger: logging.Logger) -> Iterator[None]:
    """Let a logger say warnings and errors only, for a while."""
    before = logger.level
    logger.setLevel(max(before, logging.WARNING))
    try:
        yield
    finally:
        logger.setLevel(before)
