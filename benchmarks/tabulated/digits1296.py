"""The embedded benchmark `digits1296`: few-shot's proof of concept on handwritten digits, every network trained alone.

A table built here (`built`), which ships. The live benchmark `digits1296-live`, which hands out the images, is scored
by the same table, so that runs of both share a board.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

from nasboard.benchmarks.spaces.costs.nb201 import counted
from nasboard.benchmarks.spaces.edge_cells.poc1296 import Poc1296Space
from nasboard.benchmarks.spaces.macros import DIGITS
from nasboard.benchmarks.tabulated.built import Built, known
from nasboard.benchmarks.tabulated.digits201 import DATASET, SPLITS
from nasboard.benchmarks.tabulated.shipped import shipped_table

VERSION = "1"  # of the table; the training recipe has its own
QUERY_SEEDS = 1  # training of a class that queries see
TRUTH_SEEDS = 3  # trainings of a class that nothing but the truth sees


@cache
def tabular() -> Built:
    """Return the tabular benchmark `digits1296`.

    Raises:
        MissingDataError: this checkout has no table yet.
    """
    found = replace(known("poc1296"), counted=partial(counted, Poc1296Space(), DIGITS))
    return Built("digits1296", shipped_table("digits1296"), DATASET, found, SPLITS)
