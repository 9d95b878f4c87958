from __future__ import annotations

import math
import struct
from collections import OrderedDict
from enum import IntEnum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nasboard.harness.errors import MethodError, StoreError
from nasboard.harness.running.state import dump, load

_dtypes = st.one_of(
    arrays.boolean_dtypes(),
    arrays.integer_dtypes(endianness="?"),
    arrays.unsigned_integer_dtypes(),
    arrays.floating_dtypes(endianness="?"),
    arrays.complex_number_dtypes(),
    arrays.unicode_string_dtypes(),
    arrays.byte_string_dtypes(),
    arrays.datetime64_dtypes(),
)
_arrays = _dtypes.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0, max_side=4)))
_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(2**130), 2**130), st.floats(), st.text(), _arrays
)
_values = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4), st.tuples(inner, inner)
    ),
    max_leaves=12,
)


def _same(a: object, b: object) -> bool:
    """Return whether two values are equal to type and last bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float) and isinstance(b, float) and not isinstance(a, np.generic):
        return struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, np.ndarray | np.generic) and isinstance(b, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_same(a[name], b[name]) for name in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return a == b


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(), _values, max_size=5))
def test_a_state_comes_back_bit_for_bit(state: dict[str, object]) -> None:
    assert _same(load(dump(state)), state)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_a_generator_goes_on_where_it_was(kind: str) -> None:
    source = np.random.Generator(getattr(np.random, kind)(5))
    source.standard_normal(3)
    stored = dump({"rng": source.bit_generator.state})
    expected = source.standard_normal(100)
    again = np.random.Generator(getattr(np.random, kind)(0))
    again.bit_generator.state = load(stored)["rng"]
    assert again.standard_normal(100).tobytes() == expected.tobytes()


def test_numpy_scalars_and_odd_arrays_keep_their_type() -> None:
    state = {
        "scalar": np.float32(0.1),
        "flag": np.bool_(True),
        "zero": np.array(3, dtype=">i2"),
        "empty": np.zeros((0, 4), dtype=np.float16),
        "strided": np.arange(12).reshape(3, 4)[:, ::2],
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "nan": math.nan,
        "minus_zero": -0.0,
        "surrogate": "\ud800",
    }
    assert _same(load(dump(state)), state)


def test_a_loaded_array_may_be_written_to() -> None:
    found = load(dump({"a": np.zeros(3)}))["a"]
    assert isinstance(found, np.ndarray)
    found[0] = 1.0


def test_any_mapping_comes_back_as_a_dict_in_its_order() -> None:
    assert list(load(dump(OrderedDict(b=1, a=2)))) == ["b", "a"]


class _Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({1, 2}, r"state\['a'\]\[1\]\['b'\] is a builtins.set"),
        (b"raw", r"state\['a'\]\[1\]\['b'\] is a builtins.bytes"),
        (_Level.HIGH, r"\['b'\] is a .*_Level"),
        (np.array([object()]), r"\['b'\] is an array of object"),
        (np.zeros(2, dtype=[("x", "f4")]), r"\['b'\] is an array of"),
        (np.ma.masked_array([1.0], [True]), r"\['b'\] is a numpy.*MaskedArray"),
        ({3: 1}, r"\['b'\] has the key 3; keys of a state are strings"),
    ],
)
def test_what_cannot_be_kept_is_named(value: object, where: str) -> None:
    with pytest.raises(MethodError, match=where):
        dump({"a": [0, {"b": value}]})


def test_a_state_is_a_mapping() -> None:
    with pytest.raises(MethodError, match="mapping of names, given list"):
        dump([1])  # type: ignore[arg-type]


def test_damaged_bytes_are_told() -> None:
    stored = dump({"a": np.arange(5), "b": [1, "x"]})
    for at in range(len(stored)):
        broken = bytearray(stored)
        broken[at] ^= 0x10
        with pytest.raises(StoreError, match="damaged"):
            load(bytes(broken))
    for end in (0, 5, len(stored) - 1):
        with pytest.raises(StoreError, match="damaged"):
            load(stored[:end])
