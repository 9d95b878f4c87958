"""The other process: started once, started anew where anything around it changed, and heard when it fails or ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from nasboard.harness import registry
from nasboard.harness.errors import ContractError
from nasboard.harness.testing import another
from nasboard.harness.testing.another import elsewhere
from nasboard.harness.testing.case import Case
from nasboard.harness.testing.offering import fingerprint

PLUGIN = """
import os
from dataclasses import dataclass
from typing import ClassVar
from nasboard import Checkpoint
@dataclass(frozen=True)
class Odd:
    needs: ClassVar = frozenset({"query"})
    does: str = "print"
    def search(self, task):
        print("hello")
        if self.does == "raise":
            raise ValueError("odd")
        if self.does == "exit":
            os._exit(3)
        yield Checkpoint(1, None)
"""


def test_it_says_what_this_process_says_and_is_started_once() -> None:
    benchmark = registry.benchmark("planted")
    method = registry.method("random_search")
    assert elsewhere("benchmark", "planted") == fingerprint(benchmark)
    (process,) = another._running.values()
    params = json.dumps(registry.resolved(method))
    mine = Case("random_search", method, benchmark).whole.fingerprint
    assert elsewhere("method", "random_search", "planted", params) == mine
    assert [*another._running.values()] == [process]


def test_another_environment_is_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere("benchmark", "planted")
    (before,) = another._running.values()
    monkeypatch.setenv("NASBOARD_SOMETHING", "else")
    elsewhere("benchmark", "planted")
    (after,) = another._running.values()
    assert after is not before
    assert before.returncode == 0


def test_what_fails_there_is_told_and_the_next_answer_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd_plugin.py").write_text(PLUGIN)
    info = tmp_path / "odd_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nasboard.methods]\nodd = odd_plugin:Odd\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    odd = ("method", "odd", "planted")
    with pytest.raises(ContractError, match="fails in another process: ValueError: odd"):
        elsewhere(*odd, '{"does": "raise"}')
    told = elsewhere(*odd, '{"does": "print"}')
    assert len(told) == 64  # and not what was printed
    with pytest.raises(ContractError, match="which ended with code 3"):
        elsewhere(*odd, '{"does": "exit"}')
    assert elsewhere(*odd, '{"does": "print"}') == told
