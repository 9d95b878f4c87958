"""The spaces of DARTS cells that are searched in: which operations each edge has.

Source: `darts`: quark0/darts:cnn/genotypes.py. `s1` to `s4`: automl/RobustDARTS:src/spaces.py, the same lists in
xiangning-chen/SmoothDARTS:sota/cnn/spaces.py, whose `s5`, all of DARTS but for `none`, is the one here. `nat`:
FULLY_CONCAT_PRIMITIVES of guoyongcs/NAT:genotypes.py; there the two sources of a node may be one, here they are two, as
in DARTS. `nat-enas`: its LOOSE_END_PRIMITIVES, in cells of five nodes as its README trains them for ENAS.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.node_cells.lists import Names
from nasboard.benchmarks.spaces.node_cells.operations import (
    AVG_POOL,
    CONV1,
    CONV3,
    CONV5,
    DIL3,
    DIL5,
    MAX_POOL,
    NOISE,
    NONE,
    NULL,
    OPS,
    SEP3,
    SEP5,
    SKIP,
)
from nasboard.benchmarks.spaces.node_cells.wiring import FOUR, Frame, independent

# of S1, edge by edge
_S1_NORMAL = (
    (SKIP, DIL3),
    (SKIP, DIL5),
    (SKIP, DIL5),
    (SKIP, SEP3),
    (SKIP, DIL3),
    (MAX_POOL, SKIP),
    (SKIP, SEP3),
    (SKIP, SEP3),
    (SKIP, DIL3),
    (SKIP, SEP3),
    (MAX_POOL, SKIP),
    (SKIP, DIL3),
    (DIL3, DIL5),
    (DIL3, DIL5),
)
_S1_REDUCTION = (
    (MAX_POOL, AVG_POOL),
    (MAX_POOL, DIL3),
    (MAX_POOL, AVG_POOL),
    (MAX_POOL, AVG_POOL),
    (SKIP, DIL5),
    (MAX_POOL, AVG_POOL),
    (MAX_POOL, SEP3),
    (SKIP, DIL3),
    (SKIP, DIL5),
    (MAX_POOL, AVG_POOL),
    (MAX_POOL, AVG_POOL),
    (SKIP, DIL5),
    (SKIP, DIL5),
    (SKIP, DIL5),
)


def _named(lists: tuple[tuple[int, ...], ...]) -> Names:
    return tuple(tuple(OPS[op] for op in ops) for ops in lists)


def _everywhere(name: str, *ops: int, frame: Frame = FOUR, loose: bool = False) -> DartsSpace:
    lists = _named((ops,) * len(frame.edges))
    return DartsSpace(name, lists, lists, frame=frame, loose=loose)


_NAT = (MAX_POOL, AVG_POOL, SKIP, SEP3, SEP5)  # of both of its lists

SPACES: Mapping[str, DartsSpace] = MappingProxyType(
    {
        space.name: space
        for space in (
            _everywhere("darts", *range(NOISE)),
            DartsSpace("s1", _named(_S1_NORMAL), _named(_S1_REDUCTION)),
            _everywhere("s2", SKIP, SEP3),
            _everywhere("s3", NONE, SKIP, SEP3),
            _everywhere("s4", NOISE, SEP3),
            _everywhere("s5", *range(MAX_POOL, NOISE)),
            _everywhere("nat", *_NAT, DIL3, DIL5, CONV3, NULL),
            _everywhere("nat-enas", *_NAT, CONV1, CONV3, CONV5, NULL, frame=independent(5), loose=True),
        )
    }
)
