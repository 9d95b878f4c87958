"""The DARTS supernet against a plain one and against its architectures alone; sub-supernets, noise, mixtures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.live.supernets.darts.supernet import DartsSupernet
from nasboard.benchmarks.live.supernets.supernet import transfer
from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.benchmarks.spaces.node_cells.wiring import FOUR
from nasboard.benchmarks.spaces.relaxation import Allowed, draw, everything, owner, size, splits
from nasboard.harness.errors import SpecError, UsageError
from tests.benchmarks.live.plain_darts import loosely, of_supernet, weights_of

SMALL = DartsMacro(image=8, channels=4, cells=3)
KINDS = [(name, partial) for name in ("darts", "s1", "s2", "s3", "s4", "nat") for partial in (1, 2)]
KINDS += [("nat-enas", 1)]


def space_of(name: str, partial: int = 1) -> DartsSpace:
    return replace(SPACES[name], edge_weights=True) if partial > 1 else SPACES[name]


def supernet(space: DartsSpace, macro: DartsMacro = SMALL, allowed: Allowed | None = None) -> DartsSupernet:
    made = DartsSupernet(space, macro, np.random.default_rng(0), allowed)
    with torch.no_grad():  # away from the initial ones and zeros, so that a forgotten scale or shift shows
        for tensor in made.parameters():
            tensor.add_(torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, tuple(tensor.shape)).astype("f4")))
    return made.double()


def images(n: int = 4, side: int = 8, channels: int = 3, seed: int = 2) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, channels, side, side)))


def soft_mixture(space: DartsSpace, seed: int = 3) -> Tensor:
    logits = torch.from_numpy(np.random.default_rng(seed).standard_normal(size(space.groups)))
    return Simplices(space.groups).softmax(logits)


def gradients(out: Tensor, net: nn.Module) -> dict[int, Tensor]:
    """Return the gradient of every parameter that has one other than zero, by the parameter's identity."""
    tensors = list(net.parameters())
    found = torch.autograd.grad(out.square().mean(), tensors, allow_unused=True)
    return {id(t): grad for t, grad in zip(tensors, found, strict=True) if grad is not None and grad.any()}


@pytest.mark.parametrize(("name", "partial"), KINDS)
def test_the_supernet_under_an_architecture_is_the_architecture_alone(name: str, partial: int) -> None:
    space, rng = space_of(name, partial), np.random.default_rng(4)
    net = supernet(space, replace(SMALL, partial=partial))
    x = images()
    for _ in range(4):
        arch = draw(space, everything(space.groups), rng)
        alone = net.network(arch)
        mixed, plainly = net(x, net.mixtures(arch[None])[0].double()), alone(x)
        torch.testing.assert_close(mixed, plainly)
        torch.testing.assert_close(gradients(mixed, net), gradients(plainly, alone))


@pytest.mark.parametrize(("name", "partial"), [kind for kind in KINDS if kind[0] != "s4"])
def test_a_mixture_gives_what_a_plain_supernet_gives(name: str, partial: int) -> None:
    space = space_of(name, partial)
    net = supernet(space, replace(SMALL, partial=partial))
    mix = soft_mixture(space).requires_grad_()
    plain, x = of_supernet(net).double(), images()
    told = loosely(net, mix) if space.loose else (weights_of(net, mix),)
    ours, theirs = net(x, mix), plain(x, *told)
    torch.testing.assert_close(ours, theirs)
    inputs = [mix, *net.parameters()], [mix, *plain.parameters()]
    found = [
        torch.autograd.grad(out.square().mean(), at, allow_unused=True)
        for out, at in zip((ours, theirs), inputs, strict=True)
    ]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(torch.zeros_like(other) if one is None else one, other)


@pytest.mark.parametrize("name", ["s2", "s4", "nat", "nat-enas"])
def test_skipping_operations_of_zero_weight_changes_nothing(name: str) -> None:
    space = SPACES[name]
    net, x = supernet(space), images()
    mix = net.mixtures(draw(space, everything(space.groups), np.random.default_rng(5))[None])[0].double()
    torch.testing.assert_close(net(x, mix), net(x, mix.clone().requires_grad_()))


