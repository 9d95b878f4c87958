"""Bounds of latency: kept by the sum over a measured table, and refused without one that fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live import latency
from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.spaces.costs.latency import Latencies, read
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.harness.api import SearchMethod, Task
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.space import sample
from nasboard.methods.weight_sharing.bounds import Bounds
from nasboard.methods.weight_sharing.ofa.method import Ofa
from nasboard.methods.weight_sharing.spos import Spos
from tests.methods import live

OFA = replace(Ofa.for_tests(), batch=64, recalibrate_batch=64, population=20)


@pytest.fixture(scope="module")
def data() -> LiveData:
    return live.tiny("ofa-digits")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, data: LiveData) -> str:
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("latency") / "t.json"
    latency.measure("ofa-digits", data.parts, batch=16, rounds=3).write(path)
    return str(path)


def ms(table: str, data: LiveData, archs: np.ndarray) -> np.ndarray:
    assert isinstance(data.parts.space, LayerSpace)
    return 1000 * read(table).of_networks(data.parts.space, archs)


def test_what_keeps_the_bound_is_as_fast_by_the_table_and_shallow_networks_are_faster(
    table: str, data: LiveData
) -> None:
    archs = sample(data.space, np.random.default_rng(0), 200)
    taken = ms(table, data, archs)
    most = float(np.quantile(taken, 0.3))
    np.testing.assert_array_equal(Bounds(ms=most, latency=table).kept(data, archs), taken <= most)
    depths = [i for i, slot in enumerate(data.parts.space.slots) if slot.layer is None]  # type: ignore[union-attr]
    deep, shallow = archs.copy(), archs.copy()
    deep[:, depths], shallow[:, depths] = 2, 0
    assert (ms(table, data, shallow) < ms(table, data, deep)).all()


@pytest.mark.parametrize("method", [OFA, Spos.for_tests()], ids=["ofa", "spos"])
def test_what_a_search_finds_keeps_the_bound(table: str, data: LiveData, method: Ofa | Spos) -> None:
    drawn = ms(table, data, sample(data.space, np.random.default_rng(0), 200))
    most = float(np.quantile(drawn, 0.2))
    bounded: SearchMethod = replace(method, most_ms=most, latency=table)
    *_, last = bounded.search(Task(data.space, np.random.default_rng(0), float("inf"), data=data))
    assert last.incumbent is not None
    assert ms(table, data, last.incumbent[None])[0] <= most


def test_a_bound_that_nothing_keeps_is_told(table: str, data: LiveData) -> None:
    with pytest.raises(UsageError, match="bounds"):
        list(
            replace(OFA, most_ms=1e-6, latency=table).search(
                Task(data.space, np.random.default_rng(0), float("inf"), data=data)
            )
        )


def test_a_table_of_other_networks_or_of_none_is_refused(table: str, data: LiveData, tmp_path: Path) -> None:
    archs = sample(data.space, np.random.default_rng(0), 2)
    with pytest.raises(MissingDataError, match=r"measure one: python -m nasboard\.benchmarks\.live\.latency"):
        Bounds(ms=1.0, latency=str(tmp_path / "none.json")).kept(data, archs)
    wider: Latencies = replace(read(table), network={**read(table).network, "channels": 64})
    wider.write(tmp_path / "wider.json")
    with pytest.raises(UsageError, match="another channels than the one searched"):
        Bounds(ms=1.0, latency=str(tmp_path / "wider.json")).kept(data, archs)
    cells = live.small_data()
    with pytest.raises(UsageError, match="networks of layers, such as ofa-digits; nb201 has cells"):
        Bounds(ms=1.0, latency=table).kept(cells, live.ARCHS)


@pytest.mark.parametrize("given", [{"most_ms": 3.0}, {"latency": "t.json"}])
def test_a_bound_without_a_table_or_a_table_without_a_bound_is_refused_when_it_is_made(
    given: dict[str, object],
) -> None:
    for method in (Ofa, Spos):
        with pytest.raises(UsageError, match="give both or neither"):
            method(**given)  # type: ignore[arg-type]
