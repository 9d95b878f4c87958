from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from nasboard.harness.store import new_owner, owner_alive
from nasboard.harness.store import owner as store_owner


def test_this_process_is_alive_whatever_its_heartbeat() -> None:
    assert owner_alive(new_owner(), float("inf"))


def test_every_owner_is_new() -> None:
    assert new_owner() != new_owner()


def _owner_of(process: subprocess.Popen[bytes]) -> str:
    place, _, _, random = new_owner().rsplit(":", 3)
    return f"{place}:{process.pid}:{store_owner._start(process.pid)}:{random}"


def test_a_dead_process_here_is_gone_at_once() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = _owner_of(process)
    assert owner_alive(owner, float("inf"))
    process.communicate(b"\n")
    assert not owner_alive(owner, 0.0)


def test_a_dead_process_that_its_parent_has_not_noticed_is_given_90_s() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = _owner_of(process)
    process.kill()
    until = time.monotonic() + 10
    while store_owner._start(process.pid) != store_owner.UNREAPED and time.monotonic() < until:
        time.sleep(0.01)
    assert owner_alive(owner, 89.0)
    assert not owner_alive(owner, 91.0)
    process.communicate()
    assert not owner_alive(owner, 0.0)


def test_a_process_that_got_the_number_of_another_is_not_it() -> None:
    place, pid, _, random = new_owner().rsplit(":", 3)
    assert not owner_alive(f"{place}:{pid}:1:{random}", 0.0)


@pytest.mark.parametrize(("age_s", "alive"), [(0.0, True), (90.0, True), (90.1, False), (float("inf"), False)])
def test_elsewhere_the_heartbeat_decides(age_s: float, alive: bool) -> None:
    assert owner_alive(f"otherhost-00000000:{os.getpid()}:1:abcd", age_s) is alive


def test_the_start_of_a_process_is_known_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = store_owner._start_by_ps(os.getpid())
    assert ours is not None
    assert ":" not in ours
    monkeypatch.setattr(store_owner, "_start", store_owner._start_by_ps)
    owner = new_owner()
    assert owner_alive(owner, float("inf"))
    assert store_owner._start_by_ps(2**22 + 1) is None
