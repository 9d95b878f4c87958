"""Networks that people made as architectures: their graphs, what carries nothing, and what they may become."""

from __future__ import annotations

import numpy as np
import pytest

from nasboard.benchmarks.spaces.handcrafted.blocks import NONE, PROJECT, SKIP
from nasboard.benchmarks.spaces.handcrafted.space import SPACES, HandcraftedSpace
from nasboard.harness.errors import MethodError, SpecError
from nasboard.harness.space import Choice, check, enumerate_all, sample, size
from nasboard.harness.transitions import TransformableSpace, allowed, changes, check_transformed, released

RESNET, VGG, MOBILE = SPACES["resnet20"], SPACES["vgg16"], SPACES["mobilenet_v2"]
BLOCK = "|none~0|skip_connect~1|+|none~0|conv_3x3~2|+|none~0|conv_3x3~3|+|skip_connect~2|skip_connect~4|"
every = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def test_the_networks_are_the_cells_of_nats_release() -> None:
    """guoyongcs/NAT:genotypes.py, ResBlock and NAT_ResBlock; null is none here."""
    assert RESNET.decode(RESNET.plain) == f"{BLOCK}/{BLOCK}"
    block = BLOCK.replace("none~0|conv", "skip_connect~0|conv")
    assert RESNET.named == {"resnet20": f"{BLOCK}/{BLOCK}", "nat-resnet20": f"{block}/{block}"}
    vgg = VGG.named["nat-vgg16"].split("/")
    assert vgg == ["|skip_connect~0|skip_connect~1|+|skip_connect~0|conv_3x3~2|"] * 2
    assert list(MOBILE.named) == ["mobilenet_v2"]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("resnet20", {"kept": 12, "N->S": 4}), ("vgg16", {"kept": 3, "N->S": 4, "O->S": 1})],
)
def test_what_nats_release_made_of_them_is_an_allowed_transformation(name: str, kinds: dict[str, int]) -> None:
    space = SPACES[name]
    before, after = (space.encode(spec)[None] for spec in space.named.values())
    check_transformed(space.transitions, before, after)
    assert changes(space.transitions, before, after) == kinds


@every
def test_transitions_are_graphs_of_two_blocks_and_put_is_what_wiring_tells(space: HandcraftedSpace) -> None:
    assert isinstance(space, TransformableSpace)
    of, archs = space.transitions, sample(space, np.random.default_rng(0), 20)
    wiring = of.wiring(archs)
    assert np.array_equal(of.put(archs, wiring.ops), archs)
    for arch, sources, ops in zip(archs, wiring.sources, wiring.ops, strict=True):
        terms = space.decode(arch).replace("+", "").replace("/", "").strip("|").replace("||", "|").split("|")
        assert terms == [f"{of.operations[op]}~{source}" for op, source in zip(ops, sources, strict=True)]
    assert [(cell.name, cell.inputs) for cell in of.cells] == [("normal", 2), ("reduction", 2)]
    assert set(wiring.targets.tolist()) == set(range(2, 2 + of.cells[0].nodes))


@every
def test_an_edge_may_have_nothing_a_skip_and_its_own_operation_but_no_other(space: HandcraftedSpace) -> None:
    of = space.transitions
    for edge, may in zip(space.edges, allowed(of, space.plain[None])[0], strict=True):
        skip = () if edge.plain == PROJECT else (SKIP,)
        assert {of.operations[op] for op in np.flatnonzero(may)} == {NONE, *skip, edge.plain}
    assert np.array_equal(allowed(of, space.plain[None]), released(of, space.plain[None]))


def test_an_operation_of_another_edge_is_refused() -> None:
    of, before = VGG.transitions, VGG.plain[None]
    ops = of.wiring(before).ops.copy()
    ops[0, 0] = of.operations.index("conv_3x3")
    with pytest.raises(SpecError, match="in slot 0"):
        check(VGG, of.put(before, ops))
    dearer = of.put(before, np.zeros_like(ops))
    with pytest.raises(MethodError, match="put conv_3x3 in the place of none"):
        check_transformed(of, dearer, before)


def test_what_carries_nothing_is_none_in_what_is_alike() -> None:
    cut = VGG.encode("|skip_connect~0|none~1|+|none~0|none~2|/|none~0|none~1|+|skip_connect~0|conv_3x3~2|")
    bare = "|none~0|none~1|+|none~0|none~2|/|none~0|none~1|+|skip_connect~0|none~2|"
    assert VGG.decode(VGG.prune(cut[None])[0]) == bare
    assert VGG.canonical(cut[None]) == VGG.canonical(VGG.encode(bare)[None])
    assert np.array_equal(VGG.prune(VGG.plain[None])[0], VGG.plain)


def test_canonical_is_the_lowest_index_of_those_alike() -> None:
    rows = enumerate_all(VGG)
    of = VGG.canonical(rows)
    assert len(rows) == size(VGG) == 864
    assert (of <= np.arange(864)).all()
    assert np.array_equal(VGG.canonical(rows[of]), of)


@pytest.mark.parametrize(
    ("name", "classes"),
    # a block of one convolution: 2 + 3 * 2 * 2, with pooling 2 + 5 * 2 * 2; the others: 4 + 4 + 16 + 96
    [("vgg16", 14 * 22), ("resnet20", 120**2), ("mobilenet_v2", 120**2)],
)
def test_that_many_are_different_once_what_carries_nothing_is_left_out(name: str, classes: int) -> None:
    space = SPACES[name]
    assert len(np.unique(space.canonical(enumerate_all(space)))) == classes


def test_a_network_learns_where_a_convolution_carries_something() -> None:
    plain = RESNET.plain
    nothing, dead = np.zeros_like(plain), plain.copy()
    dead[[0, 1, 2, 8, 9, 10]] = 0  # nothing reaches nodes 2 and 3, nor so any convolution
    assert RESNET.learned(np.stack([plain, nothing, dead])).tolist() == [True, False, False]
    assert RESNET.skips(np.stack([plain, nothing])).tolist() == [6 / 10, 0.0]


@every
def test_the_drawing_has_an_edge_for_each_slot(space: HandcraftedSpace) -> None:
    sketches = space.drawing(space.plain)
    assert [sketch.title for sketch in sketches] == ["normal block", "reduction block"]
    assert [op for sketch in sketches for _, _, op in sketch.edges] == [edge.plain for edge in space.edges]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (BLOCK, "an architecture is such as"),
        (f"{BLOCK}{BLOCK}", "an architecture is such as"),
        (f"{BLOCK}/{BLOCK}".replace("~4", "~3"), "an architecture is such as"),
        (f"{BLOCK}/{BLOCK}".replace("none~0|skip", "conv_3x3~0|skip"), "'conv_3x3' is no operation of an edge 2<-0"),
    ],
)
def test_another_form_or_operation_is_refused(spec: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        RESNET.encode(spec)


@every
def test_the_mixture_of_an_architecture_is_read_off_as_it(space: HandcraftedSpace) -> None:
    archs = np.vstack([space.plain[None], sample(space, np.random.default_rng(1), 5)]).astype(Choice)
    for arch, mix in zip(archs, space.relax(archs), strict=True):
        assert np.array_equal(space.derive(mix), arch)
