from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.tabulated.planted import IMAGES, Planted, PlantedSpace
from nasboard.harness.boards import measures
from nasboard.harness.context import Context
from nasboard.harness.errors import DigestError, MissingDataError, UnknownNameError, UsageError
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.load import load, load_readable, with_visits
from nasboard.harness.record import Visits
from nasboard.harness.space import Archs, Bools, Floats, to_index
from nasboard.harness.statistics.rank import kendall_tau
from nasboard.harness.store import Moved, Planned, open_store
from nasboard.harness.truth import best_expected
from tests.harness import devices
from tests.harness.stored_runs import (
    ARCHS,
    BENCHMARK,
    ORDER,
    PANEL,
    PANEL_TRUTH,
    TRUTH,
    key,
    loaded,
    noisy,
    ranked,
    searched,
    store_at,
)


def test_incumbents_come_with_their_true_accuracy_where_they_change_and_at_the_end(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [searched("a", 0, [5, 5, 900, 900, 900], cost_s=10.0)])
    [outcome] = found.outcomes["a"]
    assert outcome.steps.tolist() == [1, 3, 5]
    assert outcome.cost_s.tolist() == [2.0, 6.0, 10.0]
    assert outcome.archs.tolist() == ARCHS[ORDER[[5, 900, 900]]].tolist()
    assert outcome.accuracy.tolist() == TRUTH[ORDER[[5, 900, 900]]].tolist()
    assert outcome.final_accuracy == TRUTH[ORDER[900]]


def test_a_comparison_knows_optimum_whole_space_and_panels(tmp_path: Path) -> None:
    whole = TRUTH.astype(np.float32)
    [found] = loaded(tmp_path, [ranked("r", 0, [noisy(0, 0.1), noisy(1, 0.1)], whole=whole)])
    assert (found.dataset, found.space.name, found.table_digest) == ("planted", "planted", BENCHMARK.digest)
    assert found.optimum == best_expected(BENCHMARK.truth_by_seed(ARCHS))
    assert found.optimum_seeds == 3
    assert found.whole is not None
    assert np.array_equal(found.whole.truth, TRUTH)
    assert list(found.panels) == [PANEL.identity]
    assert np.array_equal(found.panels[PANEL.identity].truth, PANEL_TRUTH)
    [outcome] = found.outcomes["r"]
    assert [(r.step, r.cost_s) for r in outcome.rankings] == [(1, 1.5), (2, 3.0)]
    assert np.array_equal(outcome.rankings[1].scores, noisy(1, 0.1))
    assert outcome.all_scores is not None
    assert np.array_equal(outcome.all_scores, whole)


def test_logs_become_curves(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [searched("a", 0, [1, 2, 3], logs=[0.5, 0.7, 0.9])])
    assert found.outcomes["a"][0].logs["eigenvalue"].tolist() == [[1, 2, 3], [0.5, 0.7, 0.9]]


def test_outcomes_ascend_in_seed_and_labels_by_name(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [searched(label, seed, [7]) for label in "ba" for seed in (2, 0, 1)])
    assert list(found.outcomes) == ["a", "b"]
    assert [o.run.key.seed for o in found.outcomes["a"]] == [0, 1, 2]


def test_failed_and_planned_runs_are_there_without_a_final_accuracy(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [searched("a", 0, [7], status="failed")], planned=[key("a", 1)])
    assert [o.run.status for o in found.outcomes["a"]] == ["failed", "pending"]
    assert [o.final_accuracy for o in found.outcomes["a"]] == [None, None]
    assert found.outcomes["a"][1].archs.shape == (0, 6)


def test_configurations_under_one_label_are_told_apart(tmp_path: Path) -> None:
    runs = [
        searched("a", 0, [7], params={"eps": 0.1}),
        searched("a", 0, [9], params={"eps": 0.2}),
        searched("b", 0, [1]),
    ]
    [found] = loaded(tmp_path, runs)
    assert len(found.outcomes) == 3
    assert "b" in found.outcomes
    assert all(len(outcomes) == 1 for outcomes in found.outcomes.values())
    assert sum(label.startswith("a@") for label in found.outcomes) == 2


def test_another_table_is_an_error_that_names_both_digests(tmp_path: Path) -> None:
    with pytest.raises(DigestError, match=f"{'0' * 64}.*{BENCHMARK.digest}"):
        loaded(tmp_path, [searched("a", 0, [7]), searched("b", 0, [7], digest="0" * 64)])


def test_runs_of_two_data_sets_are_two_comparisons(tmp_path: Path) -> None:
    other = replace(BENCHMARK, name="other", dataset="other")
    url = store_at(tmp_path, [searched("a", 0, [7])])
    with open_store(url) as store:
        store.plan([Planned(replace(key("a", 0), benchmark="other", dataset="other"), "a", "simulated")])
        found = load(store, {"planted": BENCHMARK, "other": other}.__getitem__)
    assert [(c.dataset, [o.run.status for o in c.outcomes["a"]]) for c in found] == [
        ("other", ["pending"]),
        ("planted", ["done"]),
    ]


