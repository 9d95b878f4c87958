"""GDAS: what is drawn, what gradient a draw has, and the temperature; the rest is the bilevel search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.supernets.supernet import PLAIN
from nasboard.harness.errors import UsageError
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.gdas import Gdas
from tests.methods import live

SHORT = Gdas(epochs=3, batch=32, eigenvalue_every=2)


@pytest.fixture
def run() -> Search:
    found = live.search(SHORT)
    with torch.no_grad():
        found.alpha.copy_(torch.from_numpy(np.random.default_rng(1).standard_normal(30)))
    return found


def test_defaults_are_those_of_the_nas_bench_201_version() -> None:
    g = Gdas()
    assert (g.epochs, g.batch, g.lr, g.lr_min, g.nesterov, g.weight_decay) == (250, 64, 0.025, 0.001, True, 5e-4)
    assert (g.alpha_lr, g.alpha_betas, g.alpha_weight_decay, g.tau_max, g.tau_min) == (
        3e-4,
        (0.5, 0.999),
        1e-3,
        10,
        0.1,
    )


def test_temperature_falls_linearly_from_the_first_epoch_to_the_last() -> None:
    taus = [Gdas(epochs=250).tau_at(epoch) for epoch in range(250)]
    assert (taus[0], taus[-1]) == (10, pytest.approx(0.1))
    assert np.diff(taus) == pytest.approx(-9.9 / 249)
    assert Gdas(epochs=1).tau_at(0) == 10


@pytest.mark.parametrize(("high", "low"), [(1.0, 0.0), (0.1, 1.0)])
def test_temperatures_out_of_range_are_refused(high: float, low: float) -> None:
    with pytest.raises(UsageError, match="0 < tau_min <= tau_max"):
        Gdas(tau_max=high, tau_min=low)


def test_a_draw_is_exactly_one_hot_and_as_frequent_as_softmax_says(run: Search) -> None:
    draws = torch.stack([run.method.lesson(run) for _ in range(4000)])
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(draws.view(-1, 6, 5).sum(2), torch.ones(4000, 6))
    assert (draws.mean(0) - run.mixture()).abs().max() < 4 * 0.5 / 4000**0.5  # Gumbel-max, at any temperature


def test_gradient_of_a_draw_is_the_softmax_jacobian_at_the_same_noise(run: Search) -> None:
    run.epoch = 1
    tau = SHORT.tau_at(1)
    slope = torch.from_numpy(np.random.default_rng(2).standard_normal(30).astype(np.float32))
    before = run.rng.bit_generator.state
    mix = run.method.guide(run, run.alpha)
    (found,) = torch.autograd.grad(mix @ slope, run.alpha)
    run.rng.bit_generator.state = before
    noise = torch.from_numpy(run.rng.gumbel(size=30)).view(6, 5)
    logits = run.alpha.detach().double().view(6, 5)
    soft = ((logits.log_softmax(1) + noise) / tau).softmax(1)
    # log-softmax shifts each group only, which a softmax does not see
    jacobian = (torch.diag_embed(soft) - soft[:, :, None] * soft[:, None, :]) / tau
    expected = (jacobian @ slope.double().view(6, 5, 1)).flatten()
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-6)
    assert torch.equal(mix.detach().view(6, 5).argmax(1), soft.argmax(1))


def test_mean_gradient_of_draws_is_that_of_the_mean_soft_draw(run: Search) -> None:
    # by common random numbers, the derivative of the mean of soft draws is the mean of their derivatives
    slope = torch.from_numpy(np.random.default_rng(2).standard_normal(30).astype(np.float32))
    run.epoch, draws = 2, 500
    run.rng.bit_generator.state = np.random.default_rng(5).bit_generator.state
    grads = [torch.autograd.grad(run.method.guide(run, run.alpha) @ slope, run.alpha)[0] for _ in range(draws)]
    noise = torch.from_numpy(np.random.default_rng(5).gumbel(size=(draws, 6, 5)))
    values = []
    for step in (1e-5, -1e-5):
        logits = run.alpha.detach().double().clone()
        logits[7] += step
        soft = ((logits.view(6, 5).log_softmax(1) + noise) / SHORT.tau_at(2)).softmax(2).mean(0)
        values.append(float(soft.flatten() @ slope.double()))
    assert float(torch.stack(grads).mean(0)[7]) == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-3)


def test_the_gradient_of_alpha_comes_from_the_drawn_operations_alone(run: Search) -> None:
    batch = run.parts.scored
    found, draw = {}, run.method.guide(run, run.alpha)
    for name, how in (("drawn", run.method.passing(run)), ("all", PLAIN)):
        (found[name],) = torch.autograd.grad(run.loss(batch, draw, how), draw, retain_graph=True)
    taken = draw.detach() == 1
    torch.testing.assert_close(found["drawn"][taken], found["all"][taken], rtol=1e-3, atol=1e-6)
    assert not found["drawn"][~taken].any()
    assert found["all"][~taken].any()


@pytest.mark.parametrize("second_order", [False, True])
def test_where_nothing_drawn_reaches_the_output_alpha_has_no_gradient(second_order: bool) -> None:
    run = live.search(replace(SHORT, second_order=second_order, tau_max=0.1))
    with torch.no_grad():
        run.alpha.view(6, 5)[:, 0] = 100  # none, on every edge
    assert not run.alpha_gradient(run.parts.scored, run.parts.scored).any()


def test_inputs_are_drawn_soft_and_operations_hard() -> None:
    data = live.tiny("nb1shot1-1-live")
    run = live.search(SHORT, data)
    draw, hard = run.method.lesson(run), run.simplices.of_kind("operation", run.alpha.device)
    assert set(draw[hard].tolist()) == {0.0, 1.0}
    assert ((draw[~hard] > 0) & (draw[~hard] < 1)).all()
    torch.testing.assert_close(run.simplices.sums(draw), torch.ones(len(run.simplices.groups)))


def test_measures_draw_nothing() -> None:
    with_it, without = ([dict(c.logs) for c in replace(SHORT, eigenvalue_every=n).search(live.task())] for n in (1, 0))
    assert all(logs.pop("eigenvalue") > 0 for logs in with_it)
    assert with_it == without


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
