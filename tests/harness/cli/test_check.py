"""`nasboard check`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from nasboard.harness.api import Checkpoint, Task
from nasboard.harness.cli.app import app
from nasboard.harness.cli.completing import checkable
from nasboard.harness.errors import ContractError, UnknownNameError
from nasboard.methods.black_box.random_search import RandomSearch


def test_a_table_of_contracts_and_the_same_as_json() -> None:
    shown = CliRunner().invoke(app, ["check", "planted"], env={"COLUMNS": "200"})  # so that no cell is broken
    assert shown.exit_code == 0
    assert "truth is the mean of its seeds" in shown.stdout
    assert "it has no data" in shown.stdout
    found = json.loads(CliRunner().invoke(app, ["check", "planted", "--json"]).stdout)
    assert {tuple(sorted(each)) for each in found} == {("contract", "outcome", "says", "why")}
    assert {each["outcome"] for each in found} == {"ok", "not applicable"}


def test_a_broken_contract_is_exit_code_1_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(self: RandomSearch, task: Task) -> Iterator[Checkpoint]:
        return iter([Checkpoint(1), Checkpoint(1)])

    monkeypatch.setattr(RandomSearch, "search", stuck)
    found = CliRunner().invoke(app, ["check", "random_search"])
    assert isinstance(found.exception, ContractError)
    assert found.exception.exit_code == 1
    assert "step 1 came where 2 was due; number checkpoints" in str(found.exception)
    assert "broken" in found.stdout


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    found = CliRunner().invoke(app, ["check", "random_serach"])
    assert isinstance(found.exception, UnknownNameError)
    assert "did you mean 'random_search'" in str(found.exception)


def test_settings_are_those_of_the_method() -> None:
    found = CliRunner().invoke(app, ["check", "hyperband", "--set", "eat=3"])
    assert "hyper-parameter of hyperband 'eat'; did you mean 'eta'" in str(found.exception)


def test_methods_and_benchmarks_are_completed() -> None:
    assert checkable("plan") == ["planted"]
    assert checkable("hyper") == ["hyperband"]