def test_a_benchmark_without_a_table_has_no_optimum(tmp_path: Path) -> None:
    class Untabulated:
        """Planted without a digest."""

        digest = None
        name = dataset = "planted"
        space, parameter_free, context = BENCHMARK.space, (0,), Context()
        truth, truth_by_seed = BENCHMARK.truth, BENCHMARK.truth_by_seed

    url = store_at(tmp_path, [])
    with open_store(url) as store:
        store.plan([Planned(replace(key("a", 0), table_digest=None), "a", "measured")])
        [found] = load(store, lambda name: Untabulated())
    assert (found.optimum, found.whole, found.parameter_free) == (None, None, (0,))


def test_an_unknown_benchmark_is_the_resolvers_error(tmp_path: Path) -> None:
    def resolve(name: str) -> None:
        raise UnknownNameError("benchmark", name, ["plante"])

    with (
        open_store(store_at(tmp_path, [searched("a", 0, [7])])) as store,
        pytest.raises(UnknownNameError, match="did you mean 'plante'"),
    ):
        load(store, resolve)


def test_runs_of_two_versions_are_two_comparisons(tmp_path: Path) -> None:
    versions = {name: replace(BENCHMARK, name=f"planted@{name}", context=Context(version=name)) for name in ("a", "b")}
    with open_store(store_at(tmp_path, [])) as store:
        for name in versions:
            store.plan([Planned(replace(key("re", 0), benchmark=f"planted@{name}"), "re", "simulated")])
        found = load(store, {f"planted@{name}": made for name, made in versions.items()}.__getitem__)
    assert [(contexts.version(c), list(c.outcomes)) for c in found] == [("a", ["re"]), ("b", ["re"])]
    assert found[0].table_digest == found[1].table_digest


def test_runs_that_cannot_be_scored_do_not_hide_those_that_can(tmp_path: Path) -> None:
    url = store_at(tmp_path, [searched("a", 0, [7]), searched("b", 0, [7], digest="0" * 64)])
    with open_store(url) as store:
        store.plan([Planned(replace(key("c", 0), benchmark="gone", dataset="x", table_digest="1"), "c", "simulated")])

        def resolve(name: str) -> object:
            if name == "gone":
                raise UnknownNameError("benchmark", name, ["planted"])
            return BENCHMARK

        found, lost = load_readable(store, resolve)  # type: ignore[arg-type]
        with pytest.raises(DigestError):
            load(store, resolve)  # type: ignore[arg-type]
    assert [list(c.outcomes) for c in found] == [["a"]]
    assert [(u.dataset, u.benchmarks, u.runs, type(u.error)) for u in lost] == [
        ("planted", ("planted",), 1, DigestError),
        ("x", ("gone",), 1, UnknownNameError),
    ]
    assert lost[0].table_digest == "0" * 64


