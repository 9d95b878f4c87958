"""REINFORCE against closed forms: the gradient by finite differences, Adam by hand, draws by their frequencies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.api import Observation, Proposal
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, sample
from nasboard.methods.black_box.reinforce import Adam, Average, Policy, Reinforce, Table, draw, loss_gradient, softmax
from tests.methods.black_box.play import search, share

SPACE = PlantedSpace()


def loss(logits: Table, arch: Arch, advantage: float) -> float:
    """Return -advantage * log p(arch), written without `softmax`."""
    total = 0.0
    for row, choice in zip(logits, arch, strict=True):
        total += row[choice] - math.log(sum(math.exp(x) for x in row))
    return -advantage * total


@given(st.integers(0, 2**32), st.floats(-20, 20))
def test_the_gradient_is_that_of_the_loss(seed: int, advantage: float) -> None:
    rng, space = default_rng(seed), NB201Space()
    logits = rng.standard_normal((6, 5))
    arch = sample(space, rng, 1)[0]
    found = loss_gradient(logits, arch, advantage)
    h = 1e-5
    for at in np.ndindex(6, 5):
        step = np.zeros((6, 5))
        step[at] = h
        numeric = (loss(logits + step, arch, advantage) - loss(logits - step, arch, advantage)) / (2 * h)
        assert abs(found[at] - numeric) < 1e-6 * max(1.0, abs(advantage))


def test_descending_the_gradient_makes_a_good_architecture_likelier_and_a_bad_one_rarer() -> None:
    logits, arch = np.zeros((6, 5)), np.arange(6, dtype=np.int16) % 5
    before = softmax(logits)[np.arange(6), arch]
    for advantage, sign in ((1.0, 1), (-1.0, -1)):
        after = softmax(logits - 0.1 * loss_gradient(logits, arch, advantage))[np.arange(6), arch]
        assert (sign * (after - before) > 0).all()


def test_adam_agrees_with_three_steps_by_hand() -> None:
    lr, b1, b2, eps = 0.1, 0.9, 0.999, 1e-8
    adam, m, v = Adam(lr, b1, b2, eps), 0.0, 0.0
    for t, g in enumerate((2.0, -1.0, 0.5), start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        expected = lr * (m / (1 - b1**t)) / (math.sqrt(v / (1 - b2**t)) + eps)
        assert adam.step(np.array([[g]])) == pytest.approx(expected, rel=1e-14)


def test_the_first_step_of_adam_has_the_learning_rate_whatever_the_scale() -> None:
    found = Adam(0.01, 0.9, 0.999, 1e-8).step(np.array([[1e-3, 50.0, -7.0]]))
    assert np.allclose(found, [[0.01, 0.01, -0.01]], rtol=1e-4)


def test_draws_follow_the_probabilities_and_never_take_a_padded_choice() -> None:
    logits = np.array([[0.0, 1.0, -np.inf], [2.0, 0.0, 1.0]])
    p, rng, n = softmax(logits), default_rng(0), 20_000
    drawn = np.stack([draw(p, rng) for _ in range(n)])
    for slot in range(2):
        found = np.bincount(drawn[:, slot], minlength=3) / n
        assert (np.abs(found - p[slot]) <= 5 * (p[slot] * (1 - p[slot]) / n) ** 0.5).all()


def test_initial_logits_are_small_and_only_where_there_is_a_choice() -> None:
    policy = Policy(Reinforce(), SPACE, default_rng(0))
    real = np.arange(5) < np.array(SPACE.choices)[:, None]
    assert np.isneginf(policy.logits[~real]).all()
    assert 1e-4 < np.abs(policy.logits[real]).mean() < 2e-3


def test_the_baseline_weighs_every_reward_by_its_age_and_the_weights_sum_to_one() -> None:
    average, rewards = Average(0.9), [60.0, 80.0, 20.0, 70.0]
    for n in range(1, 5):
        weights = 0.9 ** np.arange(n)[::-1]
        assert average.after(rewards[n - 1]) == pytest.approx(weights @ rewards[:n] / weights.sum())


def test_the_baseline_is_in_percent_and_holds_the_present_reward() -> None:
    policy = Policy(Reinforce(), SPACE, default_rng(0))
    start = policy.logits.copy()
    arch = np.zeros(6, dtype=np.int16)
    policy.tell(Proposal(arch), Observation(0.6, 1.0, 1))
    assert np.array_equal(policy.logits, start)  # no advantage yet
    policy.tell(Proposal(arch), Observation(0.8, 1.0, 1))
    baseline = (0.9 * 60 + 80) / 1.9
    expected = start - Adam(0.01, 0.9, 0.999, 1e-8, t=1).step(loss_gradient(start, arch, 80 - baseline))
    assert np.allclose(policy.logits[:, :3], expected[:, :3])


def test_the_policy_learns_a_good_choice_and_the_answer_is_the_best_seen() -> None:
    asked, last = search(Reinforce(lr=0.05), SPACE, share, 600)
    early, late = np.mean([share(a) for a in asked[:100]]), np.mean([share(a) for a in asked[-100:]])
    assert late > early + 0.4
    assert last.incumbent is not None
    assert share(last.incumbent) == max(map(share, asked))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"lr": 0.0}, "lr and adam_eps are positive, given 0.0"),
        ({"adam_eps": -1.0}, "lr and adam_eps are positive"),
        ({"baseline_decay": 1.0}, r"baseline_decay is in \[0, 1\), given 1.0"),
        ({"beta1": -0.1}, r"beta1 is in \[0, 1\)"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Reinforce(**wrong)
