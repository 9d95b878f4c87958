"""DrNAS: what is drawn, its gradient, the divergence; the rest is the bilevel search."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.distributions import Dirichlet, kl_divergence

from nasboard.harness.api import Task
from nasboard.harness.errors import UsageError
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.drnas import DrNas, concentrations, divergence
from tests.methods import live

SHORT = DrNas(epochs=3, batch=32, eigenvalue_every=2)


def spread(name: str | None = None) -> Search:
    """Return a search whose alpha is far from uniform."""
    run = live.search(SHORT, None if name is None else live.tiny(name))
    with torch.no_grad():
        run.alpha.copy_(torch.from_numpy(np.random.default_rng(2).standard_normal(run.simplices.size)))
    return run


def test_defaults_are_those_of_the_release_on_nas_bench_201() -> None:
    d = DrNas()
    assert (d.epochs, d.batch, d.lr, d.lr_min, d.nesterov, d.weight_decay) == (100, 64, 0.025, 0.001, False, 3e-4)
    assert (d.alpha_lr, d.alpha_betas, d.alpha_weight_decay, d.kl) == (3e-4, (0.5, 0.999), 1e-3, 0)


@pytest.mark.parametrize("name", [None, "nb1shot1-3-live"])
def test_the_mean_of_draws_is_concentration_over_sum_and_so_is_their_spread(name: str | None) -> None:
    run, draws = spread(name), 4000
    found = torch.stack([run.method.lesson(run) for _ in range(draws)]).double()
    assert (found >= 0).all()
    torch.testing.assert_close(run.simplices.sums(found), torch.ones(draws, len(run.simplices.groups)).double())
    concentration = concentrations(run.alpha.detach()).double()
    total = run.simplices.spread(run.simplices.sums(concentration))
    mean = concentration / total
    torch.testing.assert_close(run.mixture().double(), mean)
    variance = mean * (1 - mean) / (total + 1)
    assert ((found.mean(0) - mean).abs() < 4.5 * (variance / draws).sqrt() + 1e-6).all()
    torch.testing.assert_close(found.var(0), variance, rtol=0.3, atol=1e-3)


def test_the_mean_gradient_is_that_of_the_analytic_expectation() -> None:
    # of the sum of squares of a group, of which the expectation is sum a (a + 1) / (S (S + 1))
    run, draws = spread(), 4000
    alpha = run.alpha.detach().double().requires_grad_()

    def expected(at: torch.Tensor) -> float:
        a = concentrations(at).view(6, 5)
        s = a.sum(1)
        return float(((a * (a + 1)).sum(1) / (s * (s + 1))).sum())

    draws_of = [run.method.guide(run, alpha).square().sum() for _ in range(draws)]
    grads = torch.stack([torch.autograd.grad(one, alpha)[0] for one in draws_of])
    assert float(torch.stack(draws_of).detach().mean()) == pytest.approx(expected(alpha.detach()), rel=0.03)
    for option in range(0, 30, 7):
        step = torch.zeros(30).double()
        step[option] = 1e-5
        slope = (expected(alpha.detach() + step) - expected(alpha.detach() - step)) / 2e-5
        error = float(grads[:, option].std()) / draws**0.5
        assert float(grads[:, option].mean()) == pytest.approx(slope, abs=4.5 * error)
        assert abs(slope) > 4.5 * error  # its sign is told


def test_the_gradient_of_a_draw_is_that_of_torch_in_even_and_uneven_groups() -> None:
    for name in (None, "nb1shot1-1-live"):
        run = spread(name)
        concentration = concentrations(run.alpha.detach().double()).requires_grad_()
        weights = torch.from_numpy(np.random.default_rng(4).standard_normal(run.simplices.size))
        draw = run.simplices.dirichlet(concentration, run.rng)
        (found,) = torch.autograd.grad(draw @ weights, concentration)
        at = 0
        for group in run.simplices.groups:
            part = slice(at, at + len(group.options))
            x, a, g = draw[part].detach(), concentration[part].detach(), weights[part]
            expected = torch._dirichlet_grad(x, a, a.sum().expand_as(a)) * (g - (x * g).sum())
            torch.testing.assert_close(found[part], expected)
            at = part.stop


def test_draws_of_tiny_concentrations_are_finite_and_have_a_finite_gradient() -> None:
    run = spread()
    alpha = torch.full((30,), -12.0, requires_grad=True)
    draw = run.method.guide(run, alpha)
    (found,) = torch.autograd.grad(draw.square().sum(), alpha)
    assert torch.isfinite(draw).all()
    assert torch.isfinite(found).all()


def test_divergence_is_that_of_the_distributions_and_its_gradient_is_added() -> None:
    run = spread("nb1shot1-1-live")
    concentration = concentrations(run.alpha.detach()).double()
    parts = torch.split(concentration, [len(group.options) for group in run.simplices.groups])
    expected = sum(float(kl_divergence(Dirichlet(a), Dirichlet(torch.ones_like(a)))) for a in parts)
    assert float(divergence(run.simplices, concentration)) == pytest.approx(expected)
    assert float(divergence(run.simplices, torch.ones_like(concentration))) == pytest.approx(0, abs=1e-9)
    assert run.method.penalty(run, run.alpha) is None
    scored, before = run.parts.scored, run.rng.bit_generator.state
    plain = run.alpha_gradient(scored, scored)
    run.method = replace(SHORT, kl=0.5)
    run.rng.bit_generator.state = before
    (slope,) = torch.autograd.grad(divergence(run.simplices, concentrations(run.alpha)), run.alpha)
    torch.testing.assert_close(run.alpha_gradient(scored, scored), plain + 0.5 * slope)


def staged(name: str, epochs: int = 4, channels: int = 4) -> tuple[list[Search], DrNas]:
    """Return the searches of two stages, the first at its end, the second at its start."""
    method = replace(SHORT, partials=(channels, channels // 2), epochs=epochs, alpha_lr=0.1)
    data = live.tiny(name, channels=channels)
    first, second = method.legs(Task(data.space, np.random.default_rng(0), math.inf), data)
    begun = first({})
    while not begun.over:
        begun.advance()
    return [begun, second(begun.handed_on())], method


@pytest.mark.parametrize("name", ["digits201-live", "nb1shot1-1-live", "darts-digits"])
def test_a_stage_holds_the_better_half_of_the_operations_and_goes_on_with_what_was_learned(name: str) -> None:
    (first, second), _ = staged(name)
    place = 0
    for before, after, group in zip(first.net.allowed, second.net.allowed, first.net.space.groups, strict=True):
        alpha = first.alpha.detach()[place : place + len(before)]
        keep = (len(before) + 1) // 2 if group.kind == "operation" else len(before)
        assert set(after) == {before[i] for i in alpha.argsort(descending=True)[:keep].tolist()}
        place += len(before)
    torch.testing.assert_close(second.alpha.detach(), second.held(first.full(first.alpha.detach())))
    old, new = (dict(run.net.named_parameters()) for run in (first, second))
    assert set(new) < set(old)
    wider = [n for n in new if new[n].shape != old[n].shape]
    assert wider
    for n in new:
        part = new[n][tuple(slice(side) for side in old[n].shape)]
        assert torch.equal(part, old[n])
        assert set(new[n].unique().tolist()) <= set(old[n].unique().tolist())  # what is new are copies
    for n in wider:
        moved = first.learner.optimiser.state.get(old[n], {}).get("momentum_buffer")
        if moved is not None:
            taken = second.learner.optimiser.state[new[n]]["momentum_buffer"]
            assert torch.equal(taken[tuple(slice(side) for side in old[n].shape)], moved)
            # a number and its momentum are copied from the same place
            pairs = set(zip(old[n].flatten().tolist(), moved.flatten().tolist(), strict=True))
            assert set(zip(new[n].flatten().tolist(), taken.flatten().tolist(), strict=True)) <= pairs


def test_the_rate_runs_through_the_stages_and_alpha_waits_in_each() -> None:
    (first, second), method = staged("digits201-live", epochs=6)
    second.method = replace(method, alpha_from=1)
    alpha = second.alpha.detach().clone()
    second.advance()
    assert torch.equal(second.alpha, alpha)
    assert second.learner.optimiser.param_groups[0]["lr"] == second.schedule.lr_at(3)
    second.advance()
    assert not torch.equal(second.alpha, alpha)
    assert (first.done, first.total, second.done, second.total) == (3, 3, 2, 3)


def test_edges_are_summed() -> None:
    (first, _), _ = staged("digits201-live")
    edges = first.simplices.of_kind("edge", first.alpha.device)
    assert edges.sum() == 5
    for mix in (first.mixture(), first.method.lesson(first)):
        assert torch.equal(mix[edges], torch.ones(5))


@pytest.mark.parametrize("partials", [(2, 4), (4, 4), (8, 6, 4, 2)])
def test_stages_that_do_not_widen_or_have_no_epoch_are_refused(partials: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="partials fall"):
        replace(SHORT, partials=partials)


def test_a_negative_coefficient_is_refused() -> None:
    with pytest.raises(UsageError, match="kl is at least 0"):
        DrNas(kl=-1)


STAGED = replace(SHORT, partials=(4, 2), epochs=4)


@pytest.mark.parametrize("method", [SHORT, STAGED])
def test_a_resumed_run_ends_as_the_uninterrupted_one(method: DrNas) -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)
