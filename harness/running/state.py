"""The state of a method as bytes and back, bit for bit: what a cut-off run resumes from. Executes nothing it reads.

Layout: magic, CRC-32 of the rest, length of the tree, the tree as JSON, then the arrays in numpy's `.npy` format. In
the tree a mapping is `{"map": {...}}`, and what JSON cannot say exactly is `{"array": n}`, `{"scalar": n}` (number of
the array), `{"int": hexadecimal}`, `{"float": hexadecimal}` or `{"tuple": [...]}`.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from io import BytesIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from nasboard.harness.api import State
from nasboard.harness.errors import MethodError, StoreError

_MAGIC = b"NBS1"
_HEAD = struct.Struct("<4sII")
_FLOAT = struct.Struct(">d")
_PLAIN_INT = 1 << 63  # JSON readers other than Python's are exact up to here at most
_KINDS = "biufcSUmM"  # dtypes that .npy gives back unchanged: numbers, text, times

_Array = NDArray[np.generic]


def dump(state: State) -> bytes:
    """Return a state as bytes: mappings, lists and tuples of arrays, numbers, strings, bools and None.

    Raises:
        MethodError: something else is in it; the message names where.
    """
    arrays: list[_Array] = []
    if not isinstance(state, Mapping):
        raise MethodError(f"a state is a mapping of names, given {type(state).__name__}")
    tree = json.dumps(_encoded(state, "state", arrays), separators=(",", ":"), allow_nan=False).encode()
    body = BytesIO()
    body.write(tree)
    for array in arrays:
        npy.write_array(body, array, allow_pickle=False)
    rest = struct.pack("<I", len(tree)) + body.getvalue()
    return _HEAD.pack(_MAGIC, zlib.crc32(rest), len(tree)) + body.getvalue()


def load(stored: bytes) -> dict[str, object]:
    """Return the state that `dump` was given; arrays are new and may be written to.

    Raises:
        StoreError: the bytes are damaged, or no state.
    """
    if len(stored) < _HEAD.size:
        raise StoreError(_damaged(f"{len(stored)} bytes"))
    magic, checksum, length = _HEAD.unpack_from(stored)
    body = stored[_HEAD.size :]
    if magic != _MAGIC or zlib.crc32(struct.pack("<I", length) + body) != checksum:
        raise StoreError(_damaged("its checksum differs"))
    stream = BytesIO(body)
    tree = json.loads(stream.read(length))
    arrays: list[_Array] = []
    while stream.tell() < len(body):
        arrays.append(npy.read_array(stream, allow_pickle=False))
    return {name: _decoded(value, arrays) for name, value in tree["map"].items()}


def _damaged(what: str) -> str:
    return f"the stored state of the run is damaged ({what}); `nasboard run` it again in a new store"


def _encoded(value: object, path: str, arrays: list[_Array]) -> object:
    """Return the tree of `value`, putting arrays into `arrays`; `path` is where it stands, for messages."""
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int:
        return value if -_PLAIN_INT < value < _PLAIN_INT else {"int": hex(value)}
    if type(value) is float:
        return value if np.isfinite(value) else {"float": _FLOAT.pack(value).hex()}
    if type(value) in (list, tuple):
        assert isinstance(value, list | tuple)
        parts = [_encoded(part, f"{path}[{i}]", arrays) for i, part in enumerate(value)]
        return parts if type(value) is list else {"tuple": parts}
    if isinstance(value, Mapping):
        return {"map": {_name(name, path): _encoded(part, f"{path}[{name!r}]", arrays) for name, part in value.items()}}
    if type(value) is np.ndarray or isinstance(value, np.generic):
        arrays.append(_checked(np.asarray(value), path))
        return {"array" if type(value) is np.ndarray else "scalar": len(arrays) - 1}
    raise MethodError(
        f"{path} is a {type(value).__module__}.{type(value).__qualname__}; a state holds numpy arrays, numbers, "
        "strings, bools, None, and lists and mappings of them: convert it (a tensor with .numpy(force=True))"
    )


def _name(name: object, path: str) -> str:
    if type(name) is not str:
        raise MethodError(f"{path} has the key {name!r}; keys of a state are strings: use str(key), or a list of pairs")
    return name


def _checked(array: _Array, path: str) -> _Array:
    if array.dtype.kind not in _KINDS:
        raise MethodError(f"{path} is an array of {array.dtype}; a state holds arrays of numbers, text or times")
    return array


def _decoded(value: object, arrays: list[_Array]) -> object:
    if isinstance(value, list):
        return [_decoded(part, arrays) for part in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "map":
        return {name: _decoded(part, arrays) for name, part in content.items()}
    if kind == "tuple":
        return tuple(_decoded(part, arrays) for part in content)
    if kind == "int":
        return int(content, 16)
    if kind == "float":
        return float(_FLOAT.unpack(bytes.fromhex(content))[0])
    return arrays[content] if kind == "array" else arrays[content][()]
