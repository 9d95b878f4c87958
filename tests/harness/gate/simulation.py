"""The gate on drawn values of the quick suite's shape: how often it closes when nothing changed, and when tau fell.

`python -m tests.harness.gate.simulation [REPLICATES]` prints the table of the document on statistics; the tests use the
same functions with fewer replicates.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from nasboard.harness.boards.quantities import Quantity
from nasboard.harness.gate.baseline import read_baseline
from nasboard.harness.gate.case import Case
from nasboard.harness.gate.verdict import Verdict, judge_cases
from nasboard.harness.planning.suite import read
from nasboard.harness.space import Floats
from tests.places import ROOT

Draw = Callable[[Generator, int], Floats]  # (rng, n) -> values (n,)
BASELINE = read_baseline(ROOT / "baselines" / "quick.json")
JUDGED = {entry.label: entry for entry in BASELINE.entries() if entry.settings.judge}  # random search spends nothing
TAUS = {label: list(entry.values["tau"].values()) for label, entry in JUDGED.items() if "tau" in entry.values}
LIVE = {label: (float(np.mean(taus)), float(np.std(taus, ddof=1))) for label, taus in TAUS.items()}
TABULAR = tuple(label for label in JUDGED if label not in LIVE)
TABULAR_SEEDS = 100
SHIPPED = {run.shown: run.seeds for run in read(ROOT / "suites" / "quick.toml").runs}
NOTHING: dict[str, float] = {}


@dataclass(frozen=True)
class Values:
    """How the values of a quick suite are distributed: of tau around its mean in standard deviations."""

    tau: Draw
    drop: Draw
    accuracy: Draw


def normal(rng: Generator, n: int) -> Floats:
    return rng.standard_normal(n)


def left_skewed(rng: Generator, n: int) -> Floats:
    """Skewness -1, mean 0, variance 1."""
    return (4 - rng.gamma(4.0, size=n)) / 2


def collapsing(rng: Generator, n: int) -> Floats:
    """In a fifth of the seeds two to six standard deviations lower."""
    return rng.standard_normal(n) - rng.uniform(2, 6, n) * (rng.random(n) < 0.2)


def many_zeros(rng: Generator, n: int) -> Floats:
    return rng.exponential(0.03, n) * (rng.random(n) < 0.5)


def far_tail(share: float) -> Draw:
    """Accuracies around 0.93, of which a share is between 0.3 and 0.85."""

    def draw(rng: Generator, n: int) -> Floats:
        good = 0.93 + 0.01 * rng.standard_normal(n)
        return np.where(rng.random(n) < share, rng.uniform(0.3, 0.85, n), good)

    return draw


NORMAL = Values(
    normal, lambda rng, n: 0.03 + 0.02 * rng.standard_normal(n), lambda rng, n: 0.02 * rng.standard_normal(n)
)
SHAPES = {
    "normal": NORMAL,
    "skewed, tail of 10 %": Values(normal, many_zeros, far_tail(0.1)),
    "skewed, tail of 20 %": Values(normal, many_zeros, far_tail(0.2)),
    "skewed, tail of 30 %": Values(normal, many_zeros, far_tail(0.3)),
    "skewed, tau too (skewness -1)": Values(left_skewed, many_zeros, far_tail(0.2)),
    "skewed, tau collapsing in 20 %": Values(collapsing, many_zeros, far_tail(0.2)),
}


def suite(
    rng: Generator,
    of: Values,
    old: int,
    new: int | None,
    *,
    paired: bool = False,
    lost: dict[str, float] = NOTHING,
) -> list[Case]:
    """Draw a quick suite: `old` and `new` seeds of live methods, tau of some lower by `lost`; the same seeds if paired.

    Without `new` each method has the seeds that the suite gives it.

    A pair is two independent draws: what a harmless numerical change makes of the outcomes of a seed.
    """
    found = []
    for label, (mean, spread) in LIVE.items():
        taus = [mean + spread * of.tau(rng, n) for n in (old, new or SHIPPED[label])]
        found.append(_case(label, "tau", taus[0], taus[1] - lost.get(label, 0.0), paired))
    for label, entry in JUDGED.items():
        seeds = (TABULAR_SEEDS, TABULAR_SEEDS) if label in TABULAR else (old, new or SHIPPED[label])
        draws: dict[Quantity, Draw] = {"drop": of.drop, "accuracy": of.accuracy}
        judged = {name: draw for name, draw in draws.items() if entry.is_judged(name)}
        found += [_case(label, name, *(draw(rng, n) for n in seeds), paired) for name, draw in judged.items()]
    return found


def _case(label: str, quantity: Quantity, old: Floats, new: Floats, paired: bool) -> Case:
    first = 0 if paired else len(old)
    return Case("d", label, quantity, dict(enumerate(old.tolist())), dict(enumerate(new.tolist(), start=first)))


def closed(verdicts: Sequence[Verdict]) -> bool:
    return any(verdict.closes for verdict in verdicts)


def rate(draw: Callable[[Generator], list[Case]], replicates: int, seed: int = 0) -> float:
    """Return how often the gate is closed."""
    rng = np.random.default_rng(seed)
    return float(np.mean([closed(judge_cases([draw(rng)])) for _ in range(replicates)]))


def power(
    of: Values, old: int, new: int | None, lost: dict[str, float], replicates: int, seed: int = 1
) -> dict[str, float]:
    """Return how often the gate is closed, and how often by each verdict on tau."""
    rng = np.random.default_rng(seed)
    counts: dict[str, int] = {"gate": 0}
    for _ in range(replicates):
        verdicts = judge_cases([suite(rng, of, old, new, lost=lost)])
        counts["gate"] += closed(verdicts)
        for verdict in verdicts:
            if verdict.quantity == "tau":
                counts[verdict.label] = counts.get(verdict.label, 0) + verdict.closes
    return {name: count / replicates for name, count in counts.items()}


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(replicates: int) -> None:
    designs = [(10, None, False), (10, 3, False), (10, 6, False), (4, 4, True), (10, 10, True)]
    say("false alarms | " + " | ".join(f"{'paired ' if p else ''}{m or 'suite'} against {n}" for n, m, p in designs))
    for name, of in SHAPES.items():
        rates = [rate(lambda rng, o=of, d=d: suite(rng, o, d[0], d[1], paired=d[2]), replicates) for d in designs]  # type: ignore[misc]
        say(f"{name} | " + " | ".join(f"{100 * found:.1f} %" for found in rates))
    say(f"spread of tau: {', '.join(f'{label} {spread:.3f}' for label, (_, spread) in LIVE.items())}; suite: {SHIPPED}")
    for new in (None, 3, 6):
        every = power(NORMAL, 10, new, dict.fromkeys(LIVE, 0.05), replicates // 4)
        say(f"{new or 'suite'} seeds, common drop of 0.05: {every}")
        for label in LIVE:
            alone = [power(NORMAL, 10, new, {label: lost}, replicates // 4) for lost in (0.05, 0.1, 0.15)]
            say(f"  {label} alone by 0.05, 0.1, 0.15: {[found[label] for found in alone]}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
