"""Fast ranking gives what running each architecture alone gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.datasets.digits import load
from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet
from nasboard.benchmarks.live.supernets.ranking import Evaluation, evaluate
from nasboard.benchmarks.spaces.macros import DIGITS, NB201Macro
from nasboard.benchmarks.spaces.nb201 import NB201Space, prune
from nasboard.harness.space import enumerate_all, sample
from tests.benchmarks.live.plain import of_supernet

SPACE = NB201Space()
Val = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture(scope="module")
def net() -> NB201Supernet:
    return NB201Supernet(DIGITS, np.random.default_rng(0))


@pytest.fixture(scope="module")
def val() -> Val:
    images, labels = load().val
    return torch.tensor(images), torch.tensor(labels)


@torch.no_grad()
def alone(net: NB201Supernet, archs: np.ndarray, images: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    found = []
    for arch in archs:
        logits = of_supernet(net, arch)(images)
        right = (logits.argmax(1) == labels).double().mean().item()
        found.append((right, logits.softmax(1)[torch.arange(len(labels)), labels].double().mean().item()))
    return np.array(found).T


def test_scores_equal_those_of_each_architecture_alone(net: NB201Supernet, val: Val) -> None:
    constant = np.array([[op] * 6 for op in range(5)], dtype=np.int16)
    archs = np.concatenate([constant, sample(SPACE, np.random.default_rng(1), 60)])
    accuracy, confidence = alone(net, archs, *val)
    seen = evaluate(net, archs, *val)
    np.testing.assert_allclose(seen.confidence, confidence, rtol=0, atol=1e-5)
    assert np.abs(seen.accuracy - accuracy).max() <= 1 / 500  # a tie of two logits may fall the other way
    assert (seen.accuracy == accuracy).mean() > 0.95


@pytest.mark.parametrize("fused", [False, True])
def test_at_another_size_scores_equal_those_of_each_architecture_alone(fused: bool) -> None:
    macro = NB201Macro(image=8, channels=4, cells=2, classes=10)
    net, rng = NB201Supernet(macro, np.random.default_rng(0), fused=fused), np.random.default_rng(1)
    images = torch.tensor(rng.standard_normal((40, 3, 8, 8), dtype=np.float32))
    labels = torch.tensor(rng.integers(10, size=40))
    constant = np.array([[op] * 6 for op in range(5)], dtype=np.int16)
    archs = np.concatenate([constant, sample(SPACE, rng, 30), enumerate_all(SPACE)[7000:7010]])
    _, confidence = alone(net, archs, images, labels)
    np.testing.assert_allclose(evaluate(net, archs, images, labels).confidence, confidence, rtol=0, atol=1e-5)


def test_cells_that_stand_for_one_another_give_the_same_logits() -> None:
    macro = NB201Macro(image=8, channels=4, stages=1, cells=2)
    net = NB201Supernet(macro, np.random.default_rng(0), fused=True).double()
    images = torch.tensor(np.random.default_rng(1).standard_normal((8, 3, 8, 8)))
    archs = enumerate_all(SPACE)
    archs = archs[(net.distinct(archs) != prune(archs)).any(1)][::100]
    assert len(archs) > 10
    for arch, other in zip(archs, net.distinct(archs), strict=True):
        torch.testing.assert_close(of_supernet(net, arch).double()(images), of_supernet(net, other).double()(images))


def test_a_dense_stretch_of_neighbours_is_scored_as_well(net: NB201Supernet, val: Val) -> None:
    archs = enumerate_all(SPACE)[7000:7080]  # the prefix memory is at work here
    _, confidence = alone(net, archs, *val)
    np.testing.assert_allclose(evaluate(net, archs, *val).confidence, confidence, rtol=0, atol=1e-5)


def test_scores_do_not_depend_on_order_or_company(net: NB201Supernet, val: Val) -> None:
    rng = np.random.default_rng(2)
    archs = sample(SPACE, rng, 60)
    together = evaluate(net, archs, *val).score
    order = rng.permutation(len(archs))
    assert np.array_equal(evaluate(net, archs[order], *val).score, together[order])
    apart = np.concatenate([evaluate(net, archs[i : i + 7], *val).score for i in range(0, len(archs), 7)])
    assert np.array_equal(apart, together)


def test_cells_equal_after_pruning_score_equal(net: NB201Supernet, val: Val) -> None:
    archs = enumerate_all(SPACE)[::313]
    assert np.array_equal(evaluate(net, archs, *val).score, evaluate(net, prune(archs), *val).score)


def test_evaluating_nothing_gives_nothing(net: NB201Supernet, val: Val) -> None:
    assert evaluate(net, np.empty((0, 6), dtype=np.int16), *val).score.shape == (0,)


def test_score_orders_by_accuracy_first_and_stays_a_fraction() -> None:
    accuracy = np.array([0.0, 0.5, 0.5, 0.502, 1.0])
    confidence = np.array([1.0, 0.2, 0.9, 0.0, 1.0])
    score = Evaluation(accuracy, confidence, 500).score
    assert (np.diff(score) > 0).all()
    assert score[0] >= 0
    assert score[-1] == 1
    assert len(np.unique(score.astype(np.float32))) == len(score)  # scores are stored in single precision
