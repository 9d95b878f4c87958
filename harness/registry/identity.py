"""Who a method or a benchmark is, as a run's key holds it: distribution, version, code, libraries and files.

Of a distribution's own code all counts that the module imports. Of nasboard that is what makes runs: methods, spaces
and the live side of benchmarks; not the harness, so that a new board makes no run old.
"""

from __future__ import annotations

import hashlib
import os
import re
import site
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from importlib import metadata
from pathlib import Path

from nasboard.harness.record import Json, Maker
from nasboard.harness.registry import nested, sources
from nasboard.harness.registry.built_in import OURS
from nasboard.harness.registry.catalogue import Entry, entry
from nasboard.harness.registry.naming import split_name

OWN_CODE = ("nasboard.methods", "nasboard.benchmarks.spaces", "nasboard.benchmarks.live")
IMPORTED_AS = {"sklearn": "scikit-learn"}  # distributions that are imported under another name


def made_by(name: str) -> Maker:
    """Return who the method of that name is, by itself; it reads all code that makes its runs.

    Raises:
        UnknownNameError: no such method.
    """
    return _maker(entry("methods", name))


def method_by(name: str, params: Mapping[str, Json], made_by: Callable[[str], Maker] = made_by) -> Maker:
    """Return who the method of that name is, with the files that its resolved hyper-parameters name.

    The methods that they name are part of it. Who asks for many gives a `made_by` that remembers.

    Raises:
        UnknownNameError: no such method.
    """
    return replace(methods_by((name, *methods_in(params)), made_by), files=files_in(params))


def methods_by(names: Sequence[str], made_by: Callable[[str], Maker] = made_by) -> Maker:
    """Return who the first of methods is, the code and the libraries of the others included.

    Raises:
        UnknownNameError: no such method.
    """
    first, *others = map(made_by, names)
    if not others:
        return first
    codes = "\n".join(f"{name} {each.code}" for name, each in zip(names, (first, *others), strict=True))
    brought = {each.distribution: each.version for each in others if each.distribution != first.distribution}
    libraries = {name: version for name, version in brought.items() if version is not None}
    for each in (*others, first):
        libraries |= each.libraries
    return replace(first, code=hashlib.sha256(codes.encode()).hexdigest(), libraries=libraries)


def methods_in(params: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the names of the methods that hyper-parameters name, and that those of these name, sorted."""
    found = nested.named(params).values()
    return tuple(sorted(name for outer, inner in found for name in (outer, *methods_in(inner))))


def benchmark_by(name: str) -> Maker:
    """Return who the benchmark of that name (`NAME[@VERSION][?...]`) is.

    Raises:
        UnknownNameError: no such benchmark.
    """
    return _maker(entry("benchmarks", split_name(name)[0]))


def files_in(params: Mapping[str, Json]) -> dict[str, str]:
    """Return path -> SHA-256 of every file that is named in hyper-parameters."""
    inner = [value for _, settings in nested.named(params).values() for value in settings.values()]
    return {path: _content(Path(path).expanduser()) for path in sorted(set(_paths([*params.values(), *inner])))}


def _maker(found: Entry) -> Maker:
    module = found.value.partition(":")[0]
    code = sources.gather(module, partial(_is_own, _places(found.distribution, module)))
    versions = {name: _version(name) for name in code.others if not _is_common(name)}
    libraries = {name: version for name, version in versions.items() if version is not None}
    return Maker(found.distribution, _version(found.distribution), code.digest, libraries)


def _is_own(places: tuple[Path, ...], name: str, path: Path) -> bool:
    """Return whether a module's code makes the runs: nasboard's own that does, or one that stands in `places`."""
    if name.partition(".")[0] == OURS:
        return any(name == own or name.startswith(f"{own}.") for own in OWN_CODE)
    return any(path.is_relative_to(place) and not _is_installed(path.relative_to(place)) for place in places)


@cache
def _places(distribution: str, module: str) -> tuple[Path, ...]:
    """Return files and folders of a distribution's own code: where its top-level names are found.

    One that is worked on in place may tell only the folder it stands in; then all code in that folder is its own, but
    for environments that stand there. Of ours only what `OWN_CODE` says is asked for.
    """
    if distribution == OURS:
        return ()
    found = {name: place for name in {module, *_top_level(distribution)} if (place := _place(name)) is not None}
    around = {place.parent for place in found.values()}
    return tuple(sorted({*found.values(), *(folder for folder in around if not _is_site(folder))}))


def _place(name: str) -> Path | None:
    """Return the file of a top-level module, or the folder of the outermost package of a module that has a file."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        path = sources.find(".".join(parts[:depth]))
        if path is not None:
            return path if depth == 1 and path.stem != "__init__" else path.parent
    return None


def _is_installed(below: Path) -> bool:
    """Return whether a file below a distribution's folder is of an environment that stands in it."""
    return any(part in ("site-packages", "dist-packages") or part.startswith(".") for part in below.parts[:-1])


def _top_level(distribution: str) -> set[str]:
    try:
        told = metadata.distribution(distribution)
    except (metadata.PackageNotFoundError, ValueError):
        return set()
    listed = (told.read_text("top_level.txt") or "").split()
    files = {Path(str(file)).parts[0] for file in told.files or () if str(file).endswith(".py")}
    return {name.removesuffix(".py") for name in {*listed, *files} if name.removesuffix(".py").isidentifier()}


def _is_site(folder: Path) -> bool:
    shared = {*site.getsitepackages(), site.getusersitepackages(), *sysconfig.get_paths().values()}
    return str(folder) in shared or folder.name in ("site-packages", "dist-packages")


def _is_common(name: str) -> bool:
    """Return whether a name is of Python, or of what every installation of nasboard has: no extra brings it."""
    return name in sys.stdlib_module_names or name == OURS or name in _required()


@cache
def _required() -> frozenset[str]:
    try:
        asked = metadata.requires(OURS) or []
    except metadata.PackageNotFoundError:
        return frozenset()
    always = (line for line in asked if "extra ==" not in line)
    return frozenset(re.split(r"[^\w-]", line, maxsplit=1)[0].replace("-", "_") for line in always)


@cache
def _version(name: str) -> str | None:
    """Return the version of a distribution, or of those that an imported name belongs to; None where it has none."""
    try:
        return metadata.version(IMPORTED_AS.get(name, name))
    except (metadata.PackageNotFoundError, ValueError):
        owners = sorted(set(_distributions().get(name, ())))
        return ", ".join(f"{owner} {metadata.version(owner)}" for owner in owners) or None


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Return imported name -> distributions; read once, since every one of them is looked at."""
    return metadata.packages_distributions()


def _paths(values: list[Json]) -> Iterator[str]:
    """Yield the strings that name a file which is there; a bare word is no path, whatever lies about."""
    for value in values:
        if isinstance(value, list):
            yield from _paths(value)
        elif isinstance(value, dict):
            yield from _paths(list(value.values()))
        elif isinstance(value, str) and _names_a_file(value):
            yield value


def _names_a_file(value: str) -> bool:
    there = os.path.isfile(os.path.expanduser(value))  # noqa: PTH111, PTH113 - these never raise
    return there and (os.sep in value or bool(Path(value).suffix))


def _content(path: Path) -> str:
    stat = path.stat()
    return _digest(path.resolve(), stat.st_mtime_ns, stat.st_size)


@cache
def _digest(path: Path, changed_ns: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
