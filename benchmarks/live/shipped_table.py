"""What `nasboard table` does for the tables that ship: build one (with torch) and tell about it (without)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nasboard.benchmarks.live import built_table
from nasboard.benchmarks.live.benchmark import Parts
from nasboard.benchmarks.live.datasets.digits import DIGEST
from nasboard.benchmarks.live.datasets.spec import DataSpec
from nasboard.benchmarks.live.trainings.recipe import recipe
from nasboard.benchmarks.spaces.edge_cells.poc1296 import Poc1296Space
from nasboard.benchmarks.spaces.macros import DIGITS
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace
from nasboard.benchmarks.tabulated import digits201, digits1296
from nasboard.benchmarks.tabulated.built import QUERY_SEEDS
from nasboard.benchmarks.tabulated.shipped import load_table, shipped_table
from nasboard.harness.errors import UsageError

if TYPE_CHECKING:
    from nasboard.benchmarks.live.trainings.build_table import Plan

LICENCE = "Apache-2.0; images: UCI optical recognition of handwritten digits, as shipped with scikit-learn"


@dataclass(frozen=True, slots=True)
class ShippedTable:
    """Builds a table that ships and tells about it; implements `nasboard.harness.registry.TableTool`.

    Attributes:
        name: of the table.
        version: of it; the recipe has its own.
        space: whose every class is trained on the digits.
        recipe: by which.
        queried: trainings of a class that queries see.
    """

    name: str
    version: str
    space: RelaxedSpace
    recipe: str
    queried: int = QUERY_SEEDS

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
        """Train what is missing and write the table; see `nasboard.benchmarks.live.trainings.build_table.build_table`.

        Raises:
            UsageError: a benchmark or another recipe was asked for.
            MissingDataError: torch or scikit-learn is not installed.
        """
        if benchmark is not None or by not in (None, self.recipe):
            raise UsageError(
                f"{self.name} is a table of {self.name}-live by {self.recipe}; give a table of your own another name"
            )
        built_table.check_installed(self.name, "sklearn")
        planned = self.plan(Path(self.name) if to is None else to, seeds)
        return built_table.build_and_write(planned, jobs, limit, finished, progress)

    def plan(self, to: Path, seeds: int) -> Plan:
        """Return how the table is built in `to`, with so many trainings of every class behind the truth."""
        parts = Parts(self.space, DataSpec("digits"), DIGITS, recipe(self.recipe))
        about = {
            "name": self.name,
            "version": self.version,
            "licence": LICENCE,
            "data_digest": DIGEST,
        }
        return built_table.plan(parts, to, to.with_name(to.name + ".shards"), about, seeds, self.queried)

    def info(self, folder: Path | None, check: bool) -> dict[str, object]:
        """Return the manifest of the shipped table, or of the one in `folder`; with `check` its digests are verified.

        Raises:
            MissingDataError: there is no table.
            DigestError: it is damaged.
        """
        return built_table.told(shipped_table(self.name) if folder is None else load_table(self.name, folder), check)


SHIPPED: Mapping[str, ShippedTable] = {
    "DIGITS201": ShippedTable("digits201", digits201.VERSION, NB201Space(), "digits201-15"),
    "DIGITS1296": ShippedTable(
        "digits1296", digits1296.VERSION, Poc1296Space(), "digits1296-10", digits1296.QUERY_SEEDS
    ),
}


def __getattr__(name: str) -> ShippedTable:
    """A table that ships: every class of a space trained alone on the handwritten digits."""
    if name not in SHIPPED:
        raise AttributeError(name)
    return SHIPPED[name]
