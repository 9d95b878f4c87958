"""BOHB: Hyperband's schedule, with new architectures drawn from a model of the good and the bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from nasboard.harness.api import Checkpoint, Need, Observation, Proposal, Task
from nasboard.harness.asktell import play
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs, SearchSpace, sample
from nasboard.methods.black_box.hyperband import Halving, check_eta, schedule_of
from nasboard.methods.black_box.kde import Density, draw_around, fit, fit_as_released

MOST = 10_000  # candidates of a draw, all of which are held at once
FLOOR = 1e-32  # smaller densities count as this much; release


@dataclass(frozen=True, slots=True)
class Bohb:
    """Hyperband that draws where good architectures are denser than bad ones.

    Source: Falkner et al., BOHB (ICML 2018), algorithms 1 and 2; settings of the NAS-Bench-201 script that calls the
    authors' release (hpbandster). The model belongs to the highest fidelity with enough points; a model of a lower one
    guides until then. With these settings every slot of a candidate is drawn anew with probability 0.9 or more (factor
    3 times a bandwidth of at least 0.3): candidates are nearly uniform, and the model picks one of four.

    Differs from the release, unless `as_released`: there a bandwidth has no upper bound and depends on how choices are
    numbered, which on a handful of points makes kernels of categorical slots negative at their own point, and the
    bandwidth factor acts on continuous variables alone. Here kernels are kernels, and the factor acts on every slot,
    as the paper has it.

    Differs from the script: it gave the schedule several budgets, while what it trained ignored them and was 12 epochs
    long each time. So a promoted architecture was paid again for the same answer, and there was a model to each budget.
    Here the schedule is over the fidelities on offer. Neither form is a reproduction of the figure published for BOHB.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"query"})

    eta: int = 3  # release
    top_percent: int = 15  # share of good ones; release
    min_bandwidth: float = 0.3  # NAS-Bench-201 script; 1e-3 in the release
    bandwidth_factor: float = 3.0  # candidates are drawn this much wider; release and script
    candidates: int = 4  # NAS-Bench-201 script (`num_samples`); 64 in the release
    random_fraction: float = 0.0  # NAS-Bench-201 script; 1/3 in the release
    as_released: bool = False  # the release's arithmetic, with its faults

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
        if not 1 <= self.candidates <= MOST or not 0 <= self.random_fraction <= 1:
            raise UsageError(
                f"bohb: candidates is 1..{MOST} and random_fraction in [0, 1], "
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
        best = best_ratio(good, bad, candidates)
        return self._uniform() if best is None else candidates[best]

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


def best_ratio(good: Density, bad: Density, candidates: Archs) -> int | None:
    """Return which of `candidates` `(m, d)` has the largest good-to-bad ratio, the first of equals, None if none has.

    Densities as released can be infinite or undefined; these cases are the release's. The first candidate that is
    infinitely denser among the bad, but finitely among the good, is taken whatever the others are: it has a choice that
    no bad one shows. An undefined density among the bad counts as the least; among the good it rules a candidate out.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        of_good, of_bad = good(candidates), bad(candidates)
        loss = np.fmax(of_bad, FLOOR) / np.maximum(of_good, FLOOR)  # fmax passes over NaN, maximum does not
    unshown = ~np.isfinite(loss) & np.isfinite(of_good)
    if unshown.any():
        return int(np.argmax(unshown))
    possible = np.flatnonzero(np.isfinite(loss))
    return int(possible[np.argmin(loss[possible])]) if len(possible) else None
