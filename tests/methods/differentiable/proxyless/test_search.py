"""ProxylessNAS' gates: what gradient each of the three ways has, and that two paths are two."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.spaces.relaxation import Group, draw, splits
from nasboard.methods.differentiable.proxyless.method import Proxyless
from nasboard.methods.differentiable.proxyless.search import PATHS, Gated, gates, rescaled
from tests.methods import live

SHORT = Proxyless(epochs=3, batch=32, warm_epochs=1, alpha_from=0, alpha_period=1)


def opened(method: Proxyless = SHORT, *, layers: bool = False) -> Gated:
    found = live.search(method, live.tiny("proxyless-digits", channels=4) if layers else None)
    assert isinstance(found, Gated)
    with torch.no_grad():
        found.alpha.copy_(torch.from_numpy(np.random.default_rng(1).standard_normal(len(found.alpha))))
    return found


def by_hand(run: Gated, soft: Tensor) -> Tensor:
    """Return the gradient of the loss in the gates, through the softmax that they are drawn by."""
    hard = gates(run.simplices, soft, copy.deepcopy(run.rng)).requires_grad_()
    of_gates = torch.autograd.grad(run.loss(run.parts.scored, hard), hard)[0]
    return soft * (of_gates - run.simplices.spread(run.simplices.sums(soft * of_gates)))


@pytest.mark.parametrize("layers", [False, True])
def test_along_all_paths_every_gate_has_its_gradient(layers: bool) -> None:
    run = opened(layers=layers)
    expected = by_hand(run, run.simplices.softmax(run.alpha.detach()))
    torch.testing.assert_close(run.along_all(run.parts.scored), expected, rtol=1e-3, atol=1e-5)
    assert (expected != 0).float().mean() > 0.9


@pytest.mark.parametrize("layers", [False, True])
def test_along_two_paths_only_these_have_a_gradient_by_the_softmax_of_the_two(layers: bool) -> None:
    run = opened(layers=layers)
    two = run.simplices.drawn_apart(run.alpha, PATHS, np.random.default_rng(3))
    expected = by_hand(run, run.simplices.softmax_among(run.alpha.detach(), two))
    found = run.along_two(run.parts.scored, two)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    assert torch.all(found[~two] == 0)
    assert torch.allclose(run.simplices.sums(found), torch.zeros(len(run.simplices.groups)), atol=1e-5)


def test_along_two_paths_no_other_is_computed() -> None:
    run = opened(layers=True)
    seen: list[int] = []
    for number, layer in enumerate(run.net.layers):
        for block in layer.blocks.values():
            block.register_forward_hook(lambda *_, number=number: seen.append(number))
    two = run.simplices.drawn_apart(run.alpha, PATHS, np.random.default_rng(3))
    run.along_two(run.parts.scored, two)
    counted = np.bincount(seen, minlength=len(run.net.layers))
    zero = [group.options[-1] == "Zero" for group in run.simplices.groups]
    held = run.simplices.rows(two.float())[:, 6:].sum(1).numpy() if any(zero) else 0  # Zero is no block
    assert counted.tolist() == (2 - held).tolist()


def test_an_alpha_of_paths_that_were_not_drawn_keeps_its_probability() -> None:
    over = Simplices(tuple(Group(str(i), tuple(map(str, range(n)))) for i, n in enumerate((4, 2, 5))))
    rng = np.random.default_rng(0)
    before, after = torch.from_numpy(rng.standard_normal((2, over.size)))
    two = over.drawn_apart(before, PATHS, rng)
    two[6:] = False  # no path of the last group
    after = torch.where(two, after, before)
    found = rescaled(over, before, after, two)
    old, new = over.softmax(before), over.softmax(found)
    torch.testing.assert_close(new[~two], old[~two])
    assert not torch.allclose(new[:4][two[:4]], old[:4][two[:4]])
    torch.testing.assert_close(over.softmax_among(found, two | (old < 0))[:6], over.softmax_among(after, two)[:6])


def test_a_step_along_two_paths_moves_no_other_probability() -> None:
    run = opened(replace(SHORT, learns="two", alpha_lr=0.5))
    before = run.mixture()
    run._step_alpha(run.parts.scored, run.parts.scored)
    moved = (run.mixture() - before).abs() > 1e-6
    assert torch.all(run.simplices.sums(moved.float()) == 2)


def test_rewards_move_alpha_towards_what_was_drawn_and_rewarded() -> None:
    run = opened(replace(SHORT, learns="reward", drawn=4))
    soft, rng = run.mixture(), copy.deepcopy(run.rng)
    drawn = [gates(run.simplices, soft, rng) for _ in range(4)]
    rewards = [run._reward(run.parts.scored, mix) for mix in drawn]
    mean = sum(rewards) / 4
    expected = -sum((r - mean) * (mix - soft) for r, mix in zip(rewards, drawn, strict=True)) / 4
    torch.testing.assert_close(run.by_reward(run.parts.scored), expected)
    assert len(set(rewards)) > 1
    assert run.baseline == mean
    run.by_reward(run.parts.scored)
    again = [run._reward(run.parts.scored, gates(run.simplices, soft, rng)) for _ in range(4)]
    assert run.baseline == pytest.approx(mean + 0.99 * (sum(again) / 4 - mean))


def test_the_weights_learn_along_one_path_a_group_with_smoothed_labels() -> None:
    run = opened()
    batch, rng = run.parts.scored, copy.deepcopy(run.rng)
    mix = gates(run.simplices, run.mixture(), rng)
    assert set(mix.unique().tolist()) == {0.0, 1.0}
    assert torch.all(run.simplices.sums(mix) == 1)
    with torch.no_grad():
        expected = F.cross_entropy(run.net(batch.images, mix), batch.labels, label_smoothing=0.1)
    assert run._step_weights(batch) == pytest.approx(float(expected), rel=1e-5)


def test_gates_are_as_frequent_as_softmax_says() -> None:
    run = opened()
    draws = torch.stack([run.method.lesson(run) for _ in range(4000)])
    assert (draws.mean(0) - run.mixture()).abs().max() < 4 * 0.5 / 4000**0.5


@pytest.mark.parametrize("learns", ["all", "two", "reward"])
def test_it_searches_in_a_part_of_the_space(learns: str) -> None:
    data = live.tiny("proxyless-digits", channels=4)
    for allowed in splits(data.space.groups, (1,))[::6]:
        method = replace(SHORT, learns=learns)  # type: ignore[arg-type]
        run = method.open(live.task(), data, allowed)
        for _ in range(3):
            run.advance()
        held = data.space.relax(run.incumbent[None])[0]
        drawn = draw(data.space, allowed, np.random.default_rng(0))
        assert run.incumbent[1] == drawn[1]
        assert held.sum() == len(data.space.groups)
