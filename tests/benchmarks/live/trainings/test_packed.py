"""Packed training against one network written plainly, and against each member of the pack alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasboard.benchmarks.live.datasets.pixels import Pixels
from nasboard.benchmarks.live.supernets.nb201.alone import NB201Network
from nasboard.benchmarks.live.supernets.stepping import Part, on_device
from nasboard.benchmarks.live.trainings import one_by_one, packed
from nasboard.benchmarks.live.trainings.pack import SEED_DOMAIN, Norm, Pack, forward, initialise, runs
from nasboard.benchmarks.live.trainings.recipe import Recipe, recipe
from nasboard.benchmarks.spaces.costs.nb201 import count
from nasboard.benchmarks.spaces.edge_cells.poc1296 import Poc1296Space
from nasboard.benchmarks.spaces.macros import DIGITS, NB201Macro
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.errors import MethodError
from nasboard.harness.space import sample, to_index
from tests.benchmarks.live.plain import Plain, of_pack

STEPS = 3
BATCH = 30
SMALL = NB201Macro(image=8, inputs=3, channels=4, stages=3, cells=2)
AUGMENTED = replace(recipe("quick-3"), batch=16, flip=True, pad=1, cutout=3, label_smoothing=0.1, clip=1.0)


@pytest.fixture(scope="module")
def archs() -> np.ndarray:
    drawn = sample(NB201Space(), np.random.default_rng(4), 4)
    return np.concatenate([drawn, [[3, 3, 3, 3, 3, 3], [3, 2, 4, 1, 0, 3], [0, 0, 0, 0, 0, 0]]]).astype(np.int16)


@pytest.fixture(scope="module", params=[DIGITS, SMALL], ids=["digits", "small"])
def macro(request: pytest.FixtureRequest) -> NB201Macro:
    found: NB201Macro = request.param
    return found


@pytest.fixture(scope="module")
def batches(macro: NB201Macro) -> list[tuple[torch.Tensor, torch.Tensor]]:
    rng = np.random.default_rng(5)
    shape = (BATCH, macro.inputs, macro.image, macro.image)
    return [
        (torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)), torch.from_numpy(rng.integers(0, 10, BATCH)))
        for _ in range(STEPS)
    ]


def shared(images: torch.Tensor) -> torch.Tensor:
    return images.permute(0, 2, 3, 1)[:, :, :, None]  # (b, c, side, side) -> (b, side, side, 1, c)


def pack_of(archs: np.ndarray, macro: NB201Macro, seeds: list[int] | None = None) -> Pack:
    return initialise(archs, list(range(len(archs))) if seeds is None else seeds, macro, 0.1, 1e-5)


def doubled(pack: Pack) -> Pack:
    """Return a pack of the same numbers in double precision."""
    new = {id(t): t.detach().double().requires_grad_() for t in pack.parameters}
    pack.convs = {name: new[id(t)] for name, t in pack.convs.items()}
    pack.norms = {
        name: Norm(new[id(n.gamma)], new[id(n.beta)], n.mean.double(), n.var.double()) for name, n in pack.norms.items()
    }
    pack.trained = [(new[id(t)], lo, hi) for t, lo, hi in pack.trained]
    pack.linear = (new[id(pack.linear[0])], new[id(pack.linear[1])])
    return pack


def sgd(parameters: list[torch.Tensor]) -> torch.optim.SGD:
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)


def train_pack(pack: Pack, batches: list[tuple[torch.Tensor, torch.Tensor]], clip: float) -> None:
    optimiser = sgd(pack.parameters)
    for images, labels in batches:
        logits = forward(pack, shared(images), training=True)  # (m, b, classes)
        loss = F.cross_entropy(logits.flatten(0, 1), labels.repeat(len(pack.archs)), reduction="sum") / BATCH
        optimiser.zero_grad()
        loss.backward()
        packed.clip(pack, clip)
        optimiser.step()


def train_plain(net: Plain, batches: list[tuple[torch.Tensor, torch.Tensor]], clip: float) -> None:
    optimiser = sgd(list(net.parameters()))
    for images, labels in batches:
        optimiser.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimiser.step()


def test_logits_of_a_pack_are_those_of_each_network_alone(
    archs: np.ndarray, macro: NB201Macro, batches: list[tuple[torch.Tensor, torch.Tensor]]
) -> None:
    pack = pack_of(archs, macro)
    images, _ = batches[0]
    plain = [of_pack(pack, i) for i in range(len(archs))]
    logits = forward(pack, shared(images), training=True)
    for i, net in enumerate(plain):
        torch.testing.assert_close(logits[i], net(images), rtol=1e-4, atol=1e-5)
    # the pass above moved the running statistics of both by the same rule
    still = forward(pack, shared(images), training=False)
    for i, net in enumerate(plain):
        torch.testing.assert_close(still[i], net.eval()(images), rtol=1e-4, atol=1e-5)
    apart = torch.stack(
        [images.permute(0, 2, 3, 1)] * len(archs), 3
    )  # as in training, where each has images of its own
    torch.testing.assert_close(forward(pack, apart, training=False), still, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("clip", [1e9, 0.5])
def test_training_a_pack_trains_each_network_as_if_alone(
    archs: np.ndarray, macro: NB201Macro, batches: list[tuple[torch.Tensor, torch.Tensor]], clip: float
) -> None:
    pack = doubled(pack_of(archs, macro))  # so that a value beside the corner of a ReLU falls on one side for both
    plain = [of_pack(pack, i).double() for i in range(len(archs))]
    batches = [(images.double(), labels) for images, labels in batches]
    train_pack(pack, batches, clip)
    images, _ = batches[0]
    logits = forward(pack, shared(images), training=True)
    for i, net in enumerate(plain):
        before = net(images).detach()
        train_plain(net, batches, clip)
        after = net(images)
        assert (after - before).abs().max() > 0.01  # training did something
        torch.testing.assert_close(logits[i], after, rtol=1e-7, atol=1e-9)


def test_a_networks_weights_do_not_depend_on_its_neighbours(archs: np.ndarray, macro: NB201Macro) -> None:
    together = of_pack(pack_of(archs, macro, [7] * len(archs)), 2)
    alone = of_pack(pack_of(archs[2:3], macro, [7]), 0)
    for a, b in zip(together.parameters(), alone.parameters(), strict=True):
        assert torch.equal(a, b)


def test_runs_are_the_stretches_of_equal_operations() -> None:
    assert runs(np.array([3, 3, 1, 3], dtype=np.int16)) == [(0, 2, 3), (2, 3, 1), (3, 4, 3)]
    assert runs(np.array([2], dtype=np.int16)) == [(0, 1, 2)]


def part(images: int, seed: int) -> Part:
    """Return coloured images whose class is in the brightness of a corner."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, images)
    pixels = rng.integers(0, 120, (images, 3, 8, 8), dtype=np.uint8)
    for label, (row, column) in enumerate([(0, 0), (0, 4), (4, 0), (4, 4)]):
        pixels[labels == label, :, row : row + 4, column : column + 4] += 100
    return on_device((pixels, labels), Pixels((90.0,) * 3, (50.0,) * 3), "cpu")


