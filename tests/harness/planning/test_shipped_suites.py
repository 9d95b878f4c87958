"""The suites that ship: each resolves, and asks for the panels and tables that it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasboard.harness.planning import suite
from tests.places import ROOT
from tests.tables import imported

SHIPPED = ROOT / "suites"
SHIPPED_ARE = {  # runs at least, sizes of panels, tables that are needed
    "digits-full": (300, {1000}, ()),
    "quick": (300, {1000}, ()),
    "nb201": (300, set(), ("nb201-compact",)),
    "nats-tss": (300, set(), ("nb201-compact",)),
    "live-quick": (27, {16, 200}, ("cifar10", "nb201-compact", "nb101-compact")),
    **{f"sdarts/{name}": (84, {200}, ("cifar10", "nb101-compact")) for name in ("1shot1", "1shot1-full")},
    **{f"sdarts/{name}": (24, {200}, ("cifar10", "nb201-compact")) for name in ("nb201", "nb201-full")},
    "few-shot/searchers": (660, {300}, ()),
    "few-shot/ofa-digits": (3, {12}, ()),
    "sdarts/gpu-1shot1": (12, {200}, ("cifar10", "nb101-compact")),
    "sdarts/s1-s4-digits": (28, set(), ()),
    "few-shot/autogan-digits": (6, {6}, ()),
    "sdarts/digits201": (110, {1000}, ()),
    "few-shot/tau": (276, {1000}, ()),
    "few-shot/nb201": (21, {1000}, ("cifar10", "nb201-compact")),
    "few-shot/gpu-nb201": (15, {1000}, ("cifar10", "nb201-compact")),
    "few-shot/poc": (21, {200}, ()),
    "few-shot/darts": (18, set(), ("cifar10",)),
    "few-shot/proxyless-digits": (3, {12}, ()),
    "nat/digits": (80, {500, 100, 50}, ()),
    "nat/nb201": (18, {500, 100, 50}, ("cifar10", "nb201-compact")),
    "nat/cells": (2, {3}, ("cifar10",)),
    "nat/enas": (2, {3}, ("cifar10",)),
    "nat/handcrafted": (10, {1, 2}, ("cifar10",)),
    "nat/gpu-darts": (1, {2}, ("cifar10",)),
    **{f"sdarts/{name}": (18, set(), ("cifar10",)) for name in ("s1-s4", "s1-s4-full", "cifar10", "cifar10-full")},
}


@pytest.mark.parametrize("path", sorted(SHIPPED.rglob("*.toml")), ids=lambda p: p.stem)
def test_every_shipped_suite_resolves(path: Path) -> None:
    pytest.importorskip("torch")
    runs, sizes, kinds = SHIPPED_ARE[path.relative_to(SHIPPED).with_suffix("").as_posix()]
    for kind in kinds:
        imported(kind)
    planned, panels = suite.resolve(suite.read(path))
    assert len(planned) >= runs
    assert {len(panel.archs) for panel, _ in panels} == sizes


def test_the_protocol_of_nats_bench_has_a_budget_for_each_data_set() -> None:
    entries = suite.read(SHIPPED / "nats-tss.toml").runs
    budgets = {"cifar10": 20_000.0, "cifar100": 40_000.0, "ImageNet16-120": 120_000.0}
    assert {(e.benchmark.split("@")[0], e.budget_s) for e in entries} == {
        (f"nb201-{dataset}", budget_s) for dataset, budget_s in budgets.items()
    }
    methods = [{e.method for e in entries if e.budget_s == budget_s} for budget_s in budgets.values()]
    assert methods[0] == methods[1] == methods[2]
    assert len(methods[0]) == 8
    assert {e.seeds for e in entries} == {500}
