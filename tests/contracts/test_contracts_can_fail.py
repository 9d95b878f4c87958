"""Every contract is broken by something that breaks it, which is told what to do, and kept by something honest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness import registry
from nasboard.harness.api import Benchmark, SearchMethod
from nasboard.harness.errors import ContractError
from nasboard.harness.space import SearchSpace
from nasboard.harness.testing import live, offering, searching, spaces
from nasboard.harness.testing.case import Case
from nasboard.harness.testing.checking import check, check_benchmark
from nasboard.harness.testing.finding import Finding, judged, settle
from tests.contracts import broken_benchmarks, broken_methods
from tests.plugin import write_distribution

METHODS: dict[Callable[[Case], str | None], tuple[SearchMethod, str]] = {
    searching.well_formed_checkpoints: (broken_methods.Miscounting(), "step 0 came where 1 was due"),
    searching.same_seed_same_record: (broken_methods.Unseeded(), "draw from task.rng alone"),
    searching.same_record_in_another_process: (broken_methods.Hashed(), "let nothing depend on hash"),
    searching.abilities_change_nothing: (broken_methods.Nosy(), "let them neither draw"),
    searching.resume_ends_like_uninterrupted: (broken_methods.Forgetful(), "put all that the next step depends on"),
    searching.budget_is_never_overspent: (broken_methods.Thief(), "without being paid for"),
    searching.no_path_to_a_test_value: (broken_methods.Cheat(), "search by the task alone"),
    searching.incumbents_compare_equal_fidelities: (broken_methods.Mixed(), "compare what was trained equally long"),
    searching.better_than_random_search: (broken_methods.Downhill(), "look for a sign turned round"),
}
SPACES: dict[Callable[[SearchSpace], str | None], tuple[SearchSpace, str]] = {
    spaces.string_form_is_one_to_one: (broken_benchmarks.OneForm(), "allowed is the same row"),
    spaces.canonical_form_is_of_each_row_alone: (broken_benchmarks.Neighbourly(), "in a batch and"),
    spaces.validity_is_of_each_row_alone: (broken_benchmarks.Crowded(), "than in a batch"),
    spaces.what_is_outside_is_refused: (broken_benchmarks.Lenient(), "allowed is a SpecError"),
}
BENCHMARKS: dict[Callable[[Benchmark], str | None], tuple[Callable[[], Benchmark], str]] = {
    offering.named_as_registered: (broken_benchmarks.renamed, "use one full name"),
    offering.truth_is_finite_and_of_each_row_alone: (broken_benchmarks.Sorted.of, "look each row up by itself"),
    offering.truth_is_the_mean_of_its_seeds: (broken_benchmarks.OtherMean.of, "derive one from the other"),
    offering.resolution_is_the_one_declared: (
        lambda: broken_benchmarks.with_context(resolution=7),
        "a multiple of 1/7",
    ),
    offering.fidelities_ascend_to_full_training: (
        lambda: broken_benchmarks.Other.of(fidelities=(9, 3)),
        "ascending epochs",
    ),
    offering.digest_names_the_table: (lambda: broken_benchmarks.with_digest("version 2"), "64 hexadecimal digits"),
    offering.query_answers_what_was_asked: (broken_benchmarks.Changing.of, "from the generator given alone"),
    offering.longer_training_costs_more: (broken_benchmarks.FlatRate.of, "cost no more for 9 epochs than for 1"),
    offering.validation_guides_to_the_truth: (broken_benchmarks.UpsideDown.of, "look for rows or signs mixed up"),
    offering.validation_is_not_the_test_series: (broken_benchmarks.Open.of, "let it show validation"),
    offering.search_side_leads_to_no_test_value: (broken_benchmarks.Open.of, "make the query an object of its own"),
    live.data_are_images_and_labels: (broken_benchmarks.raw, "allowed are uint8 or finite float32"),
    live.test_images_are_none_of_the_search_data: (
        lambda: broken_benchmarks.tested_on(broken_benchmarks.pictures(2)),
        "40 of 40 test images are among the search data",
    ),
    live.trainings_cost_more_the_longer: (
        lambda: broken_benchmarks.trained_by(cost_s=lambda arch, epochs: 3.0),
        "grow with the epochs",
    ),
    offering.context_can_be_read: (lambda: broken_benchmarks.with_context(optimum=lambda: 0.5), "mend `optimum`"),
    offering.same_in_another_process: (broken_benchmarks.salted, "let nothing depend on hash"),
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register what has to be found by another process."""
    write_distribution(tmp_path, "hashing", "", {"hashed": f"{broken_methods.__name__}:Hashed"})
    entries = {name: f"{broken_benchmarks.__name__}:{name}" for name in ("salted", "renamed")}
    write_distribution(tmp_path, "salting", "", entries, "nasboard.benchmarks")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("made", "law", "told"),
    [
        (
            lambda: broken_benchmarks.tested_on(broken_benchmarks.pictures(3, np.float32)),
            live.test_images_are_none_of_the_search_data,
            "allowed are test images of the same form",
        ),
        (
            lambda: broken_benchmarks.trained_by(fidelities=(1, 2)),
            live.trainings_cost_more_the_longer,
            "allowed ascend to its 4 epochs",
        ),
        (
            lambda: broken_benchmarks.trained_by(canonical=lambda archs: archs * 0),
            live.trainings_cost_more_the_longer,
            "not isomorphic to it",
        ),
        (
            lambda: broken_benchmarks.trained_by(cost_s=lambda arch, epochs: epochs * default_rng().random()),
            live.trainings_cost_more_the_longer,
            "costs are nominal",
        ),
    ],
)
def test_another_way_for_a_live_benchmark_to_break_it_is_caught_too(
    made: Callable[[], Benchmark], law: Callable[[Benchmark], str | None], told: str
) -> None:
    found = judged(law, made())
    assert (found.outcome, told in str(found.why)) == ("broken", True)


