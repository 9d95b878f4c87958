"""Pickle opcodes that build tuples, lists, dicts and sets, and what may be a key in them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from nasboard.tabular.pickles.atoms import Op
from nasboard.tabular.pickles.machine import DOWNLOAD, Machine, RefusedError
from nasboard.tabular.pickles.weight import SET

_SIMPLE: Final = frozenset({str, int, float, bool, bytes, complex, type(None)})
_LIGHT: Final = _SIMPLE - {int}
_LARGEST_KEY: Final = 1 << 61  # integers from here on share hash values, which makes a dict of them slow
_MOST_IN_KEY: Final = 100  # values in one key: hashing nested tuples can take for ever


def empty_tuple(m: Machine, pos: int) -> int:
    """EMPTY_TUPLE."""
    m.push(())
    return pos


def tuple1(m: Machine, pos: int) -> int:
    """TUPLE1."""
    m.stack[-1] = (m.stack[-1],)
    m.built += 1
    return pos


def tuple2(m: Machine, pos: int) -> int:
    """TUPLE2."""
    last = m.stack.pop()
    m.stack[-1] = (m.stack[-1], last)
    m.built += 2
    return pos


def tuple3(m: Machine, pos: int) -> int:
    """TUPLE3."""
    last, middle = m.stack.pop(), m.stack.pop()
    m.stack[-1] = (m.stack[-1], middle, last)
    m.built += 3
    return pos


def tuple_(m: Machine, pos: int) -> int:
    """TUPLE."""
    group = m.group()
    m.push(tuple(group))
    m.built += len(group)
    return pos


def empty_list(m: Machine, pos: int) -> int:
    """EMPTY_LIST."""
    m.push([])
    return pos


def list_(m: Machine, pos: int) -> int:
    """LIST."""
    group = m.group()
    m.push(group)
    m.built += len(group)
    return pos


def append(m: Machine, pos: int) -> int:
    """APPEND."""
    last = m.stack.pop()
    _list(m).append(last)
    m.built += 1
    return pos


def appends(m: Machine, pos: int) -> int:
    """APPENDS."""
    group = m.group()
    _list(m).extend(group)
    m.built += len(group)
    return pos


def _list(m: Machine) -> list[object]:
    target = m.stack[-1]
    if type(target) is not list:
        raise RefusedError(f"items are appended to a {type(target).__name__}; {DOWNLOAD}")
    return target


def empty_dict(m: Machine, pos: int) -> int:
    """EMPTY_DICT."""
    value: dict[object, object] = {}
    m.push(value)
    m.opened(value)
    return pos


def dict_(m: Machine, pos: int) -> int:
    """DICT."""
    group = m.group()
    value: dict[object, object] = {}
    m.push(value)
    m.opened(value)
    _fill(m, value, group)
    return pos


def set_item(m: Machine, pos: int) -> int:
    """SETITEM."""
    value, key = m.stack.pop(), m.stack.pop()
    _fill(m, _dict(m), [key, value])
    return pos


def set_items(m: Machine, pos: int) -> int:
    """SETITEMS."""
    group = m.group()
    _fill(m, _dict(m), group)
    return pos


def _dict(m: Machine) -> dict[object, object]:
    target = m.stack[-1]
    if type(target) is not dict:
        raise RefusedError(f"items are set in a {type(target).__name__}; {DOWNLOAD}")
    return target


def _fill(m: Machine, target: dict[object, object], group: list[object]) -> None:
    if len(group) % 2:
        raise RefusedError(f"a dict gets a key without a value; {DOWNLOAD}")
    keys = group[::2]
    check_keys(keys)
    m.built += len(group)
    target.update(zip(keys, group[1::2], strict=True))
    m.filled(target)


def check_keys(keys: Collection[object]) -> None:
    """Refuse keys of a dict, or members of a set, that cannot be hashed or take absurdly long to.

    Raises:
        RefusedError: such a key.
    """
    if _LIGHT.issuperset(map(type, keys)):
        return
    for key in keys:
        left, budget = [key], _MOST_IN_KEY
        while left:
            part = left.pop()
            budget -= 1
            if isinstance(part, (tuple, frozenset)) and len(part) + len(left) <= budget:
                left.extend(part)
            elif type(part) not in _SIMPLE:
                raise RefusedError(f"a {type(part).__name__} cannot be a key here")
            elif type(part) is int and not -_LARGEST_KEY < part < _LARGEST_KEY:
                raise RefusedError("an integer of more than 61 bits cannot be a key here")


def empty_set(m: Machine, pos: int) -> int:
    """EMPTY_SET."""
    m.push(set())
    m.built += SET
    return pos


def add_items(m: Machine, pos: int) -> int:
    """ADDITEMS."""
    group = m.group()
    target = m.stack[-1]
    if type(target) is not set:
        raise RefusedError(f"members are added to a {type(target).__name__}; {DOWNLOAD}")
    check_keys(group)
    target.update(group)
    m.built += len(group)
    return pos


def frozen_set(m: Machine, pos: int) -> int:
    """FROZENSET."""
    group = m.group()
    check_keys(group)
    m.push(frozenset(group))
    m.built += SET + len(group)
    return pos


CONTAINERS: Final[dict[bytes, Op]] = {
    b")": empty_tuple, b"\x85": tuple1, b"\x86": tuple2, b"\x87": tuple3, b"t": tuple_, b"]": empty_list, b"l": list_,
    b"a": append, b"e": appends, b"}": empty_dict, b"d": dict_, b"s": set_item, b"u": set_items, b"\x8f": empty_set,
    b"\x90": add_items, b"\x91": frozen_set,
}  # fmt: skip
