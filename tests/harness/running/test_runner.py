from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.planning import suite
from nasboard.harness.record import RunRecord
from nasboard.harness.running import runner
from nasboard.harness.running.sweep import plan
from nasboard.harness.store import Claim, Store, new_owner, open_store
from tests.plugin import write_distribution

BODY = """
from nasboard.harness.api import Observation

@dataclass(frozen=True)
class Any_:
    scores: str = "good"
    file: str = ""
    bn_policy = property(lambda self: object() if self.scores == "policy" else None)
    needs = frozenset({"data"})
    def search(self, task):
        for step in () if self.scores == "nothing" else (1, 2, 3):
            arch = np.zeros(len(task.space.choices), dtype=np.int16)
            rank = {
                "good": lambda a: a.sum(axis=1) / 3,
                "nan": lambda a: np.full(len(a), np.nan),
                "short": lambda a: np.zeros(3),
                "constant": lambda a: np.zeros(len(a)),
                "large": lambda a: np.linspace(-1e300, 1e300, len(a)),
            }.get(self.scores)
            logs = {"loss": float("nan") if self.scores == "badlog" else 1.0}
            if self.scores == "deeparray":
                logs["alpha"] = np.zeros((2, 3, 4))
            if self.scores in ("arrays", "badarray", "longarray"):
                alpha = np.full(5000 if self.scores == "longarray" else 4, 0.1, dtype=np.float32)
                alpha[-1] = np.inf if self.scores == "badarray" else 0.2
                logs["alpha"] = alpha
            if self.scores == "outside":
                arch = arch + 9
            if self.scores == "tuple":
                arch = (0, 1, 0, 2, 3, 4)
            looks = ()
            if self.scores.startswith("look"):
                far = {"look-far": 2.0}.get(self.scores, 0.25)
                place = arch + (9 if self.scores == "look-out" else step)
                looks = ((place, Observation(far, 0.0, 1)), (arch, Observation(0.5, 0.0, 1)))
            number = 7 if self.scores == "steps" and step == 2 else step
            yield Checkpoint(number, arch, rank=rank, logs=logs, last=step == 3, visited=looks)


@dataclass(frozen=True)
class Asks:
    needs = frozenset({"query"})

    def search(self, task):
        arch = sample(task.space, task.rng, 1)[0]
        yield Checkpoint(1, arch, rank=lambda archs: np.full(len(archs), task.query(arch).val_accuracy))
"""


@pytest.fixture(autouse=True)
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    methods = {"any": "anything:Any_", "asks": "anything:Asks"}
    monkeypatch.syspath_prepend(str(write_distribution(tmp_path / "site", "anything", BODY, methods)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as opened:
        yield opened


def made(store: Store, scores: str, **panel: object) -> RunRecord:
    pytest.importorskip("torch")
    entry = {"method": "any", "benchmark": "digits201-live", "seeds": 1, "params": {"scores": scores}}
    return run_of(store, entry, panel)


def run_of(store: Store, entry: dict[str, object], panel: dict[str, object]) -> RunRecord:
    raw = {"name": "test", "panel": {"size": 30} | panel, "runs": [entry]}
    ids = plan(store, *suite.resolve(suite.Suite.model_validate(raw)))
    owner = new_owner()
    claim = store.claim(ids, owner)
    assert isinstance(claim, Claim)
    runner.execute(claim, store, owner, runner.Setting())
    return store.runs()[0]


def test_checkpoints_are_stored_with_the_panels_scores(store: Store) -> None:
    record = made(store, "good", every=2, rank_all=True)
    steps = store.steps(record.run_id)
    assert record.status == "done"
    assert [s.step for s in steps] == [1, 2, 3]
    assert [s.scores is not None for s in steps] == [False, True, True]  # every second, and the last
    assert [s.all_scores is not None for s in steps] == [False, False, True]
    panel = store.panel(record.key.panel or "")
    np.testing.assert_array_equal(steps[1].scores, panel.archs.sum(axis=1) / 3)
    assert record.cost_kind == "measured"
    assert record.provenance["seed_policy"]


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ("nan", "30 scores that are not finite"),
        ("short", r"shape \(3,\) for 30 architectures"),
        ("badlog", "log 'loss' is nan"),
        ("badarray", r"log 'alpha' is not finite at \[3\]"),
        ("deeparray", r"log 'alpha' has the shape \(2, 3, 4\); log a number"),
        ("longarray", "log 'alpha' has 5000 numbers; log 1 to 4096"),
        ("outside", "in slot 0, allowed 0..4"),
        ("tuple", r"an architecture is an array \(6,\) of integers"),
        ("nothing", "ended without a checkpoint"),
        ("policy", "UnstorableError: only finite numbers, strings"),
        ("steps", "checkpoint 2 was due, the method yielded step 7"),
    ],
)
def test_what_breaks_the_contract_is_a_failed_record_that_says_how(store: Store, scores: str, message: str) -> None:
    record = made(store, scores)
    assert record.status == "failed"
    assert record.error is not None
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(record.error)


