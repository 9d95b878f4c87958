"""Which files are believed: those whose bytes are vouched for by a checksum, so that a flipped byte never imports.

A file is vouched for by the registry of known files, by the MD5 in its official name, by the user's `--sha256`, or by a
format that carries checksums of its own (zip, bzip2, TFRecord), which its converter reads to the end.

To be believed is not to be the published file: that is one whose SHA-256 was published, whose MD5 or SHA-1 was so under
its name, or the MD5 in whose official name is its own. Every other one is a stranger, and `version_of` never gives a
stranger the version of a published file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nasboard.tabular.known.files import KnownFile
from nasboard.tabular.known.kinds import Kind, published_versions
from nasboard.tabular.tables.disk import explained
from nasboard.tabular.tables.table import TableError

_BLOCK = 1 << 20
_OWN_CHECKSUM = (b"PK\x03\x04", b"BZh")  # zip, bzip2
_MD5_IN_NAME = (  # as their authors name them: the start of the file's MD5
    re.compile(r"NAS-Bench-201-v\d_\d-([0-9a-f]{6})\.pth"),
    re.compile(r"NATS-tss-v\d_\d-([0-9a-f]{5})\.pickle\.pbz2"),
)
MARK = "+sha256."  # in the version of a table of strangers
_MARK_DIGITS = 8
_MD5_DIGITS = 32
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Source:
    """A source file as it was when it was examined.

    Attributes:
        path, size_bytes, sha256: of it.
        stamp: size, time of change, inode.
        published: it is the published file of its kind, as far as a checksum or the name of its folder tells.
        vouched: it is not, and is believed on the user's word.
    """

    path: Path
    size_bytes: int
    sha256: str
    stamp: tuple[int, int, int]
    published: bool
    vouched: bool


def examine(
    kind: Kind,
    paths: Sequence[Path],
    files: Mapping[str, KnownFile],
    sha256: str | None,
    told: Callable[[str, int, int | None], None],
) -> list[Source]:
    """Read every file once, and return them with their digests, or say which one is not to be believed.

    Args:
        kind: what is imported.
        paths: the source files.
        files: known files by name.
        sha256: the user's own word on one or several of the files, commas between them.
        told: progress in bytes.

    Raises:
        TableError: a file is not what its name says, or nothing vouches for it.
    """
    given = _given(sha256)
    digests = {file.sha256 for file in files.values()} | set(kind.digests)
    total = sum(path.stat().st_size for path in paths)
    done = 0
    found = []
    for path in paths:
        with explained("check of a source", path):
            stamp = _stamp(path)
            digest = _digest(path, "sha256", partial(_told, told, done, total))
            done += stamp[0]
            named = _named(path, kind, files)
            published = digest in digests or _is_official(path, kind) or (named is not None and _has(path, named))
            if not published and digest not in given:
                _check(path, kind, digest, files)
        found.append(Source(path, stamp[0], digest, stamp, published, not published and digest in given))
    strangers = given - {source.sha256 for source in found}
    if strangers:
        told_digests = ", ".join(f"{s.path.name} has {s.sha256}" for s in found[:5])
        raise TableError(f"no file here has the SHA-256 {sorted(strangers)[0]} that was given: {told_digests}")
    return found


def version_of(told: str, sources: Sequence[Source]) -> str:
    """Return the version of a table of `sources`: `told`, which files or user say, or for strangers one of their own.

    That is `told` with `+sha256.` and the first eight digits of the SHA-256 of the file, of several files that of their
    listing: `v1.0-compact+sha256.abcdef12`. It is given where a file is believed on the user's word alone, and where
    files that are not the published ones would have the version of published ones.
    """
    vouched = any(source.vouched for source in sources)
    published = all(source.published for source in sources)
    if not vouched and (published or told not in published_versions()):
        return told
    digest = sources[0].sha256 if len(sources) == 1 else listing_digest(sources)
    return f"{told}{MARK}{digest[:_MARK_DIGITS]}"


def check_unchanged(sources: Sequence[Source]) -> None:
    """Check that no file was changed since it was examined.

    Raises:
        TableError: one was.
    """
    for source in sources:
        if _stamp(source.path) != source.stamp:
            raise TableError(f"{source.path} was changed while it was imported; import it again when it is at rest")


def listing_digest(sources: Sequence[Source]) -> str:
    """Return the SHA-256 over the lines `HEX  NAME` of all files, in their order: one digest for a folder."""
    return hashlib.sha256("".join(f"{s.sha256}  {s.path.name}\n" for s in sources).encode()).hexdigest()


def _is_official(path: Path, kind: Kind) -> bool:
    """Return whether a file has an official name and the MD5 in it, or lies in a folder that has such a name."""
    if path.absolute().parent.name in kind.official:
        return True
    named = [form.fullmatch(path.name) for form in _MD5_IN_NAME] if path.name in kind.official else []
    return any(told is not None and _digest(path, "md5").startswith(told[1]) for told in named)


def _named(path: Path, kind: Kind, files: Mapping[str, KnownFile]) -> str | None:
    """Return the MD5 or SHA-1 that was published for a file of that name, None where there is none."""
    known = files.get(path.name)
    return kind.named.get(path.name) if known is None else known.md5


def _has(path: Path, digest: str) -> bool:
    """Return whether a file has a digest, which its length tells to be MD5 or SHA-1."""
    return _digest(path, "md5" if len(digest) == _MD5_DIGITS else "sha1") == digest


def _check(path: Path, kind: Kind, sha256: str, files: Mapping[str, KnownFile]) -> None:
    known, named = files.get(path.name), _named(path, kind, files)
    if known is not None and known.sha256 is not None:
        if sha256 != known.sha256:
            raise TableError(
                f"{path} has SHA-256 {sha256}, the known file of that name has {known.sha256}: it is damaged or "
                f"another version; get it again ({_origin(known)}), or vouch for it yourself with --sha256"
            )
        return
    if named is not None:
        raise TableError(
            f"{path} has not the {'MD5' if len(named) == _MD5_DIGITS else 'SHA-1'} {named} of the published file of "
            "that name: it is damaged, or another file, such as one of images that were encoded anew; get it again "
            f"(nasboard data info {kind.name}), or vouch for it yourself with --sha256 {sha256}"
        )
    for form in _MD5_IN_NAME:
        if told := form.fullmatch(path.name):
            md5 = _digest(path, "md5")
            if not md5.startswith(told[1]):
                raise TableError(
                    f"{path} has MD5 {md5}, its name says {told[1]}…: it is damaged, or not the file that was "
                    "published under that name; get it again, or vouch for it yourself with --sha256"
                )
            return
    with path.open("rb") as stream:
        begin = stream.read(max(map(len, _OWN_CHECKSUM)))
    if not kind.checksummed and not begin.startswith(_OWN_CHECKSUM):
        raise TableError(
            f"nothing vouches for {path}: its format carries no checksum and no file of that name is known, so that "
            "a damaged one could not be told; give the SHA-256 that its publisher states with --sha256"
        )


def _told(told: Callable[[str, int, int | None], None], before: int, total: int, size: int) -> None:
    told("checking", before + size, total)


def _digest(path: Path, name: str, told: Callable[[int], object] = abs) -> str:
    """Return the digest of a file; `told` is called with the bytes read so far."""
    sha = hashlib.new(name, usedforsecurity=False)
    done = 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            sha.update(block)
            done += len(block)
            told(done)
    return sha.hexdigest()


def _origin(known: KnownFile) -> str:
    return f"nasboard data fetch {known.group}" if known.urls else known.origin


def _given(sha256: str | None) -> set[str]:
    digests = {part.strip().lower() for part in sha256.split(",")} if sha256 is not None else set()
    for digest in digests:
        if not _HEX.fullmatch(digest):
            raise TableError(f"--sha256 takes 64 hexadecimal digits, given {digest!r}")
    return digests


def _stamp(path: Path) -> tuple[int, int, int]:
    told = path.stat()
    return told.st_size, told.st_mtime_ns, told.st_ino
