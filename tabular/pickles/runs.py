"""Reading whole groups of numbers at once: what nearly all of a file of recorded trainings consists of.

Two groups are known: the items of a dict that maps small integers, or strings remembered before, to floats, and a list
of floats. Their opcodes have fixed sizes, so that a group is a matrix of bytes. Whatever does not match in full is left
to be read opcode by opcode, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from nasboard.tabular.pickles.machine import HEAD, Machine

_MOST: Final = 1 << 10  # members looked for at once; picklers write groups of 1,000
_STEPS: Final = {ord("K"): 11, ord("h"): 11, ord("j"): 14, ord("G"): 9}  # bytes of key, its argument, and the float
_FLOAT: Final = 9  # bytes of a float with its opcode
_F8: Final = np.dtype(">f8")
_U4: Final = np.dtype("<u4")


def run(m: Machine, pos: int) -> int:
    """Read the group that begins at `pos`, after its mark, into the container on top of the stack.

    Returns:
        The position after the group, or `pos` where it is none of those above.
    """
    data = m.data
    step = _STEPS.get(data[pos], 0)
    count = min(_MOST, (m.real - pos - 1) // step) if step else 0
    if count < 1 or data[pos + step - _FLOAT] != 0x47:
        return pos
    count = _count(data, pos, step, count)
    stop = pos + count * step
    target = m.stack[-1] if m.stack else None
    if data[stop] == 0x75 and step != _FLOAT and type(target) is dict:
        return _fill(m, pos, step, count, target)
    if data[stop] == 0x65 and step == _FLOAT and type(target) is list:
        target.extend(np.ndarray((count,), _F8, data, pos + 1, (step,)).tolist())
        m.built += count
        return stop + 1
    return pos


def _count(data: bytes, pos: int, step: int, most: int) -> int:
    """Return how many members in a row begin like the first and hold a float."""
    stop = pos + most * step
    keys = data[pos:stop:step]
    floats = data[pos + step - _FLOAT : stop : step]
    return most - max(len(keys.lstrip(keys[:1])), len(floats.lstrip(b"G")))


def _fill(m: Machine, pos: int, step: int, count: int, target: dict[object, object]) -> int:
    data, stop = m.data, pos + count * step
    keys: list[object] = list(_KEYS[data[pos]](m, pos, stop, count))
    if data[pos] != 0x4B and (len(keys) != count or set(map(type, keys)) != {str}):
        return pos
    target.update(zip(keys, np.ndarray((count,), _F8, data, pos + step - 8, (step,)).tolist(), strict=True))
    m.built += 2 * count
    m.filled(target)
    return stop + 1


def _small_ints(m: Machine, pos: int, stop: int, count: int) -> bytes:
    return m.data[pos + 1 : stop : 11]


def _near_entries(m: Machine, pos: int, stop: int, count: int) -> list[object]:
    return _entries(m, list(m.data[pos + 1 : stop : 11]))


def _far_entries(m: Machine, pos: int, stop: int, count: int) -> list[object]:
    return _entries(m, np.ndarray((count,), _U4, m.data, pos + 1, (14,)).tolist())


def _entries(m: Machine, indices: list[int]) -> list[object]:
    memo, gone = m.memo, m.gone
    first, last = min(indices), max(indices)
    if gone and first < HEAD + gone:  # some may be in the archive
        return [m.look(index) for index in indices]
    if last >= len(memo) + gone:
        return []
    if last - first < _MOST and indices == list(range(first, last + 1)):
        return memo[first - gone : last - gone + 1]
    return [memo[index - gone] for index in indices]


_KEYS: Final[dict[int, Callable[[Machine, int, int, int], bytes | list[object]]]] = {
    ord("K"): _small_ints,
    ord("h"): _near_entries,
    ord("j"): _far_entries,
}
