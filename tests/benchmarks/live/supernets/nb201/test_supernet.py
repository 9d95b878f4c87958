"""The supernet against an architecture written plainly, against itself alone, and against version 0.1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet
from nasboard.benchmarks.live.supernets.supernet import transfer
from nasboard.benchmarks.spaces.macros import DIGITS, NB201Macro
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.relaxation import splits
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import sample
from tests.benchmarks.live import plain
from tests.benchmarks.live.supernets.nb201 import version_0_1

SPACE = NB201Space()
MACROS = {
    "digits": DIGITS,
    "small": NB201Macro(image=8, channels=4, stages=3, cells=1, classes=7),
    "two cells": NB201Macro(image=8, channels=4, stages=2, cells=2, stem=1, residual=False),
}


def moved(net: NB201Supernet) -> NB201Supernet:
    with torch.no_grad():  # away from the initial ones and zeros, so that a forgotten scale or shift shows
        for tensor in net.parameters():
            tensor.add_(torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, tuple(tensor.shape)).astype("f4")))
    return net


@pytest.fixture
def net() -> NB201Supernet:
    return moved(NB201Supernet(DIGITS, np.random.default_rng(0)))


def images_for(macro: NB201Macro, n: int = 20) -> Tensor:
    shape = (n, macro.inputs, macro.image, macro.image)
    return torch.from_numpy(np.random.default_rng(2).standard_normal(shape, dtype=np.float32))


@pytest.fixture
def images() -> Tensor:
    return images_for(DIGITS)


def corner_cases() -> np.ndarray:
    rows = [[op] * 6 for op in range(5)] + [[3, 0, 0, 0, 0, 1], [0, 0, 3, 0, 2, 3], [1, 4, 3, 0, 2, 3]]
    return np.array(rows, dtype=np.int16)


def mixture(seed: int = 4) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).dirichlet(np.ones(5), 6).astype("f4")).flatten()


def gradients(loss: Tensor, of: torch.nn.Module) -> dict[str, Tensor]:
    names, tensors = zip(*of.named_parameters(), strict=True)
    found = torch.autograd.grad(loss, tensors, allow_unused=True)
    return {name: g for name, g in zip(names, found, strict=True) if g is not None}


@pytest.mark.parametrize("macro", MACROS.values(), ids=MACROS)
def test_the_supernet_under_an_architecture_is_that_architecture_alone(macro: NB201Macro) -> None:
    net, images = moved(NB201Supernet(macro, np.random.default_rng(0))), images_for(macro)
    for arch in np.concatenate([corner_cases(), sample(SPACE, np.random.default_rng(3), 8)]):
        seen, alone = net(images, net.mixtures(arch[None])[0]), net.network(arch)(images)
        torch.testing.assert_close(seen, alone, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(seen, plain.of_supernet(net, arch)(images), rtol=1e-4, atol=1e-5)
        ours, theirs = (gradients(logits.pow(2).mean(), net) for logits in (seen, alone))
        for name, gradient in theirs.items():
            torch.testing.assert_close(ours.pop(name), gradient, rtol=1e-3, atol=1e-4)
        assert all(not unused.any() for unused in ours.values())


@pytest.mark.parametrize("macro", MACROS.values(), ids=MACROS)
def test_a_mixture_weighs_operations_as_written_plainly(macro: NB201Macro) -> None:
    net, images = moved(NB201Supernet(macro, np.random.default_rng(0))), images_for(macro)
    written, mix = plain.share(net, plain.supernet(macro)), mixture().requires_grad_()
    seen, expected = net(images, mix), written(images, mix)
    torch.testing.assert_close(seen, expected, rtol=1e-4, atol=1e-5)
    (ours,), (theirs,) = (torch.autograd.grad(logits.pow(2).mean(), mix) for logits in (seen, expected))
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("soft", [True, False])
def test_on_digits_every_bit_is_that_of_version_0_1(images: Tensor, soft: bool) -> None:
    net = NB201Supernet(DIGITS, np.random.default_rng(0))
    old = version_0_1.draw(np.random.default_rng(0))
    mix = mixture().requires_grad_() if soft else net.mixtures(corner_cases()[[7]])[0]
    before, after = version_0_1.forward(old, images, mix.view(6, 5)), net(images, mix)
    assert torch.equal(before, after)
    if soft:
        assert torch.equal(*(torch.autograd.grad(y.pow(2).mean(), mix, retain_graph=True)[0] for y in (before, after)))
    new = gradients(after.pow(2).mean(), net)
    names = {"stem": "stem.weight", "reduction": "reductions.0.weight", "linear": "weight"}
    for name, g in zip(old, torch.autograd.grad(before.pow(2).mean(), [*old.values()], allow_unused=True), strict=True):
        cell, _, rest = name.partition(".")
        place = names.get(name) or "cells.{}.edges.{}.convs.{}.weight".format(cell, *rest.split("."))
        assert torch.equal(dict(net.named_parameters())[place], old[name])
        assert (g is None and place not in new) or torch.equal(new[place], g)


def test_each_cell_can_have_a_mixture_of_its_own(net: NB201Supernet, images: Tensor) -> None:
    one, other = net.mixtures(corner_cases()[[3, 7]])
    assert torch.equal(net(images, torch.stack([one, one])), net(images, one))
    x = net.cells[0](net.embed(images), net.terms(one))
    expected = net.head(net.cells[1](net.reduce(1, x), net.terms(other)))
    assert torch.equal(net(images, torch.stack([one, other])), expected)
    assert not torch.equal(expected, net(images, torch.stack([other, one])))
    with pytest.raises(SpecError, match=r"has 30 numbers, given shape \(3, 30\)"):
        net(images, torch.stack([one, one, one]))


def test_skipping_operations_of_zero_weight_changes_nothing(net: NB201Supernet, images: Tensor) -> None:
    for mix in net.mixtures(corner_cases()):
        computed = net(images, mix.clone().requires_grad_())  # a gradient is asked for: nothing is skipped
        torch.testing.assert_close(net(images, mix), computed.detach(), rtol=1e-4, atol=1e-5)


def test_the_gradient_of_a_mixture_is_that_of_finite_differences(net: NB201Supernet, images: Tensor) -> None:
    net = net.double()
    mix = torch.full((30,), 0.2, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(images.double(), mix).pow(2).mean(), mix)
    assert (gradient[::5] == 0).all()  # `none` brings nothing, however much of it
    for at in (3, 14, 28):
        step = torch.zeros(30, dtype=torch.float64)
        step[at] = 1e-6
        with torch.no_grad():
            up, down = (net(images.double(), mix + s * step).pow(2).mean() for s in (1, -1))
        assert gradient[at].item() == pytest.approx((up - down).item() / 2e-6, rel=1e-4)


def test_a_forward_pass_leaves_the_supernet_as_it_was(net: NB201Supernet, images: Tensor) -> None:
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net(images, torch.full((30,), 0.2))
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_equal_generators_draw_equal_weights_without_touching_the_global_one() -> None:
    torch.manual_seed(0)
    untouched = torch.get_rng_state()
    one, other = (NB201Supernet(MACROS["small"], np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), untouched)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("shape", [(5, 5), (29,), (1, 1, 30)])
def test_a_mixture_of_another_shape_is_refused(net: NB201Supernet, images: Tensor, shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match="has 30 numbers"):
        net(images, torch.zeros(shape))


def test_a_sub_supernet_refuses_what_it_does_not_hold(images: Tensor) -> None:
    child = NB201Supernet(DIGITS, np.random.default_rng(0), splits(NB201Space().groups, (0,))[3])
    held, foreign = child.mixtures(np.array([[3, 0, 0, 1, 0, 0], [1, 0, 0, 1, 0, 0]]))
    child(images, held)
    with pytest.raises(SpecError, match=r"1<-0 .* holds options \(3,\), the mixture uses \[1\]"):
        child(images, foreign)


def test_transfer_copies_every_tensor_the_split_edge_included(net: NB201Supernet, images: Tensor) -> None:
    for index, allowed in enumerate(splits(NB201Space().groups, (0,))):
        child = NB201Supernet(DIGITS, np.random.default_rng(9), allowed)
        transfer(net, child)
        source = dict(net.named_parameters())
        names = dict(child.named_parameters())
        assert all(torch.equal(tensor, source[name]) for name, tensor in names.items())
        own = {name for name in names if ".edges.0." in name}
        assert len(own) == (2 if index in (2, 3) else 0)  # one convolution a cell, or an operation without weights
        mix = net.mixtures(np.array([[index, 1, 3, 2, 4, 3]]))[0]
        assert torch.equal(child(images, mix), net(images, mix))


def test_transferred_weights_are_copies(net: NB201Supernet) -> None:
    child = NB201Supernet(DIGITS, np.random.default_rng(9))
    transfer(net, child)
    with torch.no_grad():
        child.bias.add_(1)
    assert not torch.equal(child.bias, net.bias)


def test_transfer_from_a_part_to_the_whole_is_refused(net: NB201Supernet) -> None:
    part = NB201Supernet(DIGITS, np.random.default_rng(0), splits(NB201Space().groups, (0,))[0])
    with pytest.raises(UsageError, match=r"no tensor 'cells.0.edges.0.convs.2.weight'"):
        transfer(part, net)
