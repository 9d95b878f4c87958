"""Few-shot: what is split, transferred and trained, and who scores whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet
from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.api import Checkpoint, State
from nasboard.harness.errors import MethodError, UsageError
from nasboard.methods.weight_sharing.few_shot import FewShot
from nasboard.methods.weight_sharing.one_shot import OneShot
from tests.methods import live

FORWARD = NB201Supernet.forward
SHORT = FewShot(k=1, epochs=2, sub_epochs=2, batch=32, lr=0.1, candidates=8, derive_every=3)


def last(method: FewShot | OneShot) -> Checkpoint:
    return list(method.search(live.task()))[-1]


def weights(checkpoint: Checkpoint) -> list[dict[str, np.ndarray]]:
    assert checkpoint.state is not None
    saved: State = checkpoint.state()
    return [dict(learner["weights"]) for learner in saved["learners"]]


@pytest.mark.parametrize(("k", "parts", "tensors"), [(0, 1, {34}), (1, 5, {30, 32}), (2, 25, {26, 28, 30})])
def test_k_split_edges_make_five_to_the_k_sub_supernets(k: int, parts: int, tensors: set[int]) -> None:
    made = weights(last(FewShot(k=k, epochs=1, sub_epochs=1, batch=96, candidates=2)))
    assert len(made) == parts
    # stem, reduction and head have ten tensors, an edge four: two convolutions in two cells
    assert {len(part) for part in made} == tensors


def test_without_a_split_it_is_one_shot() -> None:
    settings = {"epochs": 3, "batch": 32, "lr": 0.1, "weight_decay": 1e-4, "clip": 5.0}
    settings |= {"candidates": 8, "derive_every": 2}
    few = [live.shown(c) for c in FewShot(k=0, sub_epochs=9, **settings).search(live.task())]
    assert few == [live.shown(c) for c in OneShot(**settings).search(live.task())]


def test_sub_supernets_start_from_the_trained_supernets_weights_with_the_schedule_begun_again() -> None:
    method = FewShot(k=1, epochs=2, sub_epochs=1, batch=32, lr=0.1, lr_min=0.0, candidates=2)
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
    list(replace(SHORT, as_released=True).search(live.task()))
    assert {tuple(mix.shape) for mix in given} == {(2, 30)}
    assert len(given) == 2 * 3 + 2 * 3 * 5  # three batches an epoch: two epochs of the supernet, two of five others
    assert sum(torch.equal(*mix) for mix in given) <= 2
    fixed = torch.stack(given[6:]).view(-1, 2, 6, 5).argmax(3)[:, :, 0]  # of the split edge, once it is
    assert torch.equal(fixed[:, 0], fixed[:, 1])
    given.clear()
    list(SHORT.search(live.task()))
    assert {tuple(mix.shape) for mix in given} == {(30,)}


def test_the_defaults_are_those_of_the_release() -> None:
    d = FewShot()
    assert (d.k, d.split_order[0], d.epochs, d.sub_epochs, d.batch) == (1, 0, 600, 300, 48)
    assert (d.lr, d.lr_min, d.momentum, d.weight_decay, d.clip) == (0.025, 0.001, 0.9, 1e-4, 0.0)


@pytest.mark.parametrize("method", [SHORT, replace(SHORT, as_released=True)])
def test_same_seed_same_run(method: FewShot) -> None:
    live.check_same_seed_same_run(method)


@pytest.mark.parametrize("method", [SHORT, replace(SHORT, as_released=True)])
def test_a_resumed_run_ends_as_the_uninterrupted_one(method: FewShot) -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)


@pytest.mark.parametrize("k", [-1, 7])
def test_k_outside_the_edges_is_refused(k: int) -> None:
    with pytest.raises(UsageError, match=r"k is 0..6 .*given"):
        next(FewShot(k=k).search(live.task()))


def test_what_is_split_is_counted_among_the_groups_of_operations() -> None:
    space = NB1Shot1Space.of(1)  # its first two groups are inputs of nodes, its last is the output's
    (split,) = FewShot(k=1).groups_of(space)
    assert [group.kind for group in space.groups[: split + 1]] == ["input", "input", "operation"]
    assert FewShot(k=2, split_order=(3, 0)).groups_of(NB201Space()) == (3, 0)
    with pytest.raises(UsageError, match=r"nb1shot1-1 has groups of operations 0..3 to split, given \[0, 1, 2, 3, 4\]"):
        FewShot(k=5).groups_of(space)


def test_a_split_order_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="split edges are distinct"):
        list(FewShot(k=2, split_order=(1, 1), epochs=1, batch=96, candidates=2).search(live.task()))


def test_a_state_of_another_split_is_refused() -> None:
    checkpoint = last(FewShot(k=1, split_order=(3,), epochs=1, sub_epochs=1, batch=96, candidates=2))
    assert checkpoint.state is not None
    other = FewShot(k=1, epochs=1, sub_epochs=2, batch=96, candidates=2)
    with pytest.raises(MethodError, match="does not fit this network"):
        next(other.search(live.task(resume=checkpoint.state())))
