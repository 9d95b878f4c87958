"""Contracts 3 and 4: same seed, same record, bit for bit, also in another process and also when cut off and resumed."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

from nasboard.harness.errors import MethodError
from nasboard.harness.running import state
from tests.contracts.catalogue import BLACK_BOX, LIVE, Case, open_case, over
from tests.contracts.drive import Played, fingerprint, play
from tests.places import ROOT

EVERY = [*BLACK_BOX, *LIVE]


@cache
def whole(case: Case) -> Played:
    """Return the uninterrupted run that the others are compared with."""
    return play(case)


def cuts(case: Case) -> list[int]:
    """Return the steps after which a run is cut off: the first, the last but one, and one between."""
    n = len(whole(case).rows)
    return sorted({1, n // 2, n - 1})


@over(EVERY)
def test_same_seed_same_record_and_calling_abilities_between_pulls_changes_nothing(case: Case) -> None:
    assert len(whole(case).rows) > 1
    again = play(case, meddle=True)
    assert again.rows == whole(case).rows
    assert fingerprint(again) == fingerprint(whole(case))


@over(EVERY)
def test_another_seed_is_another_run(case: Case) -> None:
    assert fingerprint(play(case, seed=1)) != fingerprint(whole(case))


@cache
def elsewhere(benchmark: str) -> dict[str, str]:
    """Return method -> fingerprint of its run in another process, of all methods on a benchmark."""
    methods = [case.method for case in EVERY if case.benchmark == benchmark]
    environment = os.environ | {"PYTHONHASHSEED": "4711", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.contracts.drive", benchmark, *methods]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())  # type: ignore[misc]


@over(EVERY)
def test_another_process_makes_the_same_record(case: Case) -> None:
    open_case(case)
    assert elsewhere(case.benchmark)[case.method] == fingerprint(whole(case))


@over(EVERY)
def test_a_resumed_run_ends_as_the_uninterrupted_one(case: Case) -> None:
    for kept in cuts(case):
        begun = play(case, steps=kept)
        assert begun.dumped is not None
        assert begun.rows == whole(case).rows[:kept]
        rest = play(case, after=begun)
        assert rest.rows == whole(case).rows[kept:], f"cut off after step {kept}"
        assert rest.scores is None or np.array_equal(rest.scores, np.asarray(whole(case).scores))
        assert rest.dumped == whole(case).dumped


@over(EVERY)
def test_a_run_may_be_cut_off_twice(case: Case) -> None:
    first = play(case, steps=1)
    second = play(case, after=first, steps=1)
    assert first.rows + second.rows == whole(case).rows[:2]
    rest = play(case, after=second)
    assert rest.rows == whole(case).rows[2:]


@over(BLACK_BOX)
def test_a_state_of_another_seed_is_not_mistaken_for_ones_own(case: Case) -> None:
    begun = play(case, steps=3)
    with pytest.raises(MethodError, match="resuming"):
        play(case, seed=1, after=begun)


@over(EVERY)
def test_what_is_dumped_is_what_is_loaded(case: Case) -> None:
    dumped = whole(case).dumped
    assert dumped is not None
    assert state.dump(state.load(dumped)) == dumped
