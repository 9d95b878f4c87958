"""LaNAS: cuts, routes, UCT by hand, and where the search goes."""

from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.api import Observation
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, enumerate_all, one_hot, sample, size
from nasboard.methods.black_box import lanas
from nasboard.methods.black_box.lanas import Lanas, Planner, pool_of
from nasboard.methods.black_box.lanas_tree import Tree, uct
from tests.methods.black_box.play import search, share
from tests.methods.black_box.spaces import Free, Ruled

SPACE = PlantedSpace()
STARTS = np.cumsum((0, *SPACE.choices[:-1]))


def fitted(archs: Archs, accuracies: np.ndarray, height: int = 5) -> Tree:
    tree = Tree(height, sum(SPACE.choices))
    tree.fit(one_hot(SPACE, archs), accuracies)
    return tree


def utilities(archs: Archs) -> np.ndarray:
    """Score additively, as a linear cut can express."""
    return one_hot(SPACE, archs) @ default_rng(8).random(sum(SPACE.choices)) / 6


def test_uct_against_numbers_worked_out_by_hand() -> None:
    # ln 30 = 3.4011974, so 0.9 + 2 * 0.1 * sqrt(2 * 3.4011974 / 10) = 0.9 + 0.2 * 0.824767
    assert uct(0.9, 10, 30, 0.1) == pytest.approx(1.0649535, abs=1e-6)
    assert uct(0.5, 1, 1, 10.0) == 0.5  # ln 1 is 0
    assert uct(inf, 0, 7, 0.1) == inf
    assert uct(0.9, 10, 30, 0.0) == 0.9


def test_a_tree_has_inner_nodes_and_leaves_in_level_order() -> None:
    tree = Tree(5, 3)
    assert (len(tree.means), tree.first_leaf, tree.weights.shape) == (31, 15, (4, 15))


def test_samples_part_at_the_mean_of_their_node_and_are_counted() -> None:
    archs = sample(SPACE, default_rng(0), 60)
    accuracies = utilities(archs)
    tree = fitted(archs, accuracies, height=3)
    # the mean of a least-squares fit with intercept is the mean of the accuracies
    assert tree.bounds[0] == pytest.approx(accuracies.mean())
    good, bad = accuracies[accuracies >= accuracies.mean()], accuracies[accuracies < accuracies.mean()]
    parts = [good[good >= good.mean()], good[good < good.mean()], bad[bad >= bad.mean()], bad[bad < bad.mean()]]
    assert tree.counts == [60, len(good), len(bad), *map(len, parts)]
    assert tree.means == pytest.approx([part.mean() for part in (accuracies, good, bad, *parts)])


def test_regressors_are_least_squares_fits_of_smallest_norm() -> None:
    archs = sample(SPACE, default_rng(0), 80)
    accuracies = default_rng(1).random(80)
    tree = fitted(archs, accuracies)
    rows = np.column_stack([one_hot(SPACE, archs), np.ones(80)])
    np.testing.assert_allclose(tree.weights[:, 0], np.linalg.pinv(rows) @ accuracies, atol=1e-10)
    # no descent from another start does better
    residual = rows @ tree.weights[:, 0] - accuracies
    np.testing.assert_allclose(rows.T @ residual, 0.0, atol=1e-10)


def test_unseen_architectures_are_routed_by_predictions_from_the_root_down() -> None:
    archs = sample(SPACE, default_rng(0), 120)
    tree = fitted(archs, utilities(archs) + 0.05 * default_rng(1).random(120))
    everything = enumerate_all(SPACE)
    leaves = tree.route(STARTS + everything)
    encoded = np.column_stack([one_hot(SPACE, everything), np.ones(len(everything))])
    for row, leaf in list(zip(encoded, leaves, strict=True))[::37]:
        node = 0
        while node < 15:
            node = 2 * node + (1 if row @ tree.weights[:, node] >= tree.bounds[node] - 1e-9 else 2)
        assert node == leaf
    truth = utilities(everything)
    assert truth[leaves == 15].mean() > np.quantile(truth, 0.8)  # the best leaf, and the worst
    assert truth[leaves == 30].mean() < np.quantile(truth, 0.2)


def test_rounding_parts_no_equals() -> None:
    archs = sample(SPACE, default_rng(0), 30)
    tree = fitted(archs, np.full(30, 0.1 + 0.2))
    assert tree.counts[15] == 30
    assert set(tree.route(STARTS + enumerate_all(SPACE)).tolist()) == {15}


def test_a_node_without_samples_is_infinitely_attractive_and_calls_all_good() -> None:
    tree = fitted(sample(SPACE, default_rng(0), 1), np.array([0.4]))
    assert tree.counts == [1 if node in (0, 1, 3, 7, 15) else 0 for node in range(31)]
    assert tree.means[2] == inf
    assert tree._uct(2, 0, 0.1) == inf
    assert tree.weights[:, 2].tolist() == [0.0] * 25
    for _ in range(20):
        assert tree.select(0.1, default_rng(0)) > 22  # in the right half, which has no samples


