"""The supernet against an architecture written plainly, and the algebra of mixtures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.supernets.nb201 import EVERYTHING, Supernet, one_hot_mix, owner, splits, transfer
from nasboard.benchmarks.live.trainings.recipe import Macro
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import enumerate_all, sample
from tests.benchmarks.live.plain import of_supernet

SPACE = NB201Space()


@pytest.fixture
def net() -> Supernet:
    made = Supernet(Macro(), np.random.default_rng(0))
    with torch.no_grad():  # away from the initial ones and zeros, so that a forgotten scale or shift shows
        for tensor in made.parameters():
            tensor.add_(torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, tuple(tensor.shape)).astype("f4")))
    return made


@pytest.fixture
def images() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(2).standard_normal((20, 1, 8, 8), dtype=np.float32))


def corner_cases() -> np.ndarray:
    rows = [[op] * 6 for op in range(5)] + [[3, 0, 0, 0, 0, 1], [0, 0, 3, 0, 2, 3], [1, 4, 3, 0, 2, 3]]
    return np.array(rows, dtype=np.int16)


def test_a_one_hot_mixture_is_the_architecture_alone(net: Supernet, images: torch.Tensor) -> None:
    archs = np.concatenate([corner_cases(), sample(SPACE, np.random.default_rng(3), 30)])
    for arch in archs:
        alone = of_supernet(net, arch)
        torch.testing.assert_close(net(images, one_hot_mix(arch)), alone(images), rtol=1e-4, atol=1e-5)


def test_each_cell_can_have_a_mixture_of_its_own(net: Supernet, images: torch.Tensor) -> None:
    one, other = (one_hot_mix(arch) for arch in corner_cases()[[3, 7]])
    assert torch.equal(net(images, torch.stack([one, one])), net(images, one))
    x = net.first(net.embed(images), net._terms(one))
    expected = net.head(net.second(net.reduce(x), net._terms(other)))
    assert torch.equal(net(images, torch.stack([one, other])), expected)
    assert not torch.equal(expected, net(images, torch.stack([other, one])))
    with pytest.raises(SpecError, match=r"has shape \(6, 5\), or \(2, 6, 5\), given \(3, 6, 5\)"):
        net(images, torch.stack([one, one, one]))


def test_skipping_operations_of_zero_weight_changes_nothing(net: Supernet, images: torch.Tensor) -> None:
    for arch in corner_cases():
        mix = one_hot_mix(arch)
        computed = net(images, mix.clone().requires_grad_())  # a gradient is asked for: nothing is skipped
        torch.testing.assert_close(net(images, mix), computed.detach(), rtol=1e-4, atol=1e-5)


def test_a_cell_node_is_linear_in_the_mixture(net: Supernet, images: torch.Tensor) -> None:
    # with everything else `none`, the cell's output is the mixed edge 3 <- 0
    x = net.embed(images).detach()
    weights = torch.tensor([0.1, 0.3, 0.2, 0.25, 0.15])
    parts = sum(weights[op] * net.first.apply_op(3, op, x) for op in range(1, 5))
    terms = [[] if edge != 3 else [(op, weights[op]) for op in range(1, 5)] for edge in range(6)]
    torch.testing.assert_close(net.first(x, terms), parts)


def test_the_gradient_of_a_mixture_is_that_of_finite_differences(net: Supernet, images: torch.Tensor) -> None:
    net = net.double()
    mix = torch.full((6, 5), 0.2, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(images.double(), mix).pow(2).mean(), mix)
    assert (gradient[:, 0] == 0).all()  # `none` brings nothing, however much of it
    for edge, op in ((0, 3), (2, 4), (5, 1)):
        step = torch.zeros(6, 5, dtype=torch.float64)
        step[edge, op] = 1e-6
        with torch.no_grad():
            up, down = (net(images.double(), mix + s * step).pow(2).mean() for s in (1, -1))
        assert gradient[edge, op].item() == pytest.approx((up - down).item() / 2e-6, rel=1e-4)


def test_a_forward_pass_leaves_the_supernet_as_it_was(net: Supernet, images: torch.Tensor) -> None:
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net(images, torch.full((6, 5), 0.2))
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_equal_generators_draw_equal_weights_without_touching_the_global_one() -> None:
    torch.manual_seed(0)
    untouched = torch.get_rng_state()
    one, other = (Supernet(Macro(), np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), untouched)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("shape", [(5, 6), (6, 4), (30,)])
def test_a_mixture_of_another_shape_is_refused(net: Supernet, images: torch.Tensor, shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match=r"shape \(6, 5\)"):
        net(images, torch.zeros(shape))


def test_a_sub_supernet_refuses_what_it_does_not_hold(images: torch.Tensor) -> None:
    child = Supernet(Macro(), np.random.default_rng(0), splits((0,))[3])
    child(images, one_hot_mix(np.array([3, 0, 0, 1, 0, 0])))
    with pytest.raises(SpecError, match=r"edge 0 .* holds operations \(3,\), the mixture uses \[1\]"):
        child(images, one_hot_mix(np.array([1, 0, 0, 1, 0, 0])))


@pytest.mark.parametrize("edges", [(), (0,), (0, 5), (4, 1)])
def test_sub_supernets_share_out_the_whole_space_evenly(edges: tuple[int, ...]) -> None:
    archs = enumerate_all(SPACE)
    held = splits(edges)
    owners = owner(archs, edges)
    assert np.bincount(owners, minlength=len(held)).tolist() == [15_625 // 5 ** len(edges)] * 5 ** len(edges)
    for index, allowed in enumerate(held):
        fits = np.all([np.isin(archs[:, e], allowed[e]) for e in range(6)], axis=0)
        assert np.array_equal(fits, owners == index)  # disjoint, complete, and the owner is the one that holds it


def test_splitting_one_edge_gives_five_times_3125() -> None:
    assert np.bincount(owner(enumerate_all(SPACE), (0,))).tolist() == [3125] * 5


@pytest.mark.parametrize("edges", [(6,), (-1,), (2, 2)])
def test_split_edges_outside_the_cell_or_twice_are_refused(edges: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="split edges are distinct"):
        splits(edges)


def test_transfer_copies_every_tensor_the_split_edge_included(net: Supernet, images: torch.Tensor) -> None:
    for index, allowed in enumerate(splits((0,))):
        child = Supernet(Macro(), np.random.default_rng(9), allowed)
        transfer(net, child)
        source = dict(net.named_parameters())
        names = dict(child.named_parameters())
        assert all(torch.equal(tensor, source[name]) for name, tensor in names.items())
        own = {name for name in names if name.startswith(("first.edges.0.", "second.edges.0."))}
        assert len(own) == (2 if index in (2, 3) else 0)  # one convolution a cell, or an operation without weights
        arch = np.array([index, 1, 3, 2, 4, 3])
        assert torch.equal(child(images, one_hot_mix(arch)), net(images, one_hot_mix(arch)))


def test_transferred_weights_are_copies(net: Supernet) -> None:
    child = Supernet(Macro(), np.random.default_rng(9))
    transfer(net, child)
    with torch.no_grad():
        child.bias.add_(1)
    assert not torch.equal(child.bias, net.bias)


def test_transfer_from_a_part_to_the_whole_is_refused(net: Supernet) -> None:
    part = Supernet(Macro(), np.random.default_rng(0), splits((0,))[0])
    with pytest.raises(UsageError, match=r"no tensor 'first.edges.0.convs.2.weight'"):
        transfer(part, net)


def test_everything_is_five_operations_on_six_edges() -> None:
    assert EVERYTHING == ((0, 1, 2, 3, 4),) * 6