def test_an_edge_without_any_weight_brings_nothing() -> None:
    space = SPACES["s3"]
    net, x = supernet(space), images()
    mix = soft_mixture(space)
    nothing, at_none = mix.clone(), mix.clone()
    nothing[:3], at_none[:3] = 0, torch.tensor([1.0, 0.0, 0.0])
    torch.testing.assert_close(net(x, nothing), net(x, at_none))
    assert torch.isfinite(net(x, torch.zeros_like(mix))).all()


@pytest.mark.parametrize(("name", "partial"), [("darts", 1), ("s4", 2)])
def test_a_hessian_vector_product_is_that_of_finite_differences(name: str, partial: int) -> None:
    space = space_of(name, partial)
    net, x = supernet(space, replace(SMALL, cells=2, partial=partial)), images()
    simplices = Simplices(space.groups)
    labels = torch.tensor([0, 3, 5, 7])
    alpha = torch.from_numpy(np.random.default_rng(6).standard_normal(size(space.groups))).requires_grad_()
    vector = torch.from_numpy(np.random.default_rng(7).standard_normal(len(alpha)))
    inputs = [alpha, *net.parameters()]

    def first(at: Tensor, graph: bool) -> tuple[Tensor, ...]:
        loss = nn.functional.cross_entropy(net(x, simplices.softmax(at)), labels)
        return torch.autograd.grad(loss, [at, *inputs[1:]], create_graph=graph, allow_unused=True)

    along = (first(alpha, True)[0] * vector).sum()
    exact = torch.autograd.grad(along, inputs, allow_unused=True)
    h = 1e-5
    up, down = (first((alpha + s * h * vector).detach().requires_grad_(), False) for s in (1, -1))
    compared = 0
    for product, plus, minus in zip(exact, up, down, strict=True):
        if product is not None and plus is not None:
            torch.testing.assert_close(product, (plus - minus) / (2 * h), rtol=1e-4, atol=1e-6)
            compared += 1
    assert compared > 10


def test_a_sub_supernet_holds_and_computes_what_it_is_allowed() -> None:
    space = SPACES["s1"]
    parent, x = supernet(space), images()
    rng = np.random.default_rng(8)
    for split in ((0,), (3, 20)):
        children = splits(space.groups, split)
        assert len(children) == 2 ** len(split)
        arch = draw(space, everything(space.groups), rng)
        allowed = children[int(owner(space, arch[None], split)[0])]
        child = supernet(space, allowed=allowed)
        transfer(parent, child)
        mix = parent.mixtures(arch[None])[0].double()
        assert torch.equal(child(x, mix), parent(x, mix))
        assert torch.equal(child.network(arch)(x), parent.network(arch)(x))
        assert sum(p.numel() for p in child.parameters()) < sum(p.numel() for p in parent.parameters())


def test_an_edge_that_is_not_allowed_into_its_node_owns_no_weights() -> None:
    space = space_of("s2", 2)
    both = zip(space.groups, everything(space.groups), strict=True)
    allowed = tuple((0, 1) if group.kind == "edge" else held for group, held in both)
    net = supernet(space, replace(SMALL, partial=2), allowed)
    owning = {int(name.split(".")[3]) for name, _ in net.named_parameters() if ".edges." in name}
    assert owning == {edge for edge, (source, _) in enumerate(FOUR.edges) if source < 2}
    arch, x = draw(space, allowed, np.random.default_rng(9)), images()
    torch.testing.assert_close(net(x, net.mixtures(arch[None])[0].double()), net.network(arch)(x))


def test_a_sub_supernet_refuses_what_it_does_not_hold() -> None:
    space = SPACES["s2"]
    child = supernet(space, allowed=splits(space.groups, (1,))[0])
    mix = soft_mixture(space)
    with pytest.raises(SpecError, match=r"group normal 2<-1 of this sub-supernet holds options \(0,\), .* uses \[1\]"):
        child(images(), mix)


