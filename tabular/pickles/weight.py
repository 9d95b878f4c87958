"""How much of a pickle is held at once, as a count of values: a file of a few kilobytes can ask for gigabytes of them.

A value is what a container has as a member; what is large by itself counts for several, one for every 64 bytes. Nothing
takes more than some 150 bytes for each value that it counts for, most far less.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from typing import Final

import numpy as np

OBJECT: Final = 8  # values that any object other than plain data counts for
SET: Final = 4  # values that a set counts for before it has members

_NUMBERS: Final = frozenset({int, float, bool, complex, slice, type(None)})
_LONG: Final = 64  # characters of a string from which on it is more than a value
_SHORT: Final = 4  # values that a text counts for up to which it is counted wherever it appears


class Weighed:
    """An object whose contents are not looked into."""

    __slots__ = ()

    @property
    def weight(self) -> int:
        """Return how many values are in it."""
        return 0


def text_values(text: str | bytes | bytearray) -> int:
    """Return how many values a text counts for beside being one."""
    return sys.getsizeof(text) >> 6


def made_values(value: object) -> int:
    """Return how many values something counts for that was made from others in one step."""
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return _own_values(value) + len(value) * (2 if isinstance(value, dict) else 1)
    return _own_values(value)


def held_values(roots: Iterable[Collection[object]], enough: int) -> int:
    """Count the values in what `roots` hold, each once however often it is referred to; stop beyond `enough`."""
    seen: set[int] = set()
    todo = list(roots)
    count = -sum(map(len, todo))
    while todo and count <= enough:
        members = todo.pop()
        count += len(members)
        if _NUMBERS.issuperset(map(type, members)):
            continue
        for part in members:
            kind = type(part)
            if (kind is str and len(part) < _LONG) or kind in _NUMBERS or id(part) in seen:  # type: ignore[arg-type]
                continue
            own = _own_values(part)
            count += own
            inside = _inside(part)
            if inside or own > _SHORT:
                seen.add(id(part))
                todo.extend(inside)
    return count


def _own_values(value: object) -> int:
    """Return how many values something counts for without its members."""
    kind = type(value)
    if kind in _NUMBERS or kind is list or kind is tuple or kind is dict:
        return 0
    if isinstance(value, str | bytes | bytearray):
        return text_values(value)
    if kind is set or kind is frozenset:
        return SET
    if isinstance(value, np.ndarray):
        return OBJECT + (value.nbytes >> 6)
    return OBJECT + (value.weight if isinstance(value, Weighed) else 0)


def _inside(value: object) -> tuple[Collection[object], ...]:
    if isinstance(value, dict):
        return (value.keys(), value.values()) if value else ()
    if isinstance(value, (list, tuple, set, frozenset)):
        return (value,) if value else ()
    return (value.ravel().tolist(),) if isinstance(value, np.ndarray) and value.dtype == object else ()
