"""The faster ways to a network against the reference: by formula, compiled, in half precision."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from torch import Tensor

from nasboard.benchmarks.live.supernets.nb201 import mixed as mixing
from nasboard.benchmarks.live.supernets.nb201 import supernet as supernets
from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet
from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.live.supernets.supernet import Precision
from nasboard.benchmarks.spaces.macros import DIGITS, NB201Macro
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.space import sample
from nasboard.harness.statistics.rank import kendall_tau

SMALL = NB201Macro(image=8, channels=4, stages=2, cells=1, classes=7)
Loss = Tensor


@pytest.fixture
def by_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what asks for compilation take the formulas as they are: the same sums, without the minutes."""
    monkeypatch.setattr(supernets, "formulas", lambda *, compiled: mixing.formulas(compiled=False))


def two(macro: NB201Macro, precision: Precision = "fp32") -> tuple[NB201Supernet, NB201Supernet]:
    """Return the reference and a faster one with the same weights."""
    fast = NB201Supernet(macro, np.random.default_rng(0), precision=precision, compiled=True)
    return NB201Supernet(macro, np.random.default_rng(0)), fast


def images(macro: NB201Macro, dtype: torch.dtype = torch.float32) -> Tensor:
    shape = (16, macro.inputs, macro.image, macro.image)
    return torch.from_numpy(np.random.default_rng(2).standard_normal(shape)).to(dtype)


def mixture(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.from_numpy(np.random.default_rng(4).dirichlet(np.ones(5), 6)).flatten().to(dtype).requires_grad_()


def gradients(net: NB201Supernet, x: Tensor, mix: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(net(x, mix).pow(2).mean(), [mix, *net.parameters()]))


@pytest.mark.usefixtures("by_formula")
@pytest.mark.parametrize("macro", [DIGITS, SMALL], ids=["digits", "small"])
def test_the_formulas_give_logits_and_gradients_of_the_reference(macro: NB201Macro) -> None:
    reference, fast = (net.double() for net in two(macro))
    x, mix = images(macro, torch.float64), mixture(torch.float64)
    torch.testing.assert_close(fast(x, mix), reference(x, mix), rtol=1e-9, atol=1e-9)
    for ours, theirs in zip(gradients(fast, x, mix), gradients(reference, x, mix), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)


@pytest.mark.usefixtures("by_formula")
def test_each_cell_can_have_a_mixture_of_its_own() -> None:
    reference, fast = (net.double() for net in two(SMALL))
    x, mixes = images(SMALL, torch.float64), torch.stack([mixture(torch.float64), mixture(torch.float64).flip(0)])
    torch.testing.assert_close(fast(x, mixes), reference(x, mixes), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("macro", [DIGITS, SMALL], ids=["digits", "small"])
def test_fused_it_gives_logits_and_gradients_of_the_reference(macro: NB201Macro) -> None:
    reference, fast = (NB201Supernet(macro, np.random.default_rng(0), fused=on).double() for on in (False, True))
    x, mix = images(macro, torch.float64), mixture(torch.float64)
    torch.testing.assert_close(fast(x, mix), reference(x, mix), rtol=1e-9, atol=1e-9)
    with torch.no_grad():
        torch.testing.assert_close(fast(x, mix), reference(x, mix), rtol=1e-9, atol=1e-9)
    for ours, theirs in zip(gradients(fast, x, mix), gradients(reference, x, mix), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)


def test_fused_a_gradient_of_a_gradient_reaches_weights_as_well() -> None:
    x, found = images(SMALL, torch.float64), []
    for on in (False, True):
        net, mix = NB201Supernet(SMALL, np.random.default_rng(0), fused=on).double(), mixture(torch.float64)
        (first,) = torch.autograd.grad(net(x, mix).logsumexp(1).mean(), mix, create_graph=True)
        found.append(torch.autograd.grad(first[[2, 8, 29]].pow(2).sum(), list(net.parameters()), allow_unused=True))
    for theirs, ours in zip(*found, strict=True):
        if theirs is not None:
            torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-10)


@pytest.mark.usefixtures("by_formula")
def test_the_curvature_of_a_mixture_is_that_of_the_reference() -> None:
    x, found = images(SMALL, torch.float64), []
    for net in (*two(SMALL), NB201Supernet(SMALL, np.random.default_rng(0), fused=True)):
        mix = mixture(torch.float64)
        (first,) = torch.autograd.grad(net.double()(x, mix).logsumexp(1).mean(), mix, create_graph=True)
        found.append(torch.autograd.grad(first[[2, 8, 29]].pow(2).sum(), mix)[0])
    for ours in found[1:]:
        torch.testing.assert_close(ours, found[0], rtol=1e-6, atol=1e-10)
    assert found[0].abs().max() > 1e-6


@pytest.mark.usefixtures("by_formula")
def test_the_gradient_of_a_mixture_alone_computes_none_of_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[bool]] = []
    back = mixing.convolve_back
    monkeypatch.setattr(mixing, "convolve_back", lambda *of: asked.append(of[3]) or back(*of))
    _, fast = two(SMALL)
    mix = mixture()
    torch.autograd.grad(fast(images(SMALL), mix).mean(), mix)
    assert asked == [[True, False, False]] * (2 * mixing.KERNELS)
    asked.clear()
    gradients(fast, images(SMALL), mix)
    assert [False, True, False] in asked


