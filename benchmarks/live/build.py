"""Build the digits201 table: train every isomorphism class, a pack at a time, into shards that survive a kill.

A shard is one pack's outcome, written whole (temporary name, then rename); a build that was cut off goes on with the
packs that have no shard. When all are there they are gathered into the table. This module trains and collects; what a
table is on disk is `nasboard.tabular.tables.table`'s.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from nasboard.benchmarks.live.recipe import VERSION, Macro, Recipe, describe
from nasboard.benchmarks.spaces.nb201 import NB201Space, class_representatives
from nasboard.harness.errors import DigestError, UsageError
from nasboard.harness.space import Ints, from_index

ARCHS_A_PACK = 4  # times seeds: networks whose activations still fit the second-level cache

# Without these the C library gives freed activations back to the system and pays for the pages again at every step.
_MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "2000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One pack to train."""

    shard: Path
    classes: tuple[int, ...]  # lexicographic indices of class representatives
    seeds: tuple[int, ...]


def plan(folder: Path, seeds: int, limit: int | None = None) -> list[Job]:
    """Return all packs of the build; `limit` takes that many classes, spread over the space."""
    if seeds < 1:
        raise UsageError(f"--seeds is at least 1, given {seeds}")
    classes = np.unique(class_representatives())
    if limit is not None:
        if not 1 <= limit <= len(classes):
            raise UsageError(f"--limit is 1..{len(classes)}, given {limit}")
        classes = classes[np.linspace(0, len(classes) - 1, limit).round().astype(int)]
    packs = [classes[i : i + ARCHS_A_PACK] for i in range(0, len(classes), ARCHS_A_PACK)]
    name = f"v{VERSION}-s{seeds}"
    return [Job(folder / f"{name}-{p[0]}-{p[-1]}.npz", tuple(p.tolist()), tuple(range(seeds))) for p in packs]


def run(jobs: list[Job], workers: int, progress: Callable[[int], None]) -> None:
    """Train the packs that have no shard yet, `workers` at a time; `progress` gets the number of classes finished."""
    missing = [job for job in jobs if not job.shard.exists()]
    progress(sum(len(job.classes) for job in jobs) - sum(len(job.classes) for job in missing))
    # in a mixed order, so that a build cut short covers the space evenly
    missing = [missing[i] for i in np.random.default_rng(0).permutation(len(missing))]
    os.environ.update({k: v for k, v in _MALLOC.items() if k not in os.environ})
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(train_shard, job): job for job in missing}
        try:
            for done in as_completed(pending):
                done.result()
                progress(len(pending[done].classes))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # nothing is left to cancel but after an error


def train_shard(job: Job) -> None:
    """Train one pack and write its shard."""
    import torch

    from nasboard.benchmarks.live.digits import load
    from nasboard.benchmarks.live.packed import train

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    archs = from_index(NB201Space(), np.array(job.classes))
    s = len(job.seeds)
    outcome = train(np.repeat(archs, s, axis=0), list(job.seeds) * len(archs), load(), Macro(), Recipe())
    job.shard.parent.mkdir(parents=True, exist_ok=True)
    scratch = job.shard.with_suffix(f".{os.getpid()}.tmp")
    with scratch.open("wb") as file:
        np.savez(
            file,
            classes=np.array(job.classes, dtype=np.int32),
            val_correct=outcome.val_correct.reshape(len(archs), s, -1),
            test_correct=outcome.test_correct.reshape(len(archs), s),
            train_s=outcome.train_s.reshape(len(archs), s),
        )
    scratch.replace(job.shard)


def gather(jobs: list[Job]) -> dict[str, np.ndarray]:
    """Return the arrays of the table from complete shards, classes ascending.

    Raises:
        DigestError: a shard is missing or damaged.
    """
    parts = list(_read(jobs))
    columns = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    order = np.argsort(columns["classes"], kind="stable")
    return {name: column[order] for name, column in columns.items()}


def recipe_of_build() -> dict[str, object]:
    """Return recipe and versions for the manifest."""
    import sklearn
    import torch

    versions = {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__}
    return describe(Macro(), Recipe()) | {"versions": versions | {"scikit-learn": sklearn.__version__}}


def _read(jobs: list[Job]) -> Iterator[dict[str, np.ndarray]]:
    for job in jobs:
        try:
            with job.shard.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                part = {name: file[name] for name in ("classes", "val_correct", "test_correct", "train_s")}
        except (OSError, EOFError, TypeError, ValueError, KeyError, BadZipFile) as error:
            raise DigestError(
                f"shard {job.shard} is missing or damaged ({error}); remove it and build again"
            ) from error
        if tuple(part["classes"].tolist()) != job.classes:
            raise DigestError(f"shard {job.shard} holds other classes than planned; remove it and build again")
        yield part


def all_classes() -> Ints:
    """Return the representatives of all classes, ascending."""
    return np.unique(class_representatives())
