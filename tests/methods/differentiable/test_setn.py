"""SETN: uniform draws, and the best of the likely architectures."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, check, enumerate_valid, sample
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.setn import Setn, likely
from tests.methods import live

SHORT = Setn(epochs=3, batch=32, candidates=7, score_batch=40, derive_every=2, eigenvalue_every=2)


def spread(name: str | None = None) -> Search:
    """Return a search whose alpha is far from uniform."""
    run = live.search(SHORT, None if name is None else live.tiny(name))
    with torch.no_grad():
        run.alpha.copy_(torch.from_numpy(np.random.default_rng(2).standard_normal(run.simplices.size)))
    return run


def found(run: Search, count: int) -> Archs:
    return likely(run, Differentiable.genotype(SHORT, run), count)


def test_defaults_are_those_of_the_nas_bench_201_version() -> None:
    s = Setn()
    assert (s.epochs, s.batch, s.lr, s.lr_min, s.nesterov, s.weight_decay) == (250, 64, 0.025, 0.001, True, 5e-4)
    assert (s.alpha_lr, s.alpha_weight_decay, s.candidates, s.score_batch) == (3e-4, 1e-3, 100, 512)


@pytest.mark.parametrize("wrong", [{"candidates": 0}, {"score_batch": 0}, {"derive_every": 0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        replace(SHORT, **wrong)


def test_the_weights_train_architectures_drawn_uniformly_whatever_alpha_is() -> None:
    run = spread()
    drawn = torch.stack([SHORT.lesson(run) for _ in range(4000)]).view(-1, 6, 5)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(drawn.sum(2), torch.ones(4000, 6))
    assert (drawn.mean(0) - 0.2).abs().max() < 4.5 * (0.2 * 0.8 / 4000) ** 0.5
    pairs = torch.einsum("nij,nkl->ijkl", drawn, drawn)[0, :, 1:].reshape(-1) / 4000  # edges know nothing of each other
    assert (pairs - 0.04).abs().max() < 4.5 * (0.04 * 0.96 / 4000) ** 0.5


@pytest.mark.parametrize("name", [None, "nb1shot1-1-live"])
def test_the_likely_ones_are_those_of_a_list_of_the_whole_space(name: str | None) -> None:
    run = spread(name)
    every = enumerate_valid(run.net.space)
    scores = run.rank_by_alpha(every)
    expected = every[np.argsort(-scores, kind="stable")[:50]]
    np.testing.assert_allclose(run.rank_by_alpha(found(run, 50)), np.sort(scores)[::-1][:50])
    assert np.array_equal(found(run, 50)[:10], expected[:10])


def test_where_edges_compete_they_are_likelier_than_any_draw() -> None:
    run = spread("darts-digits")
    best = check(run.net.space, found(run, 30))
    scores = run.rank_by_alpha(best)
    assert len(np.unique(run.net.space.canonical(best))) == 30
    assert all(one >= other for one, other in pairwise(scores))
    assert scores.min() > run.rank_by_alpha(sample(run.net.space, np.random.default_rng(0), 5000)).max()


def test_the_result_is_the_best_on_one_batch_of_the_likeliest_by_alpha() -> None:
    run = live.search(SHORT)
    run.advance()
    run.advance()
    logs = run.alpha.detach().double().view(6, 5).log_softmax(1).numpy()
    every = enumerate_valid(run.net.space)
    best = every[np.argsort(-logs[np.arange(6), every].sum(1), kind="stable")[:7]]
    scored = run.parts.scored
    expected = best[evaluate(run.net, best, scored.images[:40], scored.labels[:40]).score.argmax()]
    assert np.array_equal(run.incumbent, expected)


def test_between_derivations_the_result_stays_and_the_last_epoch_derives() -> None:
    run = live.search(replace(SHORT, epochs=5, alpha_from=5, derive_every=2, candidates=1))
    incumbents, plain = [], []
    for epoch in range(5):
        run.alpha.data[:] = torch.from_numpy(np.random.default_rng(epoch).standard_normal(30))
        run.advance()
        incumbents.append(run.incumbent.tolist())
        plain.append(Differentiable.genotype(run.method, run).tolist())
    assert incumbents[0] == plain[0]  # before the first
    assert incumbents[2] == incumbents[1] == plain[1] != plain[2]
    assert incumbents[4] == plain[4] != incumbents[3]


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
