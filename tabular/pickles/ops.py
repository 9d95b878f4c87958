"""Pickle opcodes that move values between stack and memo, and the table of all opcodes that are known here.

What has no entry in `OPS` is refused: INST, OBJ, the extension registry, buffers outside the file.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from nasboard.tabular.pickles.atoms import ATOMS, Op
from nasboard.tabular.pickles.calls import CALLS
from nasboard.tabular.pickles.collections import CONTAINERS
from nasboard.tabular.pickles.machine import AWAY, DONE, DOWNLOAD, HEAD, Machine, RefusedError
from nasboard.tabular.pickles.runs import run

_U4 = Struct("<I").unpack_from


def stop(m: Machine, pos: int) -> int:
    """STOP."""
    if m.marks or len(m.stack) != 1:
        raise RefusedError(f"the pickle ends with {len(m.stack)} values and {len(m.marks)} open groups; {DOWNLOAD}")
    m.result, m.resume = m.stack.pop(), pos
    return DONE


def mark(m: Machine, pos: int) -> int:
    """MARK: a whole group of numbers where one follows, else an open mark."""
    stop = run(m, pos) if m.data[pos] in b"KhjG" else pos
    if stop == pos:
        m.mark()
    return stop


def pop(m: Machine, pos: int) -> int:
    """POP."""
    if m.stack:
        m.stack.pop()
    else:
        m.group()
    return pos


def pop_mark(m: Machine, pos: int) -> int:
    """POP_MARK."""
    m.group()
    return pos


def dup(m: Machine, pos: int) -> int:
    """DUP."""
    m.push(m.stack[-1])
    return pos


def text_put(m: Machine, pos: int) -> int:
    """PUT."""
    raw, pos = m.line(pos)
    m.put(_index(raw))
    return pos


def byte_put(m: Machine, pos: int) -> int:
    """BINPUT."""
    m.put(m.data[pos])
    return pos + 1


def long_put(m: Machine, pos: int) -> int:
    """LONG_BINPUT."""
    (index,) = _U4(m.data, pos)
    if index == len(m.memo) + m.gone and type(m.stack[-1]) is str:  # what `put` does, for what comes most
        m.memo.append(m.stack[-1])
    else:
        m.put(index)
    return pos + 4


def memoize(m: Machine, pos: int) -> int:
    """MEMOIZE: under the next number."""
    if m.far:
        raise RefusedError(f"numbered and unnumbered memo entries are mixed; {DOWNLOAD}")
    if m.stack and type(m.stack[-1]) is str:
        m.memo.append(m.stack[-1])
    else:
        m.put(len(m.memo) + m.gone)
    return pos


def text_get(m: Machine, pos: int) -> int:
    """GET."""
    raw, pos = m.line(pos)
    m.push(m.get(_index(raw)))
    return pos


def byte_get(m: Machine, pos: int) -> int:
    """BINGET."""
    index = m.data[pos]
    value = m.memo[index] if index < len(m.memo) else None
    m.push(value if type(value) is str else m.get(index))  # what `get` does, for what comes most
    return pos + 1


def long_get(m: Machine, pos: int) -> int:
    """LONG_BINGET."""
    (index,) = _U4(m.data, pos)
    at = index - m.gone
    if at < HEAD:
        at = index if index < HEAD else AWAY
    value = m.memo[at] if at < len(m.memo) else None
    m.push(value if type(value) is str else m.get(index))
    return pos + 4


def _index(raw: bytes) -> int:
    if not raw.isdigit() or len(raw) > 12:
        raise RefusedError(f"{raw[:40]!r} is not the number of a memo entry")
    return int(raw)


def unknown(m: Machine, pos: int) -> int:
    """Refuse an opcode that plain data needs not, or that there is not."""
    raise RefusedError("no plain data needs this opcode; nothing was run; get the published file")


_MOVES: Final[dict[bytes, Op]] = {
    b".": stop, b"(": mark, b"0": pop, b"1": pop_mark, b"2": dup, b"p": text_put, b"q": byte_put, b"r": long_put,
    b"\x94": memoize, b"g": text_get, b"h": byte_get, b"j": long_get,
}  # fmt: skip

OPS: Final[list[Op]] = [{**ATOMS, **CONTAINERS, **CALLS, **_MOVES}.get(bytes([code]), unknown) for code in range(256)]
