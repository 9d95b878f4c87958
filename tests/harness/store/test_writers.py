"""Many processes on one store, and one that is killed in the middle: nothing lost, nothing twice."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from nasboard.harness.store import new_owner, open_store
from tests.harness.store.stored import course, key, planned, same
from tests.harness.store.writers import STEPS, write_all, write_endlessly
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures

WRITERS = 8


class WritersContract:
    """Tests of concurrent writing; a subclass says where."""

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest.mark.parametrize("count", [400, pytest.param(2000, marks=pytest.mark.soak)])
    def test_eight_processes_write_every_run_once(self, url: str, count: int) -> None:
        spawn = get_context("spawn")
        with spawn.Manager() as manager, ProcessPoolExecutor(WRITERS, mp_context=spawn) as pool:
            gate = manager.Barrier(WRITERS)
            results = list(pool.map(write_all, [url] * WRITERS, [count] * WRITERS, [gate] * WRITERS))
        made = [run_id for _, part in results for run_id in part]
        assert sum(new for new, _ in results) == count
        assert len(made) == len(set(made)) == count
        assert all(part for _, part in results), "every process had a share"
        with open_store(url, must_exist=True) as store:
            runs = store.runs()
            assert sorted(run.run_id for run in runs) == sorted(made)
            assert {(run.status, run.queries) for run in runs} == {("done", STEPS)}
            for run in runs[:: count // 50]:
                stored = store.steps(run.run_id)
                assert all(same(a, b) for a, b in zip(stored, course(run.key.seed, STEPS), strict=True))
            assert len(store.logs()) == count * sum(bool(s.logs) for s in course(0, STEPS))

    def test_a_killed_writer_leaves_a_whole_run_that_another_takes_over(self, url: str) -> None:
        with open_store(url) as store:
            store.plan(planned(1))
            run_id = key(0).run_id
            reached = 0
            for _ in range(3):
                process = get_context("spawn").Process(target=write_endlessly, args=(url,))
                process.start()
                until = time.monotonic() + 60
                while len(store.steps(run_id)) <= reached + 30:
                    assert process.is_alive(), f"the writer ended with {process.exitcode}"
                    assert time.monotonic() < until, "the writer got nowhere"
                assert process.pid is not None
                os.kill(process.pid, signal.SIGKILL)
                process.join()
                reached = len(store.steps(run_id))
            owner = new_owner()
            claim = store.claim([run_id], owner)
            assert claim is not None
            assert claim.last is not None
            assert claim.state == f"after {claim.last.step}".encode() * 500
            assert claim.queries == claim.last.step == len(store.steps(run_id))
            expected = course(0, 100_000)[: claim.last.step]
            assert all(same(a, b) for a, b in zip(store.steps(run_id), expected, strict=True))
            store.finish(run_id, owner, "done", error=None, provenance={})


class TestSqlite(WritersContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/runs.db"


class TestPostgres(WritersContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:  # noqa: F811
        return postgres_url
