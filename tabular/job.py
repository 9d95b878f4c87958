"""What an import is told, and the shape every converter has; one module a kind, listed in `kinds`.

A converter module has two functions:

    sources(source: Path) -> list[Path]                 every file it will read, in a fixed order; refuses the wrong kind
    convert(source: Path, writer: TableWriter, job: Job) -> dict[str, object]
                                                        fills the columns and returns what the manifest says:
                                                        version, licence, datasets, splits, fidelities, seeds, units,
                                                        archs (a number), complete (every architecture is there), ...

Both raise `TableError` with file, place and remedy, and never run what they read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def silent(label: str, done: int, total: int | None) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Job:
    """The settings of one import.

    Attributes:
        version: of the table, where the file does not tell; None leaves it to the converter.
        partial: accept a table that lacks architectures; its manifest then says `complete: false`.
        told: called with a label, how much is done and of how much (None: unknown); often, so it must be quick.
    """

    version: str | None = None
    partial: bool = False
    told: Callable[[str, int, int | None], None] = silent
