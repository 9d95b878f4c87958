"""Ways of drawing paths: what each of them promises, counted."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.nb201 import NONE
from nasboard.benchmarks.spaces.relaxation import splits
from nasboard.methods.weight_sharing.paths import WAYS, Sampling, apart
from tests.methods import live

INTO = {1: [0], 2: [1, 2], 3: [3, 4, 5]}  # slots of the edges into each node


def net(split: tuple[int, ...] = (), number: int = 0) -> Supernet:
    return live.small_data().supernet(np.random.default_rng(0), "cpu", splits(live.SPACE.groups, split)[number])


def drawn(way: Sampling, count: int, of: Supernet) -> np.ndarray:
    return np.stack(list(islice(WAYS[way](of, np.random.default_rng(1)), count)))


@pytest.mark.parametrize("way", WAYS)
def test_every_option_is_drawn_as_often_as_the_others_in_the_long_run(way: Sampling) -> None:
    archs = drawn(way, 3000 if way != "fair" else 600, net()).reshape(-1, 6)
    shares = np.stack([(archs == op).mean(axis=0) for op in range(5)])
    if way == "redraw":
        assert shares[NONE, 0] == 0  # the only edge into its node
        np.testing.assert_allclose(shares[NONE, 1:], [4 / 24] * 2 + [24 / 124] * 3, atol=0.03)  # of 5^n - 1 draws
    else:
        np.testing.assert_allclose(shares, 0.2, atol=0.03)


def test_redrawn_no_node_gets_nothing_but_where_nothing_else_is_held() -> None:
    archs = drawn("redraw", 500, net())[:, 0]
    assert all((archs[:, slots] != NONE).any(axis=1).all() for slots in INTO.values())
    fixed = drawn("redraw", 500, net((0,), NONE))[:, 0]
    assert (fixed[:, 0] == NONE).all()
    assert (fixed[:, INTO[2]] != NONE).any(axis=1).all()


def test_fair_trains_every_operation_of_every_edge_once_a_step() -> None:
    steps = drawn("fair", 50, net())
    assert steps.shape == (50, 5, 6)
    assert (np.sort(steps, axis=1) == np.arange(5)[None, :, None]).all()
    assert len(np.unique(steps.reshape(-1, 6), axis=0)) > 200


def test_balanced_trains_every_operation_once_in_five_steps() -> None:
    steps = drawn("balanced", 50, net())
    assert steps.shape == (50, 1, 6)
    assert (np.sort(steps.reshape(10, 5, 6), axis=1) == np.arange(5)[None, :, None]).all()


@pytest.mark.parametrize("way", WAYS)
def test_a_sub_supernet_draws_what_it_holds(way: Sampling) -> None:
    archs = drawn(way, 40, net((1, 4), 13)).reshape(-1, 6)  # the 13th of 25: operation 2 on edge 1, 3 on edge 4
    assert (archs[:, [1, 4]] == [2, 3]).all()
    assert all(len(set(archs[:, slot])) >= 4 for slot in (0, 2, 3, 5))


def test_apart_every_cell_has_an_architecture_of_its_own() -> None:
    paths = apart(WAYS["fair"](net(), np.random.default_rng(1)), 2)
    assert next(paths).shape == (5, 2, 6)
    one, other = next(paths).transpose(1, 0, 2)
    assert not np.array_equal(one, other)
