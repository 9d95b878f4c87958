"""Importing a public file: the checks before the first byte is converted, and a table that appears whole or not at all.

What the bytes mean is the converter's business (`kinds`); which bytes are to be believed is decided here, in `trust`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from nasboard.tabular.known.files import KnownFile, read_registry
from nasboard.tabular.known.kinds import Converter, Kind, kind_of, looks_like, near_places
from nasboard.tabular.known.trust import MARK, Source, check_unchanged, examine, listing_digest, version_of
from nasboard.tabular.tables import home
from nasboard.tabular.tables.disk import ELSEWHERE, check_no_way_out, explained
from nasboard.tabular.tables.job import Job, silent
from nasboard.tabular.tables.table import MANIFEST, Table, TableError, UnreadError
from nasboard.tabular.tables.writing import TableWriter

NEEDED = ("version", "licence", "datasets", "splits", "fidelities", "seeds", "units", "archs", "complete")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_STRANGERS = "not the published files: the version ends in the SHA-256 of these, so that it is no other's"
_LISTED = 64  # more sources than that are one line of the manifest, which must open in milliseconds


def import_table(
    kind: str,
    source: Path,
    *,
    to: Path | None = None,
    version: str | None = None,
    partial: bool = False,
    sha256: str | None = None,
    told: Callable[[str, int, int | None], None] = silent,
    files: Mapping[str, KnownFile] | None = None,
) -> Table:
    """Convert public files into a table; nothing is left behind where that fails.

    Args:
        kind: a name of `kinds.KINDS`.
        source: file or folder, as that kind takes it.
        to: a data folder in place of `home.home()`; the table becomes TO/tables/KIND-VERSION.
        version: of the table, where the files do not tell; for files that are not the published ones their SHA-256 is
            added to it, as `trust.version_of` says.
        partial: accept files that lack architectures.
        sha256: SHA-256 of the file, for files that are not known; several with commas between them.
        told: called with label, amount done, and total (None: unknown).
        files: known files by name in place of the shipped ones.

    Returns:
        The table, opened.

    Raises:
        TableError: with file, place and remedy.
    """
    wanted = _kind(kind, source)
    if version is not None:
        _check_version(version)
        if MARK in version:
            raise TableError(f"version {version!r} has {MARK!r} in it, which an import adds itself; leave that out")
    folder = home.tables_folder() if to is None else to / "tables"
    believed = read_registry().files if files is None else files
    with explained(f"import of {source}", folder, ELSEWHERE):
        return _import(wanted, source, folder, Job(version, partial, told), sha256, believed)


def _import(
    kind: Kind, source: Path, folder: Path, job: Job, sha256: str | None, files: Mapping[str, KnownFile]
) -> Table:
    converter = kind.load()
    with explained(f"import of {source}", source):
        found = _sources(kind, converter, source)
    _check_places(source, folder)
    examined = examine(kind, found, files, sha256, job.told)
    job = replace(job, pinned=all(source.published for source in examined))
    if job.version is not None:
        _check_version(version_of(job.version, examined))  # before minutes of reading
    with TableWriter(folder / f"{kind.name}-new") as writer:
        about = converter.convert(source, writer, job)
        check_unchanged(examined)
        lacking = [key for key in NEEDED if key not in about]
        assert not lacking, f"{kind.module} returned no {lacking}"
        about |= _identity(kind, about, examined)
        target = folder / str(about["name"])
        _check_target(target)
        return writer.commit(about | {"sources": _listed(source, examined)}, target)


def _identity(kind: Kind, about: Mapping[str, object], examined: list[Source]) -> dict[str, object]:
    """Return what the manifest says of who the table is: name, kind, version, and a note where it is of strangers."""
    told = str(about["version"])
    version = version_of(told, examined)
    _check_version(version)
    found: dict[str, object] = {"name": f"{kind.name}-{version}", "kind": kind.name, "version": version}
    if version == told:
        return found
    return found | {"notes": [*cast("list[str]", about.get("notes", [])), _STRANGERS]}


def _kind(name: str, source: Path) -> Kind:
    """Return the kind of that name; where there is none, say also which one `source` looks like."""
    try:
        return kind_of(name)
    except TableError as error:
        with explained(f"import of {source}", source):
            hint = _hint(None, source)
        raise TableError(f"{error}{hint}") from error


def _sources(kind: Kind, converter: Converter, source: Path) -> list[Path]:
    """Return the files that will be read, or say what is wrong with `source`, and what to import instead."""
    if not source.exists():
        raise TableError(f"no file or folder {source}; kind {kind.name} takes {kind.takes}", missing=True)
    if not source.is_file() and not source.is_dir():
        raise TableError(f"{source} is neither a regular file nor a folder; kind {kind.name} takes {kind.takes}")
    try:
        found = converter.sources(source)
    except UnreadError:
        raise
    except TableError as error:
        hint = _hint(kind, source)
        raise TableError(f"{error}{hint}", missing=error.missing and not hint) from error
    for path in found:
        if not path.is_file():
            raise TableError(f"{path} is no file; kind {kind.name} takes {kind.takes}", missing=not path.exists())
    return found


def _hint(kind: Kind | None, source: Path) -> str:
    """Return what to do about a `source` that is not of `kind` (None: of no kind that there is), "" if that is unknown.

    Raises:
        UnreadError: it is what a kind knows, and this version does not read.
    """
    like = looks_like(source)
    if kind is not None and kind.name in like:
        near = _near(kind, source)
        return "" if near is None else f": {_command(kind, near)}"
    if not like:
        return ""
    commands = [_command(other, _near(other, source)) for other in map(kind_of, like)]
    return f"; this looks like {' or '.join(like)}: {' or '.join(commands)}"


def _near(kind: Kind, source: Path) -> Path | None:
    """Return where a source of `kind` is: `source` itself, around it or inside it; None if there is none."""
    for place in near_places(kind, source):
        try:
            kind.load().sources(place)
        except UnreadError:
            if place == source:
                raise
        except (TableError, OSError):
            continue
        else:
            return place
    return None


def _command(kind: Kind, path: Path | None) -> str:
    if path is None:
        return f"nasboard data import {kind.name} PATH, where PATH is {kind.takes}"
    return f"nasboard data import {kind.name} {shlex.quote(str(path))}"


def _check_version(version: str) -> None:
    if not _VERSION.fullmatch(version) or ".." in version:
        raise TableError(
            f"version {version!r} cannot be part of a folder's name: it takes letters, digits and . _ + -, begins with "
            "a letter or digit, and has at most 64 characters"
        )


def _check_places(source: Path, folder: Path) -> None:
    """Refuse a table inside its own source, a source among the tables, and a tables folder that leads elsewhere."""
    real, into = source.resolve(), folder.resolve()
    if source.is_dir() and into.is_relative_to(real):
        raise TableError(f"the table would be written into its own source, {source}; give another folder with --to")
    if real.is_relative_to(into):
        raise TableError(f"{source} lies in {folder}, where tables are replaced; move it elsewhere first")
    check_no_way_out(folder)


def _check_target(folder: Path) -> None:
    """Refuse to replace what is no table."""
    if folder.is_symlink() or (folder.exists() and not (folder / MANIFEST).is_file()):
        what = "a link" if folder.is_symlink() else "no table"
        raise TableError(f"{folder} is in the way and is {what}; move it away, then import again")


def _listed(source: Path, examined: list[Source]) -> list[dict[str, object]]:
    """Return the manifest's list of sources; very many are one entry with the digest of their listing."""
    if len(examined) <= _LISTED:
        return [{"file": s.path.name, "size_bytes": s.size_bytes, "sha256": s.sha256} for s in examined]
    return [
        {
            "file": f"{source.name}/",
            "files": len(examined),
            "size_bytes": sum(s.size_bytes for s in examined),
            "sha256": listing_digest(examined),
        }
    ]
