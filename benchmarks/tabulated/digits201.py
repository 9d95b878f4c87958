"""The embedded benchmark `digits201`: the NAS-Bench-201 cell on handwritten digits, with complete, measured truth.

A table built here (`built`), which ships. The live benchmark `digits201-live`, which hands out the images, is scored by
the same table, so that runs of both share a board.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

from nasboard.benchmarks.spaces import nb201
from nasboard.benchmarks.spaces.costs.nb201 import counted
from nasboard.benchmarks.spaces.macros import DIGITS
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated import shipped
from nasboard.benchmarks.tabulated.built import Built, known
from nasboard.harness.registry import full_name
from nasboard.tabular.tables.table import Table

DATASET = "digits"
VERSION = "2"  # of the table; the training recipe has its own
TRUTH_SEEDS = 10  # trainings of a class that nothing but the truth sees, in a whole build; the shipped table has 7
SPLITS: Mapping[str, int] = MappingProxyType({"train": 300, "val": 500, "test": 997})


def shipped_table() -> Table:
    """Return the table that ships with the package.

    Raises:
        MissingDataError: this checkout has none yet.
        DigestError: it is damaged.
    """
    return shipped.shipped_table("digits201")


def load_table(folder: Path) -> Table:
    """Open a digits201 table from a folder; errors name the command that builds one."""
    return shipped.load_table("digits201", folder)


@cache
def tabular(without: str | None = None) -> Built:
    """Return the tabular benchmark `digits201`.

    Args:
        without: operations that no edge may have, joined by +, as in `none+avg_pool_3x3`; None: the whole space.

    Raises:
        SpecError: no such operations, or so many that fewer than two stay.
    """
    found, options = replace(known("nb201"), counted=partial(counted, NB201Space(), DIGITS)), {}
    if without is not None:
        space = NB201Space(ops=nb201.without(without))
        found, options = replace(found, space=space), {"without": nb201.left_out(space.ops)}
    return Built(full_name("digits201", None, options), shipped_table(), DATASET, found, SPLITS)
