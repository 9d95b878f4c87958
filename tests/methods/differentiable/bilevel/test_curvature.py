"""Curvature: Lanczos against the whole Hessian, ends of known spectra, and losses that have none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.live.supernets.nb1shot1 import NB1Shot1Supernet
from nasboard.benchmarks.spaces.macros import NB1Shot1Macro
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.harness.errors import MethodError
from nasboard.methods.differentiable.bilevel import curvature
from nasboard.methods.differentiable.bilevel.curvature import (
    EXACT_UP_TO,
    TOLERANCE,
    Hessian,
    end,
    lanczos,
    largest_absolute_eigenvalue,
    largest_eigenvalue,
    trace,
)

M = EXACT_UP_TO + 36


def quadratic(spectrum: np.ndarray, seed: int = 3) -> curvature.Loss:
    """Return a loss whose Hessian has the given eigenvalues, in directions drawn at random."""
    m = len(spectrum)
    basis, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((m, m)))
    hessian = torch.from_numpy(basis @ np.diag(spectrum) @ basis.T)
    return lambda a: a @ hessian @ a / 2


@pytest.mark.parametrize("m", [30, M])
def test_ends_of_a_known_spectrum(m: int) -> None:
    spectrum = np.linspace(-7.0, 2.0, m)  # the largest in absolute value is negative and no sharpness
    loss, at = quadratic(spectrum), torch.zeros(m, dtype=torch.float64)
    assert largest_eigenvalue(loss, at, 0.5) == pytest.approx(2.5, rel=TOLERANCE)
    assert largest_absolute_eigenvalue(loss, at, 0.5) == pytest.approx(6.5, rel=TOLERANCE)


def test_up_to_a_length_the_value_is_exact() -> None:
    spectrum = np.random.default_rng(0).normal(0, 1, EXACT_UP_TO)
    found = largest_eigenvalue(quadratic(spectrum), torch.zeros(EXACT_UP_TO, dtype=torch.float64), 0.0)
    assert found == pytest.approx(abs(spectrum.max()), rel=1e-12)
    assert found != abs(spectrum).max() or spectrum.max() > -spectrum.min()


@pytest.mark.parametrize("kind", ["outliers", "bulk", "twins", "falling", "zeros"])
@pytest.mark.parametrize("seed", range(3))
def test_an_iteration_is_right_to_the_stated_tolerance(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spectrum = {
        "outliers": np.append(rng.normal(0, 0.01, 220), [0.5, 0.6, 1.0, -2.0]),
        "bulk": rng.uniform(-0.2, 0.1, 224),
        "twins": np.append(rng.normal(0, 0.1, 222), [1.0, 1.0 - 1e-7]),
        "falling": np.append(-rng.exponential(1.0, 223), 1e-3),
        "zeros": np.append(np.zeros(196), rng.normal(0, 0.1, 28)),
    }[kind]
    hessian = Hessian(quadratic(spectrum, seed), torch.zeros(224, dtype=torch.float64))
    upper, farther = end(hessian, 0.01), end(hessian, 0.01, absolute=True)
    assert upper.value == pytest.approx(spectrum.max() + 0.01, rel=TOLERANCE)
    assert farther.value == pytest.approx(max(spectrum + 0.01, key=abs), rel=TOLERANCE)
    assert max(upper.products, farther.products) < 112


def test_a_hessian_of_few_directions_ends_early() -> None:
    spectrum = np.append(np.zeros(M - 2), [3.0, -1.0])
    found = end(Hessian(quadratic(spectrum), torch.zeros(M, dtype=torch.float64)), 0.0)
    assert found.value == pytest.approx(3.0)
    assert found.products <= 4


def test_no_curvature_at_all_leaves_the_decay() -> None:
    flat = torch.ones(M, dtype=torch.float64)
    assert largest_eigenvalue(lambda a: (a * flat).sum() + 0 * a.pow(2).sum(), flat, 1e-3) == pytest.approx(1e-3)


def test_the_trace_of_a_loss_is_the_sum_of_its_eigenvalues() -> None:
    rng = np.random.default_rng(1)
    for m, off in ((20, 1e-9), (M, 0.1)):
        spectrum = rng.uniform(0.5, 1.5, m)
        found = trace(quadratic(spectrum), torch.zeros(m, dtype=torch.float64), 0.25, np.random.default_rng(0))
        assert found == pytest.approx(spectrum.sum() + 0.25 * m, rel=off)


def supernet_loss() -> tuple[curvature.Loss, Tensor]:
    space = NB1Shot1Space.of(1)
    rng = np.random.default_rng(0)
    net = NB1Shot1Supernet(space, NB1Shot1Macro(image=8, channels=2, cells=3), rng)
    x = torch.from_numpy(rng.standard_normal((16, 3, 8, 8), dtype=np.float32))
    labels, simplices = torch.arange(16) % 10, Simplices(space.groups)
    alpha = torch.from_numpy(rng.standard_normal(simplices.size, dtype=np.float32))
    return lambda a: F.cross_entropy(net(x, simplices.softmax(a)), labels), alpha


def test_a_supernet_is_as_curved_by_an_iteration_as_by_its_whole_hessian() -> None:
    loss, alpha = supernet_loss()
    start = np.random.default_rng(5).standard_normal(len(alpha))
    for absolute in (False, True):
        exact = end(Hessian(loss, alpha), 1e-3, absolute=absolute)
        iterated = lanczos(Hessian(loss, alpha).product, start, 1e-3, absolute=absolute)
        assert iterated.value == pytest.approx(exact.value, rel=TOLERANCE)
        assert iterated.products < exact.products == len(alpha)


def test_a_shift_of_a_groups_logits_is_flat_so_the_largest_is_at_least_the_decay() -> None:
    loss, alpha = supernet_loss()
    hessian = Hessian(loss, alpha)
    assert np.abs(hessian.product(np.append(np.ones(3), np.zeros(21)))).max() < 1e-6  # of `input of node 3`
    assert largest_eigenvalue(loss, alpha, 1e-3) >= 1e-3 - 1e-7


def test_measuring_changes_nothing_and_gives_the_same_every_time() -> None:
    loss, alpha = supernet_loss()
    torch.manual_seed(0)
    before, state = alpha.clone(), torch.get_rng_state()
    first = largest_eigenvalue(loss, alpha, 1e-3)
    assert largest_eigenvalue(loss, alpha, 1e-3) == first
    assert torch.equal(alpha, before)
    assert alpha.grad is None
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("m", [10, M])
def test_a_curvature_that_is_not_finite_is_refused(m: int) -> None:
    with pytest.raises(MethodError, match="not finite; the search has diverged"):
        largest_eigenvalue(lambda a: a.pow(2).sum() * torch.inf, torch.ones(m), 0.0)
