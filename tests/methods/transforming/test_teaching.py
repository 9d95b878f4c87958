"""REINFORCE against sums over all that may become of a tiny cell; what is rewarded is learned, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.supernets.saved import array
from nasboard.harness.errors import MethodError
from nasboard.methods.transforming.policies.choosing import POLICIES
from nasboard.methods.transforming.policies.mlp import Mlp
from nasboard.methods.transforming.teaching import Transformer
from tests.methods.transforming.cells import (
    ARCHS,
    NULL,
    ONE,
    SKIP,
    TAKEN,
    planned,
    proposed,
    transformer,
)

REWARD = np.random.default_rng(5).normal(0.1, 1.0, len(TAKEN))
ALL = np.repeat(ONE[None], len(TAKEN), axis=0)
BASELINE = 0.3


def exact(entropy_weight: float = 0.0) -> Transformer:
    """Return one in double precision, with a small policy that is far from uniform."""
    policy = Mlp(planned(), np.random.default_rng(0)).double()  # type: ignore[arg-type]
    with torch.no_grad():
        policy.head.weight.mul_(8)
    return transformer(policy, entropy_weight=entropy_weight)


def gradient(made: Transformer, loss: torch.Tensor) -> torch.Tensor:
    slopes = torch.autograd.grad(loss, list(made.policy.parameters()), retain_graph=True)
    return torch.cat([slope.flatten() for slope in slopes])


def test_the_gradient_summed_over_all_actions_is_that_of_the_expected_reward_and_of_the_entropy() -> None:
    made = exact(entropy_weight=0.07)
    every = proposed(made, ALL, TAKEN)
    chances = every.choices.log_prob(TAKEN).exp()
    assert float(chances.sum().detach()) == pytest.approx(1, abs=1e-12)
    assert float(chances.std().detach()) > 0.01
    weighted = chances.detach().numpy() * len(TAKEN)  # the loss is a mean
    surrogate = made.loss(every, weighted * (REWARD - BASELINE))
    expected = (chances * torch.from_numpy(REWARD)).sum() + 0.07 * made.choices(ONE[None]).entropy[0]
    torch.testing.assert_close(gradient(made, surrogate), -gradient(made, expected), rtol=1e-9, atol=1e-12)


def test_the_gradient_of_draws_is_right_on_average() -> None:
    made = exact()
    chances = proposed(made, ALL, TAKEN).choices.log_prob(TAKEN)
    along = torch.from_numpy(np.random.default_rng(1).normal(size=len(gradient(made, chances.sum()))))
    slopes = np.array([float(gradient(made, chance) @ along) for chance in chances])
    each = -(REWARD - BASELINE) * slopes  # of one draw
    wanted = float((chances.detach().exp().numpy() * each).sum())
    drawn = made.choices(ONE[None]).draws(np.random.default_rng(2), 4000)
    seen = each[drawn @ np.array([9, 3, 1])]
    assert abs(seen.mean() - wanted) < 3 * seen.std() / np.sqrt(len(seen))
    assert abs(wanted) > 3 * seen.std() / np.sqrt(len(seen))  # zero would have failed


def test_the_gradient_of_the_entropy_is_its_slope() -> None:
    made = exact()
    tensor = made.policy.head.weight
    (slope,) = torch.autograd.grad(made.choices(ONE[None]).entropy[0], tensor)
    for at in ((0, 0), (4, 50), (8, 99)):
        sides = []
        for eps in (1e-5, -1e-5):
            with torch.no_grad():
                tensor[at] += eps
                sides.append(float(made.choices(ONE[None]).entropy[0]))
                tensor[at] -= eps
        assert (sides[0] - sides[1]) / 2e-5 == pytest.approx(float(slope[at]), rel=1e-4, abs=1e-8)


def test_the_baseline_is_the_moving_average_of_rewards_and_each_is_compared_with_what_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, given = exact(), []
    loss = made.loss
    monkeypatch.setattr(made, "loss", lambda p, advantages: given.append(float(advantages[0])) or loss(p, advantages))
    wanted = 0.0
    for reward in (0.2, -0.1, 0.4):
        told = made.learn(proposed(made, ONE[None], TAKEN[:1]), np.array([reward]))
        assert given[-1] == pytest.approx(reward - wanted, rel=1e-12)
        wanted = 0.99 * wanted + 0.01 * reward
        assert told["baseline"] == made.baseline == pytest.approx(wanted, rel=1e-12)
        assert told["reward"] == reward


def test_an_update_is_an_adam_step_on_the_loss() -> None:
    made, twin = exact(0.1), exact(0.1)
    proposal = made.propose(ARCHS[:9], np.random.default_rng(0))
    rewards = REWARD[:9]
    told = made.learn(proposal, rewards)
    loss = twin.loss(proposed(twin, ARCHS[:9], proposal.taken), rewards)
    assert told["policy_loss"] == pytest.approx(float(loss.detach()))
    loss.backward()  # type: ignore[no-untyped-call]
    twin.adam.step()
    for tensor, wanted in zip(made.policy.parameters(), twin.policy.parameters(), strict=True):
        torch.testing.assert_close(tensor, wanted)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("liked", [NULL, SKIP])
def test_a_policy_learns_what_is_rewarded_and_a_collapse_to_nothing_is_not_hidden(name: str, liked: int) -> None:
    rng = np.random.default_rng(0)
    made = transformer(POLICIES[name](planned(), rng), lr=3e-3)  # type: ignore[index, arg-type]
    told = {}
    for _ in range(80):
        proposal = made.propose(ARCHS[rng.integers(len(ARCHS), size=16)], rng)
        told = made.learn(proposal, (proposal.after == liked).mean(axis=1) - (proposal.before == liked).mean(axis=1))
    became = np.concatenate([made.outcomes(arch, 7, 4) for arch in ARCHS])
    assert (became == liked).mean() > 0.97
    assert told["policy_entropy"] < 1.5
    assert sum(told[f"share_{name}"] for name in ("keep", "null", "skip", "other")) == pytest.approx(1)
    assert told["share_null" if liked == NULL else "share_skip"] > 0.5


@pytest.mark.parametrize("reward", [np.nan, np.inf])
def test_a_reward_that_is_none_ends_the_run(reward: float) -> None:
    made = exact()
    before = array(made.policy.head.weight)
    with pytest.raises(MethodError, match=r"a reward is (nan|inf).*lower its learning rate `lr`"):
        made.learn(proposed(made, ALL[:2], TAKEN[:2]), np.array([0.1, reward]))
    assert np.array_equal(before, array(made.policy.head.weight))


def test_a_loss_that_is_none_ends_the_run() -> None:
    made = exact()
    with torch.no_grad():
        made.policy.first.bias.fill_(torch.nan)
    with pytest.raises(MethodError, match=r"loss of the policy is nan.*`policy_lr`"):
        made.learn(proposed(made, ONE[None], TAKEN[:1]), np.array([0.1]))


def test_what_becomes_of_an_architecture_is_drawn_by_its_key_alone() -> None:
    made = exact()
    first = made.outcomes(ONE, 5, 10)
    made.outcomes(ARCHS[3], 5, 10)
    assert np.array_equal(first, made.outcomes(ONE, 5, 10))
    assert not np.array_equal(first, made.outcomes(ONE, 6, 10))
    assert len(np.unique(first, axis=0)) > 1


def test_a_state_brings_back_policy_moments_and_baseline() -> None:
    made, other = exact(), exact()
    made.learn(made.propose(ARCHS[:4], np.random.default_rng(0)), REWARD[:4])
    other.load(made.save())
    for each in (made, other):
        each.learn(proposed(each, ALL, TAKEN), REWARD)
    assert made.baseline == other.baseline
    for tensor, wanted in zip(made.policy.parameters(), other.policy.parameters(), strict=True):
        assert torch.equal(tensor, wanted)
