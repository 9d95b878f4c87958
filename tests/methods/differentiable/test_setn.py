"""SETN: uniform draws, and the best of the likely architectures."""

from __future__ import annotations

import numpy as np
import torch

from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.harness.space import enumerate_all
from nasboard.methods.differentiable.setn import Setn
from tests.methods import live

SHORT = Setn(epochs=3, batch=32, candidates=7, score_batch=40, derive_every=2, eigenvalue_every=2)


def test_the_weights_train_architectures_drawn_uniformly_whatever_alpha_is() -> None:
    run = live.search(SHORT)
    with torch.no_grad():
        run.alpha.copy_(torch.from_numpy(np.random.default_rng(2).standard_normal(30)))
    drawn = torch.stack([SHORT.lesson(run) for _ in range(4000)]).view(-1, 6, 5)
    assert torch.equal(drawn.sum(2), torch.ones(4000, 6))
    assert (drawn.mean(0) - 0.2).abs().max() < 0.03


def test_the_result_is_the_best_on_one_batch_of_the_likeliest_by_alpha() -> None:
    run = live.search(SHORT)
    run.advance()
    run.advance()
    every = enumerate_all(run.net.space)
    logs = run.alpha.detach().double().view(6, 5).log_softmax(1).numpy()
    likely = every[np.argsort(-logs[np.arange(6), every].sum(1), kind="stable")[:7]]
    scored = run.parts.scored
    best = likely[evaluate(run.net, likely, scored.images[:40], scored.labels[:40]).score.argmax()]
    assert np.array_equal(run.incumbent, best)


def test_between_derivations_the_result_stays() -> None:
    found = [checkpoint.incumbent for checkpoint in Setn(epochs=4, batch=32, derive_every=3).search(live.task())]
    assert not np.array_equal(found[1], found[2]) or np.array_equal(found[0], found[2])
    late = [c.incumbent for c in Setn(epochs=5, batch=32, alpha_lr=0.5, derive_every=2).search(live.task())]
    assert np.array_equal(late[1], late[2])


def test_same_seed_same_run() -> None:
    live.check_same_seed_same_run(SHORT)


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
