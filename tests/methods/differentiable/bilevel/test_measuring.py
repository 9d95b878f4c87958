"""What is measured of a search: the gap, alpha, the landscape and the way to the derived architecture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.supernets.stepping import Batch
from nasboard.methods.differentiable.bilevel import search as bilevel_search
from nasboard.methods.differentiable.bilevel.measuring import PLANE, line, measure, plane
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.darts import Darts
from tests.methods import live

EVERYTHING = Darts(epochs=2, batch=32, lr=0.1, eigenvalue_every=1, trace_every=1, landscape_every=1, alpha_every=1)


@pytest.fixture
def run() -> Search:
    found = live.search(EVERYTHING)
    with torch.no_grad():
        found.alpha.copy_(torch.from_numpy(np.random.default_rng(3).standard_normal(30)))
    found.advance()
    return found


def test_the_landscape_has_alpha_in_the_middle_and_the_line_ends_at_the_architecture(run: Search) -> None:
    scored = run.parts.scored
    found, way = plane(run, scored), line(run, scored)
    here = float(run.val_loss(scored, run.alpha.detach()).detach())
    there = float(run.loss(scored, run.net.mixtures(run.incumbent[None])[0]).detach())
    assert found.shape == (PLANE, PLANE)
    assert found[PLANE // 2, PLANE // 2] == pytest.approx(here, rel=1e-6)
    assert found.std() > 1e-4
    assert (way[0], way[-1]) == (pytest.approx(here, rel=1e-5), pytest.approx(there, rel=1e-5))
    assert np.array_equal(plane(run, scored), found)


def test_the_gap_is_what_discretisation_takes_from_the_accuracy(run: Search) -> None:
    logs, scored = measure(run, run.parts.scored), run.parts.scored
    alone = run.net.network(run.incumbent)
    with torch.no_grad():
        derived = float((alone(scored.images).argmax(1) == scored.labels).double().mean())
    assert logs["discretisation_gap"] == pytest.approx(logs["supernet_accuracy"] - derived, abs=0.02)


def test_alpha_is_logged_as_the_mixture_it_stands_for_and_the_trace_is_the_sum_of_eigenvalues(run: Search) -> None:
    logs = measure(run, run.parts.scored)
    alpha = logs["alpha"]
    assert isinstance(alpha, np.ndarray)
    assert np.allclose(alpha.reshape(6, 5), run.alpha.detach().view(6, 5).softmax(1).numpy(), atol=1e-6)
    hessian = torch.autograd.functional.hessian(lambda a: run.val_loss(run.parts.scored, a), run.alpha.detach())
    assert logs["trace"] == pytest.approx(float(hessian.trace()) + 30 * 1e-3, rel=1e-3)
    assert logs["eigenvalue"] == pytest.approx(float(torch.linalg.eigvalsh(hessian).max()) + 1e-3, rel=1e-3)


def test_measuring_more_changes_no_search() -> None:
    plain = Darts(epochs=2, batch=32, lr=0.1, eigenvalue_every=0)
    much, little = (list(method.search(live.task())) for method in (EVERYTHING, plain))
    for one, other in zip(much, little, strict=True):
        assert one.rank(live.ARCHS).tobytes() == other.rank(live.ARCHS).tobytes()
        assert {name: one.logs[name] for name in other.logs} == dict(other.logs)


@pytest.mark.parametrize(("batch", "seen"), [(35, 35), (90, 80)])
def test_curvature_is_taken_on_a_whole_batch_where_there_is_one(
    batch: int, seen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # of 80 validation images the last of three batches has 10, or one batch has all
    guides: list[Batch] = []
    monkeypatch.setattr(bilevel_search, "measure", lambda run, guide: guides.append(guide) or {})
    live.search(replace(EVERYTHING, batch=batch)).advance()
    assert [len(guide.labels) for guide in guides] == [seen]