def test_a_table_that_was_imported_in_part_has_no_optimum(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Partial(Planted):
        """Planted without its last architecture."""

        def truth(self, archs: Archs) -> Floats:
            if (archs == ARCHS[-1]).all(axis=1).any():
                raise MissingDataError("imported with --partial")
            return super().truth(archs)

    with open_store(store_at(tmp_path, [searched("a", 0, [7])])) as store:
        [found] = load(store, lambda name: Partial(BENCHMARK.curves, BENCHMARK.test_correct))
    assert (found.optimum, found.whole) == (None, None)
    assert found.outcomes["a"][0].final_accuracy == TRUTH[ORDER[7]]


def test_a_space_with_rules_has_its_valid_part_as_the_whole(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Ruled(PlantedSpace):
        """Planted where slot 0 is never 1."""

        def valid(self, archs: Archs) -> Bools:
            return archs[:, 0] != 1

    with open_store(store_at(tmp_path, [searched("a", 0, [7])])) as store:
        [found] = load(store, lambda name: replace(BENCHMARK, space=Ruled()))
    assert found.whole is not None
    assert len(found.whole.truth) == len(ARCHS) * 4 // 5
    assert found.optimum == best_expected(BENCHMARK.truth_by_seed(ARCHS[ARCHS[:, 0] != 1]))


def test_visits_come_where_there_is_a_second_objective(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as store:
        run, steps = searched("a", 0, [7, 8])
        visits = Visits(ARCHS[ORDER[[7, 8]]], np.array([9, 9], dtype=np.int32), np.ones(2), np.ones(2))
        store.insert([Moved(run, steps, visits)], [])
        plain = with_visits(store, load(store, lambda name: BENCHMARK))
        [found] = with_visits(store, load(store, lambda name: devices.BENCHMARK))
    assert plain[0].visits == {}
    assert {i: archs.tolist() for i, archs in found.visits.items()} == {run.run_id: visits.archs.tolist()}


def test_an_empty_store_has_no_comparison(tmp_path: Path) -> None:
    assert loaded(tmp_path, []) == []


@dataclass(frozen=True)
class Changed(Planted):
    """Planted whose truth went wrong at one architecture after it was let in, or is off by a rounding."""

    wrong: float | None = None

    def truth(self, archs: Archs) -> Floats:
        told = super().truth(archs)
        here = (archs == ARCHS[ORDER[7]]).all(axis=1)
        return np.where(here, self.wrong, told) if self.wrong is not None else told + 1e-16 * archs[:, 0]


@pytest.mark.parametrize("wrong", [np.nan, 92.67, -1.0])
def test_a_wrong_truth_is_told_and_hides_no_other_runs(tmp_path: Path, wrong: float) -> None:
    broken = Changed(BENCHMARK.curves, BENCHMARK.test_correct, name="broken", dataset="broken", wrong=wrong)
    with open_store(store_at(tmp_path, [searched("a", 0, [7])])) as store:
        run, steps = searched("b", 0, [7])
        made = replace(run.key, benchmark="broken", dataset="broken")
        store.insert([Moved(replace(run, key=made, run_id=made.run_id), steps)], [])
        found, [lost] = load_readable(store, {"planted": BENCHMARK, "broken": broken}.__getitem__)
    assert [c.dataset for c in found] == ["planted"]
    assert (lost.dataset, lost.runs, type(lost.error)) == ("broken", 1, UsageError)
    assert "broken: truth has" in str(lost.error)
    assert "mend the benchmark" in str(lost.error) or "divide them by 100" in str(lost.error)


def test_ties_that_rounding_tears_apart_are_ties_on_every_board(tmp_path: Path) -> None:
    torn = Changed(BENCHMARK.curves, BENCHMARK.test_correct)
    scores = noisy(0, 0.05)
    runs = [ranked("r", 0, [scores], whole=TRUTH.astype(np.float32)), searched("a", 0, [7, 900])]
    with open_store(store_at(tmp_path, runs)) as store:
        [found] = load(store, lambda name: torn)
    assert found.whole is not None
    assert len(np.unique(torn.truth(ARCHS))) > len(np.unique(found.whole.truth)) == len(np.unique(TRUTH))
    assert np.array_equal(found.whole.truth, TRUTH)
    panel = found.panels[PANEL.identity]
    assert np.array_equal(panel.truth, PANEL_TRUTH)
    assert measures.tau(found, found.outcomes["r"][0]) == kendall_tau(scores, PANEL_TRUTH)
    assert kendall_tau(scores, torn.truth(PANEL.archs)) != kendall_tau(scores, PANEL_TRUTH)
    assert panel.by_seed is not None
    assert np.array_equal(panel.by_seed, BENCHMARK.test_correct[to_index(BENCHMARK.space, PANEL.archs)] / IMAGES)
    assert found.outcomes["a"][0].accuracy.tolist() == TRUTH[ORDER[[7, 900]]].tolist()


def in_a_large_space(optimum: float) -> Planted:
    """Return planted as if it were a part of a space that nobody can list, whose best accuracy it knows."""
    large = replace(BENCHMARK.space, choices=(100,) * 6)
    context = Context(optimum=lambda: optimum, resolution=BENCHMARK.context.resolution)

    @dataclass(frozen=True)
    class Part(Planted):
        def truth(self, archs: Archs) -> Floats:
            return BENCHMARK.truth(archs)

    return Part(BENCHMARK.curves, BENCHMARK.test_correct, space=large, context=context)


def test_an_optimum_that_a_benchmark_knows_is_taken_where_the_space_cannot_be_listed(tmp_path: Path) -> None:
    with open_store(store_at(tmp_path, [searched("a", 0, [7]), searched("b", 0, [])])) as store:
        [found] = load(store, lambda name: in_a_large_space(0.97))
        [listed] = load(store, lambda name: replace(BENCHMARK, context=Context(optimum=lambda: 1.0)))
    assert (found.optimum, found.optimum_seeds, found.whole) == (0.97, None, None)
    assert listed.optimum == pytest.approx(best_expected(BENCHMARK.truth_by_seed(ARCHS)), abs=1e-12)


def test_an_optimum_below_what_a_run_found_is_told(tmp_path: Path) -> None:
    with open_store(store_at(tmp_path, [searched("a", 0, [7])])) as store:
        found, [lost] = load_readable(store, lambda name: in_a_large_space(0.1))
    assert found == []
    assert "the optimum is said to be 0.100000, but a stored run found" in str(lost.error)
