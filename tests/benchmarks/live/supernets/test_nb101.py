"""The NAS-Bench-101 network: parameters as recorded, the same for isomorphic cells, and the wires of a cell."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasboard.benchmarks.live.supernets.nb101 import Cell, NB101Network
from nasboard.benchmarks.spaces.cell_graph import Graph, Node, channels, graphs_of
from nasboard.benchmarks.spaces.macros import NB1Shot1Macro
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb101 import NB101Space
from nasboard.harness.errors import UsageError
from nasboard.harness.space import sample
from nasboard.tabular.nb101.cell_graphs import EDGES, EMPTY, INNER, VERTICES, pack
from tests.data_folder import data_file

SMALL = NB1Shot1Macro(image=8, channels=3, cells=3)


def images() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(2).standard_normal((8, 3, 8, 8), dtype=np.float32))


def test_parameters_at_full_size_are_those_that_nas_bench_101_records() -> None:
    with np.load(data_file("nb101/nb101_mean_test108.npz")) as file:
        few = np.flatnonzero(file["params"] < 2_000_000)
        rows = np.random.default_rng(0).permutation(few)[:12]
        recorded = file["params"][rows]
        vertices, bits, ops = file["num_vertices"][rows], file["adj_bits"][rows], file["ops"][rows]
    for n, bit, op, expected in zip(vertices.tolist(), bits.tolist(), ops.tolist(), recorded.tolist(), strict=True):
        graph = as_recorded(n, bit, op)
        counted, c_in = 3 * 128 * 9 + 2 * 128, 128  # the stem
        for c_out in (128, 128, 128, 256, 256, 256, 512, 512, 512):
            cell = Cell(c_in, c_out, graph, np.random.default_rng(0))
            counted, c_in = counted + sum(tensor.numel() for tensor in cell.parameters()), c_out
        assert counted + 512 * 10 + 10 == expected


def as_recorded(vertices: int, bits: int, ops: list[int]) -> Graph:
    """Return the graph of one row of the compact file, its vertices in the order they have there."""
    edges, there = np.zeros(len(EDGES), dtype=int), np.full(INNER, EMPTY)
    for i, (x, y) in enumerate(EDGES[: vertices * (vertices - 1) // 2]):
        if bits >> i & 1:
            edges[EDGES.index((x, VERTICES - 1 if y == vertices - 1 else y))] = 1
    there[: vertices - 2] = ops[: vertices - 2]
    return graphs_of(pack(edges[None], there[None]))[0]


def test_channels_are_shared_out_evenly_and_the_first_take_what_is_left() -> None:
    conv = "conv3x3-bn-relu"
    graph = Graph((Node(1, conv, (0,)), Node(2, conv, (1,)), Node(3, conv, (0, 1)), Node(4, conv, (3,))), (0, 2, 3, 4))
    assert channels(graph, 8) == {1: 3, 2: 3, 3: 3, 4: 2}  # node 1 is as wide as the widest it feeds
    assert channels(Graph((), (0,)), 8) == {}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_isomorphic_architectures_have_the_same_network(number: int) -> None:
    space = NB1Shot1Space.of(number)
    archs = sample(space, np.random.default_rng(1), 2_000)
    codes, counts = np.unique(space.canonical(archs), return_counts=True)
    twins = archs[space.canonical(archs) == codes[counts.argmax()]]
    assert len({space.decode(arch) for arch in twins}) > 1
    found = [NB101Network(SMALL, space, arch, np.random.default_rng(5))(images()) for arch in twins[:4]]
    assert all(torch.equal(logits, found[0]) for logits in found)


def test_a_network_is_that_of_its_graph() -> None:
    space = NB101Space()
    arch = space.encode("conv1x1-bn-relu(0)|maxpool3x3(0,1)|output(0,2)")
    net = NB101Network(NB1Shot1Macro(image=8, channels=3, cells=1), space, arch, np.random.default_rng(0)).eval()
    stem, cell = net.body
    x = stem(images())
    first = cell.ops["1"](cell.projections["1"](x))
    second = F.max_pool2d(cell.projections["2"](x) + first, 3, 1, 1)
    pooled = (second + cell.direct(x)).mean((2, 3))
    torch.testing.assert_close(net(images()), F.linear(pooled, net.weight, net.bias))


def test_a_cell_without_operations_is_the_projection_alone() -> None:
    space = NB101Space()
    net = NB101Network(SMALL, space, space.encode("output(0)"), np.random.default_rng(0))
    assert net(images()).shape == (8, 10)


def test_training_moves_running_statistics_and_scoring_does_not() -> None:
    space = NB1Shot1Space.of(1)
    net = NB101Network(SMALL, space, np.zeros(len(space.choices), dtype=np.int16), np.random.default_rng(0))
    net(images())
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.eval()
    one, many = net(images()[:1]), net(images())
    torch.testing.assert_close(one, many[:1])
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_fewer_channels_than_nodes_to_share_them_are_refused() -> None:
    space = NB1Shot1Space.of(2)
    op = "conv3x3-bn-relu"
    arch = space.encode(f"{op}(0)|{op}(1)|{op}(0,1)|{op}(0,1)|output(2,3,4)")
    with pytest.raises(UsageError, match=r"takes 3 nodes, .* at least 3 channels, given 2"):
        NB101Network(NB1Shot1Macro(channels=2), space, arch, np.random.default_rng(0))
