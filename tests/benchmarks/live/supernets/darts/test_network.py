"""The network of one DARTS architecture against a plain one; published sizes, dropped paths, the auxiliary head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.cells import kept_edges
from nasboard.benchmarks.live.supernets.darts.network import DartsNetwork
from nasboard.benchmarks.live.supernets.darts.supernet import DartsSupernet
from nasboard.benchmarks.spaces.costs.darts import auxiliary, count
from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.genotype import write_genotype
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.benchmarks.spaces.relaxation import draw, everything
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch
from tests.benchmarks.live.plain_darts import Plain, put

SMALL = DartsMacro(image=8, channels=4, cells=3)
SPACE = SPACES["darts"]
V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)


def drawn(seed: int, space: DartsSpace = SPACE) -> Arch:
    return draw(space, everything(space.groups), np.random.default_rng(seed))


def network(macro: DartsMacro = SMALL, arch: Arch | None = None, space: DartsSpace = SPACE) -> DartsNetwork:
    made = DartsNetwork(macro, space, SPACE.encode(V2) if arch is None else arch, np.random.default_rng(0))
    with torch.no_grad():
        for tensor in made.parameters():
            tensor.add_(torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, tuple(tensor.shape)).astype("f4")))
    return made.double()


def images(n: int = 4, side: int = 8) -> Tensor:
    return torch.from_numpy(np.random.default_rng(2).standard_normal((n, 3, side, side)))


def weights_of(module: nn.Module) -> int:
    return sum(tensor.numel() for tensor in module.parameters())


@pytest.mark.parametrize(("name", "seed"), [*(("darts", seed) for seed in range(4)), ("nat", 0), ("nat-enas", 1)])
def test_it_trains_and_answers_as_a_plain_network(name: str, seed: int) -> None:
    space = SPACES[name]
    arch = drawn(seed, space)
    net, x = network(arch=arch, space=space), images()
    cells = kept_edges(space, arch)
    edges = tuple([(s, 2 + at // 2, [op]) for at, (s, op) in enumerate(cell.edges)] for cell in cells)
    plain = put(net, Plain(4, 3, edges, shared=False, joined=(cells[0].joined, cells[1].joined)).double())
    ones = ([(1.0, [1.0])] * len(cells[0].edges),) * 2
    torch.testing.assert_close(net(x), plain(x, ones))  # and the running statistics move
    net.eval(), plain.eval()
    torch.testing.assert_close(net(x), plain(x, ones))


@pytest.mark.parametrize(("auxiliary", "expected"), [(False, 3_349_342), (True, 3_349_342 + 476_426)])
def test_the_published_cell_has_its_published_size(auxiliary: bool, expected: int) -> None:
    # 3.3 M parameters at 36 channels and 20 cells (DARTS, table 1), the auxiliary head left out
    macro = DartsMacro(channels=36, cells=20, auxiliary=auxiliary)
    assert weights_of(DartsNetwork(macro, SPACE, SPACE.encode(V2), np.random.default_rng(0))) == expected


def test_the_published_cell_has_its_published_size_on_imagenet() -> None:
    macro = DartsMacro(channels=48, cells=14, classes=1000, imagenet=True)  # 4.7 M (DARTS, table 3)
    made = DartsNetwork(macro, SPACE, SPACE.encode(V2), np.random.default_rng(0))
    assert weights_of(made) == pytest.approx(4.7e6, abs=5e4)


@pytest.mark.parametrize("name", ["darts", "s1", "s4", "nat", "nat-enas"])
def test_parameters_are_as_many_as_are_counted_without_a_network(name: str) -> None:
    space, rng = SPACES[name], np.random.default_rng(7)
    net = DartsSupernet(space, SMALL, rng)
    for _ in range(5):
        arch = draw(space, everything(space.groups), rng)
        for macro in (replace(SMALL, auxiliary=True), replace(SMALL, imagenet=True, cells=4)):
            made = DartsNetwork(macro, space, arch, rng)
            joined = int(space.joined(arch[None])[0, 1].sum())
            beside = int(auxiliary(macro, joined)[0]) if macro.auxiliary else 0
            assert weights_of(made) == count(space, arch[None], macro).parameters[0] + beside
        assert weights_of(net.network(arch)) == count(space, arch[None], SMALL, shared=True).parameters[0]


@pytest.mark.parametrize("name", ["nat", "nat-enas"])
def test_cells_of_null_alone_answer_by_the_bias_and_learn_it(name: str) -> None:
    space = SPACES[name]
    spec = write_genotype(*[(("null", 0), ("null", 1)) * space.frame.nodes] * 2)
    arch = space.encode(spec)
    whole = DartsSupernet(space, SMALL, np.random.default_rng(0)).double()
    alone, x = network(arch=arch, space=space), images()
    for net in (whole.network(arch), alone):
        logits = net(x)
        assert torch.equal(logits, logits[:1].expand_as(logits))
        torch.nn.functional.cross_entropy(logits, torch.arange(4)).backward()
        found = [tensor.grad for tensor in net.parameters() if tensor.grad is not None and tensor.grad.any()]
        assert [tuple(grad.shape) for grad in found] == [(10,)]
    torch.testing.assert_close(whole(x, whole.mixtures(arch[None])[0].double()), whole.network(arch)(x))
    assert alone.training_logits(x, 0.5, np.random.default_rng(0))[0].isfinite().all()


def test_dropping_no_path_is_the_forward_pass_and_draws_nothing() -> None:
    net, rng = network(), np.random.default_rng(3)
    before = rng.bit_generator.state
    logits, aside = net.training_logits(images(), 0.0, rng)
    assert aside is None
    assert rng.bit_generator.state == before
    torch.testing.assert_close(logits, network()(images()))


def test_paths_are_dropped_image_by_image_but_for_identities() -> None:
    net = network()
    before, last = net.stem(images())
    kept = torch.ones(8, 4, 1, 1, 1, dtype=torch.float64)
    whole = net.cells[0](before, last, 0)
    assert torch.equal(net.cells[0](before, last, 0, kept), whole)
    kept[:, 0] = 0
    out = net.cells[0](before, last, 0, kept).unflatten(1, (4, -1))
    torch.testing.assert_close(out[1:, :2], whole.unflatten(1, (4, -1))[1:, :2])  # the other images keep theirs
    first, second, third, _ = out[0]
    assert not first.any()  # two convolutions
    assert not second.any()
    assert torch.equal(third, net.cells[0].first(before)[0])  # an identity, and a convolution that is dropped


@pytest.mark.parametrize("drop", [0.2, 0.6])
def test_the_share_of_dropped_paths_is_as_asked_and_the_mean_is_kept(drop: float) -> None:
    net, seen = network(), []
    for cell in net.cells:
        cell.register_forward_pre_hook(lambda _, args: seen.append(args[3]))
    net.training_logits(images(n=100), drop, np.random.default_rng(4))
    kept = torch.cat([mask.flatten() for mask in seen])
    assert sorted(kept.unique().tolist()) == pytest.approx([0.0, 1 / (1 - drop)])
    assert float(kept.mean()) == pytest.approx(1.0, abs=0.08)


def test_equal_generators_drop_equal_paths() -> None:
    one, other = (network().training_logits(images(), 0.5, np.random.default_rng(5))[0] for _ in range(2))
    assert torch.equal(one, other)
    assert not torch.equal(one, network().training_logits(images(), 0.5, np.random.default_rng(6))[0])


@pytest.mark.parametrize(("side", "imagenet"), [(32, False), (224, True)])
def test_the_auxiliary_head_learns_from_the_cells_before_it(side: int, imagenet: bool) -> None:
    net = network(replace(SMALL, image=side, auxiliary=True, imagenet=imagenet, classes=7))
    logits, aside = net.training_logits(images(2, side), 0.0, np.random.default_rng(0))
    assert aside is not None
    assert logits.shape == aside.shape == (2, 7)
    grads = torch.autograd.grad(aside.square().sum(), list(net.cells.parameters()), allow_unused=True)
    assert any(grad is not None and grad.any() for grad in grads)
    assert torch.equal(net.eval()(images(2, side)), net(images(2, side)))  # which needs no auxiliary head


def test_images_too_small_for_the_auxiliary_head_are_refused() -> None:
    net = network(replace(SMALL, image=16, auxiliary=True))
    with pytest.raises(UsageError, match=r"8 to 10 pixels a side, .* given \(4, 4\): train without it"):
        net.training_logits(images(2, 16), 0.0, np.random.default_rng(0))


def test_the_answer_to_an_image_does_not_depend_on_the_others() -> None:
    net = network().eval()
    torch.testing.assert_close(net(images())[:1], net(images()[:1]))


def test_noise_is_drawn_in_a_network_of_s4_too() -> None:
    space = SPACES["s4"]
    arch = space.encode(
        V2.replace("dil_conv_3x3", "noise").replace("skip_connect", "noise").replace("max_pool_3x3", "noise")
    )
    net = DartsNetwork(SMALL, space, arch, np.random.default_rng(0)).double().eval()
    x = images()
    assert torch.equal(net(x), net(x))
    assert not torch.allclose(net(x)[:2], net(x[:2]))  # another batch, other noise
