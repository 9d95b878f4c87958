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

    A name may have a folder, such as `sdarts/1shot1`. What has the suffix, or begins with a folder that none that ships
    is in, is returned though nothing is there; reading it says so.

    Raises:
        UnknownNameError: a name that none of those that ship has.
    """
    path, there = Path(given), _there(kind)
    folders = {name.partition("/")[0] for name in there if "/" in name}
    if path.is_file() or path.suffix == SUFFIX[kind] or not (len(path.parts) == 1 or path.parts[0] in folders):
        return path
    if given not in there:
        raise UnknownNameError(f"{kind.removesuffix('s')} (neither a file nor one that ships):", given, there)
    return there[given]


def names(kind: Kind) -> tuple[str, ...]:
    """Return the names of those that ship, sorted."""
    return tuple(_there(kind))


def _there(kind: Kind) -> dict[str, Path]:
    folder = Path(str(resources.files(f"nasboard.{kind}")))
    found = {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob(f"*{SUFFIX[kind]}")}
    return dict(sorted(found.items()))
