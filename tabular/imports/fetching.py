"""Downloading known files: mirrors in turn, retries, and the checksum before anything is read.

Files are gathered in a hidden folder and appear in HOME/downloads/GROUP together, or not at all.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from nasboard.tabular.imports.downloading import Line, Told, download
from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.known.files import Group, KnownFile, Registry
from nasboard.tabular.tables import home
from nasboard.tabular.tables.disk import ELSEWHERE, check_no_way_out, explained
from nasboard.tabular.tables.job import silent
from nasboard.tabular.tables.scratch import Scratch
from nasboard.tabular.tables.table import Table, TableError

_LOG = logging.getLogger(__name__)
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Fetched:
    """Where the files lie, and the table that they made; None where they stay files."""

    folder: Path
    table: Table | None


def fetch(
    name: str, registry: Registry, *, to: Path | None = None, told: Told = silent, line: Line | None = None
) -> Fetched:
    """Download what `name` stands for, check it, and import it where it makes a table.

    Args:
        name: of a group of files.
        registry: of known files.
        to: a data folder in place of `home.home()`.
        told: called with label, bytes or rows done, and total (None: unknown).
        line: how to treat the network; None: `Line()`.

    Raises:
        TableError: nothing of that name, no public address, no mirror has the right bytes, or the import failed.
    """
    group = _group(registry, name)
    downloads = home.downloads_folder() if to is None else to / "downloads"
    folder = downloads / group.name
    with explained(f"download of {name}", downloads, ELSEWHERE):
        _download(group, folder, told, line or Line())
    if group.kind is None:
        return Fetched(folder, None)
    source = folder / group.files[0].name if len(group.files) == 1 else folder
    return Fetched(folder, import_table(group.kind, source, to=to, told=told, files=registry.files))


def is_right(path: Path, file: KnownFile) -> bool:
    """Return whether the file at `path` has the size and the checksum of `file`."""
    if not path.is_file() or path.stat().st_size != file.size_bytes:
        return False
    sha = hashlib.sha256() if file.sha256 is not None else hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            sha.update(block)
    return sha.hexdigest() == (file.sha256 or file.md5)


def _group(registry: Registry, name: str) -> Group:
    if name not in registry.groups:
        near = get_close_matches(name, registry.groups, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(registry.groups)}"
        raise TableError(f"nothing is known as {name!r}; {hint}")
    group = registry.groups[name]
    if group.instead is not None or not all(file.urls for file in group.files) or not group.files:
        raise TableError(f"{name} cannot be downloaded by this command: {group.instead}", missing=True)
    return group


def _download(group: Group, folder: Path, told: Told, line: Line) -> None:
    """Bring every file of `group` into `folder`; those that are there and right are kept."""
    wanted = [file for file in group.files if not is_right(folder / file.name, file)]
    if not wanted:
        return
    for place in (folder.parent, folder):
        check_no_way_out(place)
    with Scratch(folder.parent) as scratch:
        _check_room(folder.parent, sum(file.size_bytes for file in wanted))
        for file in wanted:
            _from_mirrors(file, scratch.folder, told, line)
        folder.mkdir(exist_ok=True)
        for file in wanted:
            (scratch.folder / file.name).replace(folder / file.name)


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise TableError(
            f"{folder} has {free / 1e6:.0f} MB free, the files need {needed / 1e6:.0f} MB; make room, or give another "
            "folder with --to, or set NASBOARD_DATA"
        )


def _from_mirrors(file: KnownFile, folder: Path, told: Told, line: Line) -> None:
    reasons: dict[str, str] = {}
    for url in file.urls:
        for attempt in range(line.tries):
            if attempt:
                time.sleep(line.wait_s * attempt)
            fault = download(url, file, folder, told, line)
            if fault is None:
                return
            _LOG.warning("%s: %s", url, fault.reason)
            reasons[url] = fault.reason
            if fault.final:
                break
    told_reasons = "; ".join(f"{url}: {reason}" for url, reason in reasons.items())
    raise TableError(
        f"{file.name} could not be fetched; {told_reasons}; look at the network (a proxy is taken from "
        "HTTPS_PROXY) or name a registry with mirrors of your own by --files",
        missing=True,
    )
