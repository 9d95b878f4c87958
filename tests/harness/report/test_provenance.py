from __future__ import annotations

from dataclasses import replace

import pytest

from nasboard.harness.record import Json
from nasboard.harness.report.provenance import ABSENT, origins
from tests.harness.report import fields


def test_every_run_is_listed_under_its_label() -> None:
    comparison = fields.comparison()
    _, own = origins(comparison)
    assert [(o.label, len(o.runs)) for o in own] == [(label, len(runs)) for label, runs in comparison.outcomes.items()]
    ids = [row[0] for o in own for row in o.runs]
    assert len(set(ids)) == len(ids)


def test_what_all_share_is_said_once() -> None:
    common, own = origins(fields.comparison())
    assert ("table digest", fields.DIGEST) in common
    assert ("versions torch", "none") in common
    assert not {name for name, _ in common} & {name for o in own for name, _ in o.own}


def test_what_differs_between_seeds_stands_beside_each_run() -> None:
    runs = [fields.black_box("random_search", seed, 0) for seed in range(5)]
    runs = [
        replace(o, run=replace(o.run, provenance={**o.run.provenance, "device": f"cuda:{i}"}))
        for i, o in enumerate(runs)
    ]
    _, (own,) = origins(fields.comparison({"random_search": tuple(runs)}))
    assert own.varying == ("device",)
    assert [row[-1] for row in own.runs] == [f"cuda:{i}" for i in range(5)]
    assert ("device", "5 distinct values, cuda:0 to cuda:4") in own.own


@pytest.mark.parametrize("planned", [{}, {"tuning": "none"}])  # what a killed run has of its provenance
def test_a_run_without_provenance_does_not_break_up_what_the_others_share(planned: dict[str, Json]) -> None:
    whole = fields.black_box("random_search", 0, 0)
    killed = fields.failed("random_search", 1)
    killed = replace(killed, run=replace(killed.run, provenance=planned))
    common, (own,) = origins(fields.comparison({"random_search": (whole, killed)}))
    assert ("device", "cpu") in common
    assert "circumstances" in dict(common) | dict(own.own)
    assert ABSENT not in {value for _, value in common}
