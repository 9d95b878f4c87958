"""Actions and their distribution: what may be, how likely it is, and that nothing else ever comes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasboard.benchmarks.spaces.edge_cells.poc1296 import Poc1296Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.space import sample
from nasboard.harness.transitions import allowed, check_transformed, released
from nasboard.methods.transforming.actions import (
    KEEP,
    LEAST,
    NULL,
    SKIP,
    distribution,
    graded_actions,
    released_actions,
)
from tests.methods.transforming.cells import ARCHS, CELL, CONV1, CONV3, ONE

SPACES = (NB201Space(), Poc1296Space())


def logits(n: int, edges: int, actions: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 2, (n, edges, actions)))


def test_the_actions_are_null_keep_and_skip() -> None:
    found = released_actions(CELL, ONE[None])
    assert found.ops[0].tolist() == [[0, CONV3, 1], [0, 1, 1], [0, CONV1, 1]]
    assert found.may.all()


def test_graded_actions_are_the_operations_that_cost_no_more() -> None:
    found = graded_actions(CELL, ONE[None])
    assert found.ops[0, 0].tolist() == [0, 1, 2, 3]
    assert found.may[0].tolist() == [[True] * 4, [True, True, False, False], [True, True, True, False]]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@pytest.mark.parametrize("acting", [released_actions, graded_actions])
def test_what_is_forbidden_has_no_chance_and_never_comes(space, acting) -> None:  # type: ignore[no-untyped-def]
    of, archs = space.transitions, sample(space, np.random.default_rng(1), 300)
    actions = acting(of, archs)
    choices = distribution(logits(*actions.may.shape), actions)
    assert torch.isneginf(choices.log_probs[torch.from_numpy(~actions.may)]).all()
    may = (released if acting is released_actions else allowed)(of, archs)
    for seed in range(5):
        ops = choices.put(choices.draw(np.random.default_rng(seed)))
        assert np.take_along_axis(may, ops[..., None], axis=2).all()
        check_transformed(of, archs, of.put(archs, ops))


def test_a_space_without_null_removes_nothing() -> None:
    space = Poc1296Space()
    archs = sample(space, np.random.default_rng(0), 50)
    may = released_actions(space.transitions, archs).may
    assert not may[..., NULL].any()
    assert may[..., [KEEP, SKIP]].all()


def test_probabilities_add_up_to_one_and_are_those_of_the_release_but_for_the_sum() -> None:
    found = distribution(logits(64, 3, 3), released_actions(CELL, ARCHS)).log_probs.exp()
    torch.testing.assert_close(found.sum(-1), torch.ones(64, 3, dtype=found.dtype))
    theirs = logits(64, 3, 3).softmax(-1) + LEAST
    assert float((theirs / found).std()) < 1e-12
    assert float((theirs / found).mean()) == pytest.approx(1 + 3 * LEAST)


def test_nothing_that_is_allowed_is_impossible() -> None:
    certain = torch.tensor([[[0.0, 500.0, 0.0]] * 3])
    found = distribution(certain, released_actions(CELL, ONE[None])).log_probs
    assert torch.isfinite(found).all()
    assert float(found[0, 0, NULL]) == pytest.approx(np.log(LEAST), abs=1e-3)


def test_draws_come_as_often_as_the_distribution_says() -> None:
    choices = distribution(logits(1, 3, 4), graded_actions(CELL, ONE[None]))
    drawn = choices.draws(np.random.default_rng(0), 20_000)
    seen = np.stack([(drawn == action).mean(axis=0) for action in range(4)], axis=1)
    assert np.abs(seen - choices.log_probs[0].exp().numpy()).max() < 0.015


def test_the_entropy_is_that_of_torch_where_everything_is_allowed() -> None:
    choices = distribution(logits(64, 3, 3), released_actions(CELL, ARCHS))
    wanted = torch.distributions.Categorical(probs=choices.log_probs.exp()).entropy().sum(1)
    torch.testing.assert_close(choices.entropy, wanted)


def test_the_entropy_leaves_out_what_is_forbidden_and_its_gradient_is_finite() -> None:
    raw = logits(1, 3, 4).requires_grad_()
    choices = distribution(raw, graded_actions(CELL, ONE[None]))
    (slope,) = torch.autograd.grad(choices.entropy.sum(), raw)
    assert torch.isfinite(slope).all()
    assert (slope[torch.from_numpy(~choices.actions.may)] == 0).all()
    assert float(choices.entropy.detach()) < np.log(4) + np.log(2) + np.log(3)
