"""The DARTS supernet on a CUDA device: what it gives on the processor, to float tolerance, and noise that repeats."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="supernets need torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.mixtures import Simplices  # noqa: E402
from nasboard.benchmarks.live.supernets.darts.supernet import DartsSupernet  # noqa: E402
from nasboard.benchmarks.spaces.darts_lists import SPACES  # noqa: E402
from nasboard.benchmarks.spaces.macros import DartsMacro  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


def on(device: str, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return logits and the gradient by the mixture."""
    space, rng = SPACES[name], np.random.default_rng(0)
    net = DartsSupernet(space, DartsMacro(image=8, channels=4, cells=3), rng).double().to(device)
    simplices = Simplices(space.groups)
    mix = simplices.softmax(torch.from_numpy(rng.standard_normal(simplices.size)).to(device)).requires_grad_()
    logits = net(torch.from_numpy(rng.standard_normal((4, 3, 8, 8))).to(device), mix)
    (gradient,) = torch.autograd.grad(logits.square().mean(), mix)
    return logits.detach().cpu(), gradient.cpu()


@pytest.mark.parametrize("name", ["darts", "s1"])
def test_values_and_gradients_are_those_of_the_processor(name: str) -> None:
    torch.testing.assert_close(on("cuda", name), on("cpu", name))


def test_noise_is_the_same_for_the_same_images() -> None:
    once, again = on("cuda", "s4"), on("cuda", "s4")
    torch.testing.assert_close(once, again)
    assert all(torch.isfinite(tensor).all() for tensor in once)
