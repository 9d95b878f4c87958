"""NASP: the one-hot point, the step of alpha, the box, and what is derived; the rest is the bilevel search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.random import default_rng
from torch import Tensor

from nasboard.harness.errors import UsageError
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.nasp import Nasp
from tests.methods import live

SHORT = Nasp(epochs=3, batch=32, eigenvalue_every=2)


def started(method: Nasp = SHORT, name: str | None = None) -> Search:
    """Return a search whose alpha is anywhere in the box."""
    run = live.search(method, None if name is None else live.tiny(name))
    with torch.no_grad():
        run.alpha.copy_(torch.from_numpy(default_rng(1).random(run.simplices.size)))
    return run


def test_defaults_are_those_of_the_release() -> None:
    n = Nasp()
    assert (n.epochs, n.batch, n.lr, n.lr_min, n.nesterov, n.weight_decay) == (50, 64, 0.025, 0.001, False, 3e-4)
    assert (n.alpha_lr, n.alpha_weight_decay, n.greedy, n.second_order) == (3e-4, 1e-3, 0, False)


def test_alpha_begins_around_the_middle_of_the_box() -> None:
    run = live.search(SHORT)
    assert (run.alpha - 0.5).abs().max() < 0.01
    assert len(run.alpha.unique()) > 20


def test_both_steps_run_the_one_hot_of_the_largest_and_nothing_else() -> None:
    run = started()
    largest = run.alpha.detach().view(6, 5).argmax(1)
    for mix in (run.method.lesson(run), run.method.guide(run, run.alpha).detach()):
        assert torch.equal(mix.view(6, 5), torch.eye(5)[largest])


def test_a_step_is_that_of_adam_with_the_gradient_at_the_one_hot_point_back_in_the_box() -> None:
    run = started(replace(SHORT, alpha_lr=0.4))
    alpha, scored = run.alpha.detach().clone(), run.parts.scored
    point = run.method.lesson(run).requires_grad_()
    (slope,) = torch.autograd.grad(run.loss(scored, point), point)
    assert (slope.view(6, 5) != 0).sum(1).min() > 1  # operations that count 0 have a gradient, too
    run._step_alpha(scored, scored)
    slope = slope + 1e-3 * alpha
    # the first step of Adam is its rate times g / (|g| + 1e-8)
    expected = (alpha - 0.4 * slope / (slope.abs() + 1e-8)).clamp(0, 1)
    torch.testing.assert_close(run.alpha.detach(), expected, rtol=1e-3, atol=1e-4)
    assert ((expected == 0) | (expected == 1)).any()


def test_operations_are_one_hot_and_inputs_are_softmax() -> None:
    run = started(name="nb1shot1-3-live")
    mix, hard = run.method.lesson(run), run.simplices.of_kind("operation", run.alpha.device)
    assert set(mix[hard].tolist()) == {0.0, 1.0}
    torch.testing.assert_close(mix[~hard], run.simplices.softmax(run.alpha.detach())[~hard])


def test_as_released_the_point_is_the_architecture_that_would_be_derived() -> None:
    whole, kept = (started(replace(SHORT, as_released=on), "darts-digits") for on in (False, True))
    mix = kept.method.lesson(kept)
    brings = torch.tensor([option != "none" for group in whole.net.space.groups for option in group.options])
    assert whole.method.lesson(whole).sum() == 28  # one operation an edge, of two cells
    assert mix[brings].sum() == 16  # two edges a node
    arch = kept.net.space.derive(kept.alpha.detach().double().numpy())
    assert torch.equal(mix, kept.net.mixtures(arch[None])[0])


def test_the_architecture_has_the_strongest_edges_not_the_first() -> None:
    run = started(name="darts-digits")
    relaxed = run.net.space.derive(run.mixture().double().numpy())
    expected = run.net.space.derive(run.simplices.softmax(run.alpha.detach()).double().numpy())
    assert run.incumbent.tolist() == expected.tolist()
    assert run.incumbent.tolist() != relaxed.tolist()  # at the one-hot point all edges are as strong


@pytest.mark.parametrize(("greedy", "moves"), [(0.0, False), (1.0, True)])
def test_exploring_steps_run_uniform_draws(greedy: float, moves: bool) -> None:
    run = started(replace(SHORT, greedy=greedy))
    before = run.rng.bit_generator.state
    mixes = torch.stack([run.method.lesson(run) for _ in range(600)])
    assert (run.rng.bit_generator.state != before) == moves
    assert torch.equal(mixes.view(-1, 6, 5).sum(2), torch.ones(600, 6))
    assert bool((mixes.mean(0) - 0.2).abs().max() < 0.08) == moves


def test_the_hessian_is_that_of_the_loss_in_the_weights_of_operations() -> None:
    run = started()
    scored, point = run.parts.scored, run.method.lesson(run)

    def slope(at: Tensor, along: Tensor, of: str) -> Tensor:
        loss = run.val_loss(scored, at) if of == "alpha" else run.loss(scored, at)
        (first,) = torch.autograd.grad(loss, at, create_graph=True)
        return torch.autograd.grad(first, at, along)[0]

    along = torch.from_numpy(np.random.default_rng(3).standard_normal(30).astype(np.float32))
    found, expected = slope(run.alpha, along, "alpha"), slope(point.requires_grad_(), along, "mix")
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_a_probability_out_of_range_is_refused() -> None:
    with pytest.raises(UsageError, match="greedy is a probability"):
        Nasp(greedy=1.5)


@pytest.mark.parametrize("method", [SHORT, replace(SHORT, greedy=0.5, as_released=True)])
def test_a_resumed_run_ends_as_the_uninterrupted_one(method: Nasp) -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)
