"""A benchmark with planted truth: every choice has a known utility, and accuracy is their sum through a curve.

It trains nothing and says nothing about networks. It is there so that methods can be tested where the answer is known:
signs, directions, fidelities, budgets. Like a real table it holds counts of images for a few training seeds, validation
apart from test, and two architectures that mean the same score the same.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.harness.api import CostKind, Observation
from nasboard.harness.context import Context
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import (
    Arch,
    Archs,
    Bools,
    Choice,
    Floats,
    Ints,
    check_row,
    enumerate_all,
    no_text,
    one_hot,
    to_index,
)

EPOCHS = (1, 3, 9)
SEEDS = 3
IMAGES = 10_000  # of validation and of test; accuracies are counts of them
WORST, BEST = 0.5, 0.95  # accuracies of the lowest and the highest utility after full training, before noise
NOISE = 0.005  # standard deviation between training seeds after full training; triple after one epoch
UNTRAINED = 0.6  # share of the full accuracy after one epoch
SECONDS_AN_EPOCH = 1.0
_SEED = 20_260  # draws utilities and noise, once
_FORM = re.compile(r"p(?:-\d){6}")


@dataclass(frozen=True, slots=True)
class PlantedSpace:
    """Six slots of unequal numbers of choices; slot 5 means nothing while slot 4 is 0.

    A row is the six digits of its string form: `p-1-0-3-2-0-0` is (1, 0, 3, 2, 0, 0), slot 0 first.
    """

    name: str = "planted"
    choices: tuple[int, ...] = (5, 5, 4, 4, 3, 3)

    def encode(self, spec: str) -> Arch:
        """Return the architecture `(6,)` of `p-a-b-c-d-e-f`.

        Raises:
            SpecError: another form, or a choice out of range.
        """
        if not isinstance(spec, str):
            raise no_text(self, spec, "p-0-0-0-0-0-0")
        if _FORM.fullmatch(spec) is None:
            raise SpecError(f"{self.name}: {spec!r} is not of the form p-a-b-c-d-e-f with six digits")
        arch = np.array([int(part) for part in spec.split("-")[1:]], dtype=Choice)
        if (arch >= np.array(self.choices)).any():
            raise SpecError(f"{self.name}: {spec!r} has a choice out of range; the slots have {self.choices} choices")
        return arch

    def decode(self, arch: Arch) -> str:
        """Return the string form of an architecture `(6,)`.

        Raises:
            SpecError: it is not in the space.
        """
        return "p-" + "-".join(map(str, check_row(self, arch)))

    def canonical(self, archs: Archs) -> Ints:
        """Return the lexicographic index `(n,)` of each of `(n, 6)`, with slot 5 at 0 where it means nothing."""
        same = archs.copy()
        same[archs[:, 4] == 0, 5] = 0
        return to_index(self, same)

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)` true: every combination is an architecture."""
        return np.ones(len(archs), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class PlantedCurves:
    """The searchable side: validation counts and the cost of an epoch."""

    choices: tuple[int, ...]
    val_correct: NDArray[np.int16]  # (size, seeds, fidelities)
    epoch_s: Floats  # (size,)

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        """Return the validation accuracy of `arch` `(6,)` after `epochs`, for a training seed drawn with `rng`.

        Raises:
            UsageError: an epoch that is not recorded.
        """
        if epochs not in EPOCHS:
            raise UsageError(f"planted records epochs {', '.join(map(str, EPOCHS))}, asked for {epochs}")
        index = 0
        for choice, options in zip(arch.tolist(), self.choices, strict=True):
            index = index * options + choice
        correct = int(self.val_correct[index, int(rng.integers(SEEDS)), EPOCHS.index(epochs)])
        return Observation(correct / IMAGES, float(self.epoch_s[index]) * epochs, epochs)


@dataclass(frozen=True, slots=True)
class Planted:
    """The benchmark: the curves a search may see, and the test counts it may not."""

    curves: PlantedCurves
    test_correct: NDArray[np.int16]  # (size, seeds)
    space: PlantedSpace = PlantedSpace()
    name: str = "planted"
    dataset: str = "planted"
    fidelities: tuple[int, ...] = EPOCHS
    cost_kind: CostKind = "simulated"
    parameter_free: tuple[int, ...] | None = None
    context: Context = field(default_factory=lambda: Context(resolution=IMAGES * SEEDS))

    @property
    def digest(self) -> str | None:
        """Return the SHA-256 over test and validation counts."""
        sha = hashlib.sha256(self.test_correct.astype("<i2").tobytes())
        sha.update(self.curves.val_correct.astype("<i2").tobytes())
        return sha.hexdigest()

    @property
    def query(self) -> PlantedCurves:
        """Return the curves."""
        return self.curves

    def data(self) -> None:
        """Return None: there are no images."""
        return

    def truth(self, archs: Archs) -> Floats:
        """Return the mean test accuracy `(n,)` over the training seeds of architectures `(n, 6)`."""
        return np.asarray(self.truth_by_seed(archs).mean(axis=1), dtype=np.float64)

    def truth_by_seed(self, archs: Archs) -> NDArray[np.float64]:
        """Return the test accuracy `(n, seeds)` of every training seed."""
        return self.test_correct[to_index(self.space, archs)] / IMAGES


@cache
def planted() -> Planted:
    """Return the benchmark; every call and every machine plants the same truth."""
    space = PlantedSpace()
    archs = enumerate_all(space)
    rng = np.random.default_rng(_SEED)
    meant = enumerate_all(space)[space.canonical(archs)]  # equal rows for architectures that mean the same
    utility = one_hot(space, meant) @ rng.standard_normal(sum(space.choices))
    scale = (utility - utility.min()) / (utility.max() - utility.min())
    full = WORST + (BEST - WORST) * scale  # (size,)
    shape = (len(archs), SEEDS)
    class_of = space.canonical(archs)
    test = _counts(full[:, None] + NOISE * rng.standard_normal(shape)[class_of])
    grown = UNTRAINED ** (1 - np.log(EPOCHS) / np.log(EPOCHS[-1]))  # (fidelities,), 1 at full training
    noise = NOISE * np.array([EPOCHS[-1] / e for e in EPOCHS]) ** 0.5 * rng.standard_normal((*shape, len(EPOCHS)))
    val = _counts(full[:, None, None] * grown + noise[class_of])
    epoch_s = SECONDS_AN_EPOCH * (1 + meant.sum(axis=1) / meant.sum(axis=1).max())
    for column in (test, val, epoch_s):
        column.setflags(write=False)
    return Planted(PlantedCurves(space.choices, val, epoch_s), test)


def _counts(accuracy: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.rint(np.clip(accuracy, 0, 1) * IMAGES).astype(np.int16)
