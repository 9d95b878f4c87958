"""Methods named in the hyper-parameters of another: how they are written, what is stored of them, and who they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.harness import registry
from nasboard.harness.errors import UnknownNameError, UsageError
from nasboard.harness.record import Maker
from nasboard.harness.registry import nested
from tests.plugin import write_distribution

VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
NAMES = st.text("abc_", min_size=1)

BODY = """
@dataclass(frozen=True)
class Outer:
    inner: str = "random_search"
    inner_params: tuple[str, ...] = ()
    needs = frozenset({"query"})
    def search(self, task):
        return iter(())
"""


@given(st.dictionaries(NAMES, VALUES | st.lists(st.integers())))
def test_lines_are_read_back_as_what_they_say(params: dict[str, object]) -> None:
    assert nested.settings(nested.lines(params)) == params  # type: ignore[arg-type]


def test_a_value_that_is_no_json_is_a_string() -> None:
    assert nested.settings(["a=quick-10", "b= 1e-2", "c=[1, 2]", "d=x=y"]) == {
        "a": "quick-10",
        "b": 0.01,
        "c": [1, 2],
        "d": "x=y",
    }


@pytest.mark.parametrize("lines", [["lr"], ["=1"], ["lr=1", "lr=2"]])
def test_lines_of_another_form_are_refused(lines: list[str]) -> None:
    with pytest.raises(UsageError, match="a list of NAME=VALUE, each name once"):
        nested.settings(lines)


def test_a_string_names_a_method_only_beside_its_settings() -> None:
    assert nested.named({"a": "darts", "a_params": ["epochs=1"]}) == {"a": ("darts", {"epochs": 1})}
    for none in ({"a": "darts"}, {"a": "darts", "a_params": 3}, {"a": 1, "a_params": []}, {"a_params": ["k=1"]}):
        assert nested.named(none) == {}  # type: ignore[arg-type]


@pytest.fixture
def _outer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = write_distribution(tmp_path / "site", "outside", BODY, {"outer": "outside:Outer"})
    monkeypatch.syspath_prepend(str(where))


@pytest.mark.usefixtures("_outer")
def test_the_settings_of_a_named_method_are_checked_and_completed() -> None:
    made = registry.method("outer", {"inner": "regularized_evolution", "inner_params": ["population=7"]})
    stored = registry.resolved(made)
    assert set(stored["inner_params"]) == {"population=7", "tournament=3", "as_released=false"}  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="hyper-parameter of regularized_evolution"):
        registry.method("outer", {"inner": "regularized_evolution", "inner_params": ["populatoin=7"]})
    with pytest.raises(UnknownNameError, match="did you mean 'lanas'"):
        registry.method("outer", {"inner": "lanaas"})


@pytest.mark.usefixtures("_outer")
def test_who_made_a_run_includes_the_method_that_is_named(tmp_path: Path) -> None:
    def by(inner: str, *lines: str) -> Maker:
        return registry.method_by("outer", {"inner": inner, "inner_params": list(lines)})

    random, evolution = by("random_search"), by("regularized_evolution")
    assert random.distribution == evolution.distribution == "outside"
    assert random.code != evolution.code
    assert random.code != registry.method_by("outer", {}).code
    assert "nasboard" in random.libraries
    scores = tmp_path / "scores.json"
    scores.write_text("1")
    assert list(by("random_search", f"file={json.dumps(str(scores))}").files) == [str(scores)]


def test_the_order_in_which_methods_are_named_says_nothing() -> None:
    params = {"a": "tpe", "a_params": [], "b": "lanas", "b_params": ["x=1"]}
    assert registry.methods_in(params) == registry.methods_in(dict(reversed(params.items()))) == ("lanas", "tpe")


def test_a_method_named_by_a_named_one_counts() -> None:
    inner = nested.lines({"c": "darts", "c_params": ["epochs=1"]})
    assert registry.methods_in({"a": "guided", "a_params": list(inner)}) == ("darts", "guided")