@pytest.mark.usefixtures("by_formula")
def test_an_architecture_and_a_pass_without_gradient_take_no_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = two(SMALL)
    monkeypatch.setattr(supernets, "mixed", lambda *of: pytest.fail("a formula was taken"))
    one = fast.mixtures(np.array([[3, 4, 2, 1, 3, 4]]))[0]
    torch.testing.assert_close(fast(images(SMALL), one), reference(images(SMALL), one), rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        mix = mixture().detach()
        torch.testing.assert_close(fast(images(SMALL), mix), reference(images(SMALL), mix), rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("by_formula")
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradients_reach_cells_in_the_channels_last_layout(
    layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    normalise = torch.nn.functional.batch_norm

    def watched(x: Tensor, *args: object, **named: object) -> Tensor:
        out: Tensor = normalise(x, *args, **named)  # type: ignore[arg-type]
        if x.ndim == 4 and x.shape[2] > 4 and out.requires_grad:
            out.register_hook(lambda g: seen.append(g.is_contiguous(memory_format=torch.channels_last)))
        return out

    monkeypatch.setattr(torch.nn.functional, "batch_norm", watched)
    fast = NB201Supernet(SMALL, np.random.default_rng(0), precision="bf16")
    one = fast.mixtures(np.array([[3, 4, 2, 1, 3, 3]]))[0]
    fast(images(SMALL).contiguous(memory_format=layout), one).pow(2).mean().backward()
    assert seen
    assert all(seen)


def test_half_precision_keeps_weights_and_logits_in_single_precision() -> None:
    net = NB201Supernet(SMALL, np.random.default_rng(0), precision="bf16")
    logits = net(images(SMALL), mixture())
    assert logits.dtype == torch.float32
    logits.pow(2).mean().backward()
    assert {t.dtype for t in net.parameters()} == {t.grad.dtype for t in net.parameters()} == {torch.float32}
    assert net.embed(images(SMALL)).dtype == torch.bfloat16


def test_half_precision_ranks_as_single_precision_does() -> None:
    rng = np.random.default_rng(1)
    x, y = images(SMALL), torch.from_numpy(rng.integers(7, size=16))
    archs = sample(NB201Space(), rng, 60)
    nets = [NB201Supernet(SMALL, np.random.default_rng(0), precision=p) for p in ("fp32", "bf16")]
    nets.append(NB201Supernet(SMALL, np.random.default_rng(1)))
    single, half, other_seed = (evaluate(net, archs, x, y).confidence for net in nets)
    assert kendall_tau(single, half) > max(0.9, kendall_tau(single, other_seed))


def test_torch_that_has_one_limit_for_all_compiles_for_many_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = torch.compile

    def older(model: mixing.Formula, *, fullgraph: bool, dynamic: bool) -> object:  # as in torch 2.11
        return whole(model, fullgraph=fullgraph, dynamic=dynamic, backend="eager")

    torch._dynamo.reset()
    monkeypatch.setattr(torch._dynamo.config, "cache_size_limit", 8)
    monkeypatch.setattr(torch, "compile", older)
    reference, fast = two(NB201Macro(image=4, channels=4, stages=1, cells=1, classes=3))
    x, mix = images(reference.macro), mixture()
    for size in range(2, 12):  # more sizes than torch's own limit
        torch.testing.assert_close(fast(x[:size], mix), reference(x[:size], mix), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's compiler, about torch itself
def test_compiled_it_gives_what_the_reference_gives(precision: Precision) -> None:
    reference, fast = two(NB201Macro(image=4, channels=4, stages=1, cells=1, classes=3), precision)
    x, mix = images(reference.macro), mixture()
    tolerance = {"rtol": 1e-3, "atol": 1e-4} if precision == "fp32" else {"rtol": 0.1, "atol": 0.05}
    torch.testing.assert_close(fast(x, mix), reference(x, mix), **tolerance)
    for ours, theirs in zip(gradients(fast, x, mix), gradients(reference, x, mix), strict=True):
        torch.testing.assert_close(ours, theirs, **tolerance)
