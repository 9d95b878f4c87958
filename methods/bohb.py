"""BOHB: Hyperband's schedule, with new architectures drawn from a model of the good and the bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from harness.api import Checkpoint, Need, Observation, Proposal, Task
from harness.asktell import play
from harness.errors import UsageError
from harness.space import Arch, Archs, SearchSpace, sample
from methods.hyperband import Halving, check_eta, schedule_of
from methods.kde import Density, draw_around, fit, fit_as_released

FLOOR = 1e-32  # smaller densities count as this much; release


@dataclass(frozen=True, slots=True)
class Bohb:
    """Hyperband that draws where good architectures are denser than bad ones.

    Source: Falkner et al., BOHB (ICML 2018), algorithms 1 and 2; settings of the authors' release (hpbandster) and of
    the NAS-Bench-201 script that calls it, which trains every architecture on one fidelity. The model belongs to the
    highest fidelity with enough points; a model of a lower one guides until then.

    Differs from the release, unless `as_released`: there a bandwidth has no upper bound and depends on how choices are
    numbered, which on a handful of points makes kernels of categorical slots negative at their own point, and the
    bandwidth factor acts on continuous variables alone. Here kernels are kernels, and the factor acts on every slot,
    as the paper has it. The published figure of BOHB on NAS-Bench-201, below random search, is the release's.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"query"})

    eta: int = 3  # release
    top_percent: int = 15  # share of good ones; release
    min_bandwidth: float = 0.3  # NAS-Bench-201 script; 1e-3 in the release
    bandwidth_factor: float = 3.0  # candidates are drawn this much wider; release and script
    candidates: int = 4  # NAS-Bench-201 script (`num_samples`); 64 in the release
    random_fraction: float = 0.0  # NAS-Bench-201 script; 1/3 in the release
    as_released: bool = False  # the release's arithmetic with its faults, to compare with the published figure

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        check_eta("bohb", self.eta)
        if not 1 <= self.top_percent <= 99:
            raise UsageError(f"bohb: top_percent is 1..99, given {self.top_percent}")
        if not 0 < self.min_bandwidth <= 1 or not 0 < self.bandwidth_factor < inf:
            raise UsageError(
                "bohb: min_bandwidth is in (0, 1] and bandwidth_factor positive and finite, "
                f"given {self.min_bandwidth} and {self.bandwidth_factor}"
            )
        if self.candidates < 1 or not 0 <= self.random_fraction <= 1:
            raise UsageError(
                "bohb: candidates is at least 1 and random_fraction in [0, 1], "
                f"given {self.candidates} and {self.random_fraction}"
            )

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every query."""
        return play(lambda: GuidedHalving(self, task), task)


class GuidedHalving:
    """Successive halving whose first rungs are filled by the model."""

    def __init__(self, settings: Bohb, task: Task) -> None:
        """Start with nothing seen."""
        self.model = Model(settings, task.space, task.rng)
        self.halving = Halving(schedule_of(task, settings.eta), self.model.draw)

    def ask(self) -> Proposal:
        """Return what the bracket wants next."""
        return self.halving.ask()

    def tell(self, proposal: Proposal, seen: Observation) -> None:
        """Tell the bracket and the model."""
        self.halving.tell(proposal, seen)
        self.model.add(proposal.arch, seen)


class Model:
    """Two densities, of good and of bad architectures, and draws that maximise their ratio."""

    def __init__(self, settings: Bohb, space: SearchSpace, rng: Generator) -> None:
        """Start with nothing seen."""
        self.settings = settings
        self.space = space
        self.rng = rng
        self.choices = np.array(space.choices)
        self.archs: dict[int, list[Arch]] = {}  # by fidelity, in the order they were seen
        self.accuracies: dict[int, list[float]] = {}

    def add(self, arch: Arch, seen: Observation) -> None:
        """Append an observation of `arch` `(d,)`."""
        self.archs.setdefault(seen.epochs, []).append(arch)
        self.accuracies.setdefault(seen.epochs, []).append(seen.val_accuracy)

    def draw(self) -> Arch:
        """Return the candidate `(d,)` of the largest good-to-bad ratio; a uniform draw where there is no model yet."""
        parts = self.split()
        if parts is None or self.rng.random() < self.settings.random_fraction:
            return self._uniform()
        fitted = fit_as_released if self.settings.as_released else fit
        good, bad = (fitted(part, self.choices, self.settings.min_bandwidth) for part in parts)
        factor = 1.0 if self.settings.as_released else self.settings.bandwidth_factor
        drawn = draw_around(good.points, factor * good.bandwidths, self.choices, self.rng, self.settings.candidates)
        candidates = drawn[self.space.valid(drawn)]
        if not len(candidates):
            return self._uniform()
        chosen: Arch = candidates[best_ratio(good, bad, candidates)]
        return chosen

    def split(self) -> tuple[Archs, Archs] | None:
        """Return good `(g, d)` and bad `(b, d)` of the highest fidelity with d + 1 of each, None where there is none.

        The best `top_percent` are good and the others bad, but each at least d + 1.
        """
        least = len(self.choices) + 1
        enough = [epochs for epochs, archs in self.archs.items() if len(archs) >= 2 * least]
        if not enough:
            return None
        epochs = max(enough)
        ranked = np.array(self.archs[epochs])[np.argsort(-np.array(self.accuracies[epochs]), kind="stable")]
        good = max(least, self.settings.top_percent * len(ranked) // 100)
        bad = max(least, (100 - self.settings.top_percent) * len(ranked) // 100)
        return ranked[:good], ranked[good : good + bad]

    def _uniform(self) -> Arch:
        drawn: Arch = sample(self.space, self.rng, 1)[0]
        return drawn


def best_ratio(good: Density, bad: Density, candidates: Archs) -> int:
    """Return which of `candidates` `(m, d)` has the largest good-to-bad ratio, the first of equals."""
    with np.errstate(invalid="ignore"):  # densities as released can be infinite, and their means undefined
        ratio = np.fmax(good(candidates), FLOOR) / np.fmax(bad(candidates), FLOOR)
    return int(np.argmax(np.nan_to_num(ratio, nan=0.0)))
