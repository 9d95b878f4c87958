"""DARTS cells: counts of the literature, rows, which cells are the same, and how a mixture is read."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.genotype import Pairs, loose_ends, read_genotype, short_form, write_genotype
from nasboard.benchmarks.spaces.known.published import PUBLISHED
from nasboard.benchmarks.spaces.node_cells.operations import NOISE, NULL, OPS
from nasboard.benchmarks.spaces.node_cells.wiring import CELLS, FOUR
from nasboard.benchmarks.spaces.relaxation import cuts, size
from nasboard.harness import space as spaces
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Arch
from tests.strategies import archs

DARTS = SPACES["darts"]
WEIGHTED = replace(DARTS, edge_weights=True)
LOOSE = SPACES["nat-enas"]
UNEVEN = DartsSpace("uneven", (("sep_conv_3x3",), ("skip_connect", "noise")) * 7, (("none", "skip_connect"),) * 14)
ORDERS = list(permutations(range(2, 6)))


def moved(spec: str, order: tuple[int, ...], cell: int) -> str | None:
    """Return a genotype with node v of one cell at `order[v - 2]`; None where a source would follow its node."""
    both: list[Pairs] = list(read_genotype(spec, "test"))
    place = [0, 1, *order]
    nodes: list[list[tuple[str, int]]] = [[]] * 4
    for i in range(4):
        pairs = sorted(((op, place[source]) for op, source in both[cell][2 * i : 2 * i + 2]), key=lambda pair: pair[1])
        if pairs[1][1] >= order[i]:
            return None
        nodes[order[i] - 2] = pairs
    both[cell] = tuple(pair for node in nodes for pair in node)
    return write_genotype(*both)


def test_the_number_of_architectures() -> None:
    per_cell = 3 * 6 * 10 * 7**8  # the "about 10^9" of the paper
    assert per_cell == 1_037_664_180
    assert spaces.size(DARTS) == per_cell**2
    assert {name: spaces.size(space) for name, space in SPACES.items() if name != "darts"} == {
        "s1": (180 * 2**8) ** 2,
        "s2": (180 * 2**8) ** 2,
        "s3": (180 * 2**8) ** 2,
        "s4": (180 * 2**8) ** 2,
        "s5": per_cell**2,
        "nat": (180 * 9**8) ** 2,
        "nat-enas": (720**2 * 9**10) ** 2,
    }


def test_groups_are_edges_of_the_normal_then_of_the_reduction_cell() -> None:
    assert [group.name for group in DARTS.groups] == [f"{cell} {v}<-{u}" for cell in CELLS for u, v in FOUR.edges]
    assert FOUR.edges[:5] == ((0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    assert size(DARTS.groups) == 28 * 8
    assert all(group.options == OPS[:NOISE] for group in DARTS.groups)
    assert size(SPACES["s5"].groups) == 28 * 7
    assert [(group.name, group.chosen) for group in WEIGHTED.groups[28:30]] == [
        ("edges into normal 2", 2),
        ("edges into normal 3", 2),
    ]
    assert size(WEIGHTED.groups) == 28 * 8 + 2 * 14


def test_the_lists_of_s1_are_of_edges_and_cells() -> None:
    s1 = {group.name: group.options for group in SPACES["s1"].groups}
    assert s1["normal 4<-0"] == ("max_pool_3x3", "skip_connect")
    assert s1["normal 5<-4"] == ("dil_conv_3x3", "dil_conv_5x5")
    assert s1["reduction 2<-1"] == ("max_pool_3x3", "dil_conv_3x3")
    assert s1["reduction 4<-1"] == ("max_pool_3x3", "sep_conv_3x3")
    assert {len(options) for options in s1.values()} == {2}


@settings(max_examples=30)
@given(st.data())
def test_cells_that_differ_in_the_order_of_their_nodes_are_the_same(data: st.DataObject) -> None:
    arch = data.draw(archs(DARTS))
    cell = data.draw(st.sampled_from([0, 1]))
    others = {moved(DARTS.decode(arch), order, cell) for order in ORDERS} - {None}
    rows = np.stack([DARTS.encode(str(spec)) for spec in others])
    assert len(set(DARTS.canonical(np.concatenate([arch[None], rows])).tolist())) == 1


@settings(max_examples=30)
@given(archs(SPACES["s2"]), archs(SPACES["s2"]))
def test_equal_codes_mean_that_an_order_of_nodes_makes_them_equal(one: Arch, other: Arch) -> None:
    space = SPACES["s2"]
    other = np.concatenate([one[:11], other[11:]])
    reach = {moved(space.decode(one), order, 1) for order in ORDERS}
    same = len(set(space.canonical(np.stack([one, other])).tolist())) == 1
    assert same == (space.decode(other) in reach)


def test_classes_of_a_small_space_are_counted_by_hand() -> None:
    """One operation everywhere: 180 wirings of one cell, and as many classes as distinct graphs."""
    space = DartsSpace("one", (("skip_connect",),) * 14, (("skip_connect",),) * 14)
    every = np.array([(0, 0, a, 0, 0, b, 0, 0, c, 0, 0) for a in range(3) for b in range(6) for c in range(10)])
    rows = np.concatenate([every, np.zeros_like(every)], axis=1).astype(np.int16)
    by_hand = {min(s for order in ORDERS if (s := moved(space.decode(row), order, 0)) is not None) for row in rows}
    assert len(set(space.canonical(rows).tolist())) == len(by_hand) < 180


@pytest.mark.parametrize("name", [name for name in SPACES if not name.startswith("nat")])  # as indices fit 63 bits
def test_the_canonical_form_is_the_first_row_of_its_class(name: str) -> None:
    space = SPACES[name]
    some = spaces.sample(space, np.random.default_rng(0), 200)
    codes = space.canonical(some)
    first = spaces.from_index(space, codes)
    assert np.array_equal(first, space.representatives(some))
    assert (codes <= spaces.to_index(space, some)).all()
    assert np.array_equal(space.canonical(first), codes)
    for arch, representative in zip(some[:20], first, strict=False):
        reach = {moved(space.decode(arch), order, 0) for order in ORDERS}
        normal, reduction = read_genotype(space.decode(representative), "test")
        assert write_genotype(normal, read_genotype(space.decode(arch), "test")[1]) in reach
        assert len(reduction) == len(normal)


def test_the_two_strongest_edges_are_kept_with_their_strongest_operation_but_none() -> None:
    at = {group.name: cut for group, cut in zip(DARTS.groups, cuts(DARTS.groups), strict=True)}
    mix = np.full(size(DARTS.groups), 0.1)
    mix[at["normal 3<-0"].start + OPS.index("none")] = 0.9  # says nothing about the edge
    mix[at["normal 3<-1"].start + OPS.index("skip_connect")] = 0.3
    mix[at["normal 3<-2"].start + OPS.index("dil_conv_5x5")] = 0.2
    normal, _ = read_genotype(DARTS.decode(DARTS.derive(mix)), "test")
    assert normal[2:4] == (("skip_connect", 1), ("dil_conv_5x5", 2))
    assert normal[:2] == (("max_pool_3x3", 0), ("max_pool_3x3", 1))  # the first of equal ones


def test_edge_weights_multiply_the_strength_of_edges() -> None:
    at = {group.name: cut for group, cut in zip(WEIGHTED.groups, cuts(WEIGHTED.groups), strict=True)}
    mix = np.full(size(WEIGHTED.groups), 0.1)
    mix[at["normal 3<-1"].start + OPS.index("skip_connect")] = 0.3
    mix[at["edges into normal 3"]] = [0.5, 0.1, 0.4]  # 0.05, 0.03, 0.04
    sources, _ = WEIGHTED.graph(WEIGHTED.derive(mix)[None])
    assert sources[0, 0, 1].tolist() == [0, 2]


def test_an_edge_that_is_left_out_has_its_one_at_none_or_none_at_all() -> None:
    for space, left_out in ((DARTS, 1.0), (SPACES["s5"], 0.0)):
        [mix] = space.relax(space.encode(PUBLISHED["darts-v2"].spec)[None])
        sums = np.array([mix[at].sum() for at in cuts(space.groups)])
        kept = np.array(
            [mix[at][list(g.takeable)].sum() for g, at in zip(space.groups, cuts(space.groups), strict=True)]
        )
        assert kept.sum() == 16
        assert np.array_equal(sums, np.where(kept == 1, 1.0, left_out))


def test_lists_of_other_lengths_have_rows_that_break_the_rules() -> None:
    some = np.random.default_rng(0).integers(0, UNEVEN.choices, size=(200, 22)).astype(np.int16)
    valid = UNEVEN.valid(some)
    assert 0 < valid.sum() < len(some)
    for row in some[valid][:20]:
        assert np.array_equal(UNEVEN.encode(UNEVEN.decode(row)), row)
        assert np.array_equal(UNEVEN.derive(UNEVEN.relax(row[None])[0]), row)
    with pytest.raises(SpecError, match="has fewer operations than the number given"):
        UNEVEN.decode(some[~valid][0])


def test_a_cell_learns_where_a_convolution_sees_its_input() -> None:
    s4 = SPACES["s4"]
    quiet = [("noise", 0), ("noise", 1)] * 4
    deaf = [*quiet[:2], ("noise", 0), ("sep_conv_3x3", 2), *quiet[4:]]
    hears = [*quiet[:2], ("noise", 0), ("sep_conv_3x3", 1), *quiet[4:]]
    rows = np.stack([s4.encode(write_genotype(tuple(c), tuple(quiet))) for c in (quiet, deaf, hears)])
    assert s4.learned(rows).tolist() == [False, False, True]
    bare = write_genotype(
        (("skip_connect", 0), ("max_pool_3x3", 1)) * 4, (("avg_pool_3x3", 0), ("skip_connect", 1)) * 4
    )
    assert DARTS.learned(np.stack([DARTS.encode(bare), DARTS.encode(PUBLISHED["darts-v2"].spec)])).tolist() == [
        False,
        True,
    ]


def test_skips_are_a_share_of_the_sixteen_operations_of_both_cells() -> None:
    some = (("skip_connect", 0), ("max_pool_3x3", 1)) * 4
    none = (("sep_conv_3x3", 0), ("sep_conv_3x3", 1)) * 4
    one = (("skip_connect", 0), *none[1:])
    rows = np.stack([DARTS.encode(write_genotype(*cells)) for cells in ((some, some), (none, some), (one, none))])
    assert DARTS.skips(rows).tolist() == [0.5, 0.25, 1 / 16]


def nat(normal: str, reduction: str) -> Arch:
    """Return cells of five nodes and loose ends."""
    return LOOSE.encode(short_form(normal, reduction, loose_ends))


def test_null_is_no_operation_that_is_kept_and_hands_nothing_on() -> None:
    quiet, skips = "null 0, null 1, " * 5, "null 0, skip 1, " * 5
    behind = "conv3 0, null 1, null 2, max 1, " + "null 0, null 1, " * 3  # node 2 is used, by null alone
    before = "null 0, null 1, null 1, conv3 2, " + "null 0, null 1, " * 3
    heard = "conv3 0, null 1, skip 2, null 1, " + "null 0, null 1, " * 3
    cells = [cell.removesuffix(", ") for cell in (quiet, skips, behind, before, heard)]
    rows = np.stack([nat(cell, cells[0]) for cell in cells])
    assert LOOSE.learned(rows).tolist() == [False, False, False, False, True]
    assert LOOSE.skips(rows).tolist() == [0.0, 1.0, 0.0, 0.0, 0.5]
    assert LOOSE.joined(rows)[:, 0].all(axis=1).tolist() == [True, True, False, False, False]
    whole = SPACES["nat"].encode(short_form(", ".join(["null 0, null 1"] * 4), ", ".join(["null 0, null 1"] * 4)))
    assert not SPACES["nat"].learned(whole[None])[0]
    assert SPACES["nat"].skips(whole[None])[0] == 0.0


def test_a_cell_of_loose_ends_tells_them_and_is_refused_where_others_are_told() -> None:
    spec = PUBLISHED["enas"].spec
    with pytest.raises(SpecError, match=r"nat-enas: reduce_concat is \[2, 3, 5, 6\]; a cell joins nodes \[2, 3, 6\]"):
        LOOSE.encode(spec.replace("[2, 3, 6]", "[2, 3, 5, 6]"))
    with pytest.raises(SpecError, match=r"nat-enas: normal is .*; allowed are 10 pairs"):
        LOOSE.encode(PUBLISHED["darts-v2"].spec)
    with pytest.raises(SpecError, match=r"node 2 of normal takes sources 1 and 2; allowed are those of 0\.\.1"):
        LOOSE.encode(spec.replace("('skip_connect', 1)", "('skip_connect', 2)", 1))


@settings(max_examples=6)
@given(st.data())
def test_cells_whose_inputs_change_places_are_the_same_and_those_of_other_sources_of_null_are_not(
    data: st.DataObject,
) -> None:
    arch = data.draw(archs(LOOSE))
    sources, ops = LOOSE.graph(arch[None])
    flip = np.array(data.draw(st.lists(st.booleans(), min_size=20, max_size=20))).reshape(1, 2, 5, 2)[..., :1]
    turned, beside = (np.where(flip, both[..., ::-1], both) for both in (sources, ops))
    other = LOOSE.frame.together(turned, LOOSE.lists.places[0, 0][beside])
    assert LOOSE.canonical(arch[None])[0] == LOOSE.canonical(other)[0]
    first = LOOSE.representatives(other)
    assert np.array_equal(first, LOOSE.representatives(arch[None]))
    assert np.array_equal(first, LOOSE.representatives(first))
    silent = np.full_like(ops, NULL)
    moved_on = np.where(np.arange(5)[:, None] == 4, [0, 1], sources)  # of the last node
    both = [LOOSE.frame.together(at, LOOSE.lists.places[0, 0][silent]) for at in (sources, moved_on)]
    assert (LOOSE.canonical(both[0])[0] == LOOSE.canonical(both[1])[0]) == np.array_equal(
        np.sort(sources[:, :, 4]), np.sort(moved_on[:, :, 4])
    )


def test_the_inputs_of_nodes_are_read_off_one_by_one_and_may_be_the_same_twice() -> None:
    at = {group.name: cut for group, cut in zip(LOOSE.groups, cuts(LOOSE.groups), strict=True)}
    options = {group.name: group.options for group in LOOSE.groups}
    assert [len(options[f"normal {node} first"]) for node in range(2, 7)] == [18, 27, 36, 45, 54]
    mix = np.zeros(size(LOOSE.groups))
    for end in ("first", "second"):
        mix[at[f"normal 3 {end}"].start + options[f"normal 3 {end}"].index("conv_5x5<-2")] = 0.5
    sources, ops = LOOSE.graph(LOOSE.derive(mix)[None])
    assert sources[0, 0, 1].tolist() == [2, 2]
    assert [OPS[op] for op in ops[0, 0, 1]] == ["conv_5x5", "conv_5x5"]
    assert LOOSE.drawing(LOOSE.derive(mix))[0].edges[1] == (2, 3, "conv_5x5 + conv_5x5")


@pytest.mark.parametrize("name", ["s1", "s2", "s3"])  # S4 has no skip connections
def test_skips_are_counted_where_edges_have_few_operations(name: str) -> None:
    space, rng = SPACES[name], np.random.default_rng(0)
    rows = np.stack([space.derive(mix) for mix in rng.random((20, size(space.groups)))])
    counts = np.array([space.decode(row).count("skip_connect") for row in rows])
    assert np.array_equal(space.skips(rows), counts / 16)
    assert counts.min() < counts.max()


def test_a_drawing_has_the_pairs_of_the_genotype_and_joins_the_nodes() -> None:
    arch = DARTS.encode(PUBLISHED["pc-darts"].spec)
    both = read_genotype(PUBLISHED["pc-darts"].spec, "test")
    for sketch, pairs, title in zip(DARTS.drawing(arch), both, ("normal cell", "reduction cell"), strict=True):
        kept = tuple((source, 2 + i // 2, op) for i, (op, source) in enumerate(pairs))
        assert sketch.title == title
        assert sketch.nodes == ("k-2", "k-1", "2", "3", "4", "5", "out")
        assert sketch.edges == (*kept, *((node, 6, "") for node in (2, 3, 4, 5)))
