"""What the command line asks of whoever keeps the imported tables; the registry finds it. Knows no file format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

Told = Callable[[str, int, int | None], None]  # label, how much is done, and of how much (None: unknown)
Row = Mapping[str, object]


class DataTool(Protocol):
    """Imports, fetches, lists, checks and removes tables; a module with these functions will do."""

    def tables(self) -> tuple[Row, ...]:
        """Return what `data ls` shows of every imported table.

        Name, kind, version, archs, size_mb, complete (every arch is there), gaps (a line for each column that is not
        known of every arch), trouble (None: fine), and whole (every value was compared with its digest just now, which
        is done for small tables).
        """

    def info(self, name: str, files: Path | None) -> Row:
        """Return the manifest of an imported table, or what is known of the public files of that name."""

    def bring(
        self,
        kind: str,
        source: Path,
        *,
        to: Path | None,
        version: str | None,
        partial: bool,
        sha256: str | None,
        told: Told,
    ) -> Row:
        """Import a public file; returns name, folder, archs, size_mb and complete."""

    def fetch(self, name: str, *, files: Path | None, to: Path | None, told: Told) -> Row:
        """Download known files, check them, and import them where they make a table; returns what `bring` does."""

    def verify(self, name: str, told: Told) -> Row:
        """Read a table whole and check every digest; returns name, size_mb and digest."""

    def remove(self, name: str) -> Row:
        """Remove an imported table; returns name, folder and size_mb."""

    def place(self) -> Row:
        """Return the data folder, whether it is there, and the free space where it is or would be."""

    def obtainable(self) -> tuple[Row, ...]:
        """Return name, what it is (table or files), summary, what PATH is, what is there of it, and the command."""
