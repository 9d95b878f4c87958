"""Packed training against one network written plainly, and against each member of the pack alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasboard.benchmarks.live.trainings.packed import Pack, forward, initialise, runs
from nasboard.benchmarks.live.trainings.recipe import Macro, Recipe
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.space import sample
from tests.benchmarks.live.plain import Plain, of_pack

STEPS = 3
BATCH = 30


@pytest.fixture(scope="module")
def archs() -> np.ndarray:
    drawn = sample(NB201Space(), np.random.default_rng(4), 4)
    return np.concatenate([drawn, [[3, 3, 3, 3, 3, 3], [3, 2, 4, 1, 0, 3], [0, 0, 0, 0, 0, 0]]]).astype(np.int16)


@pytest.fixture(scope="module")
def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    rng = np.random.default_rng(5)
    return [
        (
            torch.from_numpy(rng.standard_normal((BATCH, 1, 8, 8), dtype=np.float32)),
            torch.from_numpy(rng.integers(0, 10, BATCH)),
        )
        for _ in range(STEPS)
    ]


def shared(images: torch.Tensor) -> torch.Tensor:
    return images[:, 0, :, :, None, None]  # (b, 1, side, side) -> (b, side, side, 1, 1)


def sgd(parameters: list[torch.Tensor]) -> torch.optim.SGD:
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)


def train_pack(pack: Pack, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    optimiser = sgd(pack.parameters)
    for images, labels in batches:
        logits = forward(pack, shared(images), training=True)  # (m, b, classes)
        loss = F.cross_entropy(logits.flatten(0, 1), labels.repeat(len(pack.archs)), reduction="sum") / BATCH
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def train_plain(net: Plain, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    optimiser = sgd(list(net.parameters()))
    for images, labels in batches:
        optimiser.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        optimiser.step()


def test_logits_of_a_pack_are_those_of_each_network_alone(
    archs: np.ndarray, batches: list[tuple[torch.Tensor, torch.Tensor]]
) -> None:
    pack = initialise(archs, range(len(archs)), Macro(), Recipe())
    images, _ = batches[0]
    plain = [of_pack(pack, i) for i in range(len(archs))]
    logits = forward(pack, shared(images), training=True)
    for i, net in enumerate(plain):
        torch.testing.assert_close(logits[i], net(images), rtol=1e-4, atol=1e-5)
    # the pass above moved the running statistics of both by the same rule
    still = forward(pack, shared(images), training=False)
    for i, net in enumerate(plain):
        torch.testing.assert_close(still[i], net.eval()(images), rtol=1e-4, atol=1e-5)


def test_training_a_pack_trains_each_network_as_if_alone(
    archs: np.ndarray, batches: list[tuple[torch.Tensor, torch.Tensor]]
) -> None:
    pack = initialise(archs, range(len(archs)), Macro(), Recipe())
    plain = [of_pack(pack, i) for i in range(len(archs))]
    train_pack(pack, batches)
    images, _ = batches[0]
    logits = forward(pack, shared(images), training=True)
    for i, net in enumerate(plain):
        before = net(images).detach()
        train_plain(net, batches)
        after = net(images)
        assert (after - before).abs().max() > 0.01  # training did something
        torch.testing.assert_close(logits[i], after, rtol=1e-2, atol=1e-3)


def test_a_networks_weights_do_not_depend_on_its_neighbours(archs: np.ndarray) -> None:
    together = of_pack(initialise(archs, [7] * len(archs), Macro(), Recipe()), 2)
    alone = of_pack(initialise(archs[2:3], [7], Macro(), Recipe()), 0)
    for a, b in zip(together.parameters(), alone.parameters(), strict=True):
        assert torch.equal(a, b)


def test_runs_are_the_stretches_of_equal_operations() -> None:
    assert runs(np.array([3, 3, 1, 3], dtype=np.int16)) == [(0, 2, 3), (2, 3, 1), (3, 4, 3)]
    assert runs(np.array([2], dtype=np.int16)) == [(0, 1, 2)]
