from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nasboard.benchmarks.tabulated.planted import IMAGES
from nasboard.harness.boards import kinds, measures
from nasboard.harness.boards.board import Undefined
from nasboard.harness.context import ACCURACY, Context, Quality
from nasboard.harness.errors import MissingDataError, SpecError, UsageError
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.space import to_index
from nasboard.harness.statistics.rank import kendall_tau
from tests.harness.stored_runs import ARCHS, BENCHMARK, ORDER, SMALL_PANEL, Stored, noisy, ranked, searched
from tests.harness.trained_runs import (
    DIGEST,
    NEWER,
    TOY,
    Toy,
    accuracy,
    loaded,
    mean,
    on_toy,
    trained,
    trained_for,
    training,
    trainings,
)

PLACES = [5, 200, 40, 900, 700, 910, 640, 905]  # incumbents along a run
PANEL_PLACES = np.argsort(ORDER)[to_index(BENCHMARK.space, SMALL_PANEL.archs)].tolist()


def search(places: list[int] = PLACES, seed: int = 0, label: str = "a") -> Stored:
    return on_toy(searched(label, seed, places, kind="measured"))


def panelled(scores: NDArray[np.float32]) -> Stored:
    return on_toy(ranked("r", 0, [scores], panel=SMALL_PANEL))


def final(found: Comparison, label: str = "a") -> float | Undefined:
    return measures.accuracy(found, found.outcomes[label][0])


def test_the_truth_of_a_benchmark_without_a_table_is_the_mean_of_its_trainings(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [search(), *trained(PLACES)])
    [outcome] = found.outcomes["a"]
    assert outcome.accuracy.tolist() == pytest.approx([mean(place) for place in PLACES])
    assert outcome.final_accuracy == pytest.approx(mean(905))
    assert outcome.untold is None
    assert (found.optimum, found.whole) == (None, None)


def test_a_training_is_no_row_and_no_comparison_of_its_own(tmp_path: Path) -> None:
    of_another = training(3, benchmark="somewhere", digest="ef" * 32)
    [found] = loaded(tmp_path / "mixed", [search(), *trained([905]), of_another])
    assert list(found.outcomes) == ["a"]
    assert loaded(tmp_path / "alone", [*trained([905]), of_another]) == []


def test_isomorphic_architectures_share_the_trainings_of_one(tmp_path: Path) -> None:
    alike = next(p for p in range(len(ORDER)) if (arch := ARCHS[ORDER[p]])[4] == 0 and arch[5] == 2)
    assert not np.array_equal(trained_for(ARCHS[ORDER[[alike]]]), ARCHS[ORDER[[alike]]])
    [found] = loaded(tmp_path, [search([alike]), training(alike)])
    assert final(found) == accuracy(ARCHS[ORDER[alike]], 1000)


def test_an_untrained_last_incumbent_never_shows_an_earlier_accuracy(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [search(), *trained(PLACES[:-1])])
    [outcome] = found.outcomes["a"]
    assert len(outcome.accuracy) == len(PLACES) - 1
    assert outcome.final_accuracy is None
    for measure in (measures.accuracy, measures.drop, measures.raw_drop):
        value = measure(found, outcome)
        assert isinstance(value, Undefined)
        assert "not trained" in value.reason
        assert "nasboard run SUITE" in value.reason
    for made in kinds.make([found]):
        shown = [v for row in made.rows for k, v in row.items() if k not in ("seeds", "failed", "incomplete", "label")]
        assert not any(isinstance(value, float) and value in outcome.accuracy for value in shown)


@settings(max_examples=40, deadline=None)
@given(known=st.sets(st.sampled_from(sorted(set(PLACES)))))
def test_the_accuracy_at_a_step_is_that_of_its_own_incumbent_or_unknown(
    tmp_path_factory: pytest.TempPathFactory, known: set[int]
) -> None:
    [found] = loaded(tmp_path_factory.mktemp("store"), [search(), *trained(known)])
    [outcome] = found.outcomes["a"]
    expected = [pytest.approx(mean(place)) if place in known else None for place in PLACES]
    assert [outcome.accuracy_at(step) for step in range(1, len(PLACES) + 1)] == expected
    assert outcome.accuracy_at(0) is None
    assert outcome.final_accuracy == expected[-1]
    assert outcome.last_step == len(PLACES)
    assert outcome.final_arch is not None
    assert outcome.final_arch.tolist() == ARCHS[ORDER[PLACES[-1]]].tolist()


