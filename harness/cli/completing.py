"""Names that a shell completes, read from what is registered without importing it; silent where that is unreadable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from nasboard.harness import registry, shipped
from nasboard.harness.errors import NasboardError


def methods(incomplete: str) -> list[str]:
    """Return the registered methods that begin so."""
    return _beginning(incomplete, lambda: registry.names("methods"))


def benchmarks(incomplete: str) -> list[str]:
    """Return the registered benchmarks that begin so."""
    return _beginning(incomplete, lambda: registry.names("benchmarks"))


def checkable(incomplete: str) -> list[str]:
    """Return the registered methods and benchmarks that begin so."""
    return [*methods(incomplete), *benchmarks(incomplete)]


def embedded(incomplete: str) -> list[str]:
    """Return the embedded tables that begin so."""
    return _beginning(incomplete, lambda: registry.names("tables"))


def kinds(incomplete: str) -> list[str]:
    """Return the kinds of tables that can be imported, and the public data that can be fetched, that begin so."""
    return _beginning(incomplete, lambda: (str(row["name"]) for row in registry.data_tool().obtainable()))


def imported(incomplete: str) -> list[str]:
    """Return the imported tables that begin so."""
    return _beginning(incomplete, lambda: (str(row["name"]) for row in registry.data_tool().tables()))


def tables(incomplete: str) -> list[str]:
    """Return the imported tables and the public data that begin so."""
    return sorted({*kinds(incomplete), *imported(incomplete)})


def suites(incomplete: str) -> list[str]:
    """Return the suites that ship and the suite files that begin so."""
    return _beginning(incomplete, lambda: [*shipped.names("suites"), *_paths(incomplete, ".toml")])


def baselines(incomplete: str) -> list[str]:
    """Return the baselines that ship and the files of baselines that begin so."""
    return _beginning(incomplete, lambda: [*shipped.names("baselines"), *_paths(incomplete, ".json")])


def _beginning(incomplete: str, names: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return [name for name in names() if name.startswith(incomplete)]
    except (NasboardError, OSError):
        return []


def _paths(incomplete: str, suffix: str) -> list[str]:
    """Return files of a suffix, and folders with a slash behind them, in the folder that is being typed."""
    typed, slash, _ = incomplete.rpartition("/")
    there = sorted(Path(typed or slash or ".").iterdir())
    return [f"{typed}{slash}{p.name}{'/' if p.is_dir() else ''}" for p in there if p.is_dir() or p.suffix == suffix]
