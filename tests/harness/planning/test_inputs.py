"""Panels that a suite has transformed: drawn, by class, known by a name, or found by runs of the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.tabulated.digits201 import tabular
from nasboard.benchmarks.tabulated.planted import planted
from nasboard.harness.api import Benchmark
from nasboard.harness.context import Context
from nasboard.harness.entries import InputsEntry
from nasboard.harness.errors import NasboardError, SuiteError, UsageError
from nasboard.harness.panel import is_sample
from nasboard.harness.planning import suite, trainings
from nasboard.harness.planning.inputs import Incumbents, nobodys, panels_of
from nasboard.harness.space import enumerate_all
from nasboard.harness.store import open_store
from tests.harness.stored_runs import ARCHS, ORDER, searched, store_at

DIGITS = tabular()
RUNS = [{"method": "random_search", "benchmark": "planted", "seeds": 1, "budget_s": 50.0}]


class _Untabulated:
    name, space, digest, context = "live", DIGITS.space, None, Context()


def test_classes_are_drawn_from_their_tenth_by_the_truth() -> None:
    uniform, best, worst = panels_of(InputsEntry(uniform=20, best=30, worst=30), DIGITS, nobodys)
    assert [p.name for p in (uniform, best, worst)] == [
        "nb201-uniform-20",
        "nb201-best-tenth-30",
        "nb201-worst-tenth-30",
    ]
    truth = DIGITS.truth(enumerate_all(DIGITS.space))
    low, high = np.quantile(truth, [0.1, 0.9])
    assert DIGITS.truth(best.archs).min() >= high
    assert DIGITS.truth(worst.archs).max() <= low
    assert all(len(np.unique(p.archs, axis=0)) == len(p.archs) for p in (uniform, best, worst))
    assert all(map(is_sample, (uniform, best, worst)))


def test_another_seed_draws_other_panels() -> None:
    one, other = (panels_of(InputsEntry(best=30, seed=seed), DIGITS, nobodys)[0] for seed in (1, 2))
    assert one.identity == panels_of(InputsEntry(best=30, seed=1), DIGITS, nobodys)[0].identity
    assert (one.name, other.name) == ("nb201-best-tenth-30-seed-1", "nb201-best-tenth-30-seed-2")
    assert not np.array_equal(one.archs, other.archs)


def test_known_and_found_architectures_are_all_there_are(tmp_path: Path) -> None:
    benchmark = replace(planted(), context=Context(named={"plain": "p-0-0-0-0-0-0", "other": "p-1-0-3-2-0-0"}))
    url = store_at(tmp_path, [searched("walk", 0, [5, 900]), searched("walk", 1, [3, 7])])
    with open_store(url) as store:
        entry = InputsEntry(known=True, incumbents=["walk"])
        known, found = panels_of(entry, benchmark, Incumbents(store))
        assert known.archs.tolist() == [[0] * 6, [1, 0, 3, 2, 0, 0]]
        [one] = panels_of(InputsEntry(known=["other"]), benchmark, nobodys)
        assert one.archs.tolist() == [[1, 0, 3, 2, 0, 0]]
        assert sorted(found.archs.tolist()) == sorted(ARCHS[ORDER[[900, 7]]].tolist())
        assert found.name == "planted-found-by-walk"
        assert not is_sample(known)
        assert not is_sample(found)
        with pytest.raises(SuiteError, match=r"no run labelled 'run' has ended .*has: walk; make those"):
            panels_of(InputsEntry(incumbents=["run"]), benchmark, Incumbents(store))


@pytest.mark.parametrize(
    ("entry", "on", "error", "told"),
    [
        (InputsEntry(best=2000), DIGITS, SuiteError, "the best-tenth of nb201 has 1562 architectures, 2000 were asked"),
        (
            InputsEntry(known=["enas"]),
            DIGITS,
            SuiteError,
            "digits201 knows no architecture by the name 'enas'; known: none",
        ),
        (InputsEntry(known=True), DIGITS, SuiteError, "digits201 knows no architecture by a name; leave `known`"),
        (InputsEntry(incumbents=["x"]), DIGITS, SuiteError, "incumbents of 'x' on digits201 are taken from a store"),
        (InputsEntry(uniform=1), DIGITS, UsageError, "a panel of nb201 has 2"),
        (InputsEntry(worst=2), _Untabulated(), SuiteError, "live has no table of its whole space"),
    ],
)
def test_what_is_not_to_be_had_is_said(
    entry: InputsEntry, on: Benchmark, error: type[NasboardError], told: str
) -> None:
    with pytest.raises(error, match=told):
        panels_of(entry, on, nobodys)


def test_a_suite_puts_its_inputs_into_every_key_and_one_without_keeps_its_own() -> None:
    plain = suite.validated({"name": "a", "runs": RUNS}, "a")
    asked = suite.validated({"name": "a", "inputs": {"uniform": 10, "best": 5}, "runs": RUNS}, "a")
    [before], none = suite.resolve(plain)
    [after], panels = suite.resolve(asked)
    assert before.key.inputs is None
    assert "inputs" not in before.key.canonical()
    assert none == []
    assert after.key.inputs == tuple(panel.identity for panel, _ in panels)
    assert before.key.run_id != after.key.run_id
    assert trainings.most(asked, [after], panels) == 0  # a table is the truth


def test_a_misspelled_input_is_told_with_what_is_near() -> None:
    with pytest.raises(SuiteError, match=r"unform.*uniform"):
        suite.validated({"name": "a", "inputs": {"unform": 10}, "runs": RUNS}, "a")
