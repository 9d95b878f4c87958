"""Reading a pickle without running it: plain containers, numbers, strings and bytes, by a reader of our own.

Every opcode of protocols 0 to 5 that data needs is interpreted here; a name the pickle mentions is looked up in a table
of the caller's own functions, never imported. What is left over is refused with source, byte position and opcode.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Collection, Mapping
from typing import BinaryIO, Final

import numpy as np

from nasboard.tabular.pickles.machine import AWAY, DONE, DOWNLOAD, Fold, Machine, Make, Name, Record, RefusedError
from nasboard.tabular.pickles.names import NUMPY_NAMES
from nasboard.tabular.pickles.ops import OPS
from nasboard.tabular.pickles.window import LONGEST_ITEM
from nasboard.tabular.tables.table import TableError

__all__ = ["LIMIT_BYTES", "MOST_VALUES", "NUMPY_NAMES", "measured_pickle", "read_pickle"]

LIMIT_BYTES: Final = 1 << 33  # the largest published file has 4.7 GB
MOST_VALUES: Final = 7 << 19  # held at once; 2.75 million are sure, and 15,625 architectures need 2.0
DEEPEST: Final = 64  # containers within containers in what is returned

_CONTAINERS: Final = frozenset({dict, list, tuple, set, frozenset})
_LEAVES: Final = frozenset({str, int, float, bool, bytes, bytearray, complex, slice, type(None)})

# All that interpreting can raise. The caller's functions raise ValueError for what they do not accept.
_FAULTS = (
    ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError, MemoryError, OSError, EOFError,
)  # fmt: skip


def read_pickle(
    stream: BinaryIO,
    *,
    source: str,
    names: Mapping[tuple[str, str], Make] = NUMPY_NAMES,
    fold: Fold | None = None,
    limit_bytes: int = LIMIT_BYTES,
    most_values: int = MOST_VALUES,
    longest_bytes: int = LONGEST_ITEM,
    persistent: Callable[[object], object] | None = None,
) -> object:
    """Read one pickle of plain data.

    Memory is bounded by `most_values`: at the default, less than 500 MB beside what `fold` returns, whatever is read.

    Args:
        stream: positioned at the pickle; is read ahead beyond its end.
        source: what the file is called in errors.
        names: (module, name) -> function that is called in place of the named thing; raises ValueError for arguments
            it does not accept, returns a `Record` where the pickle sets a state afterwards (opcode BUILD).
        fold: called whenever a dict got items (a pickler writes them in groups of up to 1,000); what it returns, if not
            None, takes the dict's place. The dict is emptied then, and what was remembered since it began is
            forgotten, but for strings, numbers, and containers of up to 8 of these: a later reference to it is an
            error. Raises ValueError for what it refuses.
        limit_bytes: how long the pickle may be.
        most_values: how many values may be held at once: members of containers, values that wait on the stack, memo
            entries; a text or array counts for one more with every 64 bytes. Three quarters of it are sure to be had.
        longest_bytes: of one string or array.
        persistent: what stands for data outside the pickle; without it, such references are refused.

    Returns:
        The value: dict (also for OrderedDict), list, tuple, set, frozenset, str, bytes, bytearray, int, float, bool,
        complex, None, slice, numpy arrays; numpy scalars become Python numbers, exactly. Strings of Python 2 are str
        where they are ASCII, else bytes.

    Raises:
        TableError: the pickle asks for anything else, is damaged, too long, too large, too deep, or refers to itself.
    """
    return measured_pickle(
        stream,
        source=source,
        names=names,
        fold=fold,
        limit_bytes=limit_bytes,
        most_values=most_values,
        longest_bytes=longest_bytes,
        persistent=persistent,
    )[0]


def measured_pickle(
    stream: BinaryIO,
    *,
    source: str,
    names: Mapping[tuple[str, str], Make] = NUMPY_NAMES,
    fold: Fold | None = None,
    limit_bytes: int = LIMIT_BYTES,
    most_values: int = MOST_VALUES,
    longest_bytes: int = LONGEST_ITEM,
    persistent: Callable[[object], object] | None = None,
) -> tuple[object, int]:
    """Read one pickle as `read_pickle` does and return it with its length in bytes."""
    machine = Machine(stream, source, names, fold, limit_bytes, most_values, persistent)
    machine.longest = min(limit_bytes, longest_bytes)
    size = _run(machine)
    if size > limit_bytes:
        raise TableError(f"{source}: the pickle has {size} bytes, at most {limit_bytes} are read")
    value = machine.result
    del machine  # and its memo
    try:
        _check_depth(value, source)
    except _FAULTS as error:
        raise TableError(f"{source}, after byte {size}: {_told(error)}") from error
    return value, size


def _run(m: Machine) -> int:
    """Interpret to the end and return the length of the pickle in bytes."""
    pos, ops = 0, OPS
    while pos != DONE:
        pos = m.resume if pos == AWAY else pos
        data, base, safe = m.data, m.base, 0
        try:
            if pos >= m.safe:
                pos = m.refill(pos)
            data, base, safe = m.data, m.base, m.safe
            while pos < safe:
                pos = ops[data[pos]](m, pos + 1)
        except _FAULTS as error:
            place = f"{m.source}: byte {base + pos}, {_opcode(data[pos] if pos < safe else None)}"
            raise TableError(f"{place}: {_told(error)}") from error
    return m.base + m.resume


def _opcode(code: int | None) -> str:
    if code is None:
        return "between two opcodes"
    known = {op.code: op.name for op in pickletools.opcodes}
    return f"opcode {known[chr(code)]}" if chr(code) in known else f"unknown opcode 0x{code:02x}"


def _told(error: BaseException) -> str:
    if isinstance(error, IndexError):
        return f"a value is taken that is not there; {DOWNLOAD}"
    if type(error) in (ValueError, RefusedError):
        return str(error)[:1000]
    return f"{type(error).__name__}: {str(error)[:400]}; {DOWNLOAD}"


def _check_depth(value: object, source: str) -> None:
    """Refuse a value so deep that whoever walks it would fail, one that contains itself, and unfinished parts."""
    level = [value]
    for _ in range(DEEPEST):
        deeper: dict[int, object] = {}
        for part in level:
            if isinstance(part, (Record, Name)):
                what = f"the name {part}" if isinstance(part, Name) else "an unfinished object"
                raise TableError(f"{source}: holds {what}, which is no plain data; get the published file")
            members = _members(part)
            if not _LEAVES.issuperset(map(type, members)):
                for inner in members:
                    if type(inner) not in _LEAVES and (type(inner) not in _CONTAINERS or inner):
                        deeper[id(inner)] = inner
        if not deeper:
            return
        level = list(deeper.values())
    raise TableError(f"{source}: containers lie more than {DEEPEST} deep, or one in itself; get the published file")


def _members(part: object) -> Collection[object]:
    if isinstance(part, dict):
        return [*part.keys(), *part.values()]
    if isinstance(part, np.ndarray):
        listed: list[object] = part.ravel().tolist() if part.dtype == object else []
        return listed
    return part if isinstance(part, list | tuple | set | frozenset) else ()
