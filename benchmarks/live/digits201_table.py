"""What `nasboard table` does for digits201: build it (with torch) and tell about it (without)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nasboard.benchmarks.live import built_table
from nasboard.benchmarks.live.benchmark import Parts
from nasboard.benchmarks.live.datasets.digits import DIGEST
from nasboard.benchmarks.live.datasets.spec import DataSpec
from nasboard.benchmarks.live.trainings.recipe import recipe
from nasboard.benchmarks.spaces.macros import DIGITS
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.digits201 import VERSION, load_table, shipped_table
from nasboard.harness.errors import UsageError

if TYPE_CHECKING:
    from nasboard.benchmarks.live.trainings.build_table import Plan

RECIPE = "digits201-15"


def build(
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
    """Train what is missing and write the table; see `nasboard.benchmarks.live.trainings.build_table.build_table`.

    Raises:
        UsageError: a benchmark or another recipe was asked for.
        MissingDataError: torch or scikit-learn is not installed.
    """
    if benchmark is not None or by not in (None, RECIPE):
        raise UsageError(f"digits201 is a table of digits201-live by {RECIPE}; give a table of your own another name")
    built_table.check_installed("digits201", "sklearn")
    return built_table.build_and_write(
        plan(Path("digits201") if to is None else to, seeds), jobs, limit, finished, progress
    )


def plan(to: Path, seeds: int) -> Plan:
    """Return how the table is built in `to`, with so many trainings of every class behind the truth."""
    parts = Parts(NB201Space(), DataSpec("digits"), DIGITS, recipe(RECIPE))
    about = {
        "name": "digits201",
        "version": VERSION,
        "licence": "Apache-2.0; images: UCI optical recognition of handwritten digits, as shipped with scikit-learn",
        "data_digest": DIGEST,
    }
    return built_table.plan(parts, to, to.with_name(to.name + ".shards"), about, seeds)


def info(folder: Path | None, check: bool) -> dict[str, object]:
    """Return the manifest of the shipped table, or of the one in `folder`; with `check` its digests are verified.

    Raises:
        MissingDataError: there is no table.
        DigestError: it is damaged.
    """
    return built_table.told(shipped_table() if folder is None else load_table(folder), check)