@pytest.mark.parametrize("law", offering.BENCHMARK_CONTRACTS[-6:], ids=lambda law: law.__name__)
def test_an_honest_live_benchmark_breaks_none(law: Callable[[Benchmark], str | None]) -> None:
    for made in (broken_benchmarks.tested_on(broken_benchmarks.pictures(3)), broken_benchmarks.trained_by()):
        assert judged(law, made).outcome != "broken"


def on_planted(method: SearchMethod) -> Case:
    return Case(type(method).__name__.lower(), method, registry.benchmark("planted"))


def test_every_contract_has_something_here_that_breaks_it() -> None:
    assert tuple(METHODS) == searching.METHOD_CONTRACTS
    assert tuple(SPACES) == spaces.SPACE_CONTRACTS
    assert tuple(BENCHMARKS) == offering.BENCHMARK_CONTRACTS


@pytest.mark.parametrize("contract", METHODS, ids=lambda contract: contract.__name__)
def test_a_method_that_breaks_it_is_caught(installed: None, contract: Callable[[Case], str | None]) -> None:
    method, told = METHODS[contract]
    found = judged(contract, on_planted(method))
    assert found.outcome == "broken"
    assert told in str(found.why)


@pytest.mark.parametrize("contract", SPACES, ids=lambda contract: contract.__name__)
def test_a_space_that_breaks_it_is_caught(contract: Callable[[SearchSpace], str | None]) -> None:
    space, told = SPACES[contract]
    found = judged(contract, space)
    assert found.outcome == "broken"
    assert told in str(found.why)
    assert judged(contract, PlantedSpace()).outcome == "ok"


@pytest.mark.parametrize("contract", BENCHMARKS, ids=lambda contract: contract.__name__)
def test_a_benchmark_that_breaks_it_is_caught(installed: None, contract: Callable[[Benchmark], str | None]) -> None:
    made, told = BENCHMARKS[contract]
    found = judged(contract, made())
    assert found.outcome == "broken"
    assert told in str(found.why)
    assert judged(contract, broken_benchmarks.Other.of()).outcome != "broken"


@pytest.mark.parametrize("contract", searching.METHOD_CONTRACTS, ids=lambda contract: contract.__name__)
def test_an_honest_method_breaks_none(contract: Callable[[Case], str | None]) -> None:
    assert judged(contract, on_planted(broken_methods.Honest())).outcome != "broken"


@pytest.mark.parametrize(
    ("method", "contract", "told"),
    [
        (broken_methods.NotANumber(), searching.well_formed_checkpoints, "rank returns float64 (40,)"),
        (broken_methods.Wordless(), searching.well_formed_checkpoints, "network returns float32 (8, 3) for 8 images"),
        (broken_methods.Restless(), searching.abilities_change_nothing, "let them neither draw"),
        (broken_methods.Crashing(), searching.well_formed_checkpoints, "it raised TheirError: out of order"),
        (broken_methods.Amnesiac(), searching.resume_ends_like_uninterrupted, "put all that the next step"),
        (broken_methods.Stubborn(), searching.budget_is_never_overspent, "let BudgetExhausted end the search"),
        (
            broken_methods.Worst(),
            searching.incumbents_compare_equal_fidelities,
            "keep the best of the highest fidelity",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_another_way_to_break_it_is_caught_too(
    method: SearchMethod, contract: Callable[[Case], str | None], told: str
) -> None:
    shown = broken_benchmarks.Pictured.of()  # planted, with images for those that have a network
    found = judged(contract, Case(type(method).__name__.lower(), method, shown))
    assert found.outcome == "broken"
    assert told in str(found.why)


def test_a_crash_breaks_a_contract_and_is_named() -> None:
    def crashes(space: SearchSpace) -> str | None:
        """Say what."""
        raise KeyError("gone")

    found = judged(crashes, PlantedSpace())
    assert found == Finding("crashes", "Say what.", "broken", "it raised KeyError: 'gone'")
    with pytest.raises(ContractError, match="hill breaks 1 of 1 contracts: crashes: it raised KeyError: 'gone'"):
        settle("hill", [found])


def test_a_benchmark_that_raises_what_is_its_own_is_caught_law_by_law() -> None:
    found = {f.contract: f for f in check_benchmark(broken_benchmarks.Crashing.of())}
    assert found["truth is finite and of each row alone"].why == "it raised TheirError: out of order"
    assert found["string form is one to one"].outcome == "ok"


def test_what_cannot_even_be_made_is_told_without_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"crashing": f"{broken_methods.__name__}:Unmade"}
    monkeypatch.syspath_prepend(write_distribution(tmp_path, "unmade", "", entry))
    with pytest.raises(ContractError, match="crashing raised TheirError: too long"):
        check("crashing")


def test_what_was_never_queried_is_predicted_and_not_compared() -> None:
    class Predicting(broken_methods.Honest):
        def search(self, task):  # type: ignore[no-untyped-def]
            for checkpoint in super().search(task):
                yield replace(checkpoint, incumbent=np.array([4, 4, 3, 3, 2, 2], dtype=np.int16))

    found = judged(searching.incumbents_compare_equal_fidelities, on_planted(Predicting()))
    assert found.outcome == "not applicable"
