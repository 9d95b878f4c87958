"""What every live benchmark's supernet owes: under the mixture that is an architecture it is that one alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.catalogue import LIVE, Live  # noqa: E402
from nasboard.benchmarks.live.networks import supernet  # noqa: E402
from nasboard.benchmarks.live.sizes import with_partial  # noqa: E402
from nasboard.benchmarks.live.supernets.supernet import Supernet  # noqa: E402
from nasboard.benchmarks.spaces.macros import DartsMacro, LayersMacro  # noqa: E402
from nasboard.benchmarks.spaces.relaxation import cuts, draw, size  # noqa: E402
from nasboard.harness.errors import SpecError  # noqa: E402
from nasboard.harness.space import sample  # noqa: E402

SPACES = {live.space.name + ("" if live.data != "digits" else "-digits"): live for live in LIVE.values()}


def partial_channels(live: Live) -> Live:
    space, macro = with_partial(live.space, live.macro, 4)
    return replace(live, space=space, macro=macro)


WHOLE = ("darts-cifar10", "s3-cifar10", "nb201-cifar10-live", "nb1shot1-1-live", "nb1shot1-3-live")
PARTIAL = {f"{name} partial": partial_channels(LIVE[name]) for name in WHOLE}
ALL = SPACES | PARTIAL


def small(live: Live, allowed: object = None) -> Supernet:
    """Return the supernet of a live benchmark, no tensor where it begins, so that a forgotten one shows."""
    smallest = {"image": 8, "classes": 10, "channels": 4 * live.macro.partial}
    macro, cells = live.macro, live.macro.cells
    if not isinstance(macro, LayersMacro):  # the layers of a stage are the space's
        cells = 3 if isinstance(macro, DartsMacro) else cells // 3 or 1
    net = supernet(live.space, replace(macro, **smallest, cells=cells), np.random.default_rng(0), allowed)
    with torch.no_grad():
        for tensor in net.parameters():
            noise = np.random.default_rng(1).normal(0, 0.1, tuple(tensor.shape))
            tensor.add_(torch.from_numpy(noise.astype("f4")))
    return net


def images(net: Supernet) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(2).standard_normal((6, net.macro.inputs, 8, 8), dtype=np.float32))


@pytest.mark.parametrize("live", ALL.values(), ids=ALL)
def test_a_supernet_under_an_architecture_is_the_architecture_alone(live: Live) -> None:
    net = small(live).double()
    x = images(net).double()
    for arch in sample(live.space, np.random.default_rng(3), 4):
        mix = net.mixtures(arch[None])[0].double()
        shared, alone = _with_gradients(net, partial(net, x, mix)), _with_gradients(net, partial(net.network(arch), x))
        torch.testing.assert_close(shared[0], alone[0], rtol=1e-7, atol=1e-8)
        assert set(shared[1]) >= {name for name, gradient in alone[1].items() if gradient.abs().max() > 1e-9}
        for name, gradient in shared[1].items():
            torch.testing.assert_close(alone[1].get(name, torch.zeros_like(gradient)), gradient, rtol=1e-5, atol=1e-8)


def _with_gradients(net: Supernet, logits: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return logits, and the gradient of a loss on them with respect to the supernet's weights that have one."""
    net.zero_grad(set_to_none=True)
    out = logits()
    out.pow(2).mean().backward()
    return out.detach(), {n: t.grad.clone() for n, t in net.named_parameters() if t.grad is not None}


@pytest.mark.parametrize("live", ALL.values(), ids=ALL)
def test_many_are_scored_as_each_alone(live: Live) -> None:
    net = small(live).double()
    x = images(net).double()
    archs = sample(live.space, np.random.default_rng(4), 6)
    for found, arch in zip(net.logits(archs, x), archs, strict=True):
        torch.testing.assert_close(found, net.network(arch)(x).detach(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("live", SPACES.values(), ids=SPACES)
def test_a_mixture_of_the_wrong_length_is_refused(live: Live) -> None:
    net = small(live)
    with pytest.raises(SpecError, match="a mixture"):
        net(images(net), torch.zeros(size(live.space.groups) + 1))


@pytest.mark.parametrize("live", SPACES.values(), ids=SPACES)
def test_a_sub_supernet_holds_what_is_allowed_and_refuses_the_rest(live: Live) -> None:
    groups = live.space.groups
    split = next(i for i, group in enumerate(groups) if group.kind == "operation")
    allowed = tuple((1,) if i == split else tuple(range(len(group.options))) for i, group in enumerate(groups))
    part, whole = small(live, allowed), small(live)
    assert {n for n, _ in part.named_parameters()} <= {n for n, _ in whole.named_parameters()}
    arch = draw(live.space, allowed, np.random.default_rng(5))
    part(images(part), part.mixtures(arch[None])[0])
    foreign = torch.full((size(groups),), 0.5)
    with pytest.raises(SpecError, match="holds options"):
        part(images(part), foreign)
    empty = tuple(() if i == split else held for i, held in enumerate(allowed))
    with pytest.raises(SpecError, match="allows"):
        small(live, empty)
    assert cuts(groups)[split].stop > cuts(groups)[split].start
