"""Our own functions in place of the names that pickled numbers mention: numpy's, and a few builtins.

None of numpy's or Python's reconstruction code is called; arrays are made from bytes of the right number only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from struct import Struct
from types import MappingProxyType
from typing import ClassVar, Final, Literal

import numpy as np

from nasboard.tabular.pickles.collections import check_keys
from nasboard.tabular.pickles.machine import Name, Record, RefusedError
from nasboard.tabular.tables.table import Array

_NUMERIC = re.compile(r"b1|[iu][1248]|f[248]|c8|c16|[SU][0-9]{1,4}")
_OBJECTS = re.compile(r"O8?")
_ONE: Final = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q", "f2": "e",
    "f4": "f", "f8": "d",
}  # fmt: skip
_ORDERS: Final[dict[str, Literal["<", ">", "="]]] = {"<": "<", ">": ">", "=": "=", "|": "="}


class DataType(Record):
    """A dtype; its byte order comes with the state."""

    stays: ClassVar[bool] = True

    def __init__(self, code: object, align: object = False, copy: object = True) -> None:
        super().__init__()
        if type(code) is not str or not (_NUMERIC.fullmatch(code) or _OBJECTS.fullmatch(code)):
            raise RefusedError(f"dtype {_shown(code)} is none of plain numbers or strings")
        self.objects = code.startswith("O")
        self.dtype = np.dtype("V1") if self.objects else np.dtype(code)
        self.one: Struct | None = None  # how to read one number of it

    def build(self, state: object) -> DataType:
        """Take the byte order; anything that makes a dtype more than plain is refused."""
        if type(state) is not tuple or len(state) not in (8, 9) or state[2:5] != (None, None, None):
            raise RefusedError("a dtype of fields or with a shape of its own is none of plain numbers or strings")
        if len(state) == 9 and state[8] not in (None, {}):
            raise RefusedError("a dtype carries metadata; no benchmark file does")
        if type(state[1]) is not str or state[1] not in _ORDERS:
            raise RefusedError(f"{_shown(state[1])} is no byte order")
        if not self.objects:
            self.dtype = self.dtype.newbyteorder(_ORDERS[state[1]])
        self.one = Struct(state[1].replace("|", "=") + _ONE[self.dtype.str[1:]]) if self.dtype.str[1:] in _ONE else None
        return self

    def numbers(self) -> np.dtype[np.generic]:
        """Return the dtype where it may be filled with bytes."""
        if self.objects:
            raise RefusedError("objects are to be made from bytes; nothing was run; get the published file")
        return self.dtype


class NewArray(Record):
    """An array whose shape, dtype and contents come with the state."""

    def build(self, state: object) -> Array:
        """Return the array."""
        if type(state) is not tuple or len(state) != 5:
            raise RefusedError("the state of an array is not of the known form")
        _, shape, dtype, fortran, content = state
        if type(fortran) is not bool:
            raise RefusedError("the state of an array is not of the known form")
        if isinstance(dtype, DataType) and dtype.objects:
            return _objects(shape, content)
        return filled(content, dtype, shape, "F" if fortran else "C")


def filled(content: object, dtype: object, shape: object, order: object) -> Array:
    """Return an array of `shape` from the bytes `content`.

    Raises:
        RefusedError: there are not as many bytes as shape and dtype tell, or the dtype holds objects.
    """
    if not isinstance(dtype, DataType) or order not in ("C", "F"):
        raise RefusedError("an array is not described in the known form")
    raw, sizes, kind = _raw(content), _shape(shape), dtype.numbers()
    if math.prod(sizes) * kind.itemsize != len(raw) or not kind.itemsize:
        raise RefusedError(f"an array of shape {sizes} and dtype {kind} has {len(raw)} bytes")
    return np.frombuffer(raw, kind).reshape(sizes, order="F" if order == "F" else "C").copy("K")


def scalar(dtype: object, content: object = None) -> object:
    """Return one numpy number as Python's own, exactly."""
    if not isinstance(dtype, DataType):
        raise RefusedError("a number is not described in the known form")
    if dtype.one is not None and type(content) is bytes and len(content) == dtype.one.size:
        number: object = dtype.one.unpack(content)[0]
        return number
    raw, kind = _raw(content), dtype.numbers()
    if len(raw) != kind.itemsize or not raw:
        raise RefusedError(f"a number of dtype {kind} has {len(raw)} bytes")
    value: object = np.frombuffer(raw, kind)[0].item()
    return value