def counted(archs: np.ndarray, seeds: list[int], by: Recipe = AUGMENTED) -> packed.Outcome:
    parts = (part(100, 0), part(60, 1), part(80, 2))
    return packed.train(archs, seeds, parts, replace(SMALL, classes=4), by)


def test_what_is_drawn_for_a_network_depends_on_its_seed_alone(archs: np.ndarray) -> None:
    """Order, crops, flips and cutouts: a neighbour of another seed changes nothing but rounding."""
    alone = counted(archs[4:5], [3])
    together = counted(archs[[4, 5, 4]], [3, 3, 8])
    assert np.abs(together.val_correct[0] - alone.val_correct[0]).max() <= 1
    assert np.abs(together.test_correct[0] - alone.test_correct[0]) <= 1
    assert not np.array_equal(together.val_correct[2], alone.val_correct[0])


def test_networks_learn_by_augmented_images_packed_as_one_by_one(archs: np.ndarray) -> None:
    chosen, seeds, macro = archs[[4, 4]], [0, 1], replace(SMALL, classes=4, cells=1, stages=2)
    by = replace(recipe("quick-6"), batch=16, pad=1, lr=0.1)
    parts = (part(128, 0), part(50, 1), part(200, 2))
    together = packed.train(chosen, seeds, parts, macro, by)
    index = to_index(NB201Space(), chosen)
    apart = one_by_one.train(chosen, index, seeds, parts, lambda arch, rng: NB201Network(macro, arch, rng), by)
    for outcome in (together, apart):
        assert outcome.test_correct.mean() > 120  # of 200, where chance has 50
        assert np.all(outcome.train_s > 0)
    assert np.abs(together.test_correct.mean() - apart.test_correct.mean()) < 40


def test_a_network_that_diverges_is_named_with_epoch_and_rate(archs: np.ndarray) -> None:
    with pytest.raises(MethodError, match=r"not finite any more in epoch 1, at learning rate 1e\+30.*nor_conv_3x3~0"):
        counted(archs[4:6], [0, 1], replace(AUGMENTED, lr=1e30, clip=0.0))


def test_networks_of_other_edges_and_operations_are_packed_as_each_is_alone(macro: NB201Macro) -> None:
    space = Poc1296Space()
    archs = np.array([[0, 1, 2, 3], [5, 4, 5, 2], [5, 5, 1, 0], [2, 4, 0, 5]], dtype=np.int16)
    pack = initialise(archs, [7] * len(archs), macro, 0.1, 1e-5, space)
    images = torch.from_numpy(np.random.default_rng(5).standard_normal((6, macro.inputs, 8, 8), dtype=np.float32))
    logits = forward(pack, shared(images), training=True)
    assert pack.linear is not None
    for i, (arch, index) in enumerate(zip(archs, to_index(space, archs).tolist(), strict=True)):
        net = NB201Network(macro, arch, np.random.default_rng([SEED_DOMAIN, 7, index]), space)
        net.weight = torch.nn.Parameter(pack.linear[0][i].T)  # drawn in another shape
        torch.testing.assert_close(logits[i], net(images), rtol=1e-4, atol=1e-5)
        assert sum(t.numel() for t in net.parameters()) == count(space.operations(arch[None]), macro).parameters[0]
