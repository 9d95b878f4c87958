"""Memo entries of long ago, in few bytes: nearly all are strings that come again and again in the same order.

Entries are numbered without gaps. Those that hold consecutive numbers of a list of different strings are one run of 16
bytes, so that the keys of one training cost as much as those of any other that had them in the same order. Small
containers that are alike are kept once, and copied when they are asked for. What is forgotten takes no room.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection
from typing import Final

import numpy as np

_OTHERS: Final = 1 << 30  # numbers from here on are of values of their own, below of strings
_ALIKE: Final = 1 << 31  # and from here on of small containers
_LEAP: Final = 64  # entries compared at once
_MOST: Final = 8  # members of a small container
_LONGEST: Final = 256  # characters of a string in a container that is compared with others

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


class Archive:
    """Entries `first` to `first + count - 1` of a memo.

    Attributes:
        others: the values that are not strings, other than small containers that are complete.
    """

    def __init__(self, first: int, forgotten: object) -> None:
        """Begin with entry `first`; `forgotten` is what an entry holds that need not be kept."""
        self.first, self.count = first, 0
        self.others: list[object] = []
        self._forgotten = forgotten
        self._strings: list[str] = []
        self._number_of: dict[str, int] = {}
        self._alike: list[object] = []
        self._alike_by: dict[int, int] = {}  # hash of type and members -> number
        self._starts, self._sizes, self._numbers = array("Q"), array("I"), array("I")

    @property
    def weight(self) -> int:
        """Return how many values it counts for, in the sense of `weight`."""
        return len(self._strings) + len(self.others) + 3 * len(self._alike) + (len(self._starts) >> 3)

    def extend(self, entries: list[object], unfinished: Collection[int]) -> None:
        """Take the next entries; `unfinished` are the ids of containers that may still get members."""
        compared = entries
        if np.ndarray in set(map(type, entries)):  # which compare member by member
            compared = [entry if type(entry) is str else None for entry in entries]
        at = 0
        while at < len(entries):
            entry, size = entries[at], 1
            if type(entry) is str:
                number, size = self._string(entry, compared, at)
                self._note(self.first + self.count + at, number, size)
            elif entry is not self._forgotten:
                self._note(self.first + self.count + at, self._other(entry, unfinished), 1)
            at += size
        self.count += len(entries)

    def get(self, index: int) -> object:
        """Return what an entry holds; a small container may come as a copy."""
        place = self._place(index)
        if place < 0:
            return self._forgotten
        if place < _OTHERS:
            return self._strings[place]
        if place < _ALIKE:
            return self.others[place - _OTHERS]
        value = self._alike[place - _ALIKE]
        return value.copy() if isinstance(value, list | dict) else value

    def replace(self, index: int, value: object) -> bool:
        """Put `value` in place of what an entry holds; returns False where that is none of `others`."""
        place = self._place(index)
        if not _OTHERS <= place < _ALIKE:
            return False
        self.others[place - _OTHERS] = value
        return True

    def _place(self, index: int) -> int:
        run = bisect_right(self._starts, index) - 1
        offset = index - self._starts[run] if run >= 0 else 0
        return self._numbers[run] + offset if run >= 0 and offset < self._sizes[run] else -1

    def _note(self, index: int, number: int, size: int) -> None:
        """Add a run, to the last one where it continues that."""
        if self._starts:
            last = self._sizes[-1]
            if self._starts[-1] + last == index and self._numbers[-1] + last == number and last + size < 1 << 32:
                self._sizes[-1] = last + size
                return
        self._starts.append(index)
        self._sizes.append(size)
        self._numbers.append(number)

    def _string(self, entry: str, entries: list[object], at: int) -> tuple[int, int]:
        """Return the number of a string, and how many from there on are in the same order here."""
        strings = self._strings
        number = self._number_of.setdefault(entry, len(strings))
        if number == len(strings):
            strings.append(entry)
            return number, 1
        size, leap = 1, _LEAP
        while leap:
            while entries[at + size : at + size + leap] == strings[number + size : number + size + leap]:
                size += leap
                if at + size >= len(entries) or number + size >= len(strings):
                    return number, min(size, len(entries) - at, len(strings) - number)
            leap >>= 1
        return number, size

    def _other(self, entry: object, unfinished: Collection[int]) -> int:
        parts = None if id(entry) in unfinished else _parts(entry)
        if parts is None:
            self.others.append(entry)
            return _OTHERS + len(self.others) - 1
        number = self._alike_by.setdefault(hash(parts), len(self._alike))
        if number == len(self._alike) or not _alike(parts, _parts(self._alike[number])):
            number = len(self._alike)
            self._alike.append(entry)
        return _ALIKE + number


def _parts(value: object) -> tuple[object, ...] | None:
    """Return type and members of a small container of strings and numbers, None for anything else.

    None too where a member is 0, since 0.0 equals -0.0, or a long string.
    """
    kind = type(value)
    if kind is float or kind is int:  # what comes most
        return None
    if isinstance(value, dict):
        parts = (kind, *value.keys(), *value.values()) if len(value) <= _MOST else ()
    elif isinstance(value, list | tuple):
        parts = (kind, *value) if len(value) <= _MOST else ()
    else:
        return None
    if not _PLAIN.issuperset(map(type, parts[1:])) or not parts or 0 in parts:
        return None
    return None if any(type(part) is str and len(part) > _LONGEST for part in parts) else parts


def _alike(one: tuple[object, ...], other: tuple[object, ...] | None) -> bool:
    return one == other and list(map(type, one)) == list(map(type, other or ()))
