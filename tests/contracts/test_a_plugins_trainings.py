"""A live benchmark of somebody else's, whose truth is trainings, and what trains on it keep the shipped contracts."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasboard.harness import registry
from nasboard.harness.testing.checking import case_of, check
from nasboard.harness.testing.reach import leaks, secret
from tests import toy_live


@pytest.fixture(autouse=True)
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(toy_live.install(tmp_path / "site")))


def test_what_trains_keeps_the_contracts_of_a_method() -> None:
    found = {finding.contract: finding for finding in check("training_toy", on="toy-live")}
    assert [f"{f.contract}: {f.why}" for f in found.values() if f.outcome == "broken"] == []
    for contract in ("abilities change nothing", "resume ends like uninterrupted", "no path to a test value"):
        assert found[contract].outcome == "ok"


def test_a_benchmark_whose_truth_is_trainings_keeps_the_laws_that_are_left() -> None:
    found = {finding.contract: finding for finding in check("toy-live")}
    assert [f"{f.contract}: {f.why}" for f in found.values() if f.outcome == "broken"] == []
    assert found["truth is finite and of each row alone"].why == "its truth is trainings"
    for law in ("test images are none of the search data", "trainings cost more the longer"):
        assert found[law].outcome == "ok"


def test_the_walk_finds_its_test_images_where_they_are_and_not_in_a_task() -> None:
    case = case_of("training_toy", on="toy-live")
    hidden = secret(case.benchmark)
    assert len(hidden.images) == 330
    assert leaks(case.task(), hidden) == []
    test = registry.benchmark("toy-live").context.test
    assert test is not None
    assert {leak.kind for leak in leaks(test(), hidden)} == {"images"}
