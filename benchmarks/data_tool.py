"""What `nasboard data` does: the border between the command line and `tabular`, where errors are translated.

Implements `nasboard.harness.registry.data_tool.DataTool` with plain functions.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nasboard.harness.errors import DigestError, MissingDataError, NasboardError, UnknownNameError, UsageError
from nasboard.harness.registry.data_tool import Row, Told
from nasboard.tabular.imports import inventory
from nasboard.tabular.imports.fetching import fetch as fetch_group
from nasboard.tabular.imports.found import Found, tables_of
from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.known.files import Group, KnownFile, read_registry
from nasboard.tabular.known.kinds import KINDS
from nasboard.tabular.tables import home
from nasboard.tabular.tables.disk import explained
from nasboard.tabular.tables.table import Table, TableError


def tables() -> tuple[Row, ...]:
    """Return what `nasboard.harness.registry.data_tool` says of every imported table."""
    with _translated(DigestError):
        return tuple(_row(found) for found in inventory.tables())


def info(name: str, files: Path | None) -> Row:
    """Return the manifest of an imported table, or what is known of the public files of that name.

    Raises:
        DigestError: the table is damaged.
        UnknownNameError: neither a table nor a name of public files.
    """
    with _translated(DigestError):
        there = {found.name: found for found in inventory.tables()}
        groups = read_registry(files).groups
    if name in there:
        found = there[name]
        if found.trouble is not None or found.manifest is None:
            raise DigestError(str(found.trouble))
        return {"folder": str(found.folder), "size_mb": _mb(found.size_bytes)} | dict(found.manifest)
    if name in groups:
        return _about(groups[name], tuple(there.values()))
    raise UnknownNameError("table or public data", name, {*there, *groups})


def bring(
    kind: str, source: Path, *, to: Path | None, version: str | None, partial: bool, sha256: str | None, told: Told
) -> Row:
    """Import a public file; returns name, folder, archs, complete and size_mb.

    Raises:
        MissingDataError: the file is absent.
        UsageError: it is not what it should be, or the table cannot be written.
    """
    with _translated(UsageError):
        inventory.tidy(to)
        return _written(import_table(kind, source, to=to, version=version, partial=partial, sha256=sha256, told=told))


def fetch(name: str, *, files: Path | None, to: Path | None, told: Told) -> Row:
    """Download known files, check them, and import them where they make a table; returns what `bring` does.

    Raises:
        MissingDataError: no mirror has them, or they lie at no public address.
        UsageError: nothing is known of that name, or it cannot be written.
    """
    with _translated(UsageError):
        inventory.tidy(to)
        fetched = fetch_group(name, read_registry(files), to=to, told=told)
        if fetched.table is not None:
            return _written(fetched.table)
        return {"name": name, "folder": str(fetched.folder), "size_mb": _mb(_size(fetched.folder))}


def verify(name: str, told: Told) -> Row:
    """Read a table whole and check every digest; returns name, size_mb and digest.

    Raises:
        MissingDataError: there is no such table.
        DigestError: it was changed after the import.
    """
    with _translated(DigestError):
        found = inventory.verify(name, told)
    return {"name": name, "size_mb": _mb(found.size_bytes), "digest": _told(found, "digest")}


def remove(name: str) -> Row:
    """Remove an imported table; returns name, folder and size_mb.

    Raises:
        MissingDataError: there is no such table.
        UsageError: it is a link, or cannot be removed.
    """
    with _translated(UsageError):
        found = inventory.remove(name)
    return {"name": name, "folder": str(found.folder), "size_mb": _mb(found.size_bytes)}


def place() -> Row:
    """Return the data folder, whether it is there, and the free space where it is or would be.

    Raises:
        MissingDataError: it is no folder, or may not be looked at.
    """
    folder = home.home()
    with _translated(MissingDataError), explained("look at the data folder", folder):
        home.check()
        there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
        return {"folder": str(folder), "there": folder.is_dir(), "free_mb": _mb(shutil.disk_usage(there).free)}


def obtainable() -> tuple[Row, ...]:
    """Return name, what it is, summary, what PATH is, what is there, and the command that gets it, of all there is."""
    with _translated(DigestError):
        groups = read_registry().groups
        there = tables_of(*KINDS)
    rows: list[Row] = []
    for kind in KINDS.values():
        group = groups.get(kind.name)
        fetchable = group is not None and group.instead is None
        command = f"nasboard data fetch {kind.name}" if fetchable else f"nasboard data import {kind.name} PATH"
        rows.append(
            {
                "name": kind.name,
                "what": "table",
                "summary": kind.summary,
                "takes": kind.takes,
                "there": _of_kind(there, kind.name),
                "command": command,
            }
        )
    for group in groups.values():
        if group.kind is None:
            rows.append(
                {
                    "name": group.name,
                    "what": "files",
                    "summary": group.summary,
                    "takes": None,
                    "there": _downloaded(group),
                    "command": f"nasboard data fetch {group.name}",
                }
            )
    return tuple(rows)


@contextmanager
def _translated(otherwise: type[NasboardError]) -> Iterator[None]:
    """Raise `MissingDataError` for what is absent, `otherwise` for every other `TableError`."""
    try:
        yield
    except TableError as error:
        raise (MissingDataError if error.missing else otherwise)(str(error)) from error


def _row(found: Found) -> Row:
    return {
        "name": found.name,
        "kind": _told(found, "kind"),
        "version": _told(found, "version"),
        "archs": _told(found, "archs"),
        "complete": _told(found, "complete"),
        "size_mb": _mb(found.size_bytes),
        "gaps": _gaps(found),
        "whole": found.whole,
        "trouble": found.trouble,
    }


def _gaps(found: Found) -> list[str]:
    """Return a line for each column that is not known of every architecture: name, and of how many it is known."""
    told, archs = _told(found, "partial_columns"), _told(found, "archs")
    lines = []
    for name, counts in told.items() if isinstance(told, dict) else ():
        few = sorted(set(counts.values()))
        lines.append(f"{name} of {few[0]:,}{'' if len(few) == 1 else f' to {few[-1]:,}'} of {archs:,}")
    return lines


def _told(found: Found, key: str) -> object:
    return None if found.manifest is None else found.manifest.get(key)


def _of_kind(there: tuple[Found, ...], kind: str) -> list[str]:
    return [found.name for found in there if found.kind == kind]


def _downloaded(group: Group) -> list[str]:
    """Return the paths of the files of `group` that were fetched; by their size alone, which is quick."""
    folder = home.downloads_folder() / group.name
    paths = [(folder / file.name, file.size_bytes) for file in group.files]
    return [str(path) for path, size in paths if path.is_file() and path.stat().st_size == size]


def _about(group: Group, there: tuple[Found, ...]) -> Row:
    return {
        "name": group.name,
        "summary": group.summary,
        "imported": [] if group.kind is None else _of_kind(there, group.kind),
        "downloaded": _downloaded(group),
        "instead": group.instead,
        "files": [_file(file) for file in group.files],
    }


def _file(file: KnownFile) -> Row:
    return {
        "file": file.name,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "md5": file.md5,
        "licence": file.licence,
        "origin": file.origin,
        "urls": list(file.urls),
        "checked": file.checked,
        "tried": file.tried,
    }


def _written(table: Table) -> Row:
    told = {key: table.manifest[key] for key in ("name", "archs", "complete")}
    return told | {"folder": str(table.folder), "size_mb": _mb(_size(table.folder))}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _mb(size_bytes: int) -> float:
    return round(size_bytes / 1e6, 2)
