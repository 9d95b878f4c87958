"""RSPS: what is looked at, how often and on what, and which architecture comes out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule, batches
from nasboard.harness.api import SearchMethod
from nasboard.harness.errors import UsageError
from nasboard.harness.space import sample
from nasboard.methods.weight_sharing.one_shot import OneShot
from nasboard.methods.weight_sharing.rsps import Rounds, Rsps
from nasboard.methods.weight_sharing.single_path import BestCandidate, SinglePath
from tests.methods import live

SHORT = Rsps(epochs=3, batch=32, lr=0.1, candidates=12, finalists=4, score_batch=20, rounds=2, derive_every=2)

SCHEDULE = WeightSchedule(5, 32, 0.1, 0.001, 0.9, 5e-4, 5.0)


def run(settings: Rsps = SHORT) -> SinglePath:
    data, rng = live.small_data(), np.random.default_rng(0)
    net = data.supernet(rng, "cpu")
    learner = Learner(net, SCHEDULE.optimiser(net))
    return SinglePath(data.on("cpu"), rng, Rounds(settings, settings.rounds), 1, learner)


def test_it_is_a_search_method() -> None:
    assert isinstance(Rsps(), SearchMethod)
    assert "the one validation batch" in Rsps.bn_policy


def test_the_defaults_are_those_of_the_paper_over_the_weights_of_its_nas_bench_201_version() -> None:
    d, weights = Rsps(), OneShot()
    assert (d.candidates, d.finalists, d.score_batch) == (1000, 10, 64)
    for name in ("epochs", "batch", "lr", "lr_min", "momentum", "weight_decay", "clip"):
        assert getattr(d, name) == getattr(weights, name)


@pytest.mark.parametrize(
    ("images", "rounds"), [(900, 1), (25_000, 9), (64 * 40, 1), (64 * 80, 2), (64 * 79, 1), (64 * 79 + 1, 2)]
)
def test_there_is_a_round_for_every_ten_thousand_steps(images: int, rounds: int) -> None:
    assert Rsps(epochs=250, batch=64).rounds_after(images) == rounds
    assert Rsps(rounds=3).rounds_after(images) == 3


def test_a_glance_sees_one_batch_of_unchanged_validation_images_for_each_architecture() -> None:
    search = run()
    before = search.rng.bit_generator.state
    seen = search.glance(live.ARCHS[:6], 30)  # 80 images: two batches of 30 an order
    search.rng.bit_generator.state = before
    shown = [batch for _ in range(3) for batch in [*batches(search.parts.val, 30, search.rng)][:2]]
    for arch, batch, score in zip(live.ARCHS[:6], shown, seen.accuracy, strict=True):
        assert score == evaluate(search.learner.net, arch[None], batch.images, batch.labels).accuracy[0]


def test_the_result_is_the_best_of_the_finalists_on_all_images_and_finalists_are_the_best_at_a_glance() -> None:
    search = run()
    archs = sample(live.SPACE, np.random.default_rng(7), 30)
    before = search.rng.bit_generator.state
    seen = search.glance(archs, 20)
    search.rng.bit_generator.state = before
    found, score = search.shortlist(archs, 20, 5)
    finalists = archs[np.argsort(-seen.score, kind="stable")[:5]]
    assert score == search.rank(finalists).max()
    assert np.array_equal(found.arch, finalists[search.rank(finalists).argmax()])
    assert found.accuracy == pytest.approx(seen.accuracy.mean())
    search.rng.bit_generator.state = before
    alone, score = search.shortlist(archs, 20, 1)
    assert np.array_equal(alone.arch, archs[seen.score.argmax()])
    assert score == seen.score.max()


def test_rounds_draw_anew_and_the_best_of_their_winners_is_taken() -> None:
    search = run()
    before = search.rng.bit_generator.state
    found = search.sampler.choose(search)
    search.rng.bit_generator.state = before
    winners = [search.shortlist(sample(live.SPACE, search.rng, 12), 20, 4) for _ in range(2)]
    assert not np.array_equal(winners[0][0].arch, winners[1][0].arch)
    best = max(winners, key=lambda winner: winner[1])
    assert np.array_equal(found.arch, best[0].arch)


def test_it_trains_what_one_shot_trains() -> None:
    losses = []
    for sampler in (Rounds(SHORT, 1), BestCandidate(live.ARCHS)):
        search = run()
        search.sampler = sampler
        losses.append([search._epoch(SCHEDULE, epoch) for epoch in range(2)])
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    "wrong",
    [{"finalists": 0}, {"finalists": 13}, {"score_batch": 0}, {"rounds": -1}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"rsps: finalists are 1\.\.candidates.*given"):
        replace(SHORT, **wrong)


@pytest.mark.parametrize("method", [SHORT, replace(SHORT, as_released=True)])
def test_a_resumed_run_ends_as_the_uninterrupted_one(method: Rsps) -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)
