"""The check of a benchmark as it enters: a plug-in's, each part of it broken in turn, and ours as they are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.random import Generator

from nasboard.benchmarks.tabulated.planted import PlantedSpace, planted
from nasboard.harness import registry
from nasboard.harness.api import Benchmark, Observation
from nasboard.harness.context import Context, Trainings
from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.harness.registry.admission import admit
from nasboard.harness.space import Arch, Archs
from tests.plugin import write_distribution

PLAIN = planted()
PARTS = ("name", "dataset", "space", "fidelities", "cost_kind", "digest", "query", "parameter_free", "context", "data")
PARTS = (*PARTS, "truth", "truth_by_seed")
SPACE_PARTS = ("name", "choices", "encode", "decode", "canonical", "valid")


def broken(**changes: object) -> SimpleNamespace:
    """Return the planted benchmark with other parts; `...` leaves one out."""
    parts = {name: getattr(PLAIN, name) for name in PARTS} | changes
    return SimpleNamespace(**{name: value for name, value in parts.items() if value is not ...})


def with_space(**changes: object) -> SimpleNamespace:
    parts = {name: getattr(PLAIN.space, name) for name in SPACE_PARTS} | changes
    return broken(space=SimpleNamespace(**{name: value for name, value in parts.items() if value is not ...}))


def trained(**changes: object) -> Context:
    how = Trainings("planted", "quick", 4, True, True, (1, 4), lambda archs: archs, lambda arch, epochs: 1.0)
    return Context(trainings=replace(how, **changes))  # type: ignore[arg-type]


def answers(**changes: object) -> Callable[[Arch, int, Generator], Observation]:
    return lambda arch, epochs, rng: Observation(**({"val_accuracy": 0.5, "cost_s": 1.0, "epochs": epochs} | changes))  # type: ignore[arg-type]


def test_what_is_whole_is_let_in_as_it_is() -> None:
    made = broken()
    assert admit(made, "planted", "somebody") is made
    assert admit(PLAIN, "planted", "nasboard") is PLAIN


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_absent_is_named_with_its_distribution(part: str) -> None:
    with pytest.raises(
        UsageError, match=rf"benchmark 'planted' of somebody: it has no `{part}` .*; see Benchmark in nasboard"
    ):
        admit(broken(**{part: ...}), "planted", "somebody")


@pytest.mark.parametrize("part", SPACE_PARTS)
def test_a_part_of_the_space_that_is_absent_is_named(part: str) -> None:
    with pytest.raises(UsageError, match=rf"benchmark 'planted' of somebody: its space has no `{part}` "):
        admit(with_space(**{part: ...}), "planted", "somebody")


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (broken(name=7), "has 7 as `name`, allowed is the full name, a string"),
        (broken(name="other"), r"calls itself 'other'; its name is planted\[@VERSION\]"),
        (broken(name="planted2@v1"), "calls itself 'planted2@v1'"),
        (broken(dataset=""), "has '' as `dataset`"),
        (
            broken(fidelities=[1, 3]),
            r"has \[1, 3\] as `fidelities`, allowed is a tuple of epochs, ascending integers from 1",
        ),
        (broken(fidelities=()), r"has \(\) as `fidelities`"),
        (broken(fidelities=(3, 1)), r"has \(3, 1\) as `fidelities`"),
        (broken(fidelities=(1, 1)), r"has \(1, 1\) as `fidelities`"),
        (broken(fidelities=(0, 1)), r"has \(0, 1\) as `fidelities`"),
        (broken(fidelities=(1.5,)), r"has \(1.5,\) as `fidelities`"),
        (broken(cost_kind="hours"), "has 'hours' as `cost_kind`, allowed is 'simulated' or 'measured'"),
        (broken(digest="v1"), "has 'v1' as `digest`, allowed is the SHA-256 of the table in hexadecimal, or None"),
        (broken(query=3), "has 3 as `query`, allowed is a callable, or None"),
        (broken(parameter_free=[0]), r"has \[0\] as `parameter_free`, allowed is a tuple of choices, or None"),
        (
            broken(context=None),
            r"has None as `context`, allowed is a Context; Context\(\) where there is nothing to say",
        ),
        (broken(context=Context(resolution=0)), "its context has 0 as `resolution`, allowed is a positive integer"),
        (broken(context=Context(parts="v1")), "its context has 'v1' as `parts`, allowed is a SHA-256"),
        (broken(context=Context(test=np.ones(3))), "its context has array.* as `test`"),
        (broken(context=Context(trainings=7)), "its context has 7 as `trainings`"),
        (broken(context=trained(fidelities=(4, 1))), r"what it says of trainings has \(4, 1\) as `fidelities`"),
        (broken(context=trained(method="darts")), "has 'darts' as `method`, allowed is a registered name that begins"),
        (broken(context=trained(cost_s=3.0)), "has 3.0 as `cost_s`, allowed is a callable"),
        (broken(data=None), "has None as `data`, allowed is a method"),
        (broken(truth=np.ones(3)), "has array.* as `truth`"),
        (with_space(choices=(5, 0)), r"its space has \(5, 0\) as `choices`"),
        (with_space(choices=(5, 40_000)), "allowed is .*integers from 1 to 32768"),
        (with_space(choices=[5, 5]), r"its space has \[5, 5\] as `choices`"),
        (with_space(valid=lambda archs: True), r"`valid` returns True of 2 rows, allowed is an array of bools"),
        (with_space(valid=lambda archs: np.ones(len(archs))), "`valid` returns array"),
        (with_space(valid=lambda archs: np.zeros(len(archs), bool)), "none keeps the rules of the space"),
        (with_space(decode=lambda arch: "p-0-0-0-0-0-0"), "encodes that to array"),
        (with_space(decode=list), "allowed is a string that gives the same array back"),
        (with_space(encode=lambda spec: spec.split("-")), "allowed is a string that gives the same array back"),
        (broken(truth=lambda archs: 100 * PLAIN.truth(archs)), "truth has values from .* percent"),
        (
            broken(truth=lambda archs: PLAIN.truth(archs)[:, None]),
            r"truth gives float64 \(4, 1\), allowed are .*\(4,\)",
        ),
        (broken(truth=lambda archs: PLAIN.truth(archs) * np.nan), "truth has 4 of 4 values not finite"),
        (broken(truth_by_seed=PLAIN.truth), r"truth_by_seed gives float64 \(4,\), allowed are numbers \(4, seeds\)"),
        (broken(query=lambda arch, epochs, rng: 0.5), "query answers with an Observation, given 0.5"),
        (broken(query=answers(val_accuracy=92.0)), r"query answers with an accuracy in \[0, 1\].*given 92.0 for 1.0 s"),
        (broken(query=answers(val_accuracy=np.nan)), "query answers with an accuracy"),
        (broken(query=answers(cost_s=0.0)), "a positive cost, given 0.5 for 0.0 s"),
        (broken(query=answers(epochs=7)), "query was asked for 1 epochs and answers for 7"),
    ],
)
def test_a_part_of_another_kind_is_told_with_what_is_allowed(made: object, says: str) -> None:
    with pytest.raises(UsageError, match=rf"(?s)benchmark 'planted' of somebody: .*{says}"):
        admit(made, "planted", "somebody")


def test_options_and_versions_belong_to_the_name() -> None:
    for name in ("planted@v1", "planted?seeds=mean", "planted@v1?seeds=mean"):
        assert admit(broken(name=name), "planted", "somebody").name == name


def raising(error: Exception) -> Callable[[Archs], np.ndarray]:
    def truth(archs: Archs) -> np.ndarray:
        raise error

    return truth


def test_a_table_in_parts_is_let_in_and_a_damaged_one_is_not() -> None:
    assert admit(broken(truth=raising(MissingDataError("imported with --partial"))), "planted", "somebody")
    with pytest.raises(DigestError, match="damaged"):
        admit(broken(truth=raising(DigestError("damaged"))), "planted", "somebody")


@dataclass
class Counting:
    """Counts how often the parts that cost something are asked for."""

    asked: list[str] = field(default_factory=list)

    def of(self, name: str) -> Callable[..., object]:
        part = getattr(PLAIN, name, None) or getattr(PLAIN.space, name)

        def told(*given: object) -> object:
            self.asked.append(name)
            return part(*given)

        return told


def test_what_may_be_slow_is_not_asked_for() -> None:
    seen = Counting()
    made = with_space(canonical=seen.of("canonical"))
    made.data, made.truth, made.query = seen.of("data"), seen.of("truth"), seen.of("query")
    admit(made, "planted", "somebody")
    assert sorted(seen.asked) == ["query", "query", "truth"]


BODY = """
from dataclasses import replace
from nasboard.benchmarks.tabulated.planted import planted

