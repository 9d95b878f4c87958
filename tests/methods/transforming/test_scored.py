"""Climbing and looking at everything, with scores whose best is known; and that a supernet is trained as ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import Archs, Floats, sample
from nasboard.harness.transitions import check_transformed, reachable, released
from nasboard.methods.transforming.scored import TransformExhaustive, TransformGreedy, best_of_all, climb
from nasboard.methods.weight_sharing.one_shot import OneShot
from tests.methods import live

SPACE = live.SPACE
OF = SPACE.transitions
ARCHS = sample(SPACE, np.random.default_rng(4), 12)
WORTH = np.random.default_rng(8).normal(size=(6, 5))  # of each operation on each edge


def separable(archs: Archs) -> Floats:
    return WORTH[np.arange(6), archs].sum(axis=1)


def rugged(archs: Archs) -> Floats:
    return np.random.default_rng(9).random(5**6)[archs.astype(int) @ 5 ** np.arange(6)]


def best(rank, arch: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    every = reachable(OF, arch, released(OF, arch[None])[0])
    return every[rank(every).argmax()]


@pytest.mark.parametrize("rank", [separable, rugged])
def test_the_best_of_all_is_that_of_a_plain_search(rank) -> None:  # type: ignore[no-untyped-def]
    found = best_of_all(SPACE, rank, 3000, ARCHS)
    assert all(np.array_equal(found[i], best(rank, arch)) for i, arch in enumerate(ARCHS))
    check_transformed(OF, ARCHS, found)


def test_where_single_changes_lead_there_climbing_ends_at_the_best_of_all() -> None:
    assert np.array_equal(climb(SPACE, separable, ARCHS), best_of_all(SPACE, separable, 3000, ARCHS))


def test_climbing_ends_where_no_single_change_is_better_and_is_allowed_from_the_input() -> None:
    found = climb(SPACE, rugged, ARCHS)
    check_transformed(OF, ARCHS, found)
    assert (rugged(found) >= rugged(ARCHS)).all()
    assert (found != ARCHS).any()
    for before, after in zip(ARCHS, found, strict=True):
        every = reachable(OF, before, released(OF, before[None])[0])
        near = every[(every != after).sum(axis=1) == 1]
        assert (rugged(near) <= rugged(after[None])).all()


def test_the_first_step_is_the_best_single_change() -> None:
    arch = ARCHS[0]
    every = reachable(OF, arch, released(OF, arch[None])[0])
    near = every[(every != arch).sum(axis=1) == 1]
    target = near[rugged(near).argmax()]
    only = climb(SPACE, lambda a: rugged(a) * (a == target).all(axis=1), arch[None])
    assert np.array_equal(only[0], target)


def test_where_nothing_is_better_nothing_changes() -> None:
    assert np.array_equal(climb(SPACE, lambda a: np.ones(len(a)), ARCHS), ARCHS)
    skips = np.ones((1, 6), dtype=np.int16)
    assert np.array_equal(climb(SPACE, lambda a: (a == 1).mean(axis=1), skips), skips)
    assert climb(SPACE, separable, ARCHS[:0]).shape == best_of_all(SPACE, separable, 5, ARCHS[:0]).shape == (0, 6)


def test_of_too_many_some_are_drawn_the_input_among_them_and_the_same_ones_whenever() -> None:
    asked: list[Archs] = []

    def rank(archs: Archs) -> Floats:
        asked.append(archs)
        return rugged(archs)

    arch = np.array([[3, 3, 2, 3, 2, 4]], dtype=np.int16)  # which may become 729
    found = best_of_all(SPACE, rank, 20, arch)
    assert 10 < len(asked[0]) <= 21
    assert (asked[0] == arch).all(axis=1).any()
    assert np.array_equal(best_of_all(SPACE, rank, 20, arch), found)
    assert rugged(found)[0] == rugged(asked[0]).max() < rugged(best_of_all(SPACE, rugged, 729, arch))[0]


@pytest.mark.parametrize("method", [climb, lambda s, r, a: best_of_all(s, r, 10, a)])
def test_an_input_outside_the_space_is_refused(method) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError, match="7 in slot 5"):
        method(SPACE, separable, np.array([[0, 0, 0, 0, 0, 7]], dtype=np.int16))


def test_the_supernet_is_trained_as_by_one_shot_and_says_what_becomes_of_an_input() -> None:
    settings = {"epochs": 2, "derive_every": 2, "candidates": 4}
    told = [live.whole_run(made(**settings)) for made in (OneShot, TransformGreedy, TransformExhaustive)]  # type: ignore[arg-type]
    assert told[0] == told[1]
    assert [row[:3] for row in told[0]] == [row[:3] for row in told[2]]
    few = ARCHS[:3]
    everything = replace(TransformExhaustive.for_tests(), most=30)
    for method, way in ((TransformGreedy.for_tests(), climb), (everything, lambda s, r, a: best_of_all(s, r, 30, a))):
        *_, last = method.search(live.task())  # type: ignore[attr-defined]
        assert last.transform is not None
        found = last.transform(few)
        assert np.array_equal(found, way(SPACE, last.rank, few))  # type: ignore[no-untyped-call]
        assert np.array_equal(last.transform(few[2:])[0], found[2])


@pytest.mark.parametrize(("most", "complete"), [(729, 1.0), (728, 0.0)])
def test_the_log_says_whether_everything_was_looked_at(most: int, complete: float) -> None:
    first = next(TransformExhaustive(epochs=1, most=most, candidates=2).search(live.task()))
    assert first.logs["complete"] == complete


@pytest.mark.parametrize("most", [0, 200_001])
def test_a_number_out_of_range_is_refused(most: int) -> None:
    with pytest.raises(UsageError, match=r"most is 1\.\.200,000, given"):
        TransformExhaustive(most=most)
