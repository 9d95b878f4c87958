"""The smoothing of the weights' step: radius, ball, simplices, and an attack that raises the loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.methods.differentiable.bilevel import search as bilevel_search
from nasboard.methods.differentiable.bilevel.method import Differentiable, Smoothing
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.bilevel.smoothing import attacked, smoothed
from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.drnas import DrNas
from nasboard.methods.differentiable.gdas import Gdas
from nasboard.methods.differentiable.nasp import Nasp
from nasboard.methods.differentiable.p_darts import PDarts
from nasboard.methods.differentiable.pc_darts import PcDarts
from nasboard.methods.differentiable.sdarts_adv import SdartsAdv
from nasboard.methods.differentiable.sdarts_rs import SdartsRs
from nasboard.methods.differentiable.setn import Setn
from tests.contracts import matrix
from tests.methods import live

EPS = 0.2
METHODS = (
    Darts(),
    PcDarts(),
    PDarts(cells=(1,), keep=(8,), skip_drop=(0.0,)),
    Nasp(),
    Nasp(as_released=True),
    Gdas(),
    Setn(),
    DrNas(),
)


def trained(method: Darts | SdartsRs | SdartsAdv) -> Search:
    """Return a search of which the weights have learned a little, and alpha is far from uniform."""
    run = live.search(replace(method, lr=0.1, batch=16, eigenvalue_every=0))
    with torch.no_grad():
        run.alpha.copy_(torch.from_numpy(np.random.default_rng(3).standard_normal(30)))
    for _ in range(3):
        run.advance()
    return run


def test_radius_grows_linearly_from_the_smallest_towards_the_largest() -> None:
    method = SdartsRs(epochs=100)
    assert method.eps_at(0) == 0.03
    assert method.eps_at(50) == pytest.approx(0.165)
    assert method.eps_at(99) == pytest.approx(0.2973)


def test_without_smoothing_the_mixture_is_the_clean_one_and_nothing_is_drawn() -> None:
    run = live.search(Darts())
    before = run.rng.bit_generator.state
    assert smoothed(run, run.mixture(), run.parts.scored) is not None
    assert torch.equal(smoothed(run, run.mixture(), run.parts.scored), run.mixture())
    assert run.rng.bit_generator.state == before


def test_random_smoothing_stays_within_the_radius_and_on_the_simplices() -> None:
    run = live.search(SdartsRs(epochs=4, eps_min=0.01, eps_max=0.09))
    run.epoch = 2
    clean, eps = torch.full((30,), 0.2), run.method.eps_at(2)
    mixes = torch.stack([smoothed(run, clean, run.parts.scored) for _ in range(2000)]).view(-1, 6, 5)
    torch.testing.assert_close(mixes.sum(2), torch.ones(2000, 6))
    # each weight is that of the clean one within eps, divided by a sum in which the others are as far the other way
    low, high = 0.2 - eps, 0.2 + eps
    least, most = low / (low + 4 * high), high / (high + 4 * low)
    assert least <= mixes.min() < 0.2 - 0.8 * (0.2 - least)
    assert 0.2 + 0.8 * (most - 0.2) < mixes.max() <= most
    assert (mixes.mean(0) - 0.2).abs().max() < 0.01
    assert mixes.std() > eps / 4


@pytest.mark.parametrize("smoothing", ["random", "adversarial"])
@pytest.mark.parametrize(
    ("method", "space"),
    [  # a method's module has its name
        pytest.param(m, space, id=f"{type(m).__name__}{'-as_released' * getattr(m, 'as_released', 0)}-{space}")
        for m in METHODS
        for space in matrix.KINDS
        if (type(m).__module__.rpartition(".")[2], space) not in matrix.CANNOT
    ],
)
def test_every_method_trains_its_weights_near_its_own_mixture_and_not_under_it(
    method: Differentiable, space: str, smoothing: Smoothing, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, kept = 1e-3, type(method).lesson
    seen: dict[str, torch.Tensor] = {}
    method = replace(method, smoothing=smoothing, eps_min=small, eps_max=small, eigenvalue_every=0)
    run = live.search(method, matrix.Toy(space).data())
    monkeypatch.setattr(type(method), "lesson", lambda m, search: seen.setdefault("clean", kept(m, search)))
    monkeypatch.setattr(bilevel_search, "weight_step", lambda *a, **_: seen.setdefault("mix", a[3]) is None)
    run._step_weights(run.parts.scored)
    moved = seen["mix"] - run.full(seen["clean"])
    # a group of n weights that sum to k is at most (1 + n) * eps off, so that no choice is another one
    assert 0 < moved.abs().max() <= 10 * small
    torch.testing.assert_close(
        run.simplices.sums(run.held(moved)), torch.zeros(len(run.simplices.groups)), atol=1e-5, rtol=0
    )


def test_an_attack_is_ascent_by_signs_within_the_ball_brought_back_to_the_simplices() -> None:
    # an independent form of one step from the clean mixture: the signs of finite differences of the loss
    run = trained(SdartsAdv(epochs=4, attack_steps=1))
    run.net.double()
    scored = replace(run.parts.scored, images=run.parts.scored.images.double())
    clean = run.mixture().double()
    with torch.no_grad():
        slopes = torch.stack([_difference(run, scored, clean, option) for option in range(30)])
    moved = (clean + (2 * EPS * slopes.sign()).clamp(-EPS, EPS)).view(6, 5).clamp(0, 1)
    expected = (moved / moved.sum(1, keepdim=True)).flatten()
    found = attacked(run, clean, clean, EPS, scored)
    torch.testing.assert_close(found, expected)
    assert run.loss(scored, found) > run.loss(scored, clean)


def test_an_attack_raises_the_loss_more_than_chance_and_stays_on_the_simplices() -> None:
    run = trained(SdartsAdv(epochs=4))
    clean, scored = run.mixture(), run.parts.scored
    random, attack = [], []
    for _ in range(5):
        start = run.simplices.clip_projection(run.simplices.uniform_ball(clean, EPS, run.rng))
        found = attacked(run, clean, start, EPS, scored)
        torch.testing.assert_close(run.simplices.sums(found), torch.ones(6))
        assert found.min() >= 0
        random.append(float(run.loss(scored, start).detach()))
        attack.append(float(run.loss(scored, found).detach()))
    assert min(attack) > max(random)
    assert min(attack) > float(run.loss(scored, clean).detach())


def test_seven_steps_of_a_seventh_of_the_diameter_cross_the_ball(monkeypatch: pytest.MonkeyPatch) -> None:
    run = live.search(SdartsAdv(epochs=4))
    reached: list[torch.Tensor] = []
    ball = type(run.simplices).into_ball

    def watched(simplices, values, clean, eps):  # type: ignore[no-untyped-def]
        reached.append(values - clean)
        return ball(simplices, values, clean, eps)

    monkeypatch.setattr(type(run.simplices), "into_ball", watched)
    monkeypatch.setattr(type(run.simplices), "clip_projection", lambda _, values: values)
    clean = run.mixture()
    end = attacked(run, clean, clean - EPS, EPS, run.parts.scored)
    assert len(reached) == 7
    moved = (reached[0] + EPS).abs().view(6, 5)
    assert moved[:, 0].max() < 1e-6  # `none`: no weight of it changes the loss
    assert moved[:, 1:].sub(2 * EPS / 7).abs().max() < 1e-6  # one step along the sign
    assert (end - clean).abs().max() <= EPS * (1 + 1e-6)


def test_an_attack_that_ends_below_the_clean_loss_is_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(SdartsAdv(epochs=4))
    clean, scored = run.mixture(), run.parts.scored
    start = run.simplices.uniform_ball(clean, 0.01, run.rng)
    assert not torch.equal(attacked(run, clean, start, 0.01, scored), clean)
    losses = run.loss
    monkeypatch.setattr(run, "loss", lambda batch, mix: -losses(batch, mix))  # ascent becomes descent
    assert losses(scored, attacked(run, clean, start, 0.01, scored)) < losses(scored, clean)
    run.method = replace(run.method, attack_steps=0)
    monkeypatch.setattr(run, "loss", lambda _, mix: mix.abs().sum() if mix is clean else mix.abs().sum() - 1)
    assert attacked(run, clean, start, 0.01, scored) is clean


def _difference(run: Search, batch, mix: torch.Tensor, option: int) -> torch.Tensor:  # type: ignore[no-untyped-def]
    step = torch.zeros(30, dtype=torch.float64)
    step[option] = 1e-6
    return run.loss(batch, mix + step) - run.loss(batch, mix - step)
