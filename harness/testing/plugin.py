"""The pytest plugin: contracts and rank regression as fixtures. Loading it imports nothing of ours but this module.

def test_rank_does_not_regress(nasboard_gate):
    nasboard_gate("suite.toml", "baseline.json")
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from nasboard.harness.gate.verdict import Verdict
    from nasboard.harness.record import Json

STORE, WRITE = "--nasboard-store", "--nasboard-write-baseline"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("nasboard", "rank regression of neural architecture search")
    group.addoption(
        STORE,
        metavar="URL",
        default=None,
        help="Take runs from this store and keep new ones there; by default runs are made anew in a temporary one.",
    )
    group.addoption(
        WRITE,
        action="store_true",
        help="Write the baselines of rank-regression tests, and skip the tests.",
    )


@pytest.fixture
def nasboard_check() -> Callable[..., None]:
    """Return `check(name, on=None, **params)`, which fails where a method or a benchmark breaks a contract."""
    from nasboard.harness.errors import ContractError
    from nasboard.harness.testing import checking, finding

    def check(name: str, on: str | None = None, **params: Json) -> None:
        try:
            finding.settle(name, checking.check(name, on=on, params=params))
        except ContractError as error:
            pytest.fail(str(error), pytrace=False)

    return check


@pytest.fixture
def nasboard_verdicts(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., list[Verdict]]:
    """Return `verdicts(suite, baseline, jobs=1)`: runs a suite and judges it by a baseline.

    Files are looked for beside the test, then in the root of the tests; a suite or a baseline that ships goes by its
    name. With `--nasboard-write-baseline` the baseline is written instead, and the test is skipped.
    """
    from nasboard.harness import shipped
    from nasboard.harness.testing import regression

    def place(name: str) -> Path:
        beside, root = request.path.parent / name, request.config.rootpath / name
        return root if root.is_file() and not beside.is_file() else beside

    def verdicts(suite: str, baseline: str, jobs: int = 1) -> list[Verdict]:
        given: str | None = request.config.getoption(STORE)
        store = given or f"sqlite:///{tmp_path / 'runs.db'}"
        runs = place(suite) if place(suite).is_file() else shipped.find("suites", suite)
        if request.config.getoption(WRITE):
            regression.write(runs, place(baseline), store, jobs=jobs)
            pytest.skip(f"wrote {place(baseline)}; run again without {WRITE} to judge by it")
        reference = place(baseline) if place(baseline).is_file() else shipped.find("baselines", baseline)
        return regression.verdicts(runs, reference, store, jobs=jobs)

    return verdicts


@pytest.fixture
def nasboard_gate(nasboard_verdicts: Callable[..., list[Verdict]]) -> Callable[..., None]:
    """Return `gate(suite, baseline, jobs=1)`, which fails where a value is worse or cannot be judged, or none is."""
    from nasboard.harness.errors import NothingComparableError, RefusedError, RegressionError
    from nasboard.harness.testing import regression

    def gate(suite: str, baseline: str, jobs: int = 1) -> None:
        found = nasboard_verdicts(suite, baseline, jobs)
        try:
            regression.settle(found, Path(baseline))
        except (RegressionError, RefusedError, NothingComparableError) as error:
            pytest.fail(str(error), pytrace=False)

    return gate
