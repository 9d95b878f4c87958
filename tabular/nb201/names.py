"""The names of NAS-Bench-201 cells: operations, edges, the published string form, and the row that a string has.

Tables over this space store their rows in lexicographic order: the slots are the edges 1<-0, 2<-0, 2<-1, 3<-0, 3<-1,
3<-2, the digits of a slot are the operations in the order of `OPS`, the last slot runs fastest.
"""

from __future__ import annotations

import re

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # (source, target), target-major
ARCHS = len(OPS) ** len(EDGES)  # 15,625
FORM = "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|"

_FORM = re.compile(r"\|(\w+)~0\|\+\|(\w+)~0\|(\w+)~1\|\+\|(\w+)~0\|(\w+)~1\|(\w+)~2\|")


def spec_choices(spec: str) -> tuple[int, ...]:
    """Return the six operation numbers of a published string form.

    Raises:
        ValueError: another form, or an unknown operation.
    """
    found = _FORM.fullmatch(spec)
    if found is None:
        raise ValueError(f"{spec!r} is not of the form {FORM}")
    unknown = [op for op in found.groups() if op not in OPS]
    if unknown:
        raise ValueError(f"unknown operation {unknown[0]!r} in {spec!r}; allowed: {', '.join(OPS)}")
    return tuple(OPS.index(op) for op in found.groups())


def spec_index(spec: str) -> int:
    """Return the lexicographic index 0..15624 of a published string form.

    Raises:
        ValueError: another form, or an unknown operation.
    """
    index = 0
    for choice in spec_choices(spec):
        index = index * len(OPS) + choice
    return index


def index_spec(index: int) -> str:
    """Return the published string form at a lexicographic index 0..15624.

    Raises:
        ValueError: outside that range.
    """
    if not 0 <= index < ARCHS:
        raise ValueError(f"indices are 0..{ARCHS - 1}, given {index}")
    ops = []
    for _ in EDGES:
        index, choice = divmod(index, len(OPS))
        ops.append(OPS[choice])
    a = ops[::-1]
    return f"|{a[0]}~0|+|{a[1]}~0|{a[2]}~1|+|{a[3]}~0|{a[4]}~1|{a[5]}~2|"
