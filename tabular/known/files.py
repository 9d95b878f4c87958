"""The public files we know by name: size, checksum, licence, and where they can be had; read from `files.json`.

A site with a mirror of its own, or a test, reads another registry of the same form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path

from nasboard.tabular.tables.table import TableError

SHIPPED = "tabular/known/files.json"
FORMAT = 1
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_URL = re.compile(r"https?://[^\s]+")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A public file.

    Attributes:
        name: as it lies on disk.
        group: what it is a part of; `nasboard data fetch` takes that.
        size_bytes: exactly.
        sha256: hexadecimal; None where only an MD5 was published.
        md5: hexadecimal, where there is no SHA-256.
        licence: as its repository states it.
        origin: where it comes from, for a reader.
        urls: mirrors, in the order in which they are tried; empty where it lies at no public address.
        checked: size and checksum were computed from a copy in hand, not only quoted.
        tried: it was once downloaded from these addresses.
    """

    name: str
    group: str
    size_bytes: int
    sha256: str | None
    md5: str | None
    licence: str
    origin: str
    urls: tuple[str, ...]
    checked: bool
    tried: bool


@dataclass(frozen=True, slots=True)
class Group:
    """What can be asked for by one name.

    Attributes:
        name: of it.
        kind: of the table that its files make; None where they stay files.
        summary: in one line.
        instead: how to get it where it cannot be downloaded; None where it can.
        files: its files.
    """

    name: str
    kind: str | None
    summary: str
    instead: str | None
    files: tuple[KnownFile, ...]


@dataclass(frozen=True, slots=True)
class Registry:
    """Known files by name, and the groups that they form."""

    files: Mapping[str, KnownFile]
    groups: Mapping[str, Group]


def known(name: str) -> KnownFile | None:
    """Return the known file of that name, None where there is none."""
    return read_registry().files.get(name)


def read_registry(path: Path | None = None) -> Registry:
    """Return the registry in `path`, the shipped one where that is None.

    Raises:
        TableError: it is absent or not of this form.
    """
    place = "the shipped files.json" if path is None else str(path)
    try:
        text = (resources(__package__) / "files.json" if path is None else path).read_text(encoding="utf-8")
        told = json.loads(text)
    except FileNotFoundError as error:
        raise TableError(f"no registry of files at {place}", missing=True) from error
    except (OSError, ValueError, RecursionError) as error:
        raise TableError(f"{place} cannot be read ({error}); it is JSON in the form of {SHIPPED}") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise TableError(f"{place} is not a registry of files of format {FORMAT}; see {SHIPPED} for the form")
    files = {name: _file(name, entry, place) for name, entry in _entries(told, "files", place).items()}
    groups = {name: _group(name, entry, files, place) for name, entry in _entries(told, "groups", place).items()}
    for file in files.values():
        if file.group not in groups:
            raise TableError(f"{place}: file {file.name} is of group {file.group!r}, which is not there")
    return Registry(files, groups)


def _entries(told: Mapping[str, object], key: str, place: str) -> dict[str, Mapping[str, object]]:
    entries = told.get(key)
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise TableError(f"{place}: {key!r} is no object of objects; see {SHIPPED} for the form")
    for name in entries:
        if not _PLAIN.fullmatch(name):  # it becomes the name of a file or folder
            raise TableError(f"{place}: {name!r} in {key!r} is no plain name; letters, digits and . _ - are allowed")
    return entries


def _file(name: str, told: Mapping[str, object], place: str) -> KnownFile:
    read = _Reader(told, f"{place}: file {name}")
    urls = read.strings("urls")
    for url in urls:
        if not _URL.fullmatch(url):
            raise TableError(f"{place}: file {name}: address {url!r} is not http or https")
    file = KnownFile(
        name=name,
        group=read.string("group"),
        size_bytes=read.size("size_bytes"),
        sha256=read.digest("sha256", 64),
        md5=read.digest("md5", 32),
        licence=read.string("licence"),
        origin=read.string("origin"),
        urls=urls,
        checked=told.get("checked") is True,
        tried=told.get("tried") is True,
    )
    if file.sha256 is None and file.md5 is None:
        raise TableError(f"{place}: file {name} has neither `sha256` nor `md5`; what is fetched must be checked")
    return file


def _group(name: str, told: Mapping[str, object], files: Mapping[str, KnownFile], place: str) -> Group:
    read = _Reader(told, f"{place}: group {name}")
    return Group(
        name,
        None if told.get("kind") is None else read.string("kind"),
        read.string("summary"),
        None if told.get("instead") is None else read.string("instead"),
        tuple(file for file in files.values() if file.group == name),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one entry, and names it where a value is wrong."""

    told: Mapping[str, object]
    where: str

    def string(self, key: str) -> str:
        return str(self._checked(key, lambda v: isinstance(v, str) and v != "", "a string"))

    def strings(self, key: str) -> tuple[str, ...]:
        value = self._checked(key, lambda v: isinstance(v, list) and all(isinstance(s, str) for s in v), "strings")
        assert isinstance(value, list)
        return tuple(value)

    def size(self, key: str) -> int:
        value = self._checked(key, lambda v: isinstance(v, int) and not isinstance(v, bool) and v > 0, "a size")
        assert isinstance(value, int)
        return value

    def digest(self, key: str, digits: int) -> str | None:
        if self.told.get(key) is None:
            return None
        form = re.compile(f"[0-9a-f]{{{digits}}}")
        value = self._checked(
            key, lambda v: isinstance(v, str) and form.fullmatch(v) is not None, f"{digits} hexadecimal digits"
        )
        return str(value)

    def _checked(self, key: str, fits: Callable[[object], bool], what: str) -> object:
        value = self.told.get(key)
        if not fits(value):
            raise TableError(f"{self.where}: {key!r} is {value!r}, not {what}; see {SHIPPED} for the form")
        return value
