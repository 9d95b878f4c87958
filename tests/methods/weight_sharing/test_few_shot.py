"""Few-shot: what is split, transferred and trained, and who scores whom."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet
from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule, set_lr, weight_step
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.nb201 import CONV3, SKIP, NB201Space
from nasboard.benchmarks.spaces.relaxation import splits
from nasboard.harness.api import Checkpoint, State, Task
from nasboard.harness.running import state
from nasboard.harness.space import enumerate_valid
from nasboard.methods.weight_sharing.few_shot import FewShot
from nasboard.methods.weight_sharing.one_shot import OneShot
from tests.methods import live

FORWARD = NB201Supernet.forward
SHORT = FewShot(k=1, epochs=2, sub_epochs=2, batch=32, lr=0.1, candidates=8, derive_every=3, together=5)


def last(method: FewShot | OneShot) -> Checkpoint:
    return list(method.search(live.task()))[-1]


def weights(checkpoint: Checkpoint) -> list[dict[str, np.ndarray]]:
    assert checkpoint.state is not None
    saved: State = checkpoint.state()
    family = saved["family"]
    if family is None:
        return [dict(saved["learner"]["weights"])]
    return [*family["done"], *(dict(learner["weights"]) for learner in family["trained"])]


@pytest.mark.parametrize(("k", "parts", "tensors"), [(0, 1, {34}), (1, 5, {30, 32}), (2, 25, {26, 28, 30})])
def test_k_split_edges_make_five_to_the_k_sub_supernets(k: int, parts: int, tensors: set[int]) -> None:
    made = weights(last(FewShot(k=k, epochs=1, sub_epochs=1, batch=96, candidates=2, together=5)))
    assert len(made) == parts
    # stem, reduction and head have ten tensors, an edge four: two convolutions in two cells
    assert {len(part) for part in made} == tensors


def test_without_a_split_it_is_one_shot() -> None:
    settings = {"epochs": 3, "batch": 32, "lr": 0.1, "weight_decay": 1e-4, "clip": 5.0}
    settings |= {"candidates": 8, "derive_every": 2}
    few = [live.shown(c) for c in FewShot(k=0, sub_epochs=9, **settings).search(live.task())]
    assert few == [live.shown(c) for c in OneShot(**settings).search(live.task())]


def test_sub_supernets_start_from_the_trained_supernets_weights_with_the_schedule_begun_again() -> None:
    method = FewShot(k=1, epochs=2, sub_epochs=1, batch=32, lr=0.1, lr_min=0.0, candidates=2, together=0)
    steps = method.search(live.task())
    next(steps)
    (parent,) = weights(next(steps))
    found = next(steps)
    for part in weights(found):
        assert set(part) < set(parent)
        # moved by one epoch at the first rate (the schedule had ended near zero), but not drawn afresh
        assert np.corrcoef(part["weight"].ravel(), parent["weight"].ravel())[0, 1] > 0.8
        assert not np.array_equal(part["weight"], parent["weight"])


def test_each_sub_supernet_is_trained_apart_from_the_others() -> None:
    made = weights(last(SHORT))
    heads = [part["weight"] for part in made]
    assert all(not np.array_equal(a, b) for i, a in enumerate(heads) for b in heads[:i])
    held = [sorted(name for name in part if ".edges.0." in name) for part in made]
    assert held == [
        [],
        [],
        ["cells.0.edges.0.convs.2.weight", "cells.1.edges.0.convs.2.weight"],
        ["cells.0.edges.0.convs.3.weight", "cells.1.edges.0.convs.3.weight"],
        [],
    ]


def test_an_architecture_is_scored_by_the_sub_supernet_that_owns_it() -> None:
    checkpoint = last(SHORT)
    data = live.small_data()
    scored = data.on("cpu").scored
    scores = checkpoint.rank(live.ARCHS)
    for op, part in enumerate(weights(checkpoint)):
        # an independent supernet of the whole space with the owner's weights, the missing ones at random
        net = data.supernet(np.random.default_rng(7), "cpu")
        net.load_state_dict({name: torch.tensor(value) for name, value in part.items()}, strict=False)
        mine = live.ARCHS[:, 0] == op
        np.testing.assert_allclose(
            scores[mine], evaluate(net, live.ARCHS[mine], scored.images, scored.labels).score, atol=1e-6
        )


def test_the_split_follows_the_given_order_of_edges() -> None:
    other = FewShot(k=1, split_order=(3, 0), epochs=1, sub_epochs=1, batch=96, candidates=2)
    made = weights(last(other))
    assert [any(".edges.3." in name for name in part) for part in made] == [False, False, True, True, False]
    assert all(any(".edges.0." in name for name in part) for part in made)


def test_as_released_every_cell_of_a_step_has_an_architecture_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[torch.Tensor] = []
    monkeypatch.setattr(
        NB201Supernet, "forward", lambda net, x, mix, how: given.append(mix) or FORWARD(net, x, mix, how)
    )
    list(replace(SHORT, as_released=True, together=1).search(live.task()))
    assert {tuple(mix.shape) for mix in given} == {(2, 30)}
    assert len(given) == 2 * 3 + 2 * 3 * 5  # three batches an epoch: two epochs of the supernet, two of five others
    assert sum(torch.equal(*mix) for mix in given) <= 2
    fixed = torch.stack(given[6:]).view(-1, 2, 6, 5).argmax(3)[:, :, 0]  # of the split edge, once it is
    assert torch.equal(fixed[:, 0], fixed[:, 1])
    given.clear()
    list(replace(SHORT, together=1).search(live.task()))
    assert {tuple(mix.shape) for mix in given} == {(30,)}


def test_the_defaults_are_those_of_the_release() -> None:
    d = FewShot()
    assert (d.k, d.split_order, d.epochs, d.sub_epochs, d.batch) == (1, (), 600, 300, 48)
    assert (d.lr, d.lr_min, d.momentum, d.weight_decay, d.clip) == (0.025, 0.001, 0.9, 1e-4, 0.0)


WAYS_OF_TRAINING = [
    SHORT,
    replace(SHORT, together=2),
    replace(SHORT, together=2, as_released=True),
    replace(SHORT, choose="random", sub_epochs=1),
    replace(SHORT, together=3, sampling="fair", choose="gradient_matching", sub_epochs=1),
    replace(SHORT, together=1, transfer=False, sampling="balanced", choose="random"),
]


@pytest.mark.parametrize("method", WAYS_OF_TRAINING)
def test_a_resumed_run_ends_as_the_uninterrupted_one(method: FewShot) -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)


@pytest.mark.parametrize("changed", [{}, {"as_released": True}, {"sampling": "fair"}, {"sampling": "redraw"}])
def test_what_a_sub_supernet_becomes_does_not_depend_on_those_it_is_trained_with(changed: dict[str, Any]) -> None:
    """One after the other, two at a time and all in one pack: the same weights but for rounding."""
    slow = replace(SHORT, sub_epochs=1, lr=0.01, **changed)  # a rate that lets rounding stay rounding
    alone, *others = (weights(last(replace(slow, together=n))) for n in (1, 2, 5))
    for other in others:
        for one, same in zip(alone, other, strict=True):
            assert one.keys() == same.keys()
            assert all(np.allclose(one[name], same[name], atol=1e-5) for name in one)


def test_the_same_edges_are_drawn_for_all_sub_supernets_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[torch.Tensor] = []
    monkeypatch.setattr(
        NB201Supernet, "forward", lambda net, x, mix, how: given.append(mix) or FORWARD(net, x, mix, how)
    )
    list(replace(SHORT, together=1, epochs=1, sub_epochs=1).search(live.task()))
    drawn = torch.stack(given[3:]).view(5, 3, 6, 5).argmax(3)  # (sub-supernets, steps, edges)
    assert torch.equal(drawn[:, :, 0], torch.arange(5)[:, None].expand(5, 3))
    assert all(torch.equal(drawn[0, :, 1:], other) for other in drawn[1:, :, 1:])


def test_with_every_edge_split_it_is_every_architecture_trained_alone() -> None:
    """Until it is vanilla NAS: a space of two operations on each edge, all 64 of its sub-supernets one architecture."""
    data = live.small_data()
    space = NB201Space(ops=(SKIP, CONV3))
    data = replace(data, parts=replace(data.parts, space=space))
    task = Task(space, np.random.default_rng(0), float("inf"), data=data)
    method = FewShot(k=6, transfer=False, sub_epochs=2, batch=32, lr=0.1, candidates=4, together=16)
    *_, done = method.search(task)
    archs = enumerate_valid(space)
    made = weights(done)
    assert done.rank is not None
    assert len(archs) == len(made) == 64
    scores, parts = done.rank(archs), data.on("cpu")
    seed = done.state()["family"]["seed"]  # type: ignore[index, misc]
    for number in (0, 21, 42, 63):
        held = splits(space.groups, tuple(range(6)))[number]
        net = data.supernet(np.random.default_rng([seed, 2, number]), "cpu", held)
        schedule = WeightSchedule(2, 32, 0.1, 0.001, 0.9, 1e-4, 0.0)
        optimiser = schedule.optimiser(net)
        (mix,) = net.mixtures(archs[number : number + 1])
        for epoch in range(2):
            set_lr(optimiser, schedule.lr_at(epoch))
            for batch in parts.lessons(32, np.random.default_rng([seed, 0, epoch])):
                weight_step(net, optimiser, batch, mix, 0.0)
        alone = evaluate(net, archs[number : number + 1], parts.scored.images, parts.scored.labels)
        assert scores[number] == pytest.approx(alone.score[0], abs=2 / 81)  # an image more or less, by rounding


def test_without_transfer_no_supernet_is_trained_and_each_has_weights_of_its_own() -> None:
    owned, done = live.ARCHS[:, 0], None
    for number, done in enumerate(replace(SHORT, transfer=False, together=2, sub_epochs=1).search(live.task()), 1):
        assert done.rank is not None
        scores, reached = done.rank(live.ARCHS), min(2 * number, 5)
        assert (scores[owned >= reached] == 0).all()  # nobody's yet
        assert (scores[owned < reached] > 0).all()
    assert done is not None
    assert done.step == done.total == 3
    heads = [part["weight"] for part in weights(done)]
    assert max(abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) for i, a in enumerate(heads) for b in heads[:i]) < 0.5


def test_with_transfer_the_supernet_stands_in_for_those_that_are_not_trained_yet() -> None:
    steps = replace(SHORT, together=2, sub_epochs=1).search(live.task())
    _, before, after = (next(steps).rank(live.ARCHS) for _ in range(3))  # type: ignore[misc]
    later = live.ARCHS[:, 0] >= 2
    assert np.array_equal(before[later], after[later])
    assert not np.array_equal(before[~later], after[~later])


def test_only_those_of_a_round_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sub-supernets that are done are files; those of the round and the supernet are networks."""
    there: weakref.WeakSet[Supernet] = weakref.WeakSet()
    made = LiveData.supernet

    def counted(*args: Any) -> Supernet:
        net = made(*args)
        there.add(net)
        return net

    monkeypatch.setattr(LiveData, "supernet", counted)
    method = replace(SHORT, k=2, split_order=(0, 3), together=2, epochs=1, sub_epochs=1, derive_every=99)
    search = method.search(live.task())
    for _ in range(8):
        next(search)
        gc.collect()
        assert len(there) <= 3


def test_it_resumes_in_the_middle_of_the_third_of_125() -> None:
    method = FewShot(k=3, epochs=1, sub_epochs=2, batch=96, candidates=2, derive_every=999)
    search = method.search(live.task())
    stored = [state.dump(next(search).state()) for _ in range(1 + 2 + 2 + 1)][-1]  # type: ignore[misc]
    resumed = method.search(live.task(seed=7, resume=state.load(stored)))
    for _ in range(4):
        one, other = next(search), next(resumed)
        assert one.step == other.step
        assert one.total == other.total == 1 + 125 * 2
        assert state.dump(one.state()) == state.dump(other.state())  # type: ignore[misc]
