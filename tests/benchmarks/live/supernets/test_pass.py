"""What a forward pass leaves out or drops beside, in the supernets of every space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.live.networks import supernet
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Dropping, Pass, Supernet, transfer
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.macros import DartsMacro, NB1Shot1Macro, NB201Macro
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.relaxation import draw, everything
from nasboard.harness.errors import SpecError, UsageError

WEIGHTED = replace(SPACES["darts"], edge_weights=True)
ONE_CELL = NB201Macro(image=8, channels=4, stages=1, cells=1)
KINDS = {
    "nb201": (NB201Space(), NB201Macro(image=8, channels=4, stages=2, cells=1)),
    "nb201, none mixed": (NB201Space(ops=(1, 3), mixes_none=True), NB201Macro(image=8, channels=4, stages=2, cells=1)),
    "nb201 without none": (NB201Space(ops=(1, 2, 3, 4)), NB201Macro(image=8, channels=4, stages=2, cells=1)),
    "nb1shot1": (NB1Shot1Space.of(1), NB1Shot1Macro(image=8, channels=4, cells=2)),
    "darts": (SPACES["darts"], DartsMacro(image=8, channels=4, cells=2)),
    "darts partial": (WEIGHTED, DartsMacro(image=8, channels=4, cells=2, partial=2)),
    "nb201 partial": (NB201Space(edge_weights=True), NB201Macro(image=8, channels=4, stages=1, cells=2, partial=2)),
    "nb1shot1 partial": (NB1Shot1Space.of(2), NB1Shot1Macro(image=8, channels=4, cells=2, partial=2)),
    "s4": (SPACES["s4"], DartsMacro(image=8, channels=4, cells=2)),
}


@pytest.fixture(params=KINDS)
def net(request: pytest.FixtureRequest) -> Supernet:
    return supernet(*KINDS[request.param], np.random.default_rng(0)).double()


def images(n: int = 4) -> Tensor:
    return torch.from_numpy(np.random.default_rng(2).standard_normal((n, 3, 8, 8)))


def soft(net: Supernet) -> Tensor:
    simplices = Simplices(net.space.groups)
    return simplices.softmax(torch.from_numpy(np.random.default_rng(3).standard_normal(simplices.size)))


def hard(net: Supernet) -> Tensor:
    arch = draw(net.space, everything(net.space.groups), np.random.default_rng(4))
    return net.mixtures(arch[None])[0].double()


def rates(net: Supernet, rate: float) -> Tensor:
    return torch.full_like(soft(net), rate)


def gradients(net: Supernet, mix: Tensor, how: Pass) -> list[Tensor]:
    """Return the gradients of a loss with respect to mixture and weights, zeros where there is none."""
    inputs = [mix, *net.parameters()]
    found = torch.autograd.grad(net(images(), mix, how).pow(2).mean(), inputs, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True)]


def test_rates_of_zero_draw_nothing_and_change_no_bit(net: Supernet) -> None:
    rng = np.random.default_rng(5)
    before = rng.bit_generator.state
    none = Pass(path_drop=rates(net, 0), value_drop=rates(net, 0), rng=rng)
    for mix in (soft(net).requires_grad_(), hard(net)):
        plain = net(images(), mix)
        assert torch.equal(net(images(), mix, none), plain)
        assert torch.equal(net(images(), mix, Pass(rng=rng)), plain)
        assert torch.equal(net(images(), mix, PLAIN), plain)
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("what", ["path_drop", "value_drop"])
def test_what_is_dropped_is_drawn_from_the_passs_generator_alone(net: Supernet, what: str) -> None:
    torch.manual_seed(0)
    untouched = torch.get_rng_state()
    one, again, other = (
        net(images(), soft(net), Pass(**{what: rates(net, 0.5), "rng": np.random.default_rng(seed)}))
        for seed in (5, 5, 6)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert not torch.equal(one, net(images(), soft(net)))
    assert torch.equal(torch.get_rng_state(), untouched)


@pytest.mark.parametrize("what", ["path_drop", "value_drop"])
def test_the_gradient_flows_through_what_is_kept(net: Supernet, what: str) -> None:
    mix = soft(net).requires_grad_()

    def passing() -> Pass:
        return Pass(**{what: rates(net, 0.3), "rng": np.random.default_rng(7)})

    of_mix = gradients(net, mix, passing())[0]
    for at in np.random.default_rng(8).permutation(len(mix))[:6].tolist():
        step = torch.zeros_like(mix)
        step[at] = 1e-6
        with torch.no_grad():
            up, down = (net(images(), mix + sign * step, passing()).pow(2).mean() for sign in (1, -1))
        assert of_mix[at].item() == pytest.approx((up - down).item() / 2e-6, rel=1e-4, abs=1e-7)


def brought(rate: float, what: str, n: int, draws: int = 1) -> Tensor:
    """Return what a cell of one 3x3 convolution brings, over what it brings where nothing is dropped.

    That cell is the sum of one operation's output and nothing else: `(draws, n, c, h, w)`.
    """
    net = supernet(NB201Space(), ONE_CELL, np.random.default_rng(0)).double()
    mix = net.mixtures(np.array([[0, 0, 0, 3, 0, 0]]))[0].double()
    x = net.embed(images(n))
    cell, terms, rng = net.cell(0), net.terms(mix), np.random.default_rng(9)
    drops = [net.dropping(Pass(**{what: rates(net, rate), "rng": rng}), x.device) for _ in range(draws)]
    return (torch.stack([cell(x, terms, drop) for drop in drops]) / cell(x, terms)).detach()


def test_the_output_of_an_operation_is_dropped_for_a_whole_image_or_kept_and_scaled() -> None:
    share = brought(0.25, "path_drop", 200)[0]
    torch.testing.assert_close(share, share[:, :1, :1, :1].expand(share.shape))
    kept = share[:, 0, 0, 0]
    torch.testing.assert_close(kept[kept != 0], torch.full_like(kept[kept != 0], 1 / 0.75))
    assert 30 < int((kept == 0).sum()) < 70


def test_numbers_of_an_output_are_dropped_one_by_one() -> None:
    share = brought(0.25, "value_drop", 8)[0]
    torch.testing.assert_close(share[share != 0], torch.full_like(share[share != 0], 1 / 0.75))
    assert abs(float((share == 0).double().mean()) - 0.25) < 0.04  # of 2,048
    assert not any(bool((image == 0).all()) for image in share)


@pytest.mark.parametrize("what", ["path_drop", "value_drop"])
def test_on_average_nothing_is_dropped(what: str) -> None:
    share = brought(0.4, what, 4, draws=2000)
    assert float((share.mean(0) - 1).abs().max()) < 5 * (0.4 / 0.6 / 2000) ** 0.5


def test_every_cell_and_every_edge_drops_images_of_its_own() -> None:
    net = supernet(*KINDS["nb201"], np.random.default_rng(0))
    seen: list[Tensor] = []
    for edge in (edge for cell in net.cells for edge in cell.edges):
        edge.register_forward_hook(lambda _module, _given, out: seen.append((out == 0).all((1, 2, 3)).detach()))
    mix = net.mixtures(np.full((1, 6), 3))[0]
    net(images(64).float(), mix, Pass(path_drop=rates(net, 0.5), rng=np.random.default_rng(1)))
    assert len(seen) == 12
    assert len(torch.stack(seen).unique(dim=0)) == 12
    assert abs(float(torch.stack(seen).double().mean()) - 0.5) < 0.1


def test_only_operations_with_a_rate_are_dropped() -> None:
    net = supernet(*KINDS["darts"], np.random.default_rng(0)).double()
    skips = net.identities
    names = [option for group in net.space.groups for option in group.options]
    assert {names[i] for i in torch.nonzero(skips).flatten().tolist()} == {"skip_connect"}
    halving = sum(source.endswith(("<-0", "<-1")) for source in (g.name for g in net.space.groups[14:]))
    assert int(skips.sum()) == 28 - halving == 20
    mix = torch.zeros_like(soft(net)).masked_fill(skips, 1)
    how = Pass(path_drop=rates(net, 0.5).masked_fill(skips, 0), rng=np.random.default_rng(2))
    assert torch.equal(net(images(), mix, how), net(images(), mix))
    assert not torch.equal(net(images(), soft(net), how), net(images(), soft(net)))


@pytest.mark.parametrize("way", ["fused", "compiled"])
def test_a_faster_way_drops_what_the_reference_drops(way: str) -> None:
    space, macro = KINDS["nb201"]
    nets = [supernet(space, macro, np.random.default_rng(0), **{way: on}).double() for on in (False, True)]
    plain, fast = (
        net(images(), soft(net).requires_grad_(), Pass(path_drop=rates(net, 0.5), rng=np.random.default_rng(3)))
        for net in nets
    )
    torch.testing.assert_close(fast, plain)


def test_sparse_is_dense_but_for_the_gradient_of_what_is_not_taken(net: Supernet) -> None:
    mix = hard(net).requires_grad_()
    torch.testing.assert_close(net(images(), mix, Pass(sparse=True)), net(images(), mix))
    (sparse, *of_weights), (dense, *all_weights) = (gradients(net, mix, how) for how in (Pass(sparse=True), PLAIN))
    taken = mix.detach() != 0
    torch.testing.assert_close(sparse[taken], dense[taken])
    assert not sparse[~taken].any()
    assert dense[~taken].any()
    for ours, theirs in zip(of_weights, all_weights, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_sparse_computes_what_is_taken_alone(net: Supernet) -> None:
    calls: list[object] = []
    for module in net.modules():
        if not list(module.children()):
            module.register_forward_hook(lambda *_: calls.append(None))
    counts: dict[str, int] = {}
    runs: dict[str, Callable[[], Tensor]] = {
        "alone": lambda: net(images(), hard(net)),
        "sparse": lambda: net(images(), hard(net).requires_grad_(), Pass(sparse=True)),
    }
    for name, run in runs.items():
        calls.clear()
        run()
        counts[name] = len(calls)
    assert counts["alone"] == counts["sparse"]


def test_wrong_rates_are_refused(net: Supernet) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(SpecError, match=r"rates of dropping are .* numbers, as a mixture, given shape"):
        net(images(), soft(net), Pass(path_drop=torch.zeros(3), rng=rng))
    with pytest.raises(UsageError, match=r"rates of dropping are in \[0, 1\), given 1.0 to 1.0"):
        net(images(), soft(net), Pass(value_drop=rates(net, 1.0), rng=rng))
    with pytest.raises(UsageError, match="give the pass a generator"):
        net(images(), soft(net), Pass(path_drop=rates(net, 0.1)))


def test_operations_of_a_group_are_dropped_together_in_each_cell(
    net: Supernet, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = [number for number, group in enumerate(net.space.groups) for _ in group.options]
    apply, times = Dropping.apply, Counter[int]()
    seen: dict[tuple[int, int], list[tuple[bool, ...]]] = {}

    def watched(dropping: Dropping, at: int, y: Tensor) -> Tensor:
        kept = apply(dropping, at, torch.ones_like(y))
        seen.setdefault((owner[at], times[at]), []).append(tuple(kept.flatten(1).any(1).tolist()))
        times[at] += 1
        return y * kept

    monkeypatch.setattr(Dropping, "apply", watched)
    net(images(16), soft(net), Pass(path_drop=rates(net, 0.5), whole=True, rng=np.random.default_rng(3)))
    assert all(len(set(kept)) == 1 for kept in seen.values())
    assert max(len(kept) for kept in seen.values()) > 1
    drawn = {kept[0] for kept in seen.values()}
    assert len(drawn) > 0.9 * len(seen)  # each group, and each cell, draws for itself


def test_a_group_that_is_left_out_has_nothing_where_its_none_is_not_held() -> None:
    space = SPACES["s3"]  # none, skip_connect, sep_conv_3x3
    arch = draw(space, everything(space.groups), np.random.default_rng(1))
    whole, part = (
        supernet(space, DartsMacro(image=8, channels=4, cells=3), np.random.default_rng(0), allowed)
        for allowed in (None, ((1, 2),) * len(space.groups))
    )
    transfer(whole, part)
    assert part.mixtures(arch[None])[0].sum() == 16  # two edges into each of eight nodes
    assert whole.mixtures(arch[None])[0].sum() == 28
    x = images().float()
    assert torch.equal(part(x, part.mixtures(arch[None])[0]), whole(x, whole.mixtures(arch[None])[0]))
