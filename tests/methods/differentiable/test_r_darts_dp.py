"""R-DARTS(DP): what is dropped and cut out, where and when; and one run of all strengths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.supernets.supernet import PLAIN
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.r_darts_dp import RDartsDp
from tests.methods import live

SHORT = RDartsDp(epochs=2, batch=32, cutout=3, strengths=(0.0, 0.5), eigenvalue_every=0, pick_recipe="quick-1")
STRONG = replace(SHORT, path_drop=0.6, epochs=4)


def at(method: RDartsDp, epoch: int) -> Search:
    run = live.search(method)
    run.epoch = epoch
    return run


def test_defaults_are_the_published_search() -> None:
    r = RDartsDp()
    assert (r.epochs, r.batch, r.lr, r.lr_min, r.weight_decay, r.second_order) == (50, 64, 0.025, 0.001, 3e-4, True)
    assert [(entry.path_drop, entry.cutout) for entry in r.entries()] == [(0, 0), (0.2, 16), (0.4, 16), (0.6, 16)]


def test_rates_grow_linearly_and_reach_their_end_in_the_last_epoch() -> None:
    found = []
    for epoch in range(4):
        run = at(STRONG, epoch)
        lessons = STRONG.images(run)[0].augmentation
        assert lessons is not None
        assert lessons.cutout == 3
        how = STRONG.passing(run)
        found.append((0.0 if how.path_drop is None else float(how.path_drop.max()), lessons.cutout_prob))
    np.testing.assert_allclose(found, [(0, 0), (0.2, 1 / 3), (0.4, 2 / 3), (0.6, 1)], rtol=1e-6)


def test_without_dropped_paths_the_share_of_images_that_are_cut_stays() -> None:
    steady = Darts(cutout=3, cutout_prob=0.25)
    for epoch in (0, 30):
        lessons = steady.images(at(steady, epoch))[0].augmentation
        assert lessons is not None
        assert lessons.cutout_prob == 0.25


def test_the_identity_is_never_dropped_and_validation_batches_are_whole() -> None:
    run = at(STRONG, 3)
    how = STRONG.passing(run)
    assert how.path_drop is not None
    assert how.path_drop.view(6, 5)[0].tolist() == pytest.approx([0.6, 0, 0.6, 0.6, 0.6])  # the second is the identity
    assert not how.whole
    assert STRONG.guiding(run) is PLAIN
    assert STRONG.images(run)[1] is run.parts


def test_as_released_edges_are_dropped_as_a_whole_and_alphas_batches_are_treated_alike() -> None:
    method = replace(STRONG, as_released=True)
    run = at(method, 3)
    how = method.guiding(run)
    assert how.path_drop is not None
    assert how.path_drop.tolist() == pytest.approx([0.6] * 30)
    assert how.whole
    lessons, guides = method.images(run)
    assert guides.augmentation == lessons.augmentation
    assert guides.augmentation is not None


def test_a_step_of_alpha_sees_one_draw_so_that_its_gradient_is_that_of_a_fixed_network() -> None:
    """With draws of their own, the two sides of the finite difference would differ by far more than the step."""
    run = at(replace(STRONG, as_released=True), 3)
    batch = run.parts.scored
    state = run.rng.bit_generator.state
    with_decay = run.alpha_gradient(batch, batch)
    run.rng.bit_generator.state = state
    assert torch.equal(run.alpha_gradient(batch, batch), with_decay)
    assert not torch.equal(run.alpha_gradient(batch, batch), with_decay)
    run.rng.bit_generator.state = state
    loss = run._loss_of(batch, run.method.passing(run))
    mix = run.mixture()
    assert torch.equal(loss(mix), loss(mix))
    assert not torch.equal(loss(mix), run.loss(batch, mix))


def test_a_search_without_rates_is_that_of_darts_to_the_bit() -> None:
    plain = Darts(epochs=2, batch=32, eigenvalue_every=0)
    same = replace(plain, cutout_prob=0.5)
    assert [dict(c.logs) for c in plain.search(live.task())] == [dict(c.logs) for c in same.search(live.task())]
    cut = replace(plain, cutout=3)
    assert [dict(c.logs) for c in plain.search(live.task())] != [dict(c.logs) for c in cut.search(live.task())]


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