def test_arrays_are_logged_beside_numbers(store: Store) -> None:
    record = made(store, "arrays")
    assert record.status == "done"
    logs = store.steps(record.run_id)[-1].logs
    assert logs["loss"] == 1.0
    assert np.array_equal(logs["alpha"], np.array([0.1, 0.1, 0.1, 0.2], dtype=np.float32))


def test_scores_beyond_single_precision_are_stored_as_they_are(store: Store) -> None:
    record = made(store, "large")
    assert record.status == "done"
    assert store.steps(record.run_id)[-1].scores.tolist() == np.linspace(-1e300, 1e300, 30).tolist()  # type: ignore[union-attr]


def test_a_run_is_not_made_of_a_file_that_changed_after_it_was_planned(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "scores.csv").write_text("1")
    entry = {"method": "any", "benchmark": "digits201-live", "seeds": 1, "params": {"file": f"{tmp_path}/scores.csv"}}
    ids = plan(store, *suite.resolve(suite.Suite.model_validate({"name": "test", "runs": [entry]})))
    (tmp_path / "scores.csv").write_text("12")
    owner = new_owner()
    claim = store.claim(ids, owner)
    assert isinstance(claim, Claim)
    assert runner.execute(claim, store, owner, runner.Setting()) == "failed"
    error = store.runs()[0].error
    assert error is not None
    assert "the method is not what the run was planned with (files changed meanwhile)" in error


def test_constant_scores_are_stored_as_they_are(store: Store) -> None:
    assert made(store, "constant").status == "done"


def test_what_a_live_run_looked_at_is_stored_as_queries_are(store: Store) -> None:
    record = made(store, "look")
    visits = store.visits(record.run_id)
    assert (record.status, record.queries, record.cost_kind) == ("done", 6, "measured")
    assert visits is not None
    assert visits.archs.tolist() == [row for step in (1, 2, 3) for row in ([step] * 6, [0] * 6)]
    assert visits.val_accuracy.tolist() == [0.25, 0.5] * 3
    assert set(visits.cost_s) == {0.0}


def test_a_run_that_looks_at_nothing_has_no_visits(store: Store) -> None:
    record = made(store, "good")
    assert (record.queries, store.visits(record.run_id)) == (0, None)


@pytest.mark.parametrize(("scores", "why"), [("look-far", r"accuracies in \[0, 1\]"), ("look-out", "SpecError")])
def test_what_cannot_have_been_looked_at_fails_the_run(store: Store, scores: str, why: str) -> None:
    record = made(store, scores)
    assert record.status == "failed"
    assert re.search(why, record.error or "")


def test_the_oracle_is_not_asked_while_an_ability_is_measured(store: Store) -> None:
    entry = {"method": "asks", "benchmark": "planted", "seeds": 1, "budget_s": 1000.0, "rank_every": 1}
    record = run_of(store, entry, {})
    assert record.status == "failed"
    assert record.error is not None
    assert "step 1: the oracle was asked while an ability was measured; ask it between steps" in record.error