def test_the_reason_says_whether_a_training_failed_or_has_not_ended(tmp_path: Path) -> None:
    runs = [search(), training(905, status="failed")]
    [failed] = loaded(tmp_path / "failed", runs)
    [waiting] = loaded(tmp_path / "waiting", runs, planned=[training(905, 1001)[0].key])
    assert "its training failed" in final(failed).reason  # type: ignore[union-attr]
    assert "has not ended" in final(waiting).reason  # type: ignore[union-attr]


def test_trainings_that_answer_queries_are_no_part_of_the_truth(tmp_path: Path) -> None:
    told = [search(), *trained(PLACES)]
    queries = [training(place, seed) for place in (905, 1) for seed in (0, 1, 2)]
    before, after = (loaded(tmp_path / name, runs) for name, runs in (("a", told), ("b", [*told, *queries])))
    assert kinds.make(before) == kinds.make(after)
    [alone] = loaded(tmp_path / "c", [search(), *queries])
    assert isinstance(final(alone), Undefined)


def test_trainings_by_another_recipe_or_not_to_the_end_change_nothing(tmp_path: Path) -> None:
    context = Context(trainings=replace(trainings("long"), benchmark="other"))
    other = replace(TOY, name="other", sha="ef" * 32, context=context)
    benchmarks = {"toy": TOY, "other": other}
    told = [search(), *trained(PLACES)]
    more = [
        *(training(place, recipe="long", digest=other.sha, benchmark="other") for place in PLACES),
        on_toy(searched("b", 0, PLACES), "other", other.sha),
        training(905, 1002, epochs=1),
        training(905, 1002, recipe="long"),
    ]
    before = loaded(tmp_path / "a", told)
    after = {c.table_digest: c for c in loaded(tmp_path / "b", [*told, *more], benchmarks)}
    assert kinds.make(before) == kinds.make([after[DIGEST]])
    assert final(after[other.sha], "b") == accuracy(ARCHS[ORDER[905]], 1000)


def test_epochs_that_are_not_said_are_the_recipes_and_count_once(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [search([905]), *trained([905]), training(905, 1000, epochs=None)])
    assert final(found) == pytest.approx(mean(905))
    [alone] = loaded(tmp_path / "alone", [search([905]), training(905, 1000, epochs=None)])
    assert final(alone) == accuracy(ARCHS[ORDER[905]], 1000)


def test_trainings_of_older_code_and_of_other_data_are_left_aside(tmp_path: Path) -> None:
    newer = training(905, 1001, key=NEWER, started="2026-02-01")
    [found] = loaded(tmp_path, [search(), *trained(PLACES), training(905, 1002, digest="00" * 32), newer])
    assert final(found) == accuracy(ARCHS[ORDER[905]], 1001)
    assert found.outcomes["a"][0].steps.tolist() == [8]
    assert found.trained is not None
    assert found.trained.aside == len(trained(PLACES)) + 1


def test_newer_code_that_has_trained_nothing_yet_hides_no_truth(tmp_path: Path) -> None:
    newer = training(905, 1001, key=NEWER, started="2026-02-01", status="failed")
    planned = training(905, 1002, key=NEWER)[0].key
    [found] = loaded(tmp_path, [search(), *trained(PLACES), newer], planned=[planned])
    assert final(found) == pytest.approx(mean(905))


def test_a_panel_counts_only_when_all_of_it_is_trained(tmp_path: Path) -> None:
    scores = noisy(0, 0.05, SMALL_PANEL)
    everything = trained(PANEL_PLACES)
    failed = training(PANEL_PLACES[0], 1000, status="failed")
    lost_spec = failed[0].key.params["spec"]
    kept = [each for each in everything if each[0].key.params["spec"] != lost_spec]
    lost = sum(BENCHMARK.space.decode(arch) == lost_spec for arch in trained_for(SMALL_PANEL.archs))
    [whole] = loaded(tmp_path / "whole", [panelled(scores), *everything])
    [part] = loaded(tmp_path / "part", [panelled(scores), *kept, failed])
    truth = np.rint([mean(place) * 2 * IMAGES for place in PANEL_PLACES])
    assert measures.tau(whole, whole.outcomes["r"][0]) == kendall_tau(scores, truth)
    by_seed = whole.panels[SMALL_PANEL.identity].by_seed
    assert by_seed is not None
    assert by_seed.tolist() == [[accuracy(arch, seed) for seed in (1000, 1001)] for arch in SMALL_PANEL.archs]
    found = measures.tau(part, part.outcomes["r"][0])
    told = f"{60 - lost} of 60 architectures of the panel are trained, of {lost} the training failed"
    assert isinstance(found, Undefined)
    assert told in found.reason


