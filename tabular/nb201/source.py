"""What lies at a path given for kind nb201: the official file, a NATS-Bench folder, or what people have beside these.

NATS-Bench's size space, and one file of a folder, are told as what they are before anything else is asked: by their
names, and by the first architecture in them where the names say nothing. The rest of a file is `reading`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nasboard.tabular.pickles.files import open_payload
from nasboard.tabular.pickles.stream import read_pickle
from nasboard.tabular.tables.table import TableError, UnreadError

META = "meta.pickle.pbz2"
LIMITS_OF_ONE = (1 << 26, 1 << 20)  # bytes and values of a file of one architecture; they have 1 MB and some thousands
OFFICIAL = {  # name -> version; a name of the same form that is not here was never released
    "NAS-Bench-201-v1_0-e61699.pth": "v1.0",
    "NAS-Bench-201-v1_1-096897.pth": "v1.1",
    "NATS-tss-v1_0-3ffb9.pickle.pbz2": "nats-tss-v1.0",
    "NATS-tss-v1_0-3ffb9-simple": "nats-tss-v1.0",
}

_NUMBERED = re.compile(r"[0-9]{6}\.pickle\.pbz2")
_LIKE_PICKLES = re.compile(r"pickle|pbz2|bz2", re.IGNORECASE)
_TAKES = f"kind nb201 takes {', '.join(OFFICIAL)}"
_ENDINGS = (".pth", ".pt", ".pbz2")
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip")
_SIZE_SPACE = re.compile(r"NATS-sss", re.IGNORECASE)
_SIZES = re.compile(r"\d+(:\d+)+")  # string form of an architecture there: the channels of each stage


def source_files(source: Path) -> list[Path]:
    """Return every file that is read: the one file, or the files of the folder with `meta` first.

    Raises:
        UnreadError: it is of the size space.
        TableError: it is neither, or a part of either.
    """
    if not source.exists():
        raise TableError(f"no file or folder {source}; {_TAKES}", missing=True)
    if not source.is_file() and not source.is_dir():
        raise TableError(f"{source} is neither a regular file nor a folder; {_TAKES}")
    if _is_of_sizes(source):
        raise UnreadError(
            f"{source} is of NATS-Bench's size space (32,768 choices of channels for one cell), which this version "
            "does not read; it reads the topology space of the same release: nasboard data import nb201 PATH, where "
            "PATH is NATS-tss-v1_0-3ffb9.pickle.pbz2 or the folder NATS-tss-v1_0-3ffb9-simple"
        )
    if source.is_dir():
        return folder_files(source)
    if _is_part(source):
        folder_files(source.parent)  # what is wrong with the folder comes first
        raise TableError(f"{source} is one file of a NATS-Bench folder, which is imported whole; name the folder")
    if source.name.endswith(_ARCHIVES):
        raise TableError(f"{source} is an archive; unpack it, and name the file or folder that was in it")
    if not source.name.endswith(_ENDINGS):
        raise TableError(f"{source} is no NAS-Bench-201 file: those end in .pth, those of NATS-Bench in .pickle.pbz2")
    return [source]


def folder_files(folder: Path) -> list[Path]:
    """Return `meta` and the files of architectures, by number.

    A file of an architecture is called by six digits and `.pickle.pbz2`. Other names that speak of a pickle or of bzip2
    (`1.pickle.pbz2`, `000001 (2).pickle.pbz2`, `000001.pickle`) may be an architecture under another name, and are
    refused. Hidden files and everything else, such as a README or a list of checksums, are ignored.

    Raises:
        TableError: the folder is not of this kind, or has such a name in it.
    """
    if folder.absolute().name.endswith("-full"):
        raise TableError(
            f"{folder} holds trained weights too, which are not imported; get the folder that ends in -simple"
        )
    if not (folder / META).is_file():
        raise TableError(
            f"{folder} has no {META}; give the NATS-tss folder that ends in -simple, unpacked", missing=True
        )
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    numbered = [name for name in names if _NUMBERED.fullmatch(name)]
    strange = [name for name in names if _LIKE_PICKLES.search(name) and name not in {META, *numbered}]
    if strange:
        raise TableError(
            f"{folder / strange[0]} is neither {META} nor an architecture by six digits such as 000001.pickle.pbz2; "
            f"move it away ({len(strange)} such in the folder), or unpack the archive again"
        )
    if not numbered:
        raise TableError(f"{folder} has no 000000.pickle.pbz2 or any other architecture; unpack the archive again")
    return [folder / META, *(folder / name for name in numbered)]


def _is_part(path: Path) -> bool:
    """Return whether a file is called like one of a folder."""
    return path.is_file() and (path.name == META or _NUMBERED.fullmatch(path.name) is not None)


def _is_of_sizes(source: Path) -> bool:
    """Return whether a name says that it is of the size space, or the first architecture in it does."""
    place = source.absolute()  # a folder given as "." has a name too
    if any(map(_SIZE_SPACE.match, [place.name, *([place.parent.name] if _is_part(source) else [])])):
        return True
    beside = (source if source.is_dir() else source.parent) / META
    first = beside if beside.is_file() and (source.is_dir() or _is_part(source)) else source
    return first.name.endswith(_ENDINGS) and _SIZES.fullmatch(str(_first_spec(first))) is not None


def _first_spec(path: Path) -> object:
    """Return the string form of the first architecture in a file, None where there is none; reads its beginning only.

    What is wrong with the file is told by whoever reads it whole.
    """
    seen: list[object] = []

    def look(state: Mapping[object, object]) -> None:
        specs = state.get("meta_archs")
        if isinstance(specs, list):
            seen.extend(specs[:1])
        elif {"arch_index", "arch_str"} <= state.keys():
            seen.append(state["arch_str"])
        if seen:
            raise ValueError("enough was seen")

    limit_bytes, most_values = LIMITS_OF_ONE
    with suppress(TableError), open_payload(path, limit_bytes=limit_bytes) as payload:
        read_pickle(payload.stream, source=str(path), fold=look, limit_bytes=limit_bytes, most_values=most_values)
    return seen[0] if seen else None
