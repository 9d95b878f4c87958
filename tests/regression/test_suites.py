"""What the shipped suites compare: equal compute, equal settings, a search that moves, and a word on tuning."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from nasboard.harness import registry
from nasboard.harness.api import Task
from nasboard.harness.planning import suite
from nasboard.harness.record import RunKey
from tests.places import ROOT

pytest.importorskip("torch", reason="needs torch: pip install 'nasboard[live]'")
LIVE = ("quick", "digits-full")
TRAIN_IMAGES = 300
PUBLISHED_TRAVEL = 50 * 391 * 3e-4  # epochs, batches of 64 of 25,000 images, Adam's rate: NAS-Bench-201's DARTS
OWN = {"rank_by_alpha", "eigenvalue_every", "smoothing"}  # what is seen of a search, and what smooths it

SMOOTHED = ("darts", "sdarts_rs", "sdarts_adv")


@cache
def entries(name: str) -> dict[str, suite.Planned]:
    """Return label -> the first run of it."""
    planned, _ = suite.resolve(suite.read(ROOT / "suites" / f"{name}.toml"))
    return {run.label: run for run in reversed(planned)}


def keys(name: str, *methods: str) -> list[RunKey]:
    return [run.key for run in entries(name).values() if run.key.method in methods]


@pytest.mark.parametrize("name", LIVE)
def test_darts_and_its_smoothed_forms_have_equal_settings(name: str) -> None:
    found = [{k: v for k, v in key.params.items() if k not in OWN} for key in keys(name, *SMOOTHED)]
    assert len(found) == (4 if name == "quick" else 3)
    assert all(params == found[0] for params in found)


@pytest.mark.parametrize("name", LIVE)
def test_one_shot_and_few_shot_train_as_many_epochs_with_equal_settings(name: str) -> None:
    (one,) = keys(name, "one_shot")
    few = keys(name, "few_shot")
    assert {key.params["k"] for key in few} == ({1} if name == "quick" else {1, 2})
    for key in few:
        p = dict(key.params)
        assert p["epochs"] + 5 ** p["k"] * p["sub_epochs"] == one.params["epochs"]  # type: ignore[operator]
        assert {n: p[n] for n in one.params if n != "epochs"} == {n: one.params[n] for n in one.params if n != "epochs"}


@pytest.mark.parametrize("name", LIVE)
def test_alpha_travels_about_as_far_as_in_the_published_search(name: str) -> None:
    for key in keys(name, "darts", "sdarts_rs"):
        epochs, batch, rate = (float(key.params[n]) for n in ("epochs", "batch", "alpha_lr"))  # type: ignore[arg-type]
        travel = epochs * math.ceil(TRAIN_IMAGES / batch) * rate
        assert PUBLISHED_TRAVEL / 2 <= travel <= 2 * PUBLISHED_TRAVEL


@pytest.mark.parametrize("name", LIVE)
def test_every_entry_says_how_it_was_tuned(name: str) -> None:
    assert all(run.tuning for run in entries(name).values())


def test_ten_epochs_at_the_suites_rate_move_alpha_where_the_published_rate_hardly_does() -> None:
    from nasboard.benchmarks.spaces.nb201 import NB201Space
    from nasboard.methods.differentiable.darts import Darts

    (key, *_) = keys("quick", "darts")
    fallen = {}  # of the entropy of alpha, in nats
    for rate in (Darts().alpha_lr, float(key.params["alpha_lr"])):  # type: ignore[arg-type]
        data = registry.benchmark("digits201-live").data()
        task = Task(NB201Space(), np.random.default_rng(0), float("inf"), data=data)
        *_, last = Darts(epochs=10, alpha_lr=rate, eigenvalue_every=0).search(task)
        fallen[rate] = math.log(5) - last.logs["alpha_entropy"]
    published, ours = fallen.values()
    assert 0 < published < 1e-4
    assert ours > 2e-3
