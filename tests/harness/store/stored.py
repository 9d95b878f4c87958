"""Runs to store in tests: keys, steps with a known course, and a run made from start to end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import MetaData, create_engine, text

from nasboard.harness.api import Logged
from nasboard.harness.record import RunKey, StepRecord, Visits
from nasboard.harness.store import Ending, Planned, Store, new_owner, open_store

DONE = Ending("done", None, {"git": "0000000", "dirty": False, "versions": {"numpy": "2"}})
FAILED = Ending("failed", "Traceback\n\0 \ud800 ä", {})


class StoreTests:
    """Fixtures of tests that run over several back ends; a subclass says where the store is."""

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        with open_store(url) as opened:
            yield opened


def key(seed: int, method: str = "walk") -> RunKey:
    return RunKey(
        method=method,
        params={"width": 3, "rate": 0.1, "names": ["a", "b"], "deep": {"none": None}},
        benchmark="planted",
        dataset="dots",
        space="cells",
        table_digest="ab" * 32,
        seed=seed,
        budget_s=100.5,
        panel=None,
    )


def planned(n: int, method: str = "walk") -> list[Planned]:
    return [Planned(key(seed, method), method, "simulated") for seed in range(n)]


def step(number: int, incumbent: str | None = "|a|", **rest: object) -> StepRecord:
    return StepRecord(number, number * 1.1, number / 3, incumbent, **rest)  # type: ignore[arg-type]


def course(seed: int, n: int = 10, *, transforms: bool = False) -> list[StepRecord]:
    """Return steps with changing incumbents, logs, and scores at every third step, of the whole space at the last.

    With `transforms` the last one has what a panel became as well.
    """
    rng = np.random.default_rng(seed)
    steps = []
    for number in range(1, n + 1):
        scores = rng.standard_normal(7).astype(np.float32).astype(np.float64) if number % 3 == 0 else None
        whole = rng.standard_normal(20).astype(np.float32).astype(np.float64) if number == n else None
        became = {"some": rng.integers(0, 300, (4, 3)).astype(np.int16)} if transforms and number == n else {}
        logs = {"eigenvalue": float(rng.random()), "ä \0 'quoted'": -0.0} if number % 2 else {}
        incumbent = None if number == 1 else f"|cell {rng.integers(3)}|"
        steps.append(step(number, incumbent, logs=logs, scores=scores, all_scores=whole, transformed=became))
    return steps


def visits(n: int, seed: int = 0) -> Visits:
    """Return `n` visited architectures of six slots, with fidelities, accuracies and costs of their own."""
    rng = np.random.default_rng(seed)
    archs = rng.integers(0, 3, (n, 6)).astype(np.int16)
    return Visits(archs, rng.choice([1, 3, 9], n).astype(np.int32), rng.random(n), rng.random(n) + 0.1)


def same(a: StepRecord, b: StepRecord) -> bool:
    """Return whether two steps are equal to the last bit."""
    plain = (a.step, a.cost_s, a.wall_s, a.incumbent) == (b.step, b.cost_s, b.wall_s, b.incumbent)
    plain = plain and a.test_accuracy == b.test_accuracy and same_logs(a.logs, b.logs)
    plain = plain and a.transformed.keys() == b.transformed.keys()
    plain = plain and all(np.array_equal(a.transformed[name], b.transformed[name]) for name in a.transformed)
    return plain and _bits(a.scores) == _bits(b.scores) and _bits(a.all_scores) == _bits(b.all_scores)


def same_logs(a: Mapping[str, Logged], b: Mapping[str, Logged]) -> bool:
    """Return whether logs are equal to the last bit, arrays in shape as well."""
    shapes = [{name: (type(value), np.shape(value)) for name, value in logs.items()} for logs in (a, b)]
    return shapes[0] == shapes[1] and all(_bits(np.asarray(a[name])) == _bits(np.asarray(b[name])) for name in a)


def _bits(scores: np.ndarray | None) -> bytes | None:
    return None if scores is None else np.asarray(scores, dtype=np.float64).tobytes()


def bits(seen: Visits | None) -> tuple[bytes, ...] | None:
    if seen is None:
        return None
    assert [c.dtype.str for c in (seen.archs, seen.epochs, seen.val_accuracy)] == ["<i2", "<i4", "<f8"]
    return tuple(c.tobytes() for c in (seen.archs, seen.epochs, seen.val_accuracy, seen.cost_s))


def claimed(store: Store, seed: int = 0) -> tuple[str, str]:
    store.plan(planned(seed + 1))
    owner, run_id = new_owner(), key(seed).run_id
    assert store.claim([run_id], owner) is not None
    return run_id, owner


def of_version(version: int, url: str, tmp_path: Path) -> None:
    """Make the store that an older version wrote: a run done, one failed, one cut off after step 3, one planned."""
    path = tmp_path / ("runs.db" if url.startswith("sqlite") else "copied.db")
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.executescript((Path(__file__).parent / f"store_v{version}.sql").read_text())
    if url.startswith("sqlite"):
        return
    old, new, meta = create_engine(f"sqlite:///{path}"), create_engine(url), MetaData()
    with old.connect() as source, new.begin() as target:
        for statement in (Path(__file__).parent / f"store_v{version}_postgres.sql").read_text().split(";\n"):
            if statement.strip():
                target.execute(text(statement))
        meta.reflect(target)
        for table in meta.sorted_tables:
            rows = [dict(row) for row in source.execute(table.select()).mappings()]
            if rows:
                target.execute(table.insert(), rows)
        for table in ("runs", "specs", "rankings"):
            target.execute(text(f"SELECT setval('{table}_no_seq', (SELECT max(no) FROM {table}))"))
    old.dispose()
    new.dispose()


def fill(store: Store, owner: str, n: int, method: str = "walk") -> list[str]:
    """Plan `n` runs, make all of them, and return their ids."""
    runs = planned(n, method)
    store.plan(runs)
    ids = [p.key.run_id for p in runs]
    while (claim := store.claim(ids, owner)) is not None:
        steps = course(claim.key.seed, transforms=claim.key.seed % 2 == 0)
        seen = visits(len(steps), claim.key.seed)
        store.append(claim.run_id, owner, steps, None, len(steps), visits=seen, end=DONE)
    return ids
