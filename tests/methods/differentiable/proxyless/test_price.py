"""What latency adds to the objective, in which direction it leads, and whose table is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.data import LiveData
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.registry import files_in
from nasboard.harness.registry.params import resolved
from nasboard.methods.differentiable.proxyless.method import Proxyless
from nasboard.methods.differentiable.proxyless.price import Price, price
from tests.methods import live
from tests.methods.differentiable.proxyless.tables import made_up

SHORT = Proxyless(epochs=4, batch=32, warm_epochs=1, alpha_from=0, alpha_period=1, reference_ms=20.0)


@pytest.fixture(scope="module")
def data() -> LiveData:
    return live.tiny("proxyless-digits", channels=4)


def priced(method: Proxyless, data: LiveData) -> Price:
    found = price(method, data, "cpu")
    assert found is not None
    return found


def test_the_expected_latency_is_the_weighted_sum_of_the_blocks_and_what_is_around(
    tmp_path: Path, data: LiveData
) -> None:
    found = priced(replace(SHORT, latency=made_up(tmp_path, data, lambda i: i + 1)), data)
    arch = np.zeros(len(data.space.groups), dtype=np.int16)
    arch[1] = 6
    mixes = torch.tensor(data.space.relax(np.stack([arch, arch * 0])))
    assert float(found.expected_ms(mixes[0])) == pytest.approx(2 + len(arch) - 1 + 7)
    assert float(found.expected_ms(mixes.mean(0))) == pytest.approx(2 + len(arch) - 1 + (7 + 1) / 2)


def test_the_objective_is_the_release_s_product_or_sum(tmp_path: Path, data: LiveData) -> None:
    path = made_up(tmp_path, data, lambda i: i + 1.0)
    loss = torch.tensor(1.7)
    mix = torch.tensor(data.space.relax(np.zeros((1, len(data.space.groups)), dtype=np.int16))[0])
    expected = 2 + len(data.space.groups)
    product, summed = (
        float(priced(replace(SHORT, latency=path, latency_term=term), data).objective(loss, mix))  # type: ignore[arg-type]
        for term in ("product", "sum")
    )
    assert product == pytest.approx(0.2 * 1.7 * (math.log(expected) / math.log(20)) ** 0.3)
    assert summed == pytest.approx(1.7 + 0.1 * (expected - 20) / 20)
    assert priced(replace(SHORT, latency=path), data).reward(0.5, mix) == pytest.approx(0.5 * (20 / expected) ** 0.1)


@pytest.mark.parametrize("learns", ["all", "two"])
@pytest.mark.parametrize(("ms", "best"), [(lambda i: i + 1.0, 0), (lambda i: 9.0 - i, -1)], ids=["first", "last"])
def test_a_high_price_leads_to_the_fastest_network(  # type: ignore[no-untyped-def]
    tmp_path: Path, data: LiveData, learns: str, ms, best: int
) -> None:
    path = made_up(tmp_path, data, ms)
    how = {"learns": learns, "latency": path, "latency_term": "sum", "latency_lambda": 1e4}
    run = replace(SHORT, epochs=9, alpha_lr=1.0, **how).open(live.task(), data)  # type: ignore[arg-type]
    told = [run.advance()["expected_ms"] for _ in range(9)]
    assert told[-1] < told[1]  # type: ignore[operator]
    options = np.array([len(group.options) for group in data.space.groups])
    assert (run.incumbent == (0 if best == 0 else options - 1)).all()


def test_the_table_is_part_of_who_ran(tmp_path: Path, data: LiveData) -> None:
    path = made_up(tmp_path, data, lambda i: i + 1.0)
    one = files_in(resolved(replace(SHORT, latency=path)))
    made_up(tmp_path, data, lambda i: i + 2.0)
    other = files_in(resolved(replace(SHORT, latency=path)))
    assert set(one) == set(other) == {path}
    assert one != other


def test_a_table_that_is_not_there_or_of_another_network_is_refused(tmp_path: Path, data: LiveData) -> None:
    with pytest.raises(MissingDataError, match="no table of latencies"):
        price(replace(SHORT, latency=str(tmp_path / "absent.json")), data, "cpu")
    path = made_up(tmp_path, data, lambda i: i + 1.0)
    with pytest.raises(UsageError, match="another channels than the one searched"):
        price(replace(SHORT, latency=path), live.tiny("proxyless-digits", channels=8), "cpu")
    with pytest.raises(UsageError, match="than the one searched"):
        price(replace(SHORT, latency=path), live.small_data(), "cpu")
    fast = made_up(tmp_path, data, lambda i: i + 1.0, around_ms=0.5)
    with pytest.raises(UsageError, match="measure on more images at a time, or set latency_term to sum"):
        price(replace(SHORT, latency=fast), data, "cpu")
    assert price(replace(SHORT, latency=fast, latency_term="sum"), data, "cpu") is not None
    assert price(SHORT, data, "cpu") is None
