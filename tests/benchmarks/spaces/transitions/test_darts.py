"""What the operations of DARTS cells may become: what is counted never rises, and nothing else is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nasboard.benchmarks.spaces.costs.darts import count
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.known.published import PUBLISHED
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.harness.space import Archs, sample
from nasboard.harness.transitions import KINDS, TransformableSpace, allowed, changes, check_transformed, released

WIDTHS = (4, 6, 8, 64)


def changed(name: str, arch: Archs, edges: np.ndarray, ops: np.ndarray) -> Archs:
    """Return copies of one architecture `(1, d)`, each with another operation on one edge."""
    of = SPACES[name].transitions
    all_ops = np.repeat(of.wiring(arch).ops, len(edges), axis=0)
    all_ops[np.arange(len(edges)), edges] = ops
    return of.put(np.repeat(arch, len(edges), axis=0), all_ops)


def raised(name: str, before: Archs, after: Archs, width: int) -> np.ndarray:
    """Return which of `(n, d)` have more parameters or multiply-adds than one architecture `(1, d)`."""
    macro = DartsMacro(image=8, channels=width, cells=5)
    was, became = (count(SPACES[name], archs, macro) for archs in (before, after))
    return (became.parameters > was.parameters) | (became.multiply_adds > was.multiply_adds)


@pytest.mark.parametrize("name", SPACES)
def test_cells_are_graphs_whose_operations_can_be_put_back(name: str) -> None:
    space = SPACES[name]
    assert isinstance(space, TransformableSpace)
    of, some = space.transitions, sample(space, np.random.default_rng(0), 20)
    wiring = of.wiring(some)
    assert np.array_equal(of.put(some, wiring.ops), some)
    assert wiring.sources.shape == wiring.ops.shape == (20, len(wiring.cells))
    assert (wiring.sources < wiring.targets).all()
    assert [(cell.name, cell.inputs, cell.nodes) for cell in of.cells] == [
        (cell, 2, space.frame.nodes) for cell in ("normal", "reduction")
    ]
    told = [re.findall(r"\('(\w+)', (\d)\)", space.decode(arch)) for arch in some]
    assert told == [
        [(of.operations[op], str(source)) for op, source in zip(*row, strict=True)]
        for row in zip(wiring.ops.tolist(), wiring.sources.tolist(), strict=True)
    ]
    assert of.wiring(some[:0]).ops.shape == (0, len(wiring.cells))


@pytest.mark.parametrize("name", SPACES)
def test_what_is_allowed_raises_no_count_and_what_is_not_raises_one_at_some_width(name: str) -> None:
    of = SPACES[name].transitions
    kinds = np.array([KINDS.index(kind) for kind in of.kinds])
    skip = kinds == KINDS.index("skip")
    for row in sample(SPACES[name], np.random.default_rng(1), 4):
        arch = row[None]
        may, ops = allowed(of, arch)[0], of.wiring(arch).ops[0]
        after = changed(name, arch, *np.nonzero(may))
        assert not any(raised(name, arch, after, width).any() for width in WIDTHS)
        check_transformed(of, np.repeat(arch, len(after), axis=0), after)
        lighter = (kinds <= kinds[ops][:, None]) | ((kinds[ops][:, None] == KINDS.index("null")) & skip)
        refused = lighter & np.isfinite(listed(name, arch)) & ~may
        dearer = changed(name, arch, *np.nonzero(refused))
        assert np.any([raised(name, arch, dearer, width) for width in WIDTHS], axis=0).all()


def listed(name: str, arch: Archs) -> np.ndarray:
    """Return 0 where the edges of `(1, d)` have an operation, else infinity `(e, operations)`, as `work` has it."""
    space, of = SPACES[name], SPACES[name].transitions
    wiring = of.wiring(arch)
    lists = space.normal, space.reduction
    at = [
        lists[cell][space.frame.edges.index((source, target))]
        for cell, target, source in zip(wiring.cells, wiring.targets, wiring.sources[0].tolist(), strict=True)
    ]
    return np.array([[0.0 if op in ops else np.inf for op in of.operations] for ops in at])


def test_a_skip_of_stride_two_takes_the_place_of_convolutions_alone() -> None:
    of = SPACES["nat"].transitions
    names = ("max_pool_3x3", "null", "sep_conv_3x3", "dil_conv_3x3", "skip_connect")
    skip = of.operations.index("skip_connect")
    for at, expected in ((0, (True,) * 5), (8, (False, False, True, True, True))):  # 2 <- 0 of the normal cell, and not
        arch = SPACES["nat"].encode(PUBLISHED["darts-v2"].spec)[None]
        archs = changed("nat", arch, np.full(5, at), np.array([of.operations.index(name) for name in names]))
        assert allowed(of, archs)[:, at, skip].tolist() == list(expected)


def test_which_of_two_convolutions_is_larger_may_depend_on_the_width() -> None:
    of, arch = SPACES["nat"].transitions, SPACES["nat"].encode(PUBLISHED["darts-v2"].spec)[None]
    may = {of.operations[op] for op in np.flatnonzero(allowed(of, arch)[0, 0])}
    assert of.operations[of.wiring(arch).ops[0, 0]] == "sep_conv_3x3"
    assert may == set(of.operations) - {"sep_conv_5x5", "conv_3x3", "dil_conv_5x5"}
    arch = changed("nat", arch, np.array([0]), np.array([of.operations.index("conv_3x3")]))
    assert {of.operations[op] for op in np.flatnonzero(allowed(of, arch)[0, 0])} == set(of.operations) - {
        "sep_conv_5x5"
    }


def test_null_is_of_nats_spaces_alone() -> None:
    for name, space in SPACES.items():
        assert ("null" in space.transitions.kinds) == name.startswith("nat")
    assert "none" not in SPACES["darts"].transitions.operations


def test_what_nat_made_of_darts_is_allowed_but_for_two_skips_of_stride_two() -> None:
    """Node by node, as its release has them."""
    of, space = SPACES["nat"].transitions, SPACES["nat"]
    before, after = (space.encode(PUBLISHED[name].spec)[None] for name in ("darts-v2", "nat-darts"))
    old, new, may = of.wiring(before), of.wiring(after), allowed(of, before)[0]
    assert np.array_equal(old.sources, new.sources)
    found = [
        (
            of.cells[old.cells[e]].name,
            old.targets[e],
            old.sources[0, e],
            of.operations[was],
            of.operations[now],
            may[e, now],
        )
        for e, (was, now) in enumerate(zip(old.ops[0], new.ops[0], strict=True))
        if was != now
    ]
    assert found == [
        ("normal", 3, 0, "sep_conv_3x3", "skip_connect", True),
        ("normal", 4, 1, "sep_conv_3x3", "skip_connect", True),
        ("reduction", 2, 1, "max_pool_3x3", "skip_connect", False),
        ("reduction", 3, 1, "max_pool_3x3", "skip_connect", False),
        ("reduction", 4, 2, "skip_connect", "null", True),
    ]
    assert changes(of, before, after) == {"kept": 11, "O->S": 4, "S->N": 1}


def test_what_nat_made_of_enas_is_allowed() -> None:
    of, space = SPACES["nat-enas"].transitions, SPACES["nat-enas"]
    before, after = (space.encode(PUBLISHED[name].spec)[None] for name in ("enas", "nat-enas"))
    check_transformed(of, before, after)
    assert changes(of, before, after) == {"kept": 18, "O->N": 2}
    taken = np.take_along_axis(released(of, before), of.wiring(after).ops[..., None], axis=-1)
    assert taken.all()