class Percent:
    def __init__(self, plain):
        self.plain = plain
    def __getattr__(self, name):
        return getattr(self.plain, name)
    def truth(self, archs):
        return 100 * self.plain.truth(archs)

def percent():
    return Percent(replace(planted(), name="percent"))

def nothing():
    return None
"""


@pytest.fixture
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entries = {"percent": "of_percent:percent", "nothing": "of_percent:nothing"}
    monkeypatch.syspath_prepend(str(write_distribution(tmp_path, "of_percent", BODY, entries, "nasboard.benchmarks")))
    yield
    sys.modules.pop("of_percent", None)


@pytest.mark.usefixtures("_plugin")
@pytest.mark.parametrize(("name", "says"), [("percent", "truth has values from"), ("nothing", "it has no `name`")])
def test_the_registry_lets_no_broken_plug_in_through(name: str, says: str) -> None:
    for _ in range(2):
        with pytest.raises(UsageError, match=f"benchmark '{name}' of of_percent: .*{says}"):
            registry.benchmark(name)


def test_the_protocol_has_no_part_that_is_not_looked_at() -> None:
    told = {name for name in vars(Benchmark) if not name.startswith("_")}
    assert told == set(PARTS)
    assert {name for name in vars(PlantedSpace) if not name.startswith("_")} == set(SPACE_PARTS)