def reconstruct(base: object, shape: object, kind: object) -> NewArray:
    """Begin an array."""
    if not (isinstance(base, Name) and (base.module, base.name) == ("numpy", "ndarray")):
        raise RefusedError("an array of a class other than numpy.ndarray is asked for")
    if shape != (0,) or kind not in (b"b", "b"):
        raise RefusedError("an array is not begun in the known form")
    return NewArray()


def encode(text: object, encoding: object) -> bytes:
    """Return bytes that protocols 0 to 2 write as text."""
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise RefusedError("bytes are not written as latin1 text")
    return text.encode("latin1")


def ordered_dict(pairs: object = ()) -> dict[object, object]:
    """Return a plain dict, which keeps the order too."""
    rows = [_values(pair, "a pair of an OrderedDict") for pair in _values(pairs, "the items of an OrderedDict")]
    if not all(len(row) == 2 for row in rows):
        raise RefusedError("an OrderedDict is not given as pairs")
    check_keys([row[0] for row in rows])
    return {row[0]: row[1] for row in rows}


def members(values: object = ()) -> set[object]:
    """Return a set."""
    listed = _values(values, "the members of a set")
    check_keys(listed)
    return set(listed)


def frozen_members(values: object = ()) -> frozenset[object]:
    """Return a frozenset."""
    return frozenset(members(values))


def byte_array(content: object = b"", encoding: object = "latin-1") -> bytearray:
    """Return a bytearray."""
    return bytearray(encode(content, encoding) if type(content) is str else _raw(content))


def no_bytes() -> bytes:
    """Return the empty bytes, which protocols 0 to 2 write as a call."""
    return b""


def complex_number(real: object, imaginary: object) -> complex:
    """Return a complex number."""
    if type(real) is not float or type(imaginary) is not float:
        raise RefusedError("a complex number is not given as two floats")
    return complex(real, imaginary)


def piece(start: object, stop: object, step: object) -> slice:
    """Return a slice of whole numbers."""
    if not all(part is None or type(part) is int for part in (start, stop, step)):
        raise RefusedError("a slice is not given as whole numbers")
    return slice(start, stop, step)


def only_named(*args: object) -> object:
    """Stand for a class that is named but never called."""
    raise RefusedError("this is called; nothing was run; get the published file")


def _values(values: object, what: str) -> list[object]:
    if not isinstance(values, list | tuple):
        raise RefusedError(f"{what}: a {type(values).__name__} stands where a list is expected")
    return list(values)


def _shown(value: object) -> str:
    """Return how a value is called in an error; containers by their type, as their contents may be without end."""
    return repr(value[:40]) if isinstance(value, str | bytes) else f"a {type(value).__name__}"


def _raw(content: object) -> bytes:
    if type(content) is str:
        return content.encode("latin1")  # a string of Python 2 that happens to be ASCII
    if not isinstance(content, bytes | bytearray):
        raise RefusedError(f"a {type(content).__name__} stands where bytes are expected")
    return bytes(content)


def _shape(shape: object) -> tuple[int, ...]:
    if type(shape) is not tuple or len(shape) > 8 or not all(type(n) is int and 0 <= n < 1 << 40 for n in shape):
        raise RefusedError("the shape of an array is not a tuple of at most 8 whole numbers")
    return shape


def _objects(shape: object, content: object) -> Array:
    sizes = _shape(shape)
    if type(content) is not list or math.prod(sizes) != len(content):
        raise RefusedError("an array of objects is not a list of the length it tells")
    flat = np.empty(len(content), object)
    for place, value in enumerate(content):  # a slice would take lists apart
        flat[place] = value
    return flat.reshape(sizes)  # listed row by row, whatever the order in memory


def _numpy(module: str) -> dict[tuple[str, str], Callable[..., object]]:
    return {
        (f"numpy.{module}.multiarray", "scalar"): scalar,
        (f"numpy.{module}.multiarray", "_reconstruct"): reconstruct,
        (f"numpy.{module}.numeric", "_frombuffer"): filled,
    }


def _builtins(module: str) -> dict[tuple[str, str], Callable[..., object]]:
    return {
        (module, "set"): members,
        (module, "frozenset"): frozen_members,
        (module, "bytearray"): byte_array,
        (module, "bytes"): no_bytes,
        (module, "complex"): complex_number,
        (module, "slice"): piece,
    }


NUMPY_NAMES: Final[Mapping[tuple[str, str], Callable[..., object]]] = MappingProxyType(
    {
        **_numpy("core"),
        **_numpy("_core"),
        **_builtins("builtins"),
        **_builtins("__builtin__"),
        ("numpy", "dtype"): DataType,
        ("numpy", "ndarray"): only_named,
        ("_codecs", "encode"): encode,
        ("collections", "OrderedDict"): ordered_dict,
    }
)
