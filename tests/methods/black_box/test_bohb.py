"""BOHB: its kernel, its bandwidths, what is good and bad, which fidelity guides, and what is drawn."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.api import Observation, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import Archs, enumerate_all, sample
from nasboard.methods.black_box.bohb import Bohb, Model, best_ratio
from nasboard.methods.black_box.hyperband import Hyperband
from nasboard.methods.black_box.kde import Density, draw_around, fit, fit_as_released, uniform_bandwidths
from tests.methods.black_box.play import Asked, search, share
from tests.methods.black_box.spaces import Free, Ruled
from tests.strategies import batches

SPACE = PlantedSpace()
LEVELS = np.array(SPACE.choices)


def seen(accuracy: float, epochs: int = 1) -> Observation:
    return Observation(accuracy, 1.0, epochs)


@given(batches(SPACE), st.lists(st.floats(0.01, 0.99), min_size=6, max_size=6))
def test_the_density_is_the_mean_of_products_of_aitchison_aitken_kernels(points: Archs, shares: list[float]) -> None:
    h = np.array(shares) * uniform_bandwidths(LEVELS)
    density = Density(points, h, LEVELS)
    at = sample(SPACE, default_rng(0), 5)
    for x, found in zip(at, density(at), strict=True):
        terms = []
        for point in points:
            term = 1.0
            for mine, other, width, c in zip(x, point, h, SPACE.choices, strict=True):
                term *= 1 - width if mine == other else width / (c - 1)
            terms.append(term)
        assert found == pytest.approx(sum(terms) / len(terms), rel=1e-12)


def test_a_density_sums_to_one_over_the_space() -> None:
    space = Free()
    levels = np.array(space.choices)
    density = fit(sample(space, default_rng(1), 9), levels, 0.05)
    assert density(enumerate_all(space)).sum() == pytest.approx(1.0)


def test_bandwidths_follow_the_normal_reference_rule_within_their_bounds() -> None:
    points = np.array([[0, 0], [0, 1], [0, 2], [0, 3], [0, 3]], dtype=np.int16)
    levels = np.array([2, 4])
    # slot 0 shows one choice: the smallest; slot 1 has shares 1/5, 1/5, 1/5, 2/5
    spread = ((1 - (3 * 0.04 + 0.16)) / 2) ** 0.5
    expected = 1.06 * spread * 5 ** (-1 / 6)
    assert fit(points, levels, 0.01).bandwidths == pytest.approx([0.01, expected])
    assert fit(points, levels, 0.9).bandwidths == pytest.approx([0.5, 0.75])  # the uniform kernel's, never more


def test_for_two_choices_the_spread_is_the_standard_deviation() -> None:
    points = np.array([[0], [1], [1], [1], [1], [1], [1]], dtype=np.int16)
    expected = 1.06 * points.std() * 7 ** (-1 / 5)
    assert fit(points, np.array([2]), 1e-3).bandwidths == pytest.approx([expected])


@given(batches(SPACE), st.permutations(range(5)))
def test_renaming_the_choices_renames_the_density(points: Archs, names: list[int]) -> None:
    renamed = points.copy()
    renamed[:, 0] = np.array(names)[points[:, 0]]
    at = sample(SPACE, default_rng(0), 20)
    at_renamed = at.copy()
    at_renamed[:, 0] = np.array(names)[at[:, 0]]
    np.testing.assert_allclose(fit(points, LEVELS, 0.1)(at), fit(renamed, LEVELS, 0.1)(at_renamed), rtol=1e-12)


def test_as_released_bandwidths_are_unbounded_and_levels_are_those_shown() -> None:
    points = np.array([[0, 0, 1], [4, 1, 1], [0, 1, 1], [4, 1, 1]], dtype=np.int16)
    density = fit_as_released(points, np.array([5, 5, 5]), 1e-3)
    assert density.bandwidths == pytest.approx(
        [1.06 * 2 * 4 ** (-1 / 7), 1.06 * points[:, 1].std() * 4 ** (-1 / 7), 1e-3]
    )
    assert density.bandwidths[0] > 1  # so its kernel is negative at its own point
    assert density.levels.tolist() == [2, 2, 1]
    assert Density(points[:1], density.bandwidths, density.levels)(points[:1])[0] < 0


def test_candidates_keep_a_points_choice_unless_they_are_drawn_anew() -> None:
    points, n = np.array([[1, 2, 0]], dtype=np.int16), 20_000
    drawn = draw_around(points, np.array([0.0, 0.6, 1.8]), np.array([3, 5, 4]), default_rng(0), n)
    assert (drawn[:, 0] == 1).all()
    for slot, expected in ((1, [0.12, 0.12, 0.52, 0.12, 0.12]), (2, [0.25] * 4)):
        found = np.bincount(drawn[:, slot], minlength=len(expected)) / n
        assert np.abs(found - expected).max() < 5 * (0.25 / n) ** 0.5


def test_the_candidate_with_the_largest_ratio_is_taken_and_the_first_of_equals() -> None:
    def density(values: list[float]) -> Density:
        return lambda archs: np.array(values)  # type: ignore[return-value]

    archs = np.zeros((3, 1), dtype=np.int16)
    assert best_ratio(density([0.2, 0.3, 0.3]), density([0.1, 0.3, 0.1]), archs) == 2
    assert best_ratio(density([0.2, 0.2, 0.1]), density([0.1, 0.1, 0.1]), archs) == 0


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        ([0.2, 0.3], [np.inf, 0.1], 0),  # taken at once: no bad one shows such a choice
        ([0.2, 0.3, 0.4], [0.1, np.inf, np.inf], 1),  # the first of such
        ([0.2, np.inf], [np.inf, 0.1], 0),  # before one that only good ones show
        ([0.2, np.inf], [0.1, 0.1], 1),
        ([0.2, 0.3], [0.1, np.nan], 1),  # undefined among the bad: as good as none
        ([0.2, 0.3], [-np.inf, 0.1], 0),
        ([np.nan, 0.1], [0.1, 0.9], 1),  # undefined among the good: ruled out
        ([np.inf, -1.0, 0.1], [np.inf, 0.1, 0.2], 2),
        ([np.inf, -np.inf, np.nan], [np.inf, np.inf, 0.1], None),
        ([], [], None),
    ],
)
def test_densities_without_a_value_decide_as_in_the_release(
    good: list[float], bad: list[float], expected: int | None
) -> None:
    def density(values: list[float]) -> Density:
        return lambda archs: np.array(values)  # type: ignore[return-value]

    assert best_ratio(density(good), density(bad), np.zeros((len(good), 1), dtype=np.int16)) == expected
    assert one_by_one(good, bad) == expected


def one_by_one(good: list[float], bad: list[float]) -> int | None:
    """Return which candidate the release takes, which looks at one after the other; `max` passes over a second NaN."""
    best, chosen = np.inf, None
    for i, (of_good, of_bad) in enumerate(zip(good, bad, strict=True)):
        with np.errstate(invalid="ignore", over="ignore"):
            loss = np.float64(max(1e-32, of_bad)) / max(of_good, 1e-32)
        if not np.isfinite(loss) and np.isfinite(of_good):
            return i
        if loss < best:
            best, chosen = loss, i
    return chosen


@given(st.lists(st.tuples(*[st.sampled_from([-1.0, 0.0, 0.1, 0.3, np.inf, -np.inf, np.nan])] * 2), max_size=6))
def test_the_choice_is_that_of_a_loop_over_the_candidates(pairs: list[tuple[float, float]]) -> None:
    good, bad = [g for g, _ in pairs], [b for _, b in pairs]
    archs = np.zeros((len(pairs), 1), dtype=np.int16)
    found = best_ratio(lambda archs: np.array(good), lambda archs: np.array(bad), archs)  # type: ignore[arg-type, return-value]
    assert found == one_by_one(good, bad)


def test_as_released_draws_at_random_where_every_candidate_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    player = model(Bohb(as_released=True))
    for arch in sample(SPACE, default_rng(1), 40):
        player.add(arch, seen(share(arch)))
    monkeypatch.setattr("nasboard.methods.black_box.bohb.best_ratio", lambda *_: None)
    drawn = np.stack([player.draw() for _ in range(500)])
    assert len(np.unique(drawn, axis=0)) > 300


def model(settings: Bohb, space: PlantedSpace | Free = SPACE) -> Model:
    return Model(settings, space, default_rng(0))


def test_good_are_the_top_percent_and_at_least_one_more_than_slots() -> None:
    player, d = model(Bohb()), 6
    archs = sample(SPACE, default_rng(1), 100)
    accuracies = default_rng(2).random(100)
    for n, (arch, accuracy) in enumerate(zip(archs, accuracies, strict=True), start=1):
        player.add(arch, seen(accuracy))
        parts = player.split()
        if n < 2 * (d + 1):
            assert parts is None
            continue
        assert parts is not None
        best_first = archs[:n][np.argsort(-accuracies[:n])]
        good, bad = max(7, 15 * n // 100), max(7, 85 * n // 100)
        assert np.array_equal(parts[0], best_first[:good])
        assert np.array_equal(parts[1], best_first[good : good + bad])
    assert parts is not None
    assert [len(part) for part in parts] == [15, 85]


def test_the_highest_fidelity_with_enough_points_guides() -> None:
    player = model(Bohb())
    low, high = sample(SPACE, default_rng(1), 20), sample(SPACE, default_rng(2), 14)
    for i, arch in enumerate(low):
        player.add(arch, seen(i / 100, epochs=1))
    for i, arch in enumerate(high):
        parts = player.split()
        assert parts is not None
        assert np.array_equal(parts[0], low[::-1][:7])
        player.add(arch, seen(i / 100, epochs=9))
    parts = player.split()
    assert parts is not None
    assert np.array_equal(parts[0], high[::-1][:7])


def test_draws_gather_where_good_ones_are() -> None:
    player = model(Bohb(candidates=16))
    for arch in sample(SPACE, default_rng(1), 200):
        player.add(arch, seen(share(arch)))
    drawn = np.stack([player.draw() for _ in range(300)])
    uniform = sample(SPACE, default_rng(3), 300)
    assert (drawn == 1).mean() > 2 * (uniform == 1).mean()


def test_a_fraction_of_draws_is_uniform_whatever_was_seen() -> None:
    player = model(Bohb(random_fraction=1.0))
    for arch in sample(SPACE, default_rng(1), 100):
        player.add(arch, seen(share(arch)))
    rng = default_rng(0)
    for _ in range(20):
        rng.random()  # decides
        assert np.array_equal(player.draw(), sample(SPACE, rng, 1)[0])


def test_the_schedule_is_hyperbands() -> None:
    def epochs_of(method: Bohb | Hyperband) -> list[int]:
        oracle = MeteredOracle(Asked(share), SPACE, (1, 3, 9), 120.5, default_rng(0))
        steps = method.search(Task(SPACE, default_rng(0), 120.5, query=oracle))
        last = [next(steps) for _ in range(120)][-1]
        assert last.state is not None
        return np.asarray(last.state()["epochs"]).tolist()  # type: ignore[no-any-return]

    assert epochs_of(Bohb()) == epochs_of(Hyperband())


@pytest.mark.parametrize("as_released", [False, True])
def test_only_valid_architectures_are_asked_for(as_released: bool) -> None:
    space = Ruled()
    asked, _ = search(Bohb(as_released=as_released), space, share, 150)
    assert space.valid(np.stack(asked)).all()


def test_where_no_candidate_is_valid_a_uniform_draw_is() -> None:
    space = Ruled(step=7)
    player = model(Bohb(candidates=1), space)
    for arch in sample(space, default_rng(1), 40):
        player.add(arch, seen(share(arch)))
    drawn = np.stack([player.draw() for _ in range(100)])  # six in seven candidates break the rule
    assert space.valid(drawn).all()
    assert len(np.unique(drawn, axis=0)) > 40


def test_every_first_rung_of_a_single_fidelity_is_one_model_draw() -> None:
    enough = 2 * (len(SPACE.choices) + 1)
    asked, _ = search(Bohb(), SPACE, share, 40, seed=5)
    expected = Model(Bohb(), SPACE, default_rng(5))
    for n, arch in enumerate(asked):
        assert (expected.split() is None) == (n < enough)
        assert np.array_equal(arch, expected.draw())
        expected.add(arch, seen(share(arch)))


def test_unequal_slots_and_slots_without_a_choice_are_no_trouble() -> None:
    for settings, levels in product((Bohb(), Bohb(as_released=True)), ((2, 5, 1, 3), (1, 1, 2), (7,))):
        asked, _ = search(settings, Free(levels), share, 60)
        assert (np.stack(asked) < levels).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"eta": 1},
        {"top_percent": 0},
        {"top_percent": 100},
        {"min_bandwidth": 0.0},
        {"min_bandwidth": 1.5},
        {"min_bandwidth": float("nan")},
        {"bandwidth_factor": 0.0},
        {"bandwidth_factor": float("inf")},
        {"candidates": 0},
        {"candidates": 10_001},
        {"eta": 10**400},
        {"random_fraction": -0.1},
        {"random_fraction": 1.1},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"bohb: .* given"):
        Bohb(**wrong)  # type: ignore[arg-type]
