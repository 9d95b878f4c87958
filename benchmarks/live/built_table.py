"""What `nasboard table` does for tables of one's own: every class of a live benchmark's space, trained by a recipe.

Built with torch and told about without. Those that ship are built by the same code, see `shipped_table`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nasboard.benchmarks.live.benchmark import LiveBenchmark, Parts, cost
from nasboard.benchmarks.live.datasets.opening import data_digest
from nasboard.benchmarks.live.trainings.recipe import recipe
from nasboard.benchmarks.tabulated.built import KIND, QUERY_SEEDS, VERSION, known, names, open_built
from nasboard.harness import registry
from nasboard.harness.api import Benchmark
from nasboard.harness.errors import DigestError, MissingDataError, UnknownNameError, UsageError
from nasboard.harness.space import enumerate_valid
from nasboard.tabular.tables import home
from nasboard.tabular.tables.table import Table, TableError, verify

if TYPE_CHECKING:
    from nasboard.benchmarks.live.trainings.build_table import Plan


@dataclass(frozen=True, slots=True)
class BuiltTable:
    """Builds a table of that name and tells about it; implements `nasboard.harness.registry.TableTool`."""

    name: str

    def build(
        self,
        to: Path | None,
        *,
        benchmark: str | None,
        by: str | None,
        seeds: int,
        jobs: int,
        limit: int | None,
        finished: bool,
        progress: Callable[[int, int], None],
    ) -> Path | None:
        """Train what is missing and write the table to `to` (None: the data folder, where `built?table=NAME` finds it).

        Raises:
            UsageError: no benchmark is named, or it is not live.
            UnknownNameError: its space is none that can be tabulated.
            MissingDataError: torch is not installed.
        """
        if benchmark is None:
            ours = ", ".join(registry.names("tables"))
            raise UsageError(
                f"a table of one's own, {self.name!r}, is of a live benchmark: --benchmark NAME (built in: {ours})"
            )
        check_installed(self.name)
        planned = own_plan(self.name, to, registry.benchmark(benchmark), by, seeds)
        return build_and_write(planned, jobs, limit, finished, progress)

    def info(self, folder: Path | None, check: bool) -> dict[str, object]:
        """Return the manifest of the table in the data folder, or in `folder`; with `check` its digests are verified.

        Raises:
            UnknownNameError: there is no table of that name.
            MissingDataError: there is none in `folder`.
            DigestError: it is damaged.
        """
        if folder is None and self.name not in names():
            raise UnknownNameError("table", self.name, {*registry.names("tables"), *names()})
        return told(open_built(self.name if folder is None else str(folder.absolute())), check)


def build_and_write(
    plan: Plan, jobs: int, limit: int | None, finished: bool, progress: Callable[[int, int], None]
) -> Path | None:
    """Build a table; returns its folder, None where `limit` left it incomplete."""
    from nasboard.benchmarks.live.trainings.build_table import build_table

    written = build_table(plan, jobs=jobs, limit=limit, finished=finished, progress=progress)
    return None if written is None else written.folder


def check_installed(table: str, *more: str) -> None:
    """Check here what the worker processes will import, which could not say it in one line.

    Raises:
        MissingDataError: torch, or one of `more`, is not installed.
    """
    for needed in ("torch", *more):
        try:
            import_module(needed)
        except ImportError as error:
            raise MissingDataError(
                f"building {table} trains networks and needs {needed}: pip install 'nasboard[live]' ({error})"
            ) from error


def told(table: Table, check: bool) -> dict[str, object]:
    """Return the manifest of an opened table with its folder and size.

    Raises:
        DigestError: with `check`, where a digest is another.
    """
    if check:
        try:
            verify(table)
        except TableError as error:
            raise DigestError(str(error)) from error
    size_mb = sum(path.stat().st_size for path in table.folder.iterdir()) / 1e6
    return {"folder": str(table.folder), "size_mb": round(size_mb, 2), "verified": check} | dict(table.manifest)


def plan(
    parts: Parts, to: Path, shards: Path, about: Mapping[str, object], seeds: int, queried: int = QUERY_SEEDS
) -> Plan:
    """Return how the table of a live benchmark's parts is built in `to`, and what is trained so far in `shards`."""
    from nasboard.benchmarks.live.networks import network
    from nasboard.benchmarks.live.trainings.build import Work
    from nasboard.benchmarks.live.trainings.build_table import Plan

    space, macro = parts.space, parts.alone
    mark = parts.digest(trained=True)[:12]
    work = Work(mark, space, parts.data, macro, parts.recipe, partial(network, space, macro))
    return Plan(work, to, shards, about, partial(cost, space, macro), seeds, queried)


def own_plan(name: str, to: Path | None, benchmark: Benchmark, by: str | None, seeds: int) -> Plan:
    """Return how a table of one's own is built, by recipe `by`; None: the benchmark's.

    Raises:
        UsageError: the benchmark is not live.
        UnknownNameError: its space is none that can be tabulated.
    """
    if not isinstance(benchmark, LiveBenchmark):
        raise UsageError(f"{benchmark.name} is not live; a table is built of a live benchmark, such as digits201-live")
    parts = benchmark.parts if by is None else replace(benchmark.parts, recipe=recipe(by))
    space = known(parts.space.name).space
    target = home.tables_folder() / name if to is None else to
    shards = home.home() / "builds" / name if to is None else to.with_name(to.name + ".shards")
    about = {
        "name": target.name,
        "kind": KIND,
        "version": VERSION,
        "benchmark": benchmark.trained_as,
        "dataset": parts.data.name,
        "space": space.name,
        "data_digest": data_digest(parts.data),
        "parts": parts.digest(trained=True),
        "recipe": parts.recipe.name,
        "archs": len(np.unique(space.canonical(enumerate_valid(space)))),
        "complete": True,
    }
    return plan(parts, target, shards, about, seeds)
