"""What the shipped contracts run over here: every benchmark there is, and every method on a few of them.

Benchmarks over imported tables are opened inside tests, where their public files are; nothing is opened to collect.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import cast

import pytest

from nasboard.harness import registry
from nasboard.harness.api import Benchmark, SearchMethod
from nasboard.harness.errors import MissingDataError
from nasboard.harness.record import Json
from nasboard.harness.testing.case import Case
from nasboard.harness.testing.checking import LIVE, case_of
from tests.tables import SOURCES, imported

# Of the spaces without a table, one data set each, and one space on all: the others are the same code put together.
FAMILY = re.compile(r"s\d-(?!digits)|s1-cifar10$")
BENCHMARKS = tuple(name for name in registry.names("benchmarks") if not FAMILY.match(name))
TRAINS = tuple(
    name for name in BENCHMARKS if registry.entry("benchmarks", name).value.startswith("nasboard.benchmarks.live.")
)
SEARCHED = ("digits201", "nb201-cifar10", "planted")  # where whole searches are made: small, real and planted
NEEDS = {str(told["name"]): str(told["needs"]) for told in registry.describe("methods")}
BLACK_BOX = [(method, name) for method, needs in NEEDS.items() if "query" in needs for name in SEARCHED]
FEW = "?train=160&val=80"  # images, so that an epoch has two steps or three
ELSEWHERE = {"ofa": f"ofa-digits{FEW}"}  # what searches some spaces alone
GENERATES = {  # methods of generators, and where they are checked
    "autogan": "autogan-digits?channels=4&critic=4&judge=quick-3&recipe=gan-3&scored_on=20&train=60&val=60",
    "training_gan": "autogan-digits?channels=4&critic=4&judge=quick-3&recipe=gan-3&train=60&val=60",
}
TRAINING = [
    (method, (GENERATES | ELSEWHERE).get(method, LIVE + FEW)) for method, needs in NEEDS.items() if "data" in needs
]


def opened(name: str) -> Benchmark:
    """Return a benchmark, tables and images imported if need be; skips the test where a public file is absent."""
    try:
        return _whole(name)
    except MissingDataError:
        for kind in (*SOURCES, "cifar10"):
            imported(kind)
    try:
        return _whole(name)
    except MissingDataError as error:
        pytest.skip(f"{name}: {error}")


def _whole(name: str) -> Benchmark:
    found = registry.benchmark(name)
    found.data()
    return found


def unmeasured(method: str) -> dict[str, Json]:
    """Return the setting by which a method takes no eigenvalues, unless it stops by them. One takes 20 epochs."""
    made = registry.method_class(method)
    short = cast("Callable[[], SearchMethod]", getattr(made, "for_tests", made))()
    takes = hasattr(short, "eigenvalue_every") and getattr(short, "stop", "never") == "never"
    return {"eigenvalue_every": 0} if takes else {}


@cache
def case(method: str, benchmark: str) -> Case:
    """Return a method at test length on a benchmark, so that contracts share its uninterrupted run.

    Of those that only look at eigenvalues, `darts` does.
    """
    if (method, benchmark) in TRAINING:
        pytest.importorskip(
            "torch", reason="live methods train networks: pip install 'nasboard[live]'"
        ).set_num_threads(1)
    opened(benchmark)
    return case_of(method, on=benchmark, params={} if method == "darts" else unmeasured(method))
