"""From shards to the digits201 table: sizes, reproducibility and manifest around what was measured."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.live.datasets.digits import DIGEST
from nasboard.benchmarks.live.trainings import build
from nasboard.benchmarks.live.trainings.recipe import Macro, Recipe, describe
from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, NB201Space, class_representatives
from nasboard.benchmarks.tabulated.digits201 import (
    QUERY_SEEDS,
    TEST_IMAGES,
    TRUTH_SEEDS,
    VERSION,
    describe_columns,
)
from nasboard.harness.errors import MetricError, UsageError
from nasboard.harness.space import Archs, from_index
from nasboard.harness.statistics.ceiling import attainable, reproducibility
from nasboard.harness.statistics.rank import HALF, TENTH, share_of, top_k_tau
from nasboard.tabular.tables.table import Table
from nasboard.tabular.tables.writing import write_table

KERNEL_AREA = {CONV1: 1, CONV3: 9}


def build_table(
    to: Path,
    *,
    seeds: int = TRUTH_SEEDS,
    jobs: int = 2,
    limit: int | None = None,
    finished: bool = False,
    progress: Callable[[int, int], None],
) -> Table | None:
    """Train what is missing and write the table to `to`; the shards lie beside it, in `<to>.shards`.

    Args:
        to: folder of the table.
        seeds: trainings of every class behind the truth, beside the `QUERY_SEEDS` that answer queries.
        jobs: worker processes, one thread each.
        limit: train that many classes only, spread over the space; no table is written then.
        finished: train nothing; write the table of the seeds that every class has been trained with by now.
        progress: called with trainings finished and trainings in all.

    Returns:
        The table, or None when `limit` left it incomplete.
    """
    if jobs < 1 or seeds < 1:
        raise UsageError(f"--jobs and --seeds are at least 1, given {jobs} and {seeds}")
    shards = to.with_name(to.name + ".shards")
    try:
        shards.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the table cannot be built in {to.parent} ({error}); choose another folder with --to"
        ) from error
    planned = [
        job
        for group in (range(QUERY_SEEDS), range(QUERY_SEEDS, QUERY_SEEDS + seeds))
        for job in build.plan(shards, group, limit)
    ]
    if finished:
        return write_table(to, *assemble(build.gather(_enough(build.finished(planned)))))
    total, done = sum(job.trainings for job in planned), 0

    def more(trainings: int) -> None:
        nonlocal done
        done += trainings
        progress(done, total)

    build.run(planned, jobs, more)
    if limit is not None:
        return None
    return write_table(to, *assemble(build.gather(planned)))


def _enough(ready: list[build.Job]) -> list[build.Job]:
    seeds = {seed for job in ready for seed in job.seeds}
    if len(seeds) <= QUERY_SEEDS or 0 not in seeds:
        raise UsageError(
            f"every class has seeds {sorted(seeds)} by now, a table takes 0..{QUERY_SEEDS - 1} and one "
            "more; go on without --finished"
        )
    return ready


def assemble(found: build.Gathered) -> tuple[dict[str, NDArray[np.generic]], dict[str, object]]:
    """Return the columns of the table and what its manifest says, from the gathered shards."""
    measured = found.columns
    classes = measured["classes"]
    archs = from_index(NB201Space(), classes)
    row_of = np.searchsorted(classes, class_representatives()).astype(np.int16)
    columns: dict[str, NDArray[np.generic]] = {
        "classes": classes,
        "row_of": row_of,
        "val_correct": measured["val_correct"][:, :QUERY_SEEDS],
        "train_s": measured["train_s"][:, :QUERY_SEEDS],
        "queried_test_correct": measured["test_correct"][:, :QUERY_SEEDS],
        "test_correct": measured["test_correct"][:, QUERY_SEEDS:],
        "params": parameters(archs),
        "multiply_adds": multiply_adds(archs),
    }
    by_seed = np.asarray(columns["test_correct"], dtype=np.float64) / TEST_IMAGES  # (rows, seeds)
    about: dict[str, object] = {
        "name": "digits201",
        "version": VERSION,
        "licence": "Apache-2.0; images: UCI optical recognition of handwritten digits, as shipped with scikit-learn",
        "data_digest": DIGEST,
        "splits": {"train": 300, "val": 500, "test": 997},
        "units": describe_columns(),
        "training": describe(Macro(), Recipe()) | {"made_with": [told | {"seeds": s} for told, s in found.made_with]},
        "truth": {
            "seeds": by_seed.shape[1],
            "of": "tau-b, see docs/statistics.md; per architecture, a class counts as often as it has members",
            "per_architecture": bounds(by_seed[row_of]),
            "per_class": bounds(by_seed),
        },
    }
    return columns, about


def bounds(by_seed: NDArray[np.float64]) -> dict[str, dict[str, float | None]]:
    """Return reproducibility and attainable tau of a truth `(n, seeds)`, of all n, the top half and the top tenth."""
    shares = {"whole": 1.0, "top_half": HALF, "top_tenth": TENTH}

    def within(share: float) -> float:
        return reproducibility(by_seed, partial(top_k_tau, k=share_of(len(by_seed), share)))

    return {
        "reproducibility": {name: _told(partial(within, share)) for name, share in shares.items()},
        "attainable": {name: _told(partial(attainable, by_seed, share)) for name, share in shares.items()},
    }


def _told(compute: Callable[[], float]) -> float | None:
    try:
        return round(compute(), 4)
    except MetricError:  # too few seeds
        return None


def parameters(archs: Archs) -> NDArray[np.int32]:
    """Return the trainable parameters `(n,)` of the networks of cells `(n, 6)`."""
    macro = Macro()
    first, last = macro.channels
    fixed = (macro.inputs * first + 2 * first) + (first * last + 2 * last) + 2 * last + (last + 1) * macro.classes
    total = np.full(len(archs), fixed, dtype=np.int64)
    for c in macro.channels:
        for op, area in KERNEL_AREA.items():
            total += (archs == op).sum(axis=1) * (c * c * area + 2 * c)
    return total.astype(np.int32)


def multiply_adds(archs: Archs) -> NDArray[np.int32]:
    """Return the multiply-adds `(n,)` per image of convolutions and linear layer."""
    macro = Macro()
    first, last = macro.channels
    pixels = (macro.image**2, (macro.image // 2) ** 2)
    total = np.full(len(archs), pixels[0] * macro.inputs * first + pixels[1] * first * last + last * macro.classes)
    for c, area_px in zip(macro.channels, pixels, strict=True):
        for op, area in KERNEL_AREA.items():
            total += (archs == op).sum(axis=1) * (c * c * area * area_px)
    return total.astype(np.int32)
