"""The registry: what it finds, what it refuses, and that looking costs no heavy import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasboard.harness import registry
from nasboard.harness.api import SearchMethod
from nasboard.harness.errors import MissingDataError, UnknownNameError, UsageError
from nasboard.harness.registry import outline
from nasboard.methods.black_box.regularized_evolution import RegularizedEvolution

DIALS = """
from __future__ import annotations
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal
from nasboard.harness.api import Checkpoint, Need, Task

@dataclass(frozen=True)
class Dials:
    '''Has a hyper-parameter of every kind.

    And more to say.
    '''
    needs: ClassVar[frozenset[Need]] = frozenset({"query"})
    count: int = 1
    rate: float = 0.5
    on: bool = False
    name: str = "a"
    sizes: tuple[int, ...] = (1, 2)
    limit: int | None = None
    mode: Literal["fast", "slow"] = "fast"
    def search(self, task: Task) -> Iterator[Checkpoint]:
        return iter(())

class Plain:
    needs = frozenset({"query"})

@dataclass(frozen=True)
class Greedy(Dials):
    needs = frozenset({"query", "test"})

@dataclass(frozen=True)
class Demanding:
    size: int
    needs = frozenset({"data"})
    def search(self, task):
        return iter(())

Made = Demanding
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path with a module `dials_of_others`, registered under several names."""
    (tmp_path / "dials_of_others.py").write_text(DIALS)
    (tmp_path / "dials_of_nobody.py").write_text("import torch_of_nobody\nclass Any: ...\n")
    points = {
        "dials": "dials_of_others:Dials",
        "plain": "dials_of_others:Plain",
        "greedy": "dials_of_others:Greedy",
        "demanding": "dials_of_others:Demanding",
        "made": "dials_of_others:Made",
        "lost": "dials_of_others:Lost",
        "nowhere": "no_such_module_here:Any",
        "hungry": "dials_of_nobody:Any",
    }
    distribute(tmp_path, "dials", "nasboard.methods", points)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("dials_of_others", "dials_of_nobody"):
        sys.modules.pop(name, None)


def distribute(folder: Path, name: str, group: str, points: dict[str, str]) -> None:
    """Write the metadata of an installed distribution."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


def test_methods_are_found_by_name_with_their_defaults_and_with_given_values() -> None:
    assert registry.method("regularized_evolution") == RegularizedEvolution()
    assert registry.method("regularized_evolution", {"population": 20}) == RegularizedEvolution(population=20)
    assert isinstance(registry.method("random_search"), SearchMethod)


def test_resolved_values_make_the_same_method_again() -> None:
    made = registry.method("reinforce", {"lr": 1})
    values = registry.resolved(made)
    assert values["lr"] == 1.0
    assert isinstance(values["lr"], float)
    assert set(values) == {"lr", "baseline_decay", "beta1", "beta2", "adam_eps"}
    assert registry.method("reinforce", values) == made


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: registry.method("regularised_evolution"),
            "unknown method 'regularised_evolution'; did you mean 'regularized_",
        ),
        (lambda: registry.method("zzz"), "unknown method 'zzz'; known: .*random_search"),
        (lambda: registry.benchmark("digit201"), "unknown benchmark 'digit201'; did you mean 'digits201'"),
        (lambda: registry.table("digits").info(None, False), "unknown table 'digits'; did you mean 'digits201'"),
        (
            lambda: registry.method("regularized_evolution", {"populaton": 3}),
            "unknown hyper-parameter of regularized_evolution 'populaton'; did you mean 'population'",
        ),
    ],
)
def test_a_wrong_name_is_told_the_nearest_ones(call: object, says: str) -> None:
    assert callable(call)
    with pytest.raises(UnknownNameError, match=says):
        call()


@pytest.mark.parametrize("name", ["planted?version=v1", "nb201-cifar10@v1.0-compact?seeds=mean&version=v2"])
def test_a_version_is_no_option(name: str) -> None:
    with pytest.raises(UsageError, match=r"a version is named before the options, .+@v[12], given"):
        registry.benchmark(name)


def test_a_benchmark_is_opened_once() -> None:
    assert registry.benchmark("planted") is registry.benchmark("planted")


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"count": 3}, 3),
        ({"rate": 2}, 2.0),
        ({"on": True}, True),
        ({"name": "b"}, "b"),
        ({"sizes": [4, 5, 6]}, (4, 5, 6)),
        ({"limit": None}, None),
        ({"limit": 7}, 7),
        ({"mode": "slow"}, "slow"),
    ],
)
def test_values_arrive_as_the_field_declares_them(plugin: Path, params: dict[str, object], expected: object) -> None:
    made = registry.method("dials", params)  # type: ignore[arg-type]
    found = getattr(made, next(iter(params)))
    assert found == expected
    assert type(found) is type(expected)
    assert registry.method("dials", registry.resolved(made)) == made