@pytest.mark.parametrize("shape", [(55,), (28, 2), (57,)])
def test_a_mixture_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match="a mixture has 56 numbers"):
        supernet(SPACES["s2"])(images(), torch.zeros(shape))


def test_partial_channels_need_edge_weights_and_whole_channels() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="s2 has no edge weights"):
        DartsSupernet(SPACES["s2"], replace(SMALL, partial=2), rng)
    with pytest.raises(UsageError, match="1/3 of 4 channels"):
        DartsSupernet(space_of("s2", 2), replace(SMALL, partial=3), rng)


def test_noise_is_fresh_for_every_batch_and_edge_and_the_same_for_the_same_images() -> None:
    space = SPACES["s4"]
    net = supernet(space)
    seen: list[Tensor] = []
    for module in net.modules():
        if type(module).__name__ == "Noise":
            module.register_forward_hook(lambda *args: seen.append(args[2]))
    mix = soft_mixture(space)
    for x in (images(), images(), images(seed=11)):
        net(x, mix)
    n = SMALL.cells * 14
    assert len(seen) == 3 * n
    for once, again, other in zip(seen[:n], seen[n : 2 * n], seen[2 * n :], strict=True):
        assert torch.equal(once, again)
        assert not torch.equal(once, other)
    flat = torch.stack([noise.flatten() for noise in seen[:n] if noise.shape == seen[0].shape])
    assert len(flat.unique(dim=0)) == len(flat)
    assert abs(float(flat.mean())) < 0.05
    assert abs(float(flat.std()) - 1) < 0.05


def test_a_forward_pass_leaves_the_supernet_and_the_global_generator_as_they_were() -> None:
    net = supernet(SPACES["s4"])
    torch.manual_seed(0)
    untouched, before = torch.get_rng_state(), {name: t.clone() for name, t in net.state_dict().items()}
    net(images(), soft_mixture(net._darts))
    assert torch.equal(torch.get_rng_state(), untouched)
    assert all(torch.equal(before[name], t) for name, t in net.state_dict().items())


@pytest.mark.parametrize(
    "macro",
    [
        DartsMacro(image=7, inputs=1, channels=4, cells=5),
        DartsMacro(image=32, channels=4, cells=3, imagenet=True),
        DartsMacro(image=8, channels=6, cells=1),
        DartsMacro(image=8, channels=4, cells=2, classes=3),
    ],
)
def test_networks_of_other_sizes_keep_the_contract(macro: DartsMacro) -> None:
    space = SPACES["darts"]
    net = supernet(space, macro)
    x = images(side=macro.image, channels=macro.inputs)
    arch = draw(space, everything(space.groups), np.random.default_rng(10))
    logits = net.network(arch)(x)
    assert logits.shape == (4, macro.classes)
    torch.testing.assert_close(net(x, net.mixtures(arch[None])[0].double()), logits)


@pytest.mark.parametrize(("name", "partial"), [("darts", 1), ("s4", 2)])
def test_half_precision_is_the_same_network_to_its_tolerance(name: str, partial: int) -> None:
    space = space_of(name, partial)
    macro = replace(SMALL, partial=partial)
    exact, half = (DartsSupernet(space, macro, np.random.default_rng(0), precision=p) for p in ("fp32", "bf16"))
    x, mix = images(n=8).float(), soft_mixture(space).float().requires_grad_()
    seen = [net(x, mix) for net in (exact, half)]
    assert seen[1].dtype == torch.float32
    assert not torch.equal(*seen)
    assert (seen[0] - seen[1]).norm() < 0.05 * seen[0].norm()
    of_mix, of_half = (torch.autograd.grad(out.square().mean(), mix)[0] for out in seen)
    assert (of_mix - of_half).norm() < 0.2 * of_mix.norm()
    arch = draw(space, everything(space.groups), np.random.default_rng(12))
    torch.testing.assert_close(half(x, half.mixtures(arch[None])[0]), half.network(arch)(x))
