"""What every back end of the store must do with runs: plan, claim, own, reset, find them."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from nasboard.harness.errors import MissingDataError, StoreError
from nasboard.harness.store import Ending, Planned, Store, new_owner, open_store
from nasboard.harness.store import claim as store_claim
from tests.harness.store.stored import DONE, FAILED, StoreTests, course, fill, key, planned, step
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures


class StoreContract(StoreTests):
    """Tests of a store; a subclass says where it is."""

    def test_planning_inserts_what_is_missing(self, store: Store) -> None:
        assert store.plan(planned(3)) == 3
        assert store.plan(planned(5) + planned(5)) == 2
        assert store.plan([]) == 0
        assert [run.key.seed for run in store.runs()] == [0, 1, 2, 3, 4]
        assert {run.status for run in store.runs()} == {"pending"}

    def test_a_planned_run_keeps_its_label(self, store: Store) -> None:
        store.plan(planned(1))
        assert store.plan([Planned(key(0), "another", "simulated")]) == 0
        assert [run.label for run in store.runs()] == ["walk"]

    def test_claims_follow_the_given_order(self, store: Store) -> None:
        store.plan(planned(100))
        ids = [key(seed).run_id for seed in (5, 80, 3, 7)]
        owner = new_owner()
        claimed = [claim.key.seed for claim in iter(lambda: store.claim(ids, owner), None)]
        assert claimed == [5, 80, 3, 7]
        assert store.status_counts(ids) == {"running": 4}

    def test_a_claim_carries_the_key_unchanged(self, store: Store) -> None:
        store.plan(planned(1))
        claim = store.claim([key(0).run_id], new_owner())
        assert claim is not None
        assert (claim.run_id, claim.key, claim.label, claim.cost_kind) == (key(0).run_id, key(0), "walk", "simulated")
        assert (claim.state, claim.last, claim.queries) == (None, None, 0)

    def test_more_live_owners_than_the_first_look_holds_do_not_hide_a_free_run(self, store: Store) -> None:
        n = sum(store_claim.LOOKS[:2]) + 10
        store.plan(planned(n))
        ids = [p.key.run_id for p in planned(n)]
        assert [store.claim([run_id], new_owner()) is None for run_id in ids[:-1]] == [False] * (n - 1)
        last = store.claim(ids, new_owner())
        assert last is not None
        assert last.run_id == ids[-1]

    def test_a_run_that_was_not_planned_cannot_be_claimed(self, store: Store) -> None:
        with pytest.raises(StoreError, match="plan it first"):
            store.claim([key(0).run_id], new_owner())

    def test_the_run_of_a_live_owner_is_not_taken(self, store: Store) -> None:
        store.plan(planned(1))
        ids = [key(0).run_id]
        assert store.claim(ids, new_owner()) is not None
        assert store.claim(ids, new_owner()) is None

    def test_the_run_of_a_silent_owner_elsewhere_is_taken_after_90_s(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.plan(planned(1))
        ids = [key(0).run_id]
        assert store.claim(ids, "elsewhere-12345678:1:2:abcd") is not None
        assert store.claim(ids, new_owner()) is None
        now_s = store_claim.clock_s
        monkeypatch.setattr(store_claim, "clock_s", lambda conn: now_s(conn) + 89)
        assert store.claim(ids, new_owner()) is None
        monkeypatch.setattr(store_claim, "clock_s", lambda conn: now_s(conn) + 91)
        assert store.claim(ids, new_owner()) is not None

    def test_a_heartbeat_keeps_a_run(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        store.plan(planned(1))
        ids, there = [key(0).run_id], "elsewhere-12345678:1:2:abcd"
        assert store.claim(ids, there) is not None
        now_s = store_claim.clock_s
        monkeypatch.setattr("nasboard.harness.store.store.clock_s", lambda conn: now_s(conn) + 91)
        store.beat(there)
        monkeypatch.setattr(store_claim, "clock_s", lambda conn: now_s(conn) + 120)
        assert store.claim(ids, new_owner()) is None

    def test_who_does_not_own_a_run_cannot_write_to_it(self, store: Store) -> None:
        store.plan(planned(2))
        owner, other, run_id = new_owner(), new_owner(), key(0).run_id
        for claimed in (False, True):
            if claimed:
                store.claim([run_id], other)
            with pytest.raises(StoreError, match="not by"):
                store.append(run_id, owner, [step(1)], b"", 1)
            with pytest.raises(StoreError, match="not by"):
                store.finish(run_id, owner, "done", error=None, provenance={})
            with pytest.raises(StoreError, match="not by"):
                store.release(run_id, owner)
        with pytest.raises(StoreError, match="plan it first"):
            store.release("0" * 64, owner)
        assert store.steps(run_id) == []

    def test_failed_runs_begin_anew_after_a_reset(self, store: Store) -> None:
        done = fill(store, new_owner(), 2)
        store.plan(planned(3))
        owner, run_id = new_owner(), key(2).run_id
        store.claim([run_id], owner)
        store.append(run_id, owner, course(0), b"x", 9, end=FAILED)
        ids = [*done, run_id]
        assert store.claim(ids, owner) is None
        assert store.reset(ids, ["failed"]) == 1
        assert store.reset(ids, ["failed"]) == 0
        assert store.status_counts(ids) == {"done": 2, "pending": 1}
        assert store.steps(run_id) == []
        claim = store.claim(ids, owner)
        assert claim is not None
        assert (claim.run_id, claim.last, claim.state) == (run_id, None, None)

    def test_what_is_stated_of_tuning_stays_with_a_run_and_is_no_part_of_its_key(self, store: Store) -> None:
        [plain] = planned(1)
        stated = replace(plain, tuning="4 settings x 3 seeds")
        assert store.plan([stated]) == 1
        assert store.plan([plain]) == 0  # the same run
        owner, run_id = new_owner(), plain.key.run_id
        for _ in range(2):
            assert store.runs()[0].tuning == "4 settings x 3 seeds"
            store.claim([run_id], owner)
            store.append(run_id, owner, course(0), None, 9, end=Ending("done", None, {"device": "cpu"}))
            assert dict(store.runs()[0].provenance) == {"tuning": "4 settings x 3 seeds", "device": "cpu"}
            store.reset([run_id], ["done"])
        store.plan(planned(2))
        assert [run.tuning for run in store.runs()] == ["4 settings x 3 seeds", None]

    def test_a_reset_elsewhere_is_seen_by_a_store_that_knew_the_end(self, store: Store, url: str) -> None:
        store.plan(planned(1))
        owner, run_id = new_owner(), key(0).run_id
        store.claim([run_id], owner)
        store.finish(run_id, owner, "failed", error="x", provenance={})
        assert store.claim([run_id], owner) is None
        with open_store(url, must_exist=True) as other:
            other.reset([run_id], ["failed"])
        assert store.claim([run_id], owner) is not None

    def test_runs_are_filtered_by_label_and_status(self, store: Store) -> None:
        fill(store, new_owner(), 2)
        store.plan(planned(3) + planned(1, "other"))
        assert [run.key.seed for run in store.runs(label="walk")] == [0, 1, 2]
        assert [run.key.seed for run in store.runs(label="walk", status="done")] == [0, 1]
        assert [run.label for run in store.runs(status="pending")] == ["walk", "other"]
        assert store.runs(label="none") == []

    def test_unfinished_counts_pending_and_running(self, store: Store) -> None:
        ids = fill(store, new_owner(), 2)
        store.plan(planned(5))
        everything = [p.key.run_id for p in planned(5)]
        store.claim(everything, new_owner())
        assert store.unfinished(everything) == 3
        assert store.unfinished(ids) == 0
        with pytest.raises(StoreError, match="is not in"):
            store.unfinished(["0" * 64])

    def test_threads_share_a_store(self, store: Store) -> None:
        store.plan(planned(20))
        ids = [p.key.run_id for p in planned(20)]
        taken: list[str] = []

        def work() -> None:
            owner = new_owner()
            while (claim := store.claim(ids, owner)) is not None:
                store.append(claim.run_id, owner, course(claim.key.seed), None, 10, end=DONE)
                taken.append(claim.run_id)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(taken) == sorted(ids)

    def test_a_second_opening_sees_the_same_store(self, store: Store, url: str) -> None:
        ids = fill(store, new_owner(), 2)
        with open_store(url, must_exist=True) as other:
            assert other.runs() == store.runs()
            assert other.incumbents(ids) == store.incumbents(ids)

    def test_an_empty_database_that_must_hold_a_store_is_missing_data(self, url: str) -> None:
        with pytest.raises(MissingDataError) as caught:
            open_store(url, must_exist=True)
        assert caught.value.exit_code == 3

    def test_a_store_cannot_be_used_in_another_process(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("os.getpid", lambda: -5)
        with pytest.raises(StoreError, match="open it again in process -5"):
            store.runs()


class TestSqlite(StoreContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/runs.db"


class TestPostgres(StoreContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:  # noqa: F811
        return postgres_url
