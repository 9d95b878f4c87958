"""Suites and baselines that ship with the package, found by name. Knows where they are, not what is in them."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal

from nasboard.harness.errors import UnknownNameError

Kind = Literal["suites", "baselines"]
SUFFIX: dict[Kind, str] = {"suites": ".toml", "baselines": ".json"}


def find(kind: Kind, given: str) -> Path:
    """Return the file that is meant: the one at the path `given`, else the one of that name that ships.

    What looks like a path (a suffix, or a folder in it) is returned though nothing is there; reading it says so.

    Raises:
        UnknownNameError: a bare name that none of those that ship has.
    """
    path = Path(given)
    if path.is_file() or path.suffix == SUFFIX[kind] or len(path.parts) != 1:
        return path
    there = _there(kind)
    if given not in there:
        raise UnknownNameError(f"{kind.removesuffix('s')} (neither a file nor one that ships):", given, there)
    return there[given]


def names(kind: Kind) -> tuple[str, ...]:
    """Return the names of those that ship, sorted."""
    return tuple(_there(kind))


def _there(kind: Kind) -> dict[str, Path]:
    folder = Path(str(resources.files(f"nasboard.{kind}")))
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX[kind]}"))}
