"""Train every isomorphism class of a space, a pack at a time, into shards that survive a kill.

A shard is one pack's outcome, written whole (temporary name, then rename); a build that was cut off goes on with the
packs that have no shard. When all are there they are gathered. This module trains and collects; the table made of it is
`build_table`'s.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
from numpy.random import Generator

from nasboard.benchmarks.live.datasets.opening import open_data, open_test
from nasboard.benchmarks.live.datasets.spec import DataSpec
from nasboard.benchmarks.live.trainings.recipe import Recipe
from nasboard.benchmarks.spaces.edge_cells.poc1296 import EdgeSpace
from nasboard.benchmarks.spaces.macros import Macro, NB201Macro
from nasboard.harness.errors import DigestError, UsageError
from nasboard.harness.space import Arch, Archs, Ints, SearchSpace, enumerate_valid, from_index, size, to_index

if TYPE_CHECKING:
    from nasboard.benchmarks.live.supernets.network import Network
    from nasboard.benchmarks.live.trainings.packed import Outcome

SEEDS_A_PACK = 3
NETWORKS_A_PACK = 12  # where their activations still fit the second-level cache, half of that elsewhere
NUMBERS_A_PACK = 12 * 60 * 8 * 8 * 8  # activations of a layer that do
MOST_CHANNELS = 8  # of networks that are faster packed; at 16 they are slower, see tests/perf/test_packed_perf.py
MEASURED = ("val_correct", "test_correct", "train_s")

# Without these the C library gives freed activations back to the system and pays for the pages again at every step.
_MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "2000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


@dataclass(frozen=True, slots=True)
class Work:
    """What is trained; it goes to worker processes, so `network` is found by its name.

    Attributes:
        mark: of its shards, so that those of other data, networks or recipes are never taken for its own.
        space: whose every class is trained.
        data: the images.
        macro: the network around the cell.
        recipe: that holds validation images out.
        network: makes the network of an architecture, with weights drawn from a generator.
    """

    mark: str
    space: SearchSpace
    data: DataSpec
    macro: Macro
    recipe: Recipe
    network: Callable[[Arch, Generator], Network]

    def splits(self) -> dict[str, int]:
        """Return how many images are in train, val and test."""
        data = open_data(self.data)
        return {"train": len(data.train[1]), "val": len(data.val[1]), "test": len(open_test(self.data)[1])}

    @property
    def pack(self) -> NB201Macro | None:
        """Return the network around the cell where many are trained at once, None where one after the other is."""
        if not isinstance(self.macro, NB201Macro) or self.macro.channels > MOST_CHANNELS or not self.recipe.packs:
            return None
        return self.macro

    @property
    def networks(self) -> int:
        """Return how many networks a shard has."""
        if self.pack is None:
            return SEEDS_A_PACK
        numbers = NETWORKS_A_PACK * self.recipe.batch * self.pack.channels * self.pack.image**2
        return NETWORKS_A_PACK if numbers <= NUMBERS_A_PACK else NETWORKS_A_PACK // 2


@dataclass(frozen=True, slots=True)
class Job:
    """One pack to train."""

    work: Work
    shard: Path
    classes: tuple[int, ...]  # lexicographic indices of class representatives
    seeds: tuple[int, ...]
    curves: bool = True  # whether validation accuracy is measured after every epoch, as queries are answered with

    @property
    def trainings(self) -> int:
        """Return how many networks the pack holds."""
        return len(self.classes) * len(self.seeds)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a build measured.

    Attributes:
        columns: `classes` `(rows,)`, ascending, and `MEASURED` `(rows, seeds, ...)`, seeds as they were planned; those
            without curves are left out of `val_correct`.
        made_with: the versions that some shards were trained with, and the seeds of those shards; a build may be spread
            over machines.
    """

    columns: dict[str, np.ndarray]
    made_with: tuple[tuple[dict[str, str], tuple[int, ...]], ...]


def representatives(space: SearchSpace) -> tuple[Ints, Ints]:
    """Return the classes of a space and the class of every row of its product.

    Returns:
        `(rows,)` lexicographic indices of the first member of each isomorphism class, ascending, and `(size,)` the row
        of each lexicographic index, -1 where it is no architecture.
    """
    archs = enumerate_valid(space)
    index = to_index(space, archs)
    _, first, inverse = np.unique(space.canonical(archs), return_index=True, return_inverse=True)
    order = np.argsort(first)
    row_of = np.full(size(space), -1, dtype=np.int64)
    row_of[index] = np.argsort(order)[inverse]
    return index[first[order]], row_of


