"""What every back end of the store must do with a run's steps: keep, resume, refuse, read in bulk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.errors import StoreError
from nasboard.harness.panel import Panel
from nasboard.harness.record import StepRecord, Visits
from nasboard.harness.store import Ending, Store, new_owner, open_store
from nasboard.harness.store.exchange import export_runs, import_runs
from tests.harness.store.stored import (
    DONE,
    FAILED,
    StoreTests,
    claimed,
    course,
    fill,
    key,
    planned,
    same,
    same_logs,
    step,
)
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures


class StepsContract(StoreTests):
    """Tests of a store; a subclass says where it is."""

    def test_steps_come_back_bit_for_bit(self, store: Store) -> None:
        store.plan(planned(1))
        owner, run_id, steps = new_owner(), key(0).run_id, course(0, 12)
        store.claim([run_id], owner)
        store.append(run_id, owner, steps[:5], b"x", 5)
        store.append(run_id, owner, steps[5:], None, 12, end=DONE)
        assert all(same(a, b) for a, b in zip(store.steps(run_id), steps, strict=True))

    def test_arrays_in_logs_come_back_bit_for_bit(self, store: Store, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        given = step(1, logs={"alpha": rng.standard_normal(5), "landscape": rng.standard_normal((3, 3)), "loss": 0.1})
        store.plan(planned(1))
        owner, run_id = new_owner(), key(0).run_id
        store.claim([run_id], owner)
        store.append(run_id, owner, [given], None, 1, end=DONE)
        assert same(store.steps(run_id)[0], given)
        ((_, _, logs),) = store.logs()
        assert same_logs(logs, given.logs)
        with open_store(f"sqlite:///{tmp_path}/other.db") as other:
            export_runs(store, tmp_path / "runs.json")
            import_runs(other, tmp_path / "runs.json")
            assert same(other.steps(run_id)[0], given)

    def test_an_ended_run_comes_back_whole(self, store: Store) -> None:
        (run_id,) = fill(store, new_owner(), 1)
        (run,) = store.runs()
        assert (run.run_id, run.key, run.label, run.status, run.error) == (run_id, key(0), "walk", "done", None)
        assert (run.cost_kind, run.cost_s, run.wall_s, run.queries) == ("simulated", 10 * 1.1, 10 / 3, 10)
        assert run.provenance == DONE.provenance

    def test_a_failure_is_a_row_with_its_error(self, store: Store) -> None:
        store.plan(planned(1))
        owner, run_id = new_owner(), key(0).run_id
        store.claim([run_id], owner)
        store.append(run_id, owner, [step(1)], b"x", 1, end=FAILED)
        (run,) = store.runs(status="failed")
        assert run.error == "Traceback\n\\x00 \\ud800 ä"
        assert [s.step for s in store.steps(run_id)] == [1]

    @pytest.mark.parametrize(
        "wrong", [Ending("running", None, {}), Ending("failed", None, {}), Ending("done", "x", {})]
    )
    def test_an_ending_must_fit_together(self, store: Store, wrong: Ending) -> None:
        store.plan(planned(1))
        owner, run_id = new_owner(), key(0).run_id
        store.claim([run_id], owner)
        with pytest.raises(StoreError, match=r"ends as|has an error"):
            store.append(run_id, owner, [step(1)], None, 1, end=wrong)
        assert store.steps(run_id) == []
        assert store.status_counts([run_id]) == {"running": 1}

    def test_a_released_run_resumes_from_its_latest_state(self, store: Store) -> None:
        store.plan(planned(1))
        owner, run_id, steps = new_owner(), key(0).run_id, course(0, 9)
        store.claim([run_id], owner)
        store.append(run_id, owner, steps[:3], b"after 3", 30)
        store.append(run_id, owner, steps[3:6], b"after 6", 60)
        store.release(run_id, owner)
        assert store.status_counts([run_id]) == {"pending": 1}
        assert len(store.steps(run_id)) == 6
        claim = store.claim([run_id], owner)
        assert claim is not None
        assert claim.last is not None
        assert (claim.state, claim.queries, same(claim.last, steps[5])) == (b"after 6", 60, True)
        store.append(run_id, owner, steps[6:], None, 90, end=DONE)
        assert all(same(a, b) for a, b in zip(store.steps(run_id), steps, strict=True))

    def test_steps_after_the_state_are_made_again(self, store: Store) -> None:
        store.plan(planned(1))
        owner, run_id, steps = new_owner(), key(0).run_id, course(0, 9)
        store.claim([run_id], owner)
        store.append(run_id, owner, steps[:3], b"after 3", 30)
        store.append(run_id, owner, steps[3:9], None, 90)
        store.release(run_id, owner)
        claim = store.claim([run_id], owner)
        assert claim is not None
        assert claim.last is not None
        assert (claim.state, claim.queries, claim.last.step) == (b"after 3", 30, 3)
        assert [s.step for s in store.steps(run_id)] == [1, 2, 3]
        (run,) = store.runs()
        assert (run.cost_s, run.wall_s, run.queries) == (steps[2].cost_s, steps[2].wall_s, 30)
        store.append(run_id, owner, steps[3:], None, 90, end=DONE)
        assert all(same(a, b) for a, b in zip(store.steps(run_id), steps, strict=True))
        assert [row[1] for row in store.rankings()] == [3, 6, 9]

    def test_a_run_without_a_state_begins_anew(self, store: Store) -> None:
        store.plan(planned(1))
        owner, run_id = new_owner(), key(0).run_id
        store.claim([run_id], owner)
        store.append(run_id, owner, course(0), None, 10)
        store.release(run_id, owner)
        claim = store.claim([run_id], owner)
        assert claim is not None
        assert (claim.state, claim.last, claim.queries, store.steps(run_id)) == (None, None, 0, [])
        assert (store.incumbents(), list(store.rankings()), store.logs()) == ([], [], [])

    def test_an_ended_run_is_closed(self, store: Store) -> None:
        owner = new_owner()
        (run_id,) = fill(store, owner, 1)
        with pytest.raises(StoreError, match="is done"):
            store.append(run_id, owner, [step(11)], b"", 11)
        assert store.claim([run_id], owner) is None

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ([step(2), step(2)], "ascend"),
            ([step(1)], "ascend"),
            ([StepRecord(2, float("nan"), 1.0)], "finite"),
            ([StepRecord(2, 1.0, float("inf"))], "finite"),
            ([step(2, logs={"loss": float("nan")})], "finite"),
            ([step(2, test_accuracy=float("nan"))], "fraction"),
            ([step(2, test_accuracy=-np.inf)], "fraction"),
            ([step(2, test_accuracy=93.5)], r"step 2: a test accuracy is a fraction in \[0, 1\], given 93.5"),
            ([step(2, scores=np.array([0.0, np.nan], dtype=np.float32))], "finite"),
            ([step(2), step(3, all_scores=np.zeros((2, 2), dtype=np.float32))], "shape"),
        ],
    )
    def test_what_is_not_sound_is_refused_whole(self, store: Store, wrong: list[StepRecord], why: str) -> None:
        store.plan(planned(1))
        owner, run_id = new_owner(), key(0).run_id
        store.claim([run_id], owner)
        store.append(run_id, owner, [step(1)], b"one", 1)
        with pytest.raises(StoreError, match=why):
            store.append(run_id, owner, wrong, b"two", 2)
        assert [s.step for s in store.steps(run_id)] == [1]
        store.release(run_id, owner)
        claim = store.claim([run_id], owner)
        assert claim is not None
        assert (claim.state, claim.queries) == (b"one", 1)

    def test_a_panel_is_stored_once(self, store: Store) -> None:
        panel = Panel("some", np.array([[0, 1, 2], [4, 3, 2]], dtype=np.int16))
        store.add_panel(panel, "cells")
        store.add_panel(panel, "cells")
        found = store.panel(panel.identity)
        assert found.name == "some"
        assert found.archs.dtype == np.int16
        assert found.archs.tolist() == panel.archs.tolist()
        with pytest.raises(StoreError, match="known: some:"):
            store.panel("other:0")

    def test_scores_keep_an_order_that_single_precision_would_lose(self, store: Store) -> None:
        run_id, owner = claimed(store)
        near = np.nextafter(np.ones(5), np.arange(5.0) - 2)
        scores = np.concatenate([near, [1e300, -1e300, 5e-324]])
        store.append(run_id, owner, [step(1, scores=scores, all_scores=-scores)], None, 0, end=DONE)
        assert store.steps(run_id)[0].scores.tobytes() == scores.tobytes()  # type: ignore[union-attr]
        assert [found[3].tobytes() for found in store.rankings()] == [scores.tobytes()]
        assert store.all_scores()[run_id].tobytes() == (-scores).tobytes()

    def test_a_test_accuracy_comes_back_to_the_last_bit(self, store: Store) -> None:
        run_id, owner = claimed(store)
        exact = 9431 / 10_000 / 3
        store.append(run_id, owner, [step(1), step(2, test_accuracy=exact), step(3, test_accuracy=0.0)], None, 0)
        assert [s.test_accuracy for s in store.steps(run_id)] == [None, exact, 0.0]
        assert store.measured() == store.measured([run_id]) == [(run_id, 2, exact), (run_id, 3, 0.0)]
        assert store.measured([]) == []

    def test_choices_beyond_a_byte_come_back(self, store: Store) -> None:
        wide = np.array([[0, 128, 300], [32_767, 127, 2]], dtype=np.int16)
        panel = Panel("wide", wide)
        store.add_panel(panel, "cells")
        assert store.panel(panel.identity).archs.tolist() == wide.tolist()
        run_id, owner = claimed(store)
        seen = Visits(wide, np.array([1, 1], dtype=np.int32), np.array([0.1, 0.2]), np.array([1.0, 2.0]))
        store.append(run_id, owner, [step(1)], None, 2, visits=seen, end=DONE)
        assert store.visits(run_id).archs.tolist() == wide.tolist()  # type: ignore[union-attr]
        assert [archs.tolist() for _, archs in store.visited()] == [wide.tolist()]

    def test_incumbents_are_those_that_changed_and_the_last(self, store: Store) -> None:
        rng = np.random.default_rng(7)
        store.plan(planned(40))
        owner, expected = new_owner(), []
        for seed in range(40):
            names = [None if i == 3 else f"|{i}|" for i in rng.integers(0, 4, rng.integers(1, 12))]
            steps = [step(number, name) for number, name in enumerate(names, start=1)]
            run_id, cut = key(seed).run_id, int(rng.integers(0, len(steps) + 1))
            store.claim([run_id], owner)
            store.append(run_id, owner, steps[:cut], b"x", 0)
            store.append(run_id, owner, steps[cut:], b"y", 0)
            before = [None, *names]
            kept = [s for s, name in zip(steps, before, strict=False) if s.incumbent != name or s is steps[-1]]
            expected += [(run_id, s.step, s.cost_s, s.incumbent) for s in kept if s.incumbent is not None]
        assert store.incumbents() == sorted(expected)
        some = [key(seed).run_id for seed in (9, 4, 30)]
        assert store.incumbents(some) == sorted(row for row in expected if row[0] in some)

    def test_bulk_reads_agree_with_the_steps(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("nasboard.harness.store.read.MOST_BOUND", 3)
        ids = fill(store, new_owner(), 8)
        steps = [(run_id, s) for run_id in sorted(ids) for s in store.steps(run_id)]
        for asked in (None, ids):
            ranked = [(run_id, n, cost_s, scores.tobytes()) for run_id, n, cost_s, scores in store.rankings(asked)]
            assert ranked == [(i, s.step, s.cost_s, s.scores.tobytes()) for i, s in steps if s.scores is not None]
            whole = {run_id: scores.tobytes() for run_id, scores in store.all_scores(asked).items()}
            assert whole == {i: s.all_scores.tobytes() for i, s in steps if s.all_scores is not None}
            assert store.logs(asked) == [(i, s.step, s.logs) for i, s in steps if s.logs]
        assert {row[0] for row in store.rankings(ids[2:4])} == set(ids[2:4])
        assert store.incumbents([]) == []

    def test_bulk_reads_name_a_run_that_is_not_there(self, store: Store) -> None:
        for read in (
            store.incumbents,
            store.logs,
            store.all_scores,
            store.measured,
            lambda ids: list(store.rankings(ids)),
        ):
            with pytest.raises(StoreError, match="000000000000 is not in"):
                read(["0" * 64])
        with pytest.raises(StoreError, match="is not in"):
            store.steps("0" * 64)


class TestSqlite(StepsContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/runs.db"


class TestPostgres(StepsContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:  # noqa: F811
        return postgres_url
