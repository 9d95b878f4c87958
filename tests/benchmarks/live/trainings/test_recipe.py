"""Recipes are plain numbers under a name."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from nasboard.benchmarks.live.trainings.recipe import RECIPES, recipe
from nasboard.harness.errors import UnknownNameError, UsageError


def test_names_are_those_of_the_recipes_and_quick_ones_have_the_epochs_they_say() -> None:
    assert all(recipe(name) is found and found.name == name for name, found in RECIPES.items() if "quick" not in name)
    assert recipe("quick-7").epochs == 7
    assert recipe("quick-3") == RECIPES["quick-3"]
    assert all(found.source for found in RECIPES.values())


@pytest.mark.parametrize("name", ["nb201-20O", "quick-0", "quick-100", "quick-", "darts-cifar-600"])
def test_an_unknown_name_is_answered_with_a_near_one(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown recipe .*did you mean '(nb201|quick|darts)-"):
        recipe(name)


def test_the_digest_is_of_every_number_and_not_of_the_source() -> None:
    digests = {found.digest for found in RECIPES.values()}
    assert len(digests) == len(RECIPES)
    one = RECIPES["nb201-200"]
    assert replace(one, source="elsewhere").digest == one.digest
    assert replace(one, version="2").digest != one.digest
    assert replace(one, bn_eps=2e-5).digest != one.digest


def test_the_rate_falls_along_a_half_cosine_by_step_or_by_epoch() -> None:
    by_epoch = replace(RECIPES["darts-cifar10-600"], lr_min=0.005)
    assert by_epoch.lr_at(0, 0, 10) == by_epoch.lr_at(0, 9, 10) == 0.025
    assert by_epoch.lr_at(300, 4, 10) == pytest.approx(0.015)
    by_step = RECIPES["digits201-15"]
    rates = [by_step.lr_at(epoch, step, 5) for epoch in range(15) for step in range(5)]
    assert rates[0] == 0.1
    assert all(a > b > 0 for a, b in pairwise(rates))


def test_paths_are_dropped_more_and_more_and_never_at_first() -> None:
    darts = RECIPES["darts-cifar10-600"]
    assert darts.path_drop_at(0) == 0
    assert darts.path_drop_at(300) == pytest.approx(0.1)


def test_fewer_epochs_have_schedules_of_their_own_and_more_are_refused() -> None:
    quick = recipe("quick-10")
    assert quick.lasting(None) is quick
    assert quick.lasting(4).lr_at(2, 0, 5) == pytest.approx(quick.lr / 2)
    assert quick.lasting(4).digest != recipe("quick-4").digest  # another name
    for epochs in (0, 11):
        with pytest.raises(UsageError, match=r"quick-10 trains 1\.\.10 epochs"):
            quick.lasting(epochs)
