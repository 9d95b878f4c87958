"""Tables of latencies: what they sum to, and files that are none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.spaces.costs.latency import Latencies, read
from nasboard.benchmarks.spaces.layerwise import ZERO, LayerSpace, Stage
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


def test_latency_is_told_for_every_operation_and_for_nothing_else() -> None:
    assert TABLE.of_options(GROUPS).tolist() == [1, 2, 0, 0, 4, 0]


def test_a_network_takes_the_sum_of_the_layers_that_it_has_and_of_what_is_around_them() -> None:
    space = LayerSpace("toy", ("a", "b"), (Stage(8, 1, 2, depths=(1, 2)), Stage(8, 1, 2)), leaves_out=True)
    first = {"a": 1.0, "b": 2.0}
    blocks = {
        "depth of stage 1": {"1": 0.0, "2": 0.0},
        "layer 1 of stage 1": first,
        "layer 2 of stage 1": {"a": 10.0, "b": 20.0, ZERO: 0.0},
        "layer 1 of stage 2": {"a": 100.0, "b": 200.0},
        "layer 2 of stage 2": {"a": 1000.0, "b": 2000.0, ZERO: 0.0},
    }
    table = replace(TABLE, blocks_s=blocks)
    archs = np.stack([space.encode(spec) for spec in ("1:a,b|b,Zero", "2:b,b|a,a", "2:a,Zero|a,b")])
    assert table.of_networks(space, archs).tolist() == [201.5, 1122.5, 2101.5]


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
