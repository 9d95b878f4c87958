"""Checking by name: which setting, on which benchmark, and what is refused."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

from nasboard.harness import registry
from nasboard.harness.errors import UnknownNameError, UsageError
from nasboard.harness.testing.checking import THREADS, case_of, check, check_method, one_thread
from nasboard.methods.black_box.random_search import RandomSearch


def test_a_method_is_checked_at_the_length_that_it_says_and_settings_come_on_top() -> None:
    pytest.importorskip("torch")
    made = registry.method_class("one_shot")
    short = made.for_tests()  # type: ignore[attr-defined]
    assert case_of("one_shot").method == short
    longer = case_of("one_shot", params={"epochs": 4}).method
    assert registry.resolved(longer) == {**registry.resolved(short), "epochs": 4}
    assert case_of("one_shot").benchmark.name == "digits201-live"


def test_a_method_without_such_a_length_is_checked_with_its_defaults_on_planted() -> None:
    case = case_of("regularized_evolution")
    assert case.method == registry.method("regularized_evolution")
    assert case.benchmark.name == "planted"


def test_hyper_parameters_go_behind_the_name() -> None:
    with pytest.raises(UsageError, match="hyperband: eta is of type int, given 'many'"):
        check("hyperband?eta=many")
    with pytest.raises(UnknownNameError, match="hyper-parameter of hyperband 'eat'; did you mean 'eta'"):
        check("hyperband?eat=3")


def test_a_method_as_it_is_needs_no_name() -> None:
    found = {f.contract: f for f in check_method(RandomSearch(), "planted")}
    assert found["same record in another process"].outcome == "not applicable"
    assert found["same seed same record"].outcome == "ok"


@pytest.mark.parametrize(
    ("name", "on", "params", "told"),
    [
        ("planned", None, {}, "unknown method or benchmark 'planned'; did you mean 'planted'"),
        ("planted", "digits201", {}, "planted is a benchmark: --on and --set are for methods"),
        ("planted", None, {"epochs": 3}, "planted is a benchmark: --on and --set are for methods"),
        ("random_search", "digits201-live", {}, "random_search asks queries, digits201-live answers none"),
    ],
)
def test_what_cannot_be_checked_is_refused(name: str, on: str | None, params: dict[str, int], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        check(name, on=on, params=params)


def test_one_thread_is_for_the_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS[0], "7")
    monkeypatch.delenv(THREADS[1], raising=False)
    set_to: list[int] = []
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(get_num_threads=lambda: 5, set_num_threads=set_to.append))  # type: ignore[arg-type]
    with one_thread():
        assert {os.environ[name] for name in THREADS} == {"1"}
    assert set_to == [1, 5]
    assert os.environ[THREADS[0]] == "7"
    assert THREADS[1] not in os.environ
