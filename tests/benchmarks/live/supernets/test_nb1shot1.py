"""The NAS-Bench-1Shot1 supernet against an architecture alone, written plainly too, and the algebra of its mixtures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.supernets.nb1shot1 import NB1Shot1Supernet
from nasboard.benchmarks.live.supernets.supernet import transfer
from nasboard.benchmarks.spaces.macros import NB1Shot1Macro
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.relaxation import draw, everything, splits
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import Arch, enumerate_all, sample

SMALL = NB1Shot1Macro(image=8, channels=2, cells=3)
NUMBERS = (1, 2, 3)


def supernet(number: int, macro: NB1Shot1Macro = SMALL) -> NB1Shot1Supernet:
    net = NB1Shot1Supernet(NB1Shot1Space.of(number), macro, np.random.default_rng(0))
    with torch.no_grad():  # away from the initial ones and zeros, so that a forgotten scale or shift shows
        for tensor in net.parameters():
            tensor.add_(torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, tuple(tensor.shape)).astype("f4")))
    return net.double()


def images(macro: NB1Shot1Macro = SMALL, n: int = 12) -> Tensor:
    drawn = np.random.default_rng(2).standard_normal((n, macro.inputs, macro.image, macro.image))
    return torch.from_numpy(drawn)


def mixture(net: NB1Shot1Supernet, arch: Arch) -> Tensor:
    return net.mixtures(arch[None])[0].double()


def some(number: int, n: int = 12) -> np.ndarray:
    return sample(NB1Shot1Space.of(number), np.random.default_rng(3), n)


def gradients(net: NB1Shot1Supernet, logits: Tensor) -> dict[str, Tensor]:
    """Return the gradient of every weight; nothing is said of one that has none, or zeros."""
    loss = F.cross_entropy(logits, torch.arange(len(logits)) % logits.shape[1])
    names, tensors = zip(*net.named_parameters(), strict=True)
    found = torch.autograd.grad(loss, tensors, allow_unused=True)
    return {name: g for name, g in zip(names, found, strict=True) if g is not None and g.any()}


def plainly(net: NB1Shot1Supernet, arch: Arch, x: Tensor) -> Tensor:
    """Return the logits of an architecture, written from the description: every block, zeros where it is not taken."""
    spec = net.space.decode(arch)
    vertices = [part.rstrip(")").split("(") for part in spec.split("|")]
    ops = [op for op, _ in vertices]
    parents = [[int(p) for p in into.split(",")] for _, into in vertices]
    n = len(ops) - 1

    def norm(y: Tensor) -> Tensor:
        return (y - y.mean((0, 2, 3), keepdim=True)) / (y.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()

    def affine(y: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return norm(y) * gamma[:, None, None] + beta[:, None, None]

    stem = net.stem
    x = F.relu(affine(F.conv2d(x, stem.weight, padding=1), stem.gamma, stem.beta))
    for number, cell in enumerate(net.cells):
        if number in net.macro.reductions:
            x = F.max_pool2d(x, 2)
        values = []
        for node in range(n):
            block, k = cell.blocks[node], net.macro.partial
            y = sum(F.relu(norm(F.conv2d(x, block.project.weight))) if p == 0 else values[p - 1] for p in parents[node])
            y, around = y[:, : y.shape[1] // k], y[:, y.shape[1] // k :]
            if ops[node] == "maxpool3x3":
                y = F.max_pool2d(y, 3, 1, 1)
            else:
                weight = block.convs[ops[node]].weight
                y = F.relu(norm(F.conv2d(y, weight, padding=weight.shape[-1] // 2)))
            values.append(F.channel_shuffle(torch.cat([y, around], 1), k))
        taken = [v if node in parents[n] else torch.zeros_like(v) for node, v in enumerate(values, start=1)]
        out = torch.cat(taken, 1)
        x = out + F.relu(norm(F.conv2d(x, cell.direct.weight))) if 0 in parents[n] else out
    x = affine(F.conv2d(F.relu(x), net.post), net.gamma, net.beta)
    return F.linear(x.mean((2, 3)), net.weight, net.bias)


@pytest.mark.parametrize("partial", [1, 2])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_supernet_under_an_architectures_mixture_is_the_architecture_alone(number: int, partial: int) -> None:
    net, x = supernet(number, replace(SMALL, partial=partial)), images()
    for arch in some(number):
        mixed, alone = net(x, mixture(net, arch)), net.network(arch)(x)
        torch.testing.assert_close(mixed, plainly(net, arch, x))
        torch.testing.assert_close(alone, mixed)
        expected, given = gradients(net, mixed), gradients(net, alone)
        assert expected.keys() == given.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(given[name], gradient)


@pytest.mark.parametrize("number", NUMBERS)
def test_what_an_architecture_does_not_use_is_not_computed_and_would_change_nothing(number: int) -> None:
    net, x = supernet(number), images()
    for arch in some(number, 4):
        mix = mixture(net, arch)
        computed = net(x, mix.clone().requires_grad_())  # a gradient is asked for: nothing is left out
        torch.testing.assert_close(net(x, mix), computed.detach())


@pytest.mark.parametrize("partial", [1, 2])
@pytest.mark.parametrize("number", NUMBERS)
def test_the_gradient_of_a_mixture_is_that_of_finite_differences(number: int, partial: int) -> None:
    net, x = supernet(number, replace(SMALL, partial=partial)), images(n=6)
    rng = np.random.default_rng(4)
    mix = torch.from_numpy(rng.uniform(0.1, 0.9, len(net._held))).requires_grad_()
    (gradient,) = torch.autograd.grad(net(x, mix).pow(2).mean(), mix)
    for at in rng.permutation(len(mix))[:8].tolist():
        step = torch.zeros_like(mix)
        step[at] = 1e-5
        with torch.no_grad():
            up, down = (net(x, mix + sign * step).pow(2).mean() for sign in (1, -1))
        assert gradient[at].item() == pytest.approx((up - down).item() / 2e-5, rel=1e-3, abs=1e-7)


@pytest.mark.parametrize("partial", [1, 2])
@pytest.mark.parametrize("number", NUMBERS)
def test_logits_of_many_are_those_of_each_in_the_order_asked(number: int, partial: int) -> None:
    net, x = supernet(number, replace(SMALL, partial=partial)), images()
    archs = np.concatenate([some(number, 20), some(number, 8)])
    found = list(net.logits(archs, x))
    assert len(found) == len(archs)
    for arch, logits in zip(archs, found, strict=True):
        torch.testing.assert_close(logits, net(x, mixture(net, arch)))


@pytest.mark.parametrize("number", NUMBERS)
def test_architectures_that_differ_in_loose_ends_alone_are_scored_once(number: int) -> None:
    net, archs = supernet(number), some(number, 400)
    stand = net.distinct(archs)
    assert len(np.unique(stand, axis=0)) < len(np.unique(archs, axis=0))
    differ = np.flatnonzero((stand != archs).any(axis=1))[:4]
    for one, other in zip(net.logits(archs[differ], images()), net.logits(stand[differ], images()), strict=True):
        assert torch.equal(one, other)


def test_of_a_whole_space_the_labelled_graphs_are_scored() -> None:
    whole = enumerate_all(NB1Shot1Space.of(1))
    assert len(whole) == 14_580
    assert len(np.unique(supernet(1).distinct(whole), axis=0)) == 3_702  # by enumeration of the pruned matrices


@pytest.mark.parametrize(
    "macro", [NB1Shot1Macro(image=16, channels=4, cells=3), NB1Shot1Macro(16, 1, 3, 9, 4), NB1Shot1Macro(8, 3, 2, 1)]
)
def test_every_size_works_in_single_precision(macro: NB1Shot1Macro) -> None:
    net, x = supernet(1, macro).float(), images(macro).float()
    for arch in some(1, 3):
        assert net(x, mixture(net, arch).float()).shape == (12, macro.classes)
        torch.testing.assert_close(net(x, mixture(net, arch).float()), net.network(arch)(x), rtol=1e-3, atol=1e-4)


def test_channels_double_and_the_side_halves_at_a_third_and_two_thirds() -> None:
    net = supernet(1, NB1Shot1Macro(image=8, channels=2, cells=9))
    assert [cell.channels for cell in net.cells] == [2] * 3 + [4] * 3 + [8] * 3
    x, sides = net.embed(images()), []
    for number in range(9):
        x = net.enter(number, x)
        sides.append(x.shape[-1])
    assert sides == [8] * 3 + [4] * 3 + [2] * 3


@pytest.mark.parametrize("number", NUMBERS)
def test_a_mixture_of_another_length_is_refused(number: int) -> None:
    net = supernet(number)
    m = {1: 24, 2: 26, 3: 35}[number]
    net(images(), torch.zeros(m).double())  # nothing at all is a mixture, and gives logits
    for wrong in ((m + 1,), (m - 1,), (1, m)):
        with pytest.raises(SpecError, match=f"a mixture has {m} numbers"):
            net(images(), torch.zeros(wrong))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_sub_supernet_computes_what_its_parent_computes_for_what_it_holds(number: int) -> None:
    parent, x = supernet(number), images()
    groups = parent.space.groups
    at = next(g for g, group in enumerate(groups) if group.name == "operation of node 1")
    for allowed in splits(groups, (at,)):
        child = NB1Shot1Supernet(NB1Shot1Space.of(number), SMALL, np.random.default_rng(9), allowed).double()
        transfer(parent, child)
        op = groups[at].options[allowed[at][0]]
        own = [name for name, _ in child.named_parameters() if name.startswith("cells.0.blocks.0.convs.")]
        assert own == ([] if op == "maxpool3x3" else [f"cells.0.blocks.0.convs.{op}.weight"])
        arch = draw(parent.space, allowed, np.random.default_rng(7))
        assert torch.equal(child(x, mixture(child, arch)), parent(x, mixture(parent, arch)))
        assert torch.equal(child.network(arch)(x), parent.network(arch)(x))


def test_a_sub_supernet_refuses_what_it_does_not_hold() -> None:
    space = NB1Shot1Space.of(1)
    names = [group.name for group in space.groups]
    at, output = names.index("operation of node 1"), names.index("output")
    allowed = list(everything(space.groups))
    allowed[at], allowed[output] = (1,), (0, 3, 4)
    child = NB1Shot1Supernet(space, SMALL, np.random.default_rng(9), tuple(allowed))
    op = space.groups[at].options[0]
    foreign = space.encode(f"{op}(0)|maxpool3x3(0,1)|maxpool3x3(0,1)|maxpool3x3(0,1)|output(3,4)")
    for use in (child.network, lambda a: next(child.logits(a[None], images().float()))):
        with pytest.raises(SpecError, match=r"operation of node 1 .* holds options \(1,\), the mixture uses \[0\]"):
            use(foreign)
    held = space.groups[at].options[1]
    unheld_output = space.encode(f"{held}(0)|maxpool3x3(0,1)|maxpool3x3(0,1)|maxpool3x3(0,1)|output(1,4)")
    with pytest.raises(SpecError, match=r"output .* holds options \(0, 3, 4\), the mixture uses \[1\]"):
        child(images().float(), mixture(child, unheld_output).float())


def test_channels_that_cannot_be_shared_out_are_refused() -> None:
    with pytest.raises(UsageError, match="1/3 of 2 channels is no whole number"):
        supernet(1, replace(SMALL, partial=3))


def test_partial_channels_pass_a_block_whose_operations_have_no_weight() -> None:
    net = supernet(1, replace(SMALL, partial=2))
    mix = mixture(net, some(1, 1)[0])
    for group, at in zip(net.space.groups, net._cuts, strict=True):
        if group.kind == "operation":
            mix[at] = 0
    torch.testing.assert_close(net(images(), mix), net(images(), mix.clone().requires_grad_()))
    assert len(net(images(), mix).unique(dim=0)) == len(images())  # the images still make a difference


def test_equal_generators_draw_equal_weights_without_touching_the_global_one() -> None:
    torch.manual_seed(0)
    untouched = torch.get_rng_state()
    one, other = (NB1Shot1Supernet(NB1Shot1Space.of(2), SMALL, np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), untouched)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_hessian_vector_product_is_that_of_finite_differences() -> None:
    net, x = supernet(1), images(n=6)
    rng = np.random.default_rng(6)
    alpha = torch.from_numpy(rng.uniform(0.2, 0.8, len(net._held))).requires_grad_()
    direction = torch.from_numpy(rng.standard_normal(len(alpha)))

    def gradient(at: Tensor) -> Tensor:
        return torch.autograd.grad(net(x, at).pow(2).mean(), at, create_graph=True)[0]

    (product,) = torch.autograd.grad(gradient(alpha) @ direction, alpha)
    up, down = (gradient(alpha + sign * 1e-5 * direction).detach() for sign in (1, -1))
    torch.testing.assert_close(product, (up - down) / 2e-5, rtol=1e-3, atol=1e-5)