def plan(work: Work, folder: Path, seeds: Sequence[int], limit: int | None = None, *, curves: bool = True) -> list[Job]:
    """Return all packs of the build, seeds in their order; `limit` takes that many classes, spread over the space."""
    classes, _ = representatives(work.space)
    if limit is not None:
        if not 1 <= limit <= len(classes):
            raise UsageError(f"--limit is 1..{len(classes)}, given {limit}")
        classes = classes[np.linspace(0, len(classes) - 1, limit).round().astype(int)]
    jobs = []
    for group in (tuple(seeds[i : i + SEEDS_A_PACK]) for i in range(0, len(seeds), SEEDS_A_PACK)):
        width = max(1, work.networks // len(group))
        name = f"{work.mark}-s{'.'.join(map(str, group))}"
        packs = [classes[i : i + width] for i in range(0, len(classes), width)]
        jobs += [Job(work, folder / f"{name}-{p[0]}-{p[-1]}.npz", tuple(p.tolist()), group, curves) for p in packs]
    return jobs


def run(jobs: list[Job], workers: int, progress: Callable[[int], None]) -> None:
    """Train the packs that have no shard yet, `workers` at a time; `progress` gets the number of trainings finished."""
    missing = [job for job in jobs if not job.shard.exists()]
    progress(sum(job.trainings for job in jobs) - sum(job.trainings for job in missing))
    # the first seeds first, each in a mixed order, so that a build cut short covers the space evenly
    mixed = np.random.default_rng(0).permutation(len(missing))
    missing = sorted((missing[i] for i in mixed), key=lambda job: job.seeds)
    os.environ.update({k: v for k, v in _MALLOC.items() if k not in os.environ})
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        pending = {pool.submit(train_shard, job): job for job in missing}
        try:
            for done in as_completed(pending):
                done.result()
                progress(pending[done].trainings)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # nothing is left to cancel but after an error


def finished(jobs: list[Job]) -> list[Job]:
    """Return the packs of the seeds that every class has been trained with."""
    open_seeds = {job.seeds for job in jobs if not job.shard.exists()}
    return [job for job in jobs if job.seeds not in open_seeds]


def train_shard(job: Job) -> None:
    """Train one pack and write its shard."""
    import torch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    archs, s = from_index(job.work.space, np.array(job.classes)), len(job.seeds)
    outcome = train(job.work, np.repeat(archs, s, axis=0), list(job.seeds) * len(archs), curves=job.curves)
    job.shard.parent.mkdir(parents=True, exist_ok=True)
    scratch = job.shard.with_suffix(f".{os.getpid()}.tmp")
    with scratch.open("wb") as file:
        np.savez(
            file,
            classes=np.array(job.classes, dtype=np.int32),
            val_correct=outcome.val_correct.reshape(len(archs), s, outcome.val_correct.shape[1]),
            test_correct=outcome.test_correct.reshape(len(archs), s),
            train_s=outcome.train_s.reshape(len(archs), s),
            made_with=json.dumps(versions(), sort_keys=True),
        )
    scratch.replace(job.shard)


def train(work: Work, archs: Archs, seeds: list[int], *, curves: bool = True) -> Outcome:
    """Train networks `(m, d)`, together where that can be done."""
    from nasboard.benchmarks.live.supernets.stepping import on_device
    from nasboard.benchmarks.live.trainings import one_by_one, packed

    data = open_data(work.data)
    train, val, test = (on_device(p, data.pixels, "cpu") for p in (data.train, data.val, open_test(work.data)))
    parts = (train, val if curves else None, test)
    if work.pack is not None:
        assert isinstance(work.space, EdgeSpace)  # all spaces with such a macro
        return packed.train(archs, seeds, parts, work.pack, work.recipe, work.space)
    return one_by_one.train(archs, to_index(work.space, archs), seeds, parts, work.network, work.recipe)


def gather(jobs: list[Job]) -> Gathered:
    """Return what complete shards hold.

    Raises:
        DigestError: a shard is missing or damaged.
    """
    groups: dict[tuple[int, ...], list[dict[str, np.ndarray]]] = {}
    for job in jobs:
        groups.setdefault(job.seeds, []).append(_read(job))
    gathered: list[dict[str, np.ndarray]] = []
    made_with = []
    for seeds, parts in groups.items():
        columns = {name: np.concatenate([np.atleast_1d(p[name]) for p in parts]) for name in parts[0]}
        made_with += [(json.loads(told), seeds) for told in np.unique(columns.pop("made_with"))]
        order = np.argsort(columns["classes"], kind="stable")
        gathered.append({name: column[order] for name, column in columns.items()})
    classes = gathered[0]["classes"]
    kept = {name: [g[name] for g in gathered if name != "val_correct" or g[name].shape[2]] for name in MEASURED}
    by_seed = {name: np.concatenate(each, axis=1) for name, each in kept.items()}
    return Gathered({"classes": classes} | by_seed, tuple(made_with))


def versions() -> dict[str, str]:
    """Return what decides the last bits of a training, as a shard tells it."""
    import torch

    return {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__}


def _read(job: Job) -> dict[str, np.ndarray]:
    try:
        with job.shard.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            part = {name: file[name] for name in ("classes", *MEASURED, "made_with")}
    except (OSError, EOFError, TypeError, ValueError, KeyError, BadZipFile) as error:
        raise DigestError(f"shard {job.shard} is missing or damaged ({error}); remove it and build again") from error
    if tuple(part["classes"].tolist()) != job.classes:
        raise DigestError(f"shard {job.shard} holds other classes than planned; remove it and build again")
    return part
