"""Random search draws uniformly, whatever it sees, and keeps the best."""

from __future__ import annotations

import numpy as np

from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.methods.black_box.random_search import RandomSearch
from tests.methods.black_box.play import search, share

SPACE = PlantedSpace()


def test_draws_do_not_depend_on_what_was_seen() -> None:
    guided, _ = search(RandomSearch(), SPACE, share, 50)
    constant, _ = search(RandomSearch(), SPACE, lambda arch: 0.5, 50)
    assert np.array_equal(guided, constant)


def test_every_choice_of_every_slot_comes_equally_often() -> None:
    n = 6_000
    archs, _ = search(RandomSearch(), SPACE, share, n)
    drawn = np.stack(archs)
    for slot, options in enumerate(SPACE.choices):
        found = np.bincount(drawn[:, slot], minlength=options) / n
        assert np.abs(found - 1 / options).max() < 5 * (1 / options / n) ** 0.5


def test_the_answer_is_the_best_that_was_seen() -> None:
    archs, last = search(RandomSearch(), SPACE, share, 200)
    assert last.incumbent is not None
    assert share(last.incumbent) == max(share(a) for a in archs)
