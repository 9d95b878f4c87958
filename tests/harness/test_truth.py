"""Reading the truth: what is no accuracy is refused with what is allowed, and equal ones are equal bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.benchmarks.tabulated.planted import Planted, planted
from nasboard.harness.context import Context, Quality
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, enumerate_all
from nasboard.harness.statistics.rank import kendall_tau
from nasboard.harness.truth import at_resolution, best_expected, read_by_seed, read_optimum, read_truth
from tests.contracts.catalogue import opened
from tests.harness.statistics.noisy_tables import WORLDS, World, optimism

ARCHS = enumerate_all(planted().space)[:50]


@dataclass(frozen=True)
class Told(Planted):
    """Planted with another truth, `(50,)`, and other seeds."""

    mean: object = None
    seeds: object = None

    def truth(self, archs: Archs) -> object:  # type: ignore[override]
        return self.mean

    def truth_by_seed(self, archs: Archs) -> object:  # type: ignore[override]
        return self.seeds


def told(mean: object = None, seeds: object = None, context: Context | None = None) -> Told:
    plain = planted()
    return Told(plain.curves, plain.test_correct, context=context or Context(), mean=mean, seeds=seeds)


GOOD = np.linspace(0.5, 0.9, 50)
WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: np.where(np.arange(50) == 7, np.nan, GOOD), r"1 of \d+ values not finite.*MissingDataError, never NaN"),
    (lambda: np.where(np.arange(50) == 7, np.inf, GOOD), r"1 of \d+ values not finite"),
    (lambda: 100 * GOOD, r"values from 50 to 90, allowed are fractions in \[0, 1\]; where they are percent"),
    (lambda: -GOOD, r"values from -0.9 to -0.5, allowed are fractions"),
    (lambda: GOOD.astype(object), r"gives object \(50,\), allowed are numbers"),
    (lambda: GOOD > 0.6, r"gives bool \(50,\), allowed are numbers"),
    (lambda: GOOD.astype(str), r"gives <U32 \(50,\), allowed are numbers"),
    (lambda: None, r"gives object \(\), allowed are numbers"),
    (lambda: GOOD[:, None], r"gives float64 \(50, 1\), allowed are numbers \(50,\); mend the benchmark"),
    (lambda: GOOD[:49], r"gives float64 \(49,\), allowed are numbers \(50,\)"),
    (lambda: 0.5, r"gives float64 \(\), allowed are numbers \(50,\)"),
]


@pytest.mark.parametrize(("made", "says"), WRONG)
def test_what_is_no_truth_is_refused(made: Callable[[], object], says: str) -> None:
    with pytest.raises(UsageError, match=f"^planted: truth .*{says}"):
        read_truth(told(made()), ARCHS)


@pytest.mark.parametrize(("made", "says"), WRONG[:4])
def test_what_is_no_truth_of_seeds_is_refused(made: Callable[[], np.ndarray], says: str) -> None:
    seeds = np.stack([GOOD, made()], axis=1)
    with pytest.raises(UsageError, match=r"^planted: truth_by_seed"):
        read_by_seed(told(seeds=seeds), ARCHS)


@pytest.mark.parametrize("shape", [(50,), (2, 50), (50, 2, 1), ()])
def test_seeds_have_a_column_each(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"truth_by_seed gives float64 .*, allowed are numbers \(50, "):
        read_by_seed(told(seeds=np.full(shape, 0.5)), ARCHS)


def test_a_benchmark_may_have_no_seeds_and_whole_numbers() -> None:
    assert read_by_seed(told(), ARCHS) is None
    assert read_truth(told([0, 1] * 25), ARCHS).tolist() == [0.0, 1.0] * 25


@pytest.mark.parametrize("best", [np.nan, 94.3, [0.9], None, "0.9"])
def test_an_optimum_is_a_fraction(best: object) -> None:
    with pytest.raises(UsageError, match=r"^planted: optimum"):
        read_optimum(told(context=Context(optimum=lambda: best)))  # type: ignore[arg-type, return-value]


def test_an_optimum_is_read_where_it_is_said() -> None:
    assert read_optimum(told()) is None
    assert read_optimum(told(context=Context(optimum=lambda: 0.9))) == 0.9


@given(st.integers(1, 60_000), st.data())
def test_counts_come_back_whatever_rounding_did_to_them(images: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, images))
    off = count / images + data.draw(st.floats(-1e-9, 1e-9))
    assert at_resolution(np.array([off]), images).tolist() == [count / images]


def test_a_tie_that_rounding_tore_apart_is_a_tie() -> None:
    torn = np.array([0.1, 0.1 + 0.2, 0.3, 0.5])
    assert torn[1] > torn[2]
    read = read_truth(told(torn), ARCHS[:4])
    assert read[1] == read[2]
    scores = np.array([1.0, 2.0, 3.0, 4.0])
    assert kendall_tau(scores, read) == kendall_tau(scores, [1, 2, 2, 3])
    assert kendall_tau(scores, torn) < kendall_tau(scores, read)


def test_a_tie_is_looked_for_in_every_seed() -> None:
    read = read_by_seed(told(seeds=np.array([[0.3, 0.5], [0.1 + 0.2, 0.5]])), ARCHS[:2])
    assert read is not None
    assert read[0].tolist() == read[1].tolist()


def test_near_accuracies_of_a_benchmark_that_says_nothing_stay_apart() -> None:
    near = 0.5 + 1e-9 * np.arange(50)
    assert len(np.unique(read_truth(told(near), ARCHS))) == 50
    coarse = replace(told(near), context=Context(resolution=10_000))
    assert np.unique(read_truth(coarse, ARCHS)).tolist() == [0.5]


DISTINCT = {  # over the whole table, counted as whole images of whole trainings
    "digits201": 2_418,
    "planted": 2_469,
    "nb201-cifar10": 4_097,
    "nb201-cifar100": 3_769,
    "nb201-ImageNet16-120": 3_018,
    "nb1shot1-1": 1_499,
}


@pytest.mark.parametrize("name", DISTINCT)
def test_the_truth_of_every_table_is_in_whole_counts(name: str) -> None:
    benchmark = opened(name)
    archs = enumerate_all(benchmark.space)
    counts = benchmark.truth(archs) * benchmark.context.resolution
    assert np.abs(counts - np.rint(counts)).max() < 0.001  # a coincidence in 15,625 architectures would be none
    read = read_truth(benchmark, archs)
    assert len(np.unique(read)) == DISTINCT[name] < len(np.unique(benchmark.truth(archs)))


def test_a_benchmark_whose_code_breaks_is_blamed_by_name() -> None:
    def broken(archs: object) -> object:
        raise KeyError((1, 2))

    benchmark = SimpleNamespace(name="b-key", truth=broken, context=Context())
    with pytest.raises(UsageError, match=r"b-key: truth raised KeyError: \(1, 2\); mend the benchmark"):
        read_truth(benchmark, np.zeros((1, 2), dtype=np.int16))  # type: ignore[arg-type]


def test_the_best_is_measured_by_trainings_that_did_not_choose_it() -> None:
    by_seed = np.array([[0.9, 0.5, 0.6], [0.7, 0.8, 0.7], [0.1, 0.2, 0.9]])
    # without the first training the second architecture is best, without the second the first, without the third again
    # the second
    assert best_expected(by_seed) == pytest.approx((0.7 + 0.5 + 0.7) / 3)
    by_seed = np.array([[0.9, 0.8, 0.1, 0.2], [0.5, 0.5, 0.5, 0.5]])
    # measured by 0 and 1 the second, chosen by 2 and 3; by 2 and 3 the first; by 1 and 2 the first; else 0.5 either way
    assert best_expected(by_seed) == pytest.approx((0.5 + 0.15 + 0.45 + 3 * 0.5) / 6)


def test_those_that_tie_for_the_best_are_all_measured_whatever_rounding_does() -> None:
    by_seed = np.array([[0.3, 0.2, 0.1], [0.1, 0.2, 0.3], [0.0, 0.0, 0.0]])
    assert best_expected(by_seed) == pytest.approx(np.mean([0.1, 0.2, 0.1]))


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize("world", WORLDS[1:], ids=lambda world: world.__name__)  # normal accuracies part at the top
def test_the_best_mean_is_too_high_and_the_measured_best_is_not(world: World, seeds: int) -> None:
    best, chosen, naive, measured = optimism(world, seeds, 60).T
    assert _mean_of_sd(naive - best) > 4
    assert _mean_of_sd(naive - chosen) > 4
    assert abs(_mean_of_sd(measured - chosen)) < 3  # unbiased for what half of the trainings choose
    assert best.mean() > chosen.mean() > best.mean() - 0.007


def _mean_of_sd(values: np.ndarray) -> float:
    """Return the mean over tables in its own standard deviations."""
    return float(values.mean() / (values.std() / np.sqrt(len(values))))


def test_a_distance_is_held_as_its_negative_and_refused_as_it_is() -> None:
    distance = Context(quality=Quality("distance", None, False, (-np.inf, 0.0)))
    assert read_truth(told(-100 * GOOD, context=distance), ARCHS).tolist() == (-100 * GOOD).round(12).tolist()
    with pytest.raises(UsageError, match=r"values from 0.5 to 0.9, the distance is held in \[-inf, 0\]"):
        read_truth(told(GOOD, context=distance), ARCHS)
