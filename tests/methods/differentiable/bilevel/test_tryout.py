"""The choice among searches: what is trained, which wins, and what is told of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nasboard.benchmarks.live.trainings.recipe import recipe
from nasboard.harness.errors import UnknownNameError, UsageError
from nasboard.harness.space import Arch
from nasboard.methods.differentiable.bilevel.relay import links
from nasboard.methods.differentiable.bilevel.tryout import Tryout
from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.pc_darts import PcDarts
from tests.methods import live

SHORT = Darts(epochs=1, batch=32, eigenvalue_every=0, searches=2, pick_recipe="quick-2")
EMPTY, CONVOLUTIONS = np.zeros(6, dtype=np.int16), np.full(6, 3, dtype=np.int16)


def tryout(*archs: Arch, epochs: int = 8) -> Tryout:
    """Return the tryout of searches that found these, each sure of it."""
    found = [{"found": arch, "mix": live.SPACE.relax(arch[None])[0]} for arch in archs]
    data = live.small_data()
    return Tryout(found, [live.SPACE] * len(archs), live.task(), data, recipe(f"quick-{epochs}"))


def test_the_best_on_validation_images_is_the_result_wherever_it_stands() -> None:
    for order in ((EMPTY, CONVOLUTIONS), (CONVOLUTIONS, EMPTY)):
        leg, accuracy = tryout(*order), {}
        while not leg.over:
            logs = leg.advance()
            accuracy[logs["tryout_of"]] = logs["tryout_accuracy"]
        better = order[int(max(accuracy, key=accuracy.__getitem__)) - 1]
        assert leg.incumbent is better is CONVOLUTIONS
        assert leg.rank(np.stack([EMPTY, CONVOLUTIONS])).argmax() == 1
        assert leg.handed_on()["found"] is CONVOLUTIONS


def test_until_one_is_trained_the_incumbent_is_the_last_searchs_and_then_the_best_so_far() -> None:
    leg, shown = tryout(EMPTY, CONVOLUTIONS, epochs=2), []
    for _ in range(2):
        shown.append(leg.incumbent)
        leg.advance()
    assert all(arch is CONVOLUTIONS for arch in shown)
    assert leg.incumbent is EMPTY


def test_what_two_searches_found_is_trained_once() -> None:
    leg = tryout(EMPTY, CONVOLUTIONS, EMPTY.copy(), epochs=1)
    assert leg.total == 2
    assert [leg.advance()["tryout_of"] for _ in range(leg.total)] == [1.0, 2.0]
    assert leg.over
    assert leg.done == 2


def test_searches_differ_and_one_of_theirs_is_chosen() -> None:
    steps = list(SHORT.search(live.task()))
    searches, trainings = steps[:2], steps[2:]
    assert [set(step.logs) >= {"alpha_entropy"} for step in steps] == [True, True, *[False] * len(trainings)]
    assert searches[0].logs != searches[1].logs
    assert steps[-1].incumbent.tolist() in [step.incumbent.tolist() for step in searches]
    assert [step.last for step in steps] == [False] * (len(steps) - 1) + [True]
    assert [step.total for step in trainings] == [len(steps)] * len(trainings)


def test_a_single_search_is_the_first_of_several() -> None:
    alone, first = (next(replace(SHORT, searches=n).search(live.task())) for n in (1, 2))
    assert live.shown(alone)[1:4] == live.shown(first)[1:4]
    assert (alone.last, first.last) == (True, False)


@pytest.mark.parametrize("method", [SHORT, PcDarts(epochs=1, batch=32, searches=2, pick_recipe="quick-2", partial=2)])
def test_several_searches_are_one_run_that_resumes(method: Darts) -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)


def test_a_recipe_that_trains_on_validation_images_or_none_is_refused() -> None:
    with pytest.raises(UsageError, match="pick_recipe"):
        next(replace(SHORT, pick_recipe="nb201-200-all").search(live.task()))
    with pytest.raises(UnknownNameError):
        next(replace(SHORT, pick_recipe="short").search(live.task()))


def test_what_legs_hand_on_is_a_chain() -> None:
    first = {"found": 1, "before": {}}
    assert links({}) == ()
    assert links({"found": 2, "before": first}) == (first, {"found": 2, "before": first})


def test_no_search_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="one search at least"):
        next(replace(SHORT, searches=0).search(live.task()))