@pytest.mark.parametrize(
    "params",
    [
        {"count": 1.5},
        {"count": True},
        {"count": "3"},
        {"rate": "fast"},
        {"rate": float("nan")},
        {"rate": True},
        {"on": 1},
        {"name": 3},
        {"sizes": [1, "2"]},
        {"sizes": 3},
        {"limit": "none"},
        {"mode": "medium"},
        {"count": object()},
    ],
    ids=lambda params: " ".join(f"{name} {type(value).__name__}" for name, value in params.items()),
)
def test_a_value_of_another_type_is_refused_with_the_type_that_is_allowed(
    plugin: Path, params: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match=f"dials: {next(iter(params))} is of type .*, given"):
        registry.method("dials", params)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("plain", UsageError, "method 'plain' of dials is dials_of_others:Plain, which is no dataclass"),
        ("greedy", UsageError, r"needs \['query', 'test'\]; allowed: data, query"),
        ("demanding", UsageError, "demanding cannot be made from its defaults: .*size"),
        ("lost", UsageError, "dials registers 'lost' as dials_of_others:Lost, but dials_of_others has no 'Lost'"),
        (
            "nowhere",
            UsageError,
            "'nowhere' of dials is no_such_module_here:Any, but there is no module no_such_module_here",
        ),
        ("hungry", MissingDataError, "'hungry' of dials needs torch_of_nobody, which is not installed"),
    ],
)
def test_a_broken_entry_point_is_told_to_its_distribution(
    plugin: Path, name: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        registry.method(name)


@pytest.mark.parametrize(
    ("missing", "extra"),
    [("torch", "live"), ("sklearn.datasets", "live"), ("plotly", "report"), ("psycopg", "postgres")],
)
def test_a_missing_extra_is_named(plugin: Path, monkeypatch: pytest.MonkeyPatch, missing: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, missing.partition(".")[0], None)
    (plugin / "dials_of_nobody.py").write_text(f"import {missing}\n")
    with pytest.raises(MissingDataError, match=rf"pip install 'nasboard\[{extra}\]'"):
        registry.method("hungry")


def test_a_clash_of_names_names_both_distributions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribute(tmp_path, "rival", "nasboard.methods", {"random_search": "rival:Any"})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="'random_search' is provided by two distributions, nasboard and rival"):
        registry.names("methods")


def test_two_plugins_that_clash_are_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        distribute(tmp_path, name, "nasboard.benchmarks", {"mine": f"{name}:make"})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="'mine' is provided by two distributions, one and two"):
        registry.benchmark("mine")


def test_descriptions_name_distribution_needs_and_the_first_line(plugin: Path) -> None:
    found = {str(d["name"]): d for d in registry.describe("methods")}
    assert list(found) == sorted(found) == list(registry.names("methods"))
    assert found["dials"] == {
        "name": "dials",
        "needs": "query",
        "distribution": "dials",
        "summary": "Has a hyper-parameter of every kind.",
    }
    assert found["random_search"]["distribution"] == "nasboard"
    assert (found["demanding"]["needs"], found["made"]["needs"]) == ("data", "data")  # from the source, by import
    assert "unusable" in str(found["nowhere"]["summary"])
    assert "dials_of_nobody" not in sys.modules


@pytest.mark.parametrize("name", registry.names("methods"))
def test_what_the_source_says_agrees_with_what_is_imported(name: str) -> None:
    read = outline.read(registry.entry("methods", name).value)
    assert read is not None
    if "data" in read.needs:
        pytest.importorskip("torch", reason="live methods train networks: pip install 'nasboard[live]'")
    made = type(registry.method(name))
    assert read.needs == tuple(sorted(made.needs))  # inherited ones included
    assert made.__doc__ is not None
    assert made.__doc__.startswith(read.summary)


def test_listing_everything_imports_no_method_and_no_torch() -> None:
    code = (
        "import sys; from nasboard.harness import registry; "
        "[registry.describe(kind) for kind in ('methods', 'benchmarks', 'tables')]; "
        "ours = ('nasboard.methods.', 'nasboard.benchmarks.', 'nasboard.tabular.'); "
        "print(sorted(name for name, module in sys.modules.items() if name == 'torch' or "
        "name.startswith(ours) and not hasattr(module, '__path__')))"  # packages are looked into, and empty
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert eval(found.stdout) == []
