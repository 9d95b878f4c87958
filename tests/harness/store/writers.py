"""What the processes of `test_store_writers` do; apart from the tests, so that a child imports no test tools."""

from __future__ import annotations

from threading import Barrier

from nasboard.harness.store import Ending, new_owner, open_store
from tests.harness.store.stored import course, key, planned

STEPS = 5


def write_all(url: str, count: int, gate: Barrier) -> tuple[int, list[str]]:
    """Plan all runs, then claim and make them until none is free; returns how many were new and which were made.

    They begin to claim when all who pass the gate have planned.
    """
    owner, made = new_owner(), []
    with open_store(url) as store:
        new = store.plan(planned(count))
        gate.wait(timeout=120)
        ids = [p.key.run_id for p in planned(count)]
        while (claim := store.claim(ids, owner)) is not None:
            steps = course(claim.key.seed, STEPS)
            store.append(claim.run_id, owner, steps[:2], b"state", 2)
            store.append(claim.run_id, owner, steps[2:], None, STEPS, end=Ending("done", None, {"owner": owner}))
            made.append(claim.run_id)
    return new, made


def write_endlessly(url: str) -> None:
    owner = new_owner()
    with open_store(url) as store:
        claim = store.claim([key(0).run_id], owner)
        assert claim is not None
        done = claim.last.step if claim.last else 0
        steps = course(0, 100_000)[done:]
        for at in range(0, len(steps), 3):
            last = steps[at + 2].step
            store.append(claim.run_id, owner, steps[at : at + 3], f"after {last}".encode() * 500, last)
