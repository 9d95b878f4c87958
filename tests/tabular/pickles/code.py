"""Pickles written by hand, opcode by opcode, for what no pickler writes."""

from __future__ import annotations

import struct

STOP = b"."
MARK = b"("
REDUCE = b"R"


def name(module: str, attribute: str) -> bytes:
    """GLOBAL."""
    return f"c{module}\n{attribute}\n".encode()


def stacked_name(module: str, attribute: str) -> bytes:
    """STACK_GLOBAL of two strings."""
    return text(module) + text(attribute) + b"\x93"


def text(value: str) -> bytes:
    """BINUNICODE."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def raw(value: bytes) -> bytes:
    """BINBYTES."""
    return b"B" + struct.pack("<I", len(value)) + value


def group(*members: bytes) -> bytes:
    """TUPLE."""
    return MARK + b"".join(members) + b"t"


def listed(*members: bytes) -> bytes:
    """LIST."""
    return MARK + b"".join(members) + b"l"


def mapped(*members: bytes) -> bytes:
    """DICT."""
    return MARK + b"".join(members) + b"d"


def call(made: bytes, *args: bytes) -> bytes:
    """REDUCE."""
    return made + group(*args) + REDUCE


def state(made: bytes, told: bytes) -> bytes:
    """BUILD."""
    return made + told + b"b"


def number(value: int) -> bytes:
    """BININT."""
    return b"J" + struct.pack("<i", value)


def dtype(code: str, order: str = "<", tail: bytes = b"", fields: bytes = b"NNN") -> bytes:
    """Return a numpy dtype as numpy pickles it."""
    made = call(name("numpy", "dtype"), text(code), b"\x89", b"\x88")
    return state(made, group(number(4 if tail else 3), text(order), fields, number(-1), number(-1), number(0), tail))


def array(shape: bytes, kind: bytes, content: bytes, module: str = "numpy.core.multiarray") -> bytes:
    """Return a numpy array as numpy pickles it."""
    begun = call(name(module, "_reconstruct"), name("numpy", "ndarray"), group(number(0)), raw(b"b"))
    return state(begun, group(number(1), shape, kind, b"\x89", content))
