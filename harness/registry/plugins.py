"""Which other distributions bring methods and benchmarks, and whether each of those can be used here.

Each is tried in a process of its own, so that a broken one, whatever it does when it is imported, harms nobody.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from nasboard.harness.errors import MissingDataError, NasboardError
from nasboard.harness.registry.built_in import OURS, Kind
from nasboard.harness.registry.catalogue import SINGULAR, benchmark, method_class, table

TRIAL = f"import sys; from {__name__} import try_out; try_out(*sys.argv[1:])"
USABLE = "can be used"  # a module may end the process with code 0
WAIT_S = 120.0  # importing torch on a slow disk takes a while


@dataclass(frozen=True, slots=True)
class Plugin:
    """A distribution that brings something.

    Attributes:
        distribution: its name.
        version: of it.
        names: what it brings, such as `method hill_climb`.
        broken: of those, what cannot be used, and why.
        lacking: of those, what lacks a table or a package, and how to get it.
    """

    distribution: str
    version: str
    names: tuple[str, ...]
    broken: dict[str, str]
    lacking: dict[str, str]


def plugins() -> tuple[Plugin, ...]:
    """Return every distribution but ours that brings something, sorted by name, each of its entries tried."""
    found: dict[tuple[str, str], list[tuple[Kind, str]]] = {}
    for kind, point in _points():
        found.setdefault(_who(point), []).append((kind, point.name))
    return tuple(_tried(*who, entries) for who, entries in sorted(found.items()))


def try_out(kind: str, name: str) -> None:
    """Say that the entry can be used, or end this process with the error; what `plugins` runs in another one."""
    use = {"methods": method_class, "benchmarks": benchmark, "tables": table}[kind]
    try:
        use(name)
    except NasboardError as error:
        sys.stderr.write(f"{error}\n")  # the parent reads it
        sys.exit(error.exit_code)
    sys.stdout.write(USABLE)


def _points() -> Iterator[tuple[Kind, EntryPoint]]:
    for kind in SINGULAR:
        for point in sorted(entry_points(group=f"{OURS}.{kind}"), key=lambda p: p.name):
            yield kind, point


def _who(point: EntryPoint) -> tuple[str, str]:
    return ("an unnamed distribution", "?") if point.dist is None else (point.dist.name, point.dist.version)


def _tried(distribution: str, version: str, entries: list[tuple[Kind, str]]) -> Plugin:
    broken: dict[str, str] = {}
    lacking: dict[str, str] = {}
    for kind, name in entries:
        code, why = _outcome(kind, name)
        if why != USABLE:
            (lacking if code == MissingDataError.exit_code else broken)[f"{SINGULAR[kind]} {name}"] = why
    return Plugin(distribution, version, tuple(f"{SINGULAR[k]} {n}" for k, n in entries), broken, lacking)


def _outcome(kind: Kind, name: str) -> tuple[int, str]:
    """Return the exit code of a trial, and USABLE or why not."""
    path = os.pathsep.join(part for part in sys.path if part)
    command = [sys.executable, "-c", TRIAL, kind, name]
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=WAIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"was not imported within {WAIT_S:.0f} s"
    if done.returncode == 0 and done.stdout.endswith(USABLE):
        return 0, USABLE
    said = done.stderr.strip().rpartition("\n")[2]
    return done.returncode, said or f"the process that imported it ended with exit code {done.returncode}"
