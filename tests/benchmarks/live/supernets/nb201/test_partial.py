"""Partial channels and edge weights of NAS-Bench-201 cells, against cells written plainly edge by edge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.live.supernets.nb201 import mixed, supernet
from nasboard.benchmarks.live.supernets.nb201.cell import Cell
from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet
from nasboard.benchmarks.spaces.macros import DIGITS, NB201Macro
from nasboard.benchmarks.spaces.nb201 import EDGES, NB201Space
from nasboard.harness.errors import UsageError
from nasboard.harness.space import sample

SPACE = NB201Space(edge_weights=True)
SMALL = NB201Macro(image=8, channels=4, stages=2, cells=1, classes=7, partial=2)
WHOLE = replace(SMALL, partial=1)
ARCHS = sample(SPACE, np.random.default_rng(3), 6)


def made(macro: NB201Macro, space: NB201Space = SPACE, **ways: bool) -> NB201Supernet:
    net = NB201Supernet(macro, np.random.default_rng(0), space=space, **ways)
    with torch.no_grad():  # away from the initial ones and zeros, so that a forgotten scale or shift shows
        for tensor in net.parameters():
            tensor.add_(torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, tuple(tensor.shape)).astype("f4")))
    return net.double()


def images(n: int = 5) -> Tensor:
    return torch.from_numpy(np.random.default_rng(2).standard_normal((n, 3, 8, 8)))


def soft(space: NB201Space = SPACE) -> Tensor:
    simplices = Simplices(space.groups)
    return simplices.softmax(torch.from_numpy(np.random.default_rng(4).standard_normal(simplices.size)))


def plainly(net: NB201Supernet, x: Tensor, mix: Tensor) -> Tensor:
    """Return logits as PC-DARTS' release computes them: every edge is put together and shuffled by itself."""
    ops, edges = mix[:30].view(6, 5), torch.cat([torch.ones(1), mix[30:]])
    x = net.embed(x)
    for index, cell in enumerate(net.cells):
        nodes = [net.reduce(index, x)]
        for target in (1, 2, 3):
            into = [(e, source) for e, (source, end) in enumerate(EDGES) if end == target]
            nodes.append(sum(edges[e] * plain_edge(cell, e, nodes[source], ops[e]) for e, source in into))
        x = nodes[3]
    return net.head(x)


def plain_edge(cell: Cell, edge: int, x: Tensor, weights: Tensor) -> Tensor:
    n = x.shape[1] // cell.partial
    first, around = x[:, :n], x[:, n:]
    one, three = (cell.kernel(edge, op) for op in (2, 3))
    y = weights[1] * first + weights[4] * F.avg_pool2d(first, 3, 1, 1, count_include_pad=False)
    for weight, kernel, padding in ((weights[2], one, 0), (weights[3], three, 1)):
        y = y + weight * F.batch_norm(F.conv2d(F.relu(first), kernel, padding=padding), None, None, training=True)
    return F.channel_shuffle(torch.cat([y, around], 1), cell.partial)


def gradients(logits: Tensor, net: NB201Supernet, mix: Tensor) -> tuple[Tensor | None, ...]:
    return torch.autograd.grad(logits.pow(2).mean(), [mix, *net.parameters()], allow_unused=True)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_a_mixture_gives_what_a_plain_network_gives(k: int) -> None:
    net, mix = made(replace(SMALL, partial=k)), soft().requires_grad_()
    ours, theirs = net(images(), mix), plainly(net, images(), mix)
    torch.testing.assert_close(ours, theirs)
    for one, other in zip(gradients(ours, net, mix), gradients(theirs, net, mix), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("macro", [WHOLE, DIGITS], ids=["small", "digits"])
def test_all_channels_and_edges_of_weight_one_are_the_network_without_both(macro: NB201Macro) -> None:
    weighed, plain = made(macro).float(), made(macro, NB201Space()).float()
    x = images()[:, : macro.inputs].float()
    for mix in (soft(NB201Space()).float().requires_grad_(), plain.mixtures(ARCHS)[0]):
        assert torch.equal(weighed(x, torch.cat([mix, torch.ones(5)])), plain(x, mix))
    for ours, theirs in zip(weighed.logits(ARCHS, x), plain.logits(ARCHS, x), strict=True):
        assert torch.equal(ours, theirs)


def test_an_edge_of_weight_zero_brings_nothing_neither_through_operations_nor_around_them() -> None:
    net, mix = made(SMALL), soft()
    mix[31:33] = torch.tensor([0.0, 1.0])  # 2<-1 and 3<-0
    without = mix.clone()
    without[10:15] = torch.tensor([0.2, 0.1, 0.4, 0.1, 0.2])  # the operations of 2<-1
    assert torch.equal(net(images(), mix), net(images(), without))
    torch.testing.assert_close(net(images(), mix), plainly(net, images(), mix))
    torch.testing.assert_close(net(images(), mix), net(images(), mix.clone().requires_grad_()))
    nothing = torch.zeros_like(mix)
    assert torch.isfinite(net(images(), nothing)).all()


def test_each_cell_can_have_a_mixture_of_its_own() -> None:
    net = made(SMALL)
    one, other = net.mixtures(ARCHS[:2]).double()
    assert torch.equal(net(images(), torch.stack([one, one])), net(images(), one))
    assert not torch.equal(net(images(), torch.stack([one, other])), net(images(), one))


@pytest.mark.parametrize("way", ["fused", "compiled"])
@pytest.mark.parametrize("macro", [WHOLE, SMALL], ids=["edge weights", "partial"])
def test_a_faster_way_gives_what_the_reference_gives(
    macro: NB201Macro, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supernet, "formulas", lambda *, compiled: mixed.formulas(compiled=False))
    reference, fast = made(macro), made(macro, **{way: True})
    mix = soft().requires_grad_()
    seen = [(net(images(), mix), net) for net in (reference, fast)]
    torch.testing.assert_close(seen[1][0], seen[0][0], rtol=1e-9, atol=1e-9)
    for ours, theirs in zip(*(gradients(logits, net, mix) for logits, net in seen), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)
    for ours, theirs in zip(reference.logits(ARCHS, images()), fast.logits(ARCHS, images()), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_no_edge_is_pruned_where_channels_go_around_it() -> None:
    net = made(SMALL)
    rows = np.array([[0, 0, 0, 3, 0, 0], [0, 0, 3, 3, 0, 0]], dtype=np.int16)  # the same where all channels go through
    assert np.array_equal(net.distinct(rows), rows)
    assert len(np.unique(made(WHOLE).distinct(rows), axis=0)) == 1
    assert not torch.allclose(*net.logits(rows, images()))


def test_half_precision_is_the_same_network_to_its_tolerance() -> None:
    exact, half = (
        NB201Supernet(SMALL, np.random.default_rng(0), space=SPACE, precision=precision)
        for precision in ("fp32", "bf16")
    )
    seen = [net(images(16).float(), soft().float().requires_grad_()) for net in (exact, half)]
    assert seen[1].dtype == torch.float32
    assert 0 < (seen[0] - seen[1]).norm() < 0.1 * seen[0].norm()


def test_channels_that_cannot_be_shared_out_are_refused() -> None:
    with pytest.raises(UsageError, match="1/3 of 4 channels is no whole number"):
        NB201Supernet(replace(SMALL, partial=3), np.random.default_rng(0), space=SPACE)
