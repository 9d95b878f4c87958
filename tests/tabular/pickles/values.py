"""Plain data of every kind that a pickle of it may hold, and how to compare it."""

from __future__ import annotations

import io
from collections import OrderedDict

from hypothesis import strategies as st

from nasboard.tabular.pickles.stream import read_pickle

PROTOCOLS = st.integers(0, 5)

ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**300), 2**300),
    st.integers(-3, 70_000),
    st.floats(allow_nan=False),
    st.text(st.characters(), max_size=300),
    st.binary(max_size=300),
    st.binary(max_size=9).map(bytearray),
    st.complex_numbers(allow_nan=False),
)
KEYS = st.recursive(
    st.one_of(st.integers(-(2**60), 2**60), st.text(max_size=5), st.floats(allow_nan=False), st.none(), st.binary()),
    lambda inner: st.one_of(st.tuples(inner), st.tuples(inner, inner), st.frozensets(inner, max_size=3)),
    max_leaves=4,
)
VALUES = st.recursive(
    st.one_of(ATOMS, st.sets(KEYS, max_size=4), KEYS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(KEYS, inner, max_size=5),
        st.dictionaries(KEYS, inner, max_size=5).map(OrderedDict),
        st.lists(st.floats(allow_nan=False), max_size=30),
        st.dictionaries(st.integers(0, 300), st.floats(allow_nan=False), max_size=30),
        st.lists(st.text(max_size=3), max_size=9, unique=True).map(
            lambda names: [dict.fromkeys(names, v) for v in (0.5, -1.5)]
        ),
        inner.map(lambda value: [value, value, {"a": value}]),
    ),
    max_leaves=12,
)


def read(raw: bytes, **settings: object) -> object:
    return read_pickle(io.BytesIO(raw), source="a.pickle", **settings)  # type: ignore[arg-type]


def plain(value: object) -> object:
    """Return a form in which equal means equal in value, type and order of items."""
    if isinstance(value, dict):
        return "dict", [(plain(k), plain(v)) for k, v in value.items()]
    if isinstance(value, set | frozenset):
        return type(value).__name__, frozenset(map(plain, value))
    if isinstance(value, list | tuple):
        return (type(value).__name__, *map(plain, value))
    return type(value).__name__, bytes(value) if isinstance(value, bytearray) else repr(value)
