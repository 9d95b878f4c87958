"""Downloading known files: mirrors in turn, retries, and the checksum before anything is read.

Files are gathered in a hidden folder and appear in HOME/downloads/GROUP together, or not at all.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO

from tabular import home
from tabular.disk import check_no_way_out, explained
from tabular.importing import import_table
from tabular.job import silent
from tabular.known_files import Group, KnownFile, Registry
from tabular.scratch import Scratch
from tabular.table import Table, TableError

Told = Callable[[str, int, int | None], None]

_LOG = logging.getLogger(__name__)
_BLOCK = 1 << 20
_FINAL = (400, 401, 403, 404, 410, 451)  # answers that asking again does not change


@dataclass(frozen=True, slots=True)
class Line:
    """How to treat the network.

    Attributes:
        tries: of every mirror, before the next is asked.
        wait_s: before the second try; twice that before the third, and so on.
        timeout_s: for an answer, and between two pieces of it.
    """

    tries: int = 3
    wait_s: float = 2.0
    timeout_s: float = 30.0


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
    with explained(f"download of {name}", downloads):
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
    reasons = []
    for url in file.urls:
        for attempt in range(line.tries):
            if attempt:
                time.sleep(line.wait_s * attempt)
            reason, final = _once(url, file, folder, told, line)
            if reason is None:
                return
            _LOG.warning("%s: %s", url, reason)
            if final:
                break
        reasons.append(f"{url}: {reason}")
    raise TableError(
        f"{file.name} could not be fetched; " + "; ".join(reasons) + "; look at the network (a proxy is taken from "
        "HTTPS_PROXY) or name a registry with mirrors of your own by --files",
        missing=True,
    )


def _once(url: str, file: KnownFile, folder: Path, told: Told, line: Line) -> tuple[str | None, bool]:
    """Download from one address into `folder`; returns what went wrong, and whether asking again is of no use."""
    import pooch  # with what it needs a tenth of a second; only this function does
    import requests

    pooch.get_logger().setLevel("WARNING")
    headers = {"Accept-Encoding": "identity", "User-Agent": "nasboard"}
    loader = pooch.HTTPDownloader(chunk_size=1 << 16, timeout=line.timeout_s, headers=headers)
    digest = f"sha256:{file.sha256}" if file.sha256 is not None else f"md5:{file.md5}"
    gauge = _Gauge(file, told)

    def load(address: str, output: str, owner: object) -> None:
        with Path(output).open("wb") as stream:
            loader(address, gauge.over(stream), owner)

    try:
        pooch.retrieve(url, digest, file.name, folder, downloader=load)
    except _TooLongError:
        return f"the answer is longer than the {file.size_bytes:,} bytes of the file", True
    except requests.exceptions.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        return f"the server answers {status}", status in _FINAL
    except requests.exceptions.RequestException as error:
        return f"the connection failed ({type(error).__name__}) after {gauge.told_bytes}", False
    except ValueError:
        return f"what came has another checksum than {digest}, after {gauge.told_bytes}", gauge.done == file.size_bytes
    if gauge.done != file.size_bytes:  # the checksum fits, so the registry is wrong
        (folder / file.name).unlink()
        return f"the checksum is right, but the size is not: {gauge.told_bytes}", True
    return None, True


class _TooLongError(Exception):
    """The answer is longer than the file."""


class _Gauge:
    """Counts what is written, passes it on as progress, and ends an answer that is too long."""

    def __init__(self, file: KnownFile, told: Told) -> None:
        self.file, self.told, self.done = file, told, 0

    @property
    def told_bytes(self) -> str:
        return f"{self.done:,} of {self.file.size_bytes:,} bytes"

    def over(self, stream: BinaryIO) -> _Gauge:
        self.stream = stream
        return self

    def write(self, piece: bytes) -> int:
        self.done += len(piece)
        if self.done > self.file.size_bytes:
            raise _TooLongError
        self.told(f"fetching {self.file.name}", self.done, self.file.size_bytes)
        return self.stream.write(piece)

    def flush(self) -> None:
        """Pieces are written as they come; the stream flushes them when it is closed."""
