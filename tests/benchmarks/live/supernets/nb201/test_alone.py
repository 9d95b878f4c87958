"""A network trained from scratch against the same network written plainly, while it trains and when it is asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from nasboard.benchmarks.live.supernets.nb201.alone import NB201Network
from nasboard.benchmarks.spaces.macros import DIGITS, NB201Macro
from nasboard.harness.errors import UsageError
from tests.benchmarks.live import plain

FULL = NB201Macro()
SMALL = NB201Macro(image=8, channels=4, stages=3, cells=2, classes=7)
ARCH = np.array([3, 1, 2, 4, 2, 3], dtype=np.int16)


def in_order(net: nn.Module) -> list[torch.Tensor]:
    """Return convolutions, then batch norms, then the rest, each in the order of the network."""
    return sorted((t for t in net.state_dict().values() if t.ndim), key=lambda t: -t.ndim)


@pytest.mark.parametrize("macro", [DIGITS, SMALL], ids=["digits", "small"])
def test_it_is_the_network_written_plainly(macro: NB201Macro) -> None:
    ours, written = NB201Network(macro, ARCH, np.random.default_rng(0)), plain.network(ARCH, True, macro)
    names = [n for n, _ in ours.named_parameters()]
    theirs = _in_their_order(written, names, ours)
    with torch.no_grad():
        for (_, a), b in zip(ours.named_parameters(), theirs, strict=True):
            a.add_(0.01)
            b.copy_(a)
    rng = np.random.default_rng(1)
    shape = (12, macro.inputs, macro.image, macro.image)
    for _ in range(3):  # running statistics follow
        x = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
        torch.testing.assert_close(ours(x), written(x), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.eval()(x), written.eval()(x), rtol=1e-3, atol=1e-4)


def _in_their_order(written: plain.Plain, names: list[str], ours: NB201Network) -> list[torch.Tensor]:
    """Return the plain network's parameters in the order of ours: by their places along the network."""
    body: list[torch.Tensor] = []
    for index, cell in enumerate(written.cells):
        if index and index % written.macro.cells == 0:
            body += _flat(written.reductions[index // written.macro.cells - 1])
        body += [p for edge in cell for p in edge.parameters()]
    found = [written.linear.weight, written.linear.bias, *written.stem.parameters(), *body, *written.norm.parameters()]
    assert [tuple(p.shape) for p in found] == [tuple(p.shape) for p in ours.parameters()], names
    return found


def _flat(reduction: nn.Module) -> list[torch.Tensor]:
    if isinstance(reduction, plain.Residual):  # ours registers its own tensor before those of its parts
        return [*reduction.shortcut.parameters(), *reduction.a.parameters(), *reduction.b.parameters()]
    return [*reduction.parameters()]


@pytest.mark.parametrize(
    ("arch", "parameters"), [([3] * 6, 1_531_546), ([1] * 6, 73_306), ([3, 1, 2, 4, 0, 1], 344_346)]
)
def test_at_full_size_it_has_the_published_number_of_parameters(arch: list[int], parameters: int) -> None:
    net = NB201Network(FULL, np.array(arch, dtype=np.int16), np.random.default_rng(0))
    assert sum(p.numel() for p in net.parameters()) == parameters


def test_it_has_no_auxiliary_logits_and_drops_no_paths() -> None:
    net = NB201Network(DIGITS, ARCH, np.random.default_rng(0))
    x = torch.ones(4, 1, 8, 8)
    logits, auxiliary = net.training_logits(x, 0.0, np.random.default_rng(0))
    assert logits.shape == (4, 10)
    assert auxiliary is None
    with pytest.raises(UsageError, match="drops no paths"):
        net.training_logits(x, 0.1, np.random.default_rng(0))


def test_it_learns() -> None:
    net = NB201Network(DIGITS, ARCH, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    x, y = (
        torch.from_numpy(rng.standard_normal((30, 1, 8, 8), dtype=np.float32)),
        torch.from_numpy(rng.integers(10, size=30)),
    )
    optimiser = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    losses = []
    for _ in range(30):
        loss = nn.functional.cross_entropy(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4
