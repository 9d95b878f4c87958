"""Tables of latencies: what they sum to, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.spaces.costs.latency import Latencies, read
from nasboard.benchmarks.spaces.relaxation import Group
from nasboard.harness.errors import MissingDataError, UsageError

GROUPS = (Group("one", ("a", "b")), Group("edges", ("0", "1"), kind="edge"), Group("two", ("a", "c")))
TABLE = Latencies(
    "toy", {"channels": 4, "strides": (1, 2)}, 8, 0.5, {"one": {"a": 1.0, "b": 2.0}, "two": {"a": 4.0, "c": 0.0}}, {}
)


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    TABLE.write(tmp_path / "t.json")
    found = read(str(tmp_path / "t.json"))
    assert found.blocks_s == TABLE.blocks_s
    found.check_network(TABLE.network)


def test_latency_is_the_sum_over_operations_and_what_is_around_them() -> None:
    assert TABLE.of_options(GROUPS).tolist() == [1, 2, 0, 0, 4, 0]
    mixes = np.array([[1, 0, 1, 0, 0, 1], [0.5, 0.5, 0, 1, 0.25, 0.75]])
    assert TABLE.of(GROUPS, mixes).tolist() == [1.5, 3.0]


def test_an_option_that_was_not_measured_is_named() -> None:
    with pytest.raises(UsageError, match=r"no d of two; they are of another space: measure one: python -m"):
        TABLE.of_options((*GROUPS[:2], Group("two", ("a", "d"))))


def test_another_network_is_named_by_what_differs() -> None:
    with pytest.raises(UsageError, match="of networks with another channels, image than"):
        TABLE.check_network({"channels": 8, "strides": [1, 2], "image": 8})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"around_s": -1.0}, "no seconds"),
        ({"blocks_s": {"one": {"a": 1e999}}}, "no table of latencies|no seconds"),
        ({"form": 2}, "form 2, allowed is 1"),
        ({"batch": "eight"}, "is no table of latencies"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change: dict[str, object], says: str) -> None:
    TABLE.write(tmp_path / "t.json")
    told = json.loads((tmp_path / "t.json").read_text()) | change
    (tmp_path / "t.json").write_text(json.dumps(told))
    with pytest.raises(UsageError, match=says):
        read(str(tmp_path / "t.json"))
    with pytest.raises(MissingDataError, match="no table of latencies"):
        read(str(tmp_path / "other.json"))
