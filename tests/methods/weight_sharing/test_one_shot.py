"""One-shot: sampling, derivation and the laws of live methods."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.benchmarks.spaces.relaxation import draw, everything, splits
from nasboard.harness.api import SearchMethod
from nasboard.harness.space import to_index
from nasboard.methods.weight_sharing.one_shot import OneShot
from nasboard.methods.weight_sharing.single_path import BestCandidate, SinglePath, Stepping
from tests.methods import live

SHORT = OneShot(epochs=4, batch=32, lr=0.1, candidates=8, derive_every=3)
SCHEDULE = WeightSchedule(5, 32, 0.1, 0.001, 0.9, 5e-4, 5.0)


def single_path(*, idle: bool = False) -> SinglePath:
    data = live.small_data()
    rng = np.random.default_rng(0)
    net = data.supernet(rng, "cpu")
    return SinglePath(
        data.on("cpu"),
        rng,
        BestCandidate(live.ARCHS),
        1,
        Learner(net, SCHEDULE.optimiser(net)),
        Stepping(idle=idle),
    )


def test_it_is_a_search_method() -> None:
    assert isinstance(OneShot(), SearchMethod)
    assert OneShot.needs == {"data"}
    assert "batch statistics" in OneShot.bn_policy


def test_paths_are_uniform_over_the_whole_space() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([draw(live.SPACE, everything(live.SPACE.groups), rng) for _ in range(5000)])
    counts = np.stack([(drawn == op).sum(0) for op in range(5)])  # (ops, edges)
    assert (np.abs(counts - 1000) < 5 * np.sqrt(5000 * 0.2 * 0.8)).all()
    assert len(np.unique(to_index(live.SPACE, drawn))) > 4000


def test_paths_of_a_sub_supernet_keep_to_it() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([draw(live.SPACE, splits(live.SPACE.groups, (0, 4))[7], rng) for _ in range(50)])
    assert (drawn[:, [0, 4]] == [1, 2]).all()
    assert len(np.unique(drawn[:, 1])) == 5


def test_the_incumbent_is_the_best_of_the_candidates_by_supernet_score() -> None:
    run = single_path()
    accuracy = run.derive()["supernet_accuracy"]
    scores = run.rank(live.ARCHS)
    assert np.array_equal(run.incumbent, live.ARCHS[scores.argmax()])
    assert accuracy == pytest.approx(run.evaluate(live.ARCHS).accuracy.mean())


def test_candidates_are_drawn_once_so_that_only_the_supernet_changes() -> None:
    found = [c.state()["sampler"]["candidates"] for c in SHORT.search(live.task()) if c.state is not None]
    assert found[0].shape == (8, 6)
    assert len(np.unique(found[0], axis=0)) > 1
    assert all(np.array_equal(found[0], each) for each in found)


def test_while_the_supernet_stands_still_so_does_the_incumbent() -> None:
    still = replace(SHORT, lr=0.0, lr_min=0.0, derive_every=1)  # what drawing candidates anew would make up as a drop
    assert len({c.incumbent.tobytes() for c in still.search(live.task()) if c.incumbent is not None}) == 1


def test_as_released_a_step_moves_the_weights_that_it_does_not_use_too() -> None:
    moved = {}
    for idle in (False, True):
        run = single_path(idle=idle)
        before = {name: tensor.detach().clone() for name, tensor in run.learner.net.named_parameters()}
        few = replace(run.parts.train, images=run.parts.train.images[:32], labels=run.parts.train.labels[:32])
        run.parts = replace(run.parts, train=few)  # one step an epoch
        run._epoch(SCHEDULE, 0)
        after = dict(run.learner.net.named_parameters())
        moved[idle] = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved[True] == set(before)
    assert moved[False] < moved[True]


def test_it_derives_every_so_many_epochs_and_at_the_end() -> None:
    steps = list(SHORT.search(live.task()))
    assert ["supernet_accuracy" in c.logs for c in steps] == [False, False, True, True]
    assert [c.incumbent is None for c in steps] == [True, True, False, False]


def test_training_makes_the_loss_smaller() -> None:
    losses = [c.logs["loss"] for c in OneShot(epochs=60, batch=32, lr=0.1, candidates=2).search(live.task())]
    assert np.mean(losses[-15:]) < np.mean(losses[:15]) - 0.1


@pytest.mark.parametrize("method", [SHORT, replace(SHORT, as_released=True)])
def test_a_resumed_run_ends_as_the_uninterrupted_one(method: OneShot) -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)