def test_the_path_follows_the_larger_uct_and_ties_are_drawn() -> None:
    tree = Tree(2, 1)
    tree.counts, tree.means = [20, 10, 10], [0.5, 0.7, 0.3]
    assert {tree.select(0.1, default_rng(seed)) for seed in range(20)} == {1}
    tree.counts = [20, 19, 1]  # 0.2 sqrt(2 ln 20 / 19) = 0.112 against 0.2 sqrt(2 ln 20) = 0.490
    assert {tree.select(0.1, default_rng(seed)) for seed in range(20)} == {1}
    tree.means = [0.5, 0.65, 0.3]
    assert {tree.select(0.1, default_rng(seed)) for seed in range(20)} == {2}
    tree.counts, tree.means = [20, 10, 10], [0.5, 0.5, 0.5]
    assert {tree.select(0.1, default_rng(seed)) for seed in range(20)} == {1, 2}


def test_a_new_sample_counts_in_its_leaf_and_all_above() -> None:
    tree = Tree(3, 1)
    tree.counts, tree.means = [4, 3, 1, 2, 1, 1, 0], [0.5, 0.6, 0.2, 0.7, 0.4, 0.2, inf]
    tree.add(6, 0.8)
    assert tree.counts == [5, 3, 2, 2, 1, 1, 1]
    assert tree.means == pytest.approx([(4 * 0.5 + 0.8) / 5, 0.6, 0.5, 0.7, 0.4, 0.2, 0.8])


def test_no_architecture_is_asked_for_twice_until_the_space_is_used_up() -> None:
    space = Free((4, 5, 2))
    asked, _ = search(Lanas(), space, share, size(space) + 7)
    assert len({arch.tobytes() for arch in asked[: size(space)]}) == size(space)
    assert len(asked) == size(space) + 7


def test_the_tree_is_refitted_after_so_many_selections() -> None:
    player = Planner(Lanas(initial=6, selections=4), SPACE, default_rng(0))
    fits = []
    refit = player._refit
    player._refit = lambda: (fits.append(len(player.archs)), refit())[1]  # type: ignore[method-assign, func-returns-value]
    for _ in range(20):
        proposal = player.ask()
        player.tell(proposal, Observation(share(proposal.arch), 1.0, 1))
        assert player.tree.counts[0] == (len(player.archs) if len(player.archs) > 6 else 0)
    assert fits == [6, 10, 14, 18]


def test_an_empty_leaf_gives_way_to_the_first_that_is_not() -> None:
    player = Planner(Lanas(), SPACE, default_rng(0))
    player.leaves = np.where(np.arange(len(player.pool)) % 2, 18, 25)
    player.leaf = 30
    drawn = player._draw()
    assert player.leaf == 18
    assert np.flatnonzero((player.pool == drawn).all(axis=1))[0] % 2 == 1
    player.free[:] = player.leaves == 25
    player._draw()
    assert player.leaf == 25


def test_draws_gather_where_accuracies_are_high() -> None:
    asked, _ = search(Lanas(), SPACE, lambda arch: float(utilities(arch[None])[0]), 110)
    scores = utilities(np.stack(asked))
    assert scores[70:].mean() > np.quantile(utilities(enumerate_all(SPACE)), 0.8)


def test_only_valid_architectures_are_asked_for() -> None:
    space = Ruled()
    asked, _ = search(Lanas(), space, share, 100)
    assert space.valid(np.stack(asked)).all()


def test_a_large_space_is_stood_in_for_by_a_fresh_draw_at_every_refit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanas, "POOL", 2_000)
    space = Ruled((5,) * 12)  # 244 million rows
    player = Planner(Lanas(), space, default_rng(0))
    pools, asked = [], []
    for _ in range(120):
        proposal = player.ask()
        pools.append(id(player.pool))
        asked.append(proposal.arch)
        player.tell(proposal, Observation(share(proposal.arch), 1.0, 1))
    assert len(set(pools)) >= 2
    assert space.valid(np.stack(asked)).all()
    assert len({arch.tobytes() for arch in asked}) == 120
    assert np.mean([share(a) for a in asked[90:]]) > 1.5 * np.mean([share(a) for a in asked[:10]])


def test_what_was_seen_is_not_drawn_again_from_a_fresh_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanas, "WHOLE", 10)
    monkeypatch.setattr(lanas, "POOL", 400)
    space = Free((4, 5, 3))
    asked, _ = search(Lanas(), space, share, 58)  # of 60, every pool has nearly all
    assert len({arch.tobytes() for arch in asked}) == 58


def test_the_pool_is_every_valid_architecture_once() -> None:
    space = Ruled()
    everything = enumerate_all(space)
    assert np.array_equal(pool_of(space, default_rng(0)), everything[space.valid(everything)])


def test_the_first_architectures_are_drawn_without_a_tree() -> None:
    good, _ = search(Lanas(initial=15), SPACE, share, 15)
    bad, _ = search(Lanas(initial=15), SPACE, lambda arch: 1 - share(arch), 15)
    assert np.array_equal(good, bad)


def test_uct_uses_natural_logarithms() -> None:
    assert uct(0.0, 2, 9, 0.5) == pytest.approx(sqrt(log(9)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"height": 1},
        {"height": 13},
        {"cp": -0.1},
        {"cp": float("nan")},
        {"cp": float("inf")},
        {"initial": 0},
        {"selections": 0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"lanas: .* given"):
        Lanas(**wrong)  # type: ignore[arg-type]
