"""The truth of single architectures, a panel, a whole space, and the best there is; from a table or from trainings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nasboard.harness.api import Benchmark
from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.harness.outcomes.outcome import PanelTruth, RunOutcome
from nasboard.harness.outcomes.trained import Trained
from nasboard.harness.panel import Panel
from nasboard.harness.space import LARGEST_ENUMERATION, Archs, Bools, Floats, enumerate_valid, size
from nasboard.harness.truth import at_resolution, best_expected, read_by_seed, read_optimum, read_truth


def of_archs(benchmark: Benchmark, trained: Trained | None, archs: Archs) -> tuple[Floats, Bools]:
    """Return the truth `(k,)` of those of architectures `(n, d)` that have one, and which `(n,)` they are."""
    if trained is not None:
        return trained.of(archs)
    return read_truth(benchmark, archs) if len(archs) else np.empty(0), np.ones(len(archs), dtype=np.bool_)


def of_panel(benchmark: Benchmark, trained: Trained | None, panel: Panel) -> PanelTruth | str:
    """Return a panel with its truth, or why it has none.

    Where trainings are the truth it is of those seeds that all its architectures have, so that none is the surer.
    """
    if trained is None:
        return _with_truth(benchmark, panel)
    truth, known = trained.of(panel.archs)
    if not known.all():
        return trained.missing(panel.archs)
    by_seed = trained.by_seed(panel.archs)
    return PanelTruth(panel, truth if by_seed is None else at_resolution(by_seed.mean(axis=1)), by_seed)


def of_whole(benchmark: Benchmark) -> PanelTruth | None:
    """Return the whole space with its truth, None where it is not tabulated."""
    space = benchmark.space
    if benchmark.digest is None or size(space) > LARGEST_ENUMERATION:
        return None
    panel = Panel(f"{space.name}-all", enumerate_valid(space))
    try:
        return _with_truth(benchmark, panel)
    except DigestError:
        raise
    except MissingDataError:  # a table that was imported in part
        return None


def _with_truth(benchmark: Benchmark, panel: Panel) -> PanelTruth:
    return PanelTruth(panel, read_truth(benchmark, panel.archs), read_by_seed(benchmark, panel.archs))


def optimum_of(whole: PanelTruth) -> tuple[float, int | None]:
    """Return the best of a space, and over how many trainings it is cross-fitted: none where there are only means."""
    by_seed = whole.by_seed
    if by_seed is None or by_seed.shape[1] < 2:
        return float(whole.truth.max()), None
    return best_expected(by_seed), by_seed.shape[1]


def told_optimum(benchmarks: Mapping[str, Benchmark], outcomes: Mapping[str, tuple[RunOutcome, ...]]) -> float | None:
    """Return the optimum that a benchmark says, where the space cannot be listed.

    Raises:
        UsageError: a stored run found better.
    """
    best = next((told for each in benchmarks.values() if (told := read_optimum(each)) is not None), None)
    found = max((float(o.accuracy.max()) for each in outcomes.values() for o in each if len(o.accuracy)), default=0.0)
    if best is not None and found > best:
        raise UsageError(
            f"{', '.join(benchmarks)}: the optimum is said to be {best:.6f}, but a stored run found {found:.6f}; mend "
            "the benchmark, or let its context have no optimum"
        )
    return best
