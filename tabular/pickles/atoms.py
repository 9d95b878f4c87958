"""Pickle opcodes that push one plain value: constants, numbers, strings and bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from struct import Struct
from typing import Final

from nasboard.tabular.pickles.machine import LONGEST_SHARED, Machine, RefusedError
from nasboard.tabular.pickles.weight import text_values

Op = Callable[[Machine, int], int]

_U2 = Struct("<H").unpack_from
_I4 = Struct("<i").unpack_from
_U4 = Struct("<I").unpack_from
_U8 = Struct("<Q").unpack_from
_F8 = Struct(">d").unpack_from

LONGEST_NUMBER: Final = 255  # bytes; nothing that is measured needs more, and huge integers are slow to handle
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.?)", re.DOTALL)
_PLAIN_ESCAPES = {b"\\": b"\\", b"'": b"'", b'"': b'"', b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def none(m: Machine, pos: int) -> int:
    """NONE."""
    m.push(None)
    return pos


def true(m: Machine, pos: int) -> int:
    """NEWTRUE."""
    m.push(True)
    return pos


def false(m: Machine, pos: int) -> int:
    """NEWFALSE."""
    m.push(False)
    return pos


def byte_int(m: Machine, pos: int) -> int:
    """BININT1."""
    m.push(m.data[pos])
    return pos + 1


def short_int(m: Machine, pos: int) -> int:
    """BININT2."""
    m.push(_U2(m.data, pos)[0])
    return pos + 2


def four_byte_int(m: Machine, pos: int) -> int:
    """BININT."""
    m.push(_I4(m.data, pos)[0])
    return pos + 4


def long1(m: Machine, pos: int) -> int:
    """LONG1."""
    return _long(m, pos + 1, m.data[pos])


def long4(m: Machine, pos: int) -> int:
    """LONG4."""
    return _long(m, pos + 4, _I4(m.data, pos)[0])


def _long(m: Machine, pos: int, size: int) -> int:
    if not 0 <= size <= LONGEST_NUMBER:
        raise RefusedError(f"an integer of {size} bytes is declared, at most {LONGEST_NUMBER} are read")
    raw, pos = m.cut(pos, size)
    m.interned += size >> 6  # never taken off: no file of measurements has such numbers
    m.push(int.from_bytes(raw, "little", signed=True))
    return pos


def text_int(m: Machine, pos: int) -> int:
    """INT: decimal, or 00 and 01 for the two truth values."""
    raw, pos = m.line(pos)
    m.push(raw == b"01" if raw in (b"00", b"01") else _decimal(m, raw))
    return pos


def text_long(m: Machine, pos: int) -> int:
    """LONG: decimal with an L at the end."""
    raw, pos = m.line(pos)
    m.push(_decimal(m, raw.removesuffix(b"L")))
    return pos


def _decimal(m: Machine, raw: bytes) -> int:
    if not re.fullmatch(rb"-?[0-9]{1,600}", raw):
        raise RefusedError(f"{raw[:40]!r} is not a decimal integer of at most 600 digits")
    m.interned += len(raw) >> 6
    return int(raw)


def text_float(m: Machine, pos: int) -> int:
    """FLOAT."""
    raw, pos = m.line(pos)
    if not re.fullmatch(rb"-?([0-9.e+-]{1,60}|inf|nan)", raw):
        raise RefusedError(f"{raw[:40]!r} is not a number")
    m.push(float(raw))
    return pos


def binary_float(m: Machine, pos: int) -> int:
    """BINFLOAT."""
    m.push(_F8(m.data, pos)[0])
    return pos + 8


def text_unicode(m: Machine, pos: int) -> int:
    """UNICODE."""
    raw, pos = m.line(pos)
    text = str(raw, "raw-unicode-escape")
    m.built += text_values(text)
    m.push(text)
    return pos


def tiny_unicode(m: Machine, pos: int) -> int:
    """SHORT_BINUNICODE."""
    return _unicode(m, pos + 1, m.data[pos])


def unicode(m: Machine, pos: int) -> int:
    """BINUNICODE; with the LONG_BINPUT that mostly follows, as these two are most of what is read one by one."""
    data = m.data
    size: int = _U4(data, pos)[0]
    stop = pos + 4 + size
    text = m.shared.get(data[pos + 4 : stop]) if stop < m.safe else None
    if text is None:
        return _unicode(m, pos + 4, size)
    m.push(text)
    if data[stop] == 0x72 and _U4(data, stop + 1)[0] == len(m.memo) + m.gone:
        m.memo.append(text)
        return stop + 5
    return stop


def huge_unicode(m: Machine, pos: int) -> int:
    """BINUNICODE8."""
    return _unicode(m, pos + 8, _U8(m.data, pos)[0])


def _unicode(m: Machine, pos: int, size: int) -> int:
    """Push a string; equal short ones are one object, so that a memo full of them holds pointers only."""
    stop = pos + size
    if stop <= m.real:
        raw = m.data[pos:stop]
    else:
        raw, stop = m.cut(pos, size)
    text = m.shared.get(raw)
    if text is None:
        text = str(raw, "utf-8", "surrogatepass")
        if size <= LONGEST_SHARED:
            m.shared[raw] = text
            m.interned += 2 + text_values(text)
        else:
            m.spend(text_values(text))
    m.push(text)
    return stop


def tiny_bytes(m: Machine, pos: int) -> int:
    """SHORT_BINBYTES."""
    raw, pos = m.cut(pos + 1, m.data[pos])
    m.push(raw)
    return pos


def some_bytes(m: Machine, pos: int) -> int:
    """BINBYTES."""
    raw, pos = m.cut(pos + 4, _U4(m.data, pos)[0])
    m.push(raw)
    return pos


def huge_bytes(m: Machine, pos: int) -> int:
    """BINBYTES8."""
    raw, pos = m.cut(pos + 8, _U8(m.data, pos)[0])
    m.push(raw)
    return pos


def byte_array(m: Machine, pos: int) -> int:
    """BYTEARRAY8."""
    raw, pos = m.cut(pos + 8, _U8(m.data, pos)[0])
    m.push(bytearray(raw))
    return pos


def text_string(m: Machine, pos: int) -> int:
    """STRING: what Python 2 shows of a string."""
    raw, pos = m.line(pos)
    if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in (b"'", b'"'):
        raise RefusedError(f"{raw[:40]!r} is not a quoted string")
    m.push(_old_string(_ESCAPE.sub(_unescape, raw[1:-1])))
    return pos


def tiny_string(m: Machine, pos: int) -> int:
    """SHORT_BINSTRING."""
    raw, pos = m.cut(pos + 1, m.data[pos])
    m.push(_old_string(raw))
    return pos


def string(m: Machine, pos: int) -> int:
    """BINSTRING."""
    (size,) = _I4(m.data, pos)
    if size < 0:
        raise RefusedError(f"a string of {size} bytes is declared")
    raw, pos = m.cut(pos + 4, size)
    m.push(_old_string(raw))
    return pos


def _unescape(found: re.Match[bytes]) -> bytes:
    told = found[1]
    if told[:1] == b"x" and len(told) == 3:
        return bytes([int(told[1:], 16)])
    if told not in _PLAIN_ESCAPES:
        raise RefusedError(f"{found[0]!r} is not an escape that Python 2 writes")
    return _PLAIN_ESCAPES[told]


def _old_string(raw: bytes) -> str | bytes:
    """Return a string of Python 2 as text where it is ASCII, else as the bytes it is."""
    return str(raw, "ascii") if raw.isascii() else raw


def protocol(m: Machine, pos: int) -> int:
    """PROTO."""
    if m.data[pos] > 5:
        raise RefusedError(f"protocol {m.data[pos]} is not known, only 0 to 5 are")
    return pos + 1


def frame(m: Machine, pos: int) -> int:
    """FRAME: how much comes in one piece; only looked at for sense, as the window does the same work."""
    (size,) = _U8(m.data, pos)
    if size > m.limit:
        raise RefusedError(f"a frame of {size} bytes is declared, at most {m.limit} are read")
    return pos + 8


ATOMS: Final[dict[bytes, Op]] = {
    b"N": none, b"\x88": true, b"\x89": false, b"K": byte_int, b"M": short_int, b"J": four_byte_int, b"\x8a": long1,
    b"\x8b": long4, b"I": text_int, b"L": text_long, b"F": text_float, b"G": binary_float, b"V": text_unicode,
    b"\x8c": tiny_unicode, b"X": unicode, b"\x8d": huge_unicode, b"C": tiny_bytes, b"B": some_bytes,
    b"\x8e": huge_bytes, b"\x96": byte_array, b"S": text_string, b"U": tiny_string, b"T": string, b"\x80": protocol,
    b"\x95": frame,
}  # fmt: skip
