"""DARTS: its gradient, its derivation, its eigenvalue, and the laws of live methods."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasboard.benchmarks.live.supernets.stepping import Batch
from nasboard.harness.api import SearchMethod, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import enumerate_all
from nasboard.methods.differentiable.bilevel import search as bilevel_search
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.darts import Darts
from tests.methods import live

SHORT = Darts(epochs=3, batch=32, eigenvalue_every=2)
VARIANTS = [SHORT, replace(SHORT, weights_first=True, rank_by_alpha=True), replace(SHORT, second_order=True)]


@pytest.fixture
def run() -> Search:
    return live.search(SHORT)


def test_it_is_a_search_method() -> None:
    assert isinstance(Darts(), SearchMethod)
    assert Darts.needs == {"data"}
    assert "batch statistics" in Darts.bn_policy


def test_defaults_are_those_of_the_nas_bench_201_version() -> None:
    d = Darts()
    assert (d.epochs, d.batch, d.lr, d.lr_min, d.momentum, d.nesterov, d.weight_decay, d.clip) == (
        50,
        64,
        0.025,
        0.001,
        0.9,
        True,
        5e-4,
        5,
    )
    assert (d.alpha_lr, d.alpha_betas, d.alpha_weight_decay, d.alpha_init) == (3e-4, (0.5, 0.999), 1e-3, 1e-3)


def test_alpha_gradient_is_the_chain_rule_through_the_softmax(run: Search) -> None:
    # independent closed form: g_alpha = A * (g_A - sum(A * g_A)), with g_A by finite differences in double precision
    net = run.learner.net.double()
    scored = run.parts.scored
    batch = Batch(scored.images.double(), scored.labels)
    run.alpha = alpha = torch.from_numpy(np.random.default_rng(1).standard_normal(30)).requires_grad_()
    mixture = alpha.detach().view(6, 5).softmax(1)
    slopes = torch.zeros(30, dtype=torch.float64)
    with torch.no_grad():
        for option in range(30):
            step = torch.zeros(30, dtype=torch.float64)
            step[option] = 1e-6
            up, down = (F.cross_entropy(net(batch.images, mixture.flatten() + s * step), batch.labels) for s in (1, -1))
            slopes[option] = (up - down) / 2e-6
    slopes = slopes.view(6, 5)
    expected = (mixture * (slopes - (mixture * slopes).sum(1, keepdim=True))).flatten()
    torch.testing.assert_close(run.alpha_gradient(batch, batch), expected, rtol=1e-3, atol=1e-5)
    assert expected.abs().max() > 1e-3


def test_alpha_gradient_leaves_no_gradient_on_the_weights(run: Search) -> None:
    run.alpha_gradient(run.parts.scored, run.parts.scored)
    assert all(tensor.grad is None for tensor in run.learner.net.parameters())
    assert run.alpha.grad is None


def test_an_epoch_steps_alpha_on_validation_and_weights_on_training_images(run: Search) -> None:
    alpha = run.alpha.detach().clone()
    weight = run.net.weight.detach().clone()
    logs = run.advance()
    assert not torch.equal(run.alpha, alpha)
    # Adam's steps are at most about its rate each, whatever the gradient; 96 training images are three batches of 32
    assert (run.alpha - alpha).abs().max() <= 3 * 3e-4 * 1.5
    assert not torch.equal(run.net.weight, weight)
    assert set(logs) == {"loss", "supernet_accuracy", "discretisation_gap", "alpha_entropy"}
    assert logs["alpha_entropy"] == pytest.approx(math.log(5), abs=1e-4)  # alpha is still almost uniform


@pytest.mark.parametrize("first", [False, True])
def test_alpha_learns_from_validation_and_weights_from_training_images(
    first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, loss, step = live.search(replace(SHORT, weights_first=first)), Search.loss, bilevel_search.weight_step
    seen: dict[str, list[Batch]] = {"alpha": [], "weights": []}

    def lost(search: Search, batch: Batch, *more: object, **how: object) -> torch.Tensor:
        seen["alpha"].append(batch)
        return loss(search, batch, *more, **how)  # type: ignore[arg-type]

    def stepped(net: object, optimiser: object, batch: Batch, *more: object, **how: object) -> float:
        seen["weights"].append(batch)
        return step(net, optimiser, batch, *more, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Search, "loss", lost)
    monkeypatch.setattr(bilevel_search, "weight_step", stepped)
    run.advance()
    images = {
        part: {image.numpy().tobytes() for batch in batches for image in batch.images} for part, batches in seen.items()
    }
    train, val = (
        {image.numpy().tobytes() for image in part.first(len(part.labels)).images}
        for part in (run.parts.train, run.parts.val)
    )
    assert images["weights"] == train
    assert images["alpha"] == val  # three batches of 32 hold all of the 80
    assert not train & val


def test_alpha_stays_until_it_is_let_go_while_the_weights_move() -> None:
    run = live.search(replace(SHORT, alpha_from=1))
    alpha, weight = run.alpha.detach().clone(), run.net.weight.detach().clone()
    run.advance()
    assert torch.equal(run.alpha, alpha)
    assert not torch.equal(run.net.weight, weight)
    run.advance()
    assert not torch.equal(run.alpha, alpha)


def test_incumbent_is_the_arg_max_of_every_edge_and_none_may_win(run: Search) -> None:
    with torch.no_grad():
        run.alpha.zero_()
        for edge, op in enumerate((0, 3, 1, 4, 2, 0)):
            run.alpha[5 * edge + op] = 1.0
    assert run.incumbent.tolist() == [0, 3, 1, 4, 2, 0]
    assert run.incumbent.dtype == np.int16


def test_rank_is_the_score_of_shared_weights_not_of_alpha(run: Search) -> None:
    before = run.rank(live.ARCHS)
    with torch.no_grad():
        run.alpha.add_(torch.arange(30.0))
    assert np.array_equal(run.rank(live.ARCHS), before)
    assert len(np.unique(before)) > 3


def test_ranking_by_alpha_is_the_log_probability_of_the_architecture_and_changes_no_search(run: Search) -> None:
    with torch.no_grad():
        run.alpha.copy_(torch.from_numpy(np.random.default_rng(5).standard_normal(30)))
    p = run.alpha.detach().double().view(6, 5).softmax(1).numpy()
    every = enumerate_all(live.SPACE)
    score = run.rank_by_alpha(every)
    assert np.exp(score).sum() == pytest.approx(1.0)
    assert score[0] == pytest.approx(np.log(p[:, 0]).sum())
    assert np.array_equal(every[score.argmax()], run.incumbent)  # DARTS's own choice comes first
    by_alpha, plain = (list(replace(SHORT, rank_by_alpha=on).search(live.task())) for on in (True, False))
    assert [dict(c.logs) for c in by_alpha] == [dict(c.logs) for c in plain]
    assert [c.incumbent.tolist() for c in by_alpha] == [c.incumbent.tolist() for c in plain]
    assert not np.array_equal(by_alpha[-1].rank(live.ARCHS), plain[-1].rank(live.ARCHS))


def test_alpha_moves_before_the_weights_unless_the_weights_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    for name in ("_step_alpha", "_step_weights"):
        step = getattr(Search, name)
        monkeypatch.setattr(Search, name, lambda run, *a, f=step, n=name: order.append(n) or f(run, *a))
    found = {}
    for first in (False, True):
        order.clear()
        found[first] = next(replace(SHORT, weights_first=first).search(live.task())).rank(live.ARCHS)
        assert order == (["_step_weights", "_step_alpha"] if first else ["_step_alpha", "_step_weights"]) * 3
    assert not np.array_equal(found[False], found[True])


def test_eigenvalue_is_logged_every_so_many_epochs_and_moves_nothing() -> None:
    with_it = [dict(c.logs) for c in SHORT.search(live.task())]
    without = [dict(c.logs) for c in Darts(epochs=3, batch=32, eigenvalue_every=0).search(live.task())]
    assert ["eigenvalue" in logs for logs in with_it] == [False, True, False]
    assert with_it[1].pop("eigenvalue") > 0
    assert with_it == without


def test_fewer_validation_than_training_batches_are_used_again() -> None:
    whole = live.small_data()
    data = replace(whole, val=(whole.val[0][:20], whole.val[1][:20]))
    calls: list[int] = []

    class Counted(Darts):
        def lesson(self, search: Search) -> torch.Tensor:
            calls.append(search.epoch)
            return super().lesson(search)

    live.search(Counted(epochs=3, batch=32, eigenvalue_every=0), data).advance()
    assert len(calls) == 3


@pytest.mark.parametrize("method", VARIANTS)
def test_a_resumed_run_ends_as_the_uninterrupted_one(method: Darts) -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)


def test_a_task_without_live_data_is_refused() -> None:
    bare = Task(live.SPACE, np.random.default_rng(0), float("inf"))
    with pytest.raises(UsageError, match="needs a live benchmark"):
        next(Darts().search(bare))