def test_the_truth_of_a_panel_is_of_the_seeds_that_all_of_it_has(tmp_path: Path) -> None:
    runs = [panelled(noisy(0, 0.05, SMALL_PANEL)), *trained(PANEL_PLACES)]
    [plain] = loaded(tmp_path / "plain", runs)
    [more] = loaded(tmp_path / "more", [*runs, training(PANEL_PLACES[0], 1002)])
    seen = SMALL_PANEL.identity
    assert np.array_equal(plain.panels[seen].truth, more.panels[seen].truth)
    apart = [each for i, each in enumerate(trained(PANEL_PLACES)) if i % 4 in (0, 3)]  # one seed each, by turns
    [none] = loaded(tmp_path / "none", [runs[0], *apart])
    assert none.panels[seen].by_seed is None
    assert len(none.panels[seen].truth) == 60


def test_benchmarks_of_one_digest_and_two_recipes_are_refused(tmp_path: Path) -> None:
    twin = replace(TOY, name="twin", context=Context(trainings=trainings("long")))
    runs = [search(), on_toy(searched("b", 0, PLACES), "twin")]
    with pytest.raises(UsageError, match="twin have one digest, but several recipes"):
        loaded(tmp_path, runs, {"toy": TOY, "twin": twin})


def test_a_training_of_what_is_not_in_the_space_is_told(tmp_path: Path) -> None:
    run, steps = training(3)
    odd = replace(run.key, params={**run.key.params, "spec": "p-9"})
    with pytest.raises(SpecError, match="'p-9'"):
        loaded(tmp_path, [search(), (replace(run, key=odd, run_id=odd.run_id), steps)])


@pytest.mark.parametrize("quality", [Quality(), Quality(name="error", range=(0.0, 0.5))])
def test_a_training_outside_the_range_of_its_quality_is_refused(tmp_path: Path, quality: Quality) -> None:
    run, steps = training(3)
    odd = -0.25 if quality == ACCURACY else 0.75
    toy = replace(TOY, context=Context(trainings=trainings(), quality=quality))
    stored = (run, [*steps[:-1], replace(steps[-1], test_accuracy=odd)])
    with pytest.raises(UsageError, match=rf"has the {quality.name} {odd} as it is held, allowed is \[0, .*nasboard rm"):
        loaded(tmp_path, [search(), stored], {"toy": toy})


def test_a_canonical_form_that_breaks_is_the_benchmarks_fault(tmp_path: Path) -> None:
    def broken(archs: object) -> None:
        raise ValueError("no form")

    bad = replace(TOY, context=Context(trainings=replace(trainings(), canonical=broken)))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"trainings.canonical raised ValueError: no form; mend the benchmark"):
        loaded(tmp_path, [search()], {"toy": bad})


def test_trainings_that_only_answer_queries_leave_the_table_the_truth(tmp_path: Path) -> None:
    tabled = replace(BENCHMARK, context=Context(trainings=trainings(truth=False)))
    asked = training(905, 0, digest=BENCHMARK.digest or "", benchmark="planted")
    [found] = loaded(tmp_path, [searched("a", 0, PLACES), asked], {"planted": tabled})
    assert found.trained is None
    assert final(found) == pytest.approx(BENCHMARK.truth(ARCHS[ORDER[[905]]])[0])


def test_trainings_are_read_where_the_images_are_not(tmp_path: Path) -> None:
    class Bare(Toy):
        """The toy on a machine without its images."""

        @property
        def digest(self) -> str:
            raise MissingDataError("nasboard data fetch toy")

    bare = Bare(BENCHMARK.curves, BENCHMARK.test_correct, name="toy", context=TOY.context)
    runs = [search(), *trained(PLACES)]
    here, elsewhere = loaded(tmp_path / "here", runs), loaded(tmp_path / "elsewhere", runs, {"toy": bare})
    assert kinds.make(here) == kinds.make(elsewhere)
    tabled = replace(bare, context=Context())
    with pytest.raises(MissingDataError, match="fetch toy"):
        loaded(tmp_path / "tabled", runs, {"toy": tabled})
