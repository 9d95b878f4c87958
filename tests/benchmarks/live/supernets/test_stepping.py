"""Batches, schedule and the weight step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasboard.benchmarks.live.datasets import digits
from nasboard.benchmarks.live.datasets.augmentation import Augmentation
from nasboard.benchmarks.live.datasets.opening import open_data
from nasboard.benchmarks.live.datasets.spec import DataSpec
from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet
from nasboard.benchmarks.live.supernets.stepping import Batch, Part, WeightSchedule, batches, on_device, weight_step
from nasboard.benchmarks.spaces.macros import DIGITS

SCHEDULE = WeightSchedule(epochs=50, batch=64, lr=0.025, lr_min=0.001, momentum=0.9, weight_decay=5e-4, clip=5.0)


def test_learning_rate_follows_half_a_cosine() -> None:
    assert SCHEDULE.lr_at(0) == 0.025
    assert SCHEDULE.lr_at(25) == pytest.approx(0.013)
    assert SCHEDULE.lr_at(50) == pytest.approx(0.001)
    reference = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.025)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(reference, 50, eta_min=0.001)
    for epoch in range(50):
        assert SCHEDULE.lr_at(epoch) == pytest.approx(cosine.get_last_lr()[0], rel=1e-9)
        reference.step()
        cosine.step()


def train_part() -> Part:
    data = open_data(DataSpec("digits"))
    return on_device(data.train, data.pixels, "cpu")


def test_batches_hold_every_image_once() -> None:
    part = train_part()
    seen = list(batches(part, 64, np.random.default_rng(0)))
    assert [len(b.labels) for b in seen] == [64, 64, 64, 64, 44]
    rows = torch.cat([b.images for b in seen]).flatten(1)
    assert torch.equal(rows.sort(0).values, part.first(1000).images.flatten(1).sort(0).values)


def test_batches_come_in_another_order_every_epoch() -> None:
    part, rng = train_part(), np.random.default_rng(0)
    first, second = (next(batches(part, 64, rng)) for _ in range(2))
    assert not torch.equal(first.images, second.images)


def test_batches_of_digits_are_those_of_version_0_1_to_the_bit() -> None:
    images, labels = (torch.from_numpy(column) for column in digits.load().train)
    order = np.random.default_rng(5).permutation(300)
    for at, batch in enumerate(batches(train_part(), 64, np.random.default_rng(5))):
        mine = order[64 * at : 64 * (at + 1)]
        assert torch.equal(batch.images, images[mine])
        assert torch.equal(batch.labels, labels[mine])
        assert batch.images.is_contiguous(memory_format=torch.channels_last)


def test_images_stay_as_they_are_stored_until_they_are_taken() -> None:
    part = train_part()
    assert (part.images.dtype, part.first(7).images.dtype) == (torch.uint8, torch.float32)
    assert torch.equal(part.first(7).images, part.take(torch.arange(7)).images)
    assert len(part.first(10_000).labels) == 300


def test_images_are_augmented_where_that_is_asked_for_and_reproducibly() -> None:
    part, augmentation = train_part(), Augmentation(pad=1, flip=True, cutout=2)
    one, same, other = (
        torch.cat([b.images for b in batches(part, 64, np.random.default_rng(seed), augmentation)])
        for seed in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    index, rng = torch.arange(20), np.random.default_rng(0)
    assert torch.equal(part.take(index, rng).images, part.take(index, None, augmentation).images)
    assert not torch.equal(part.take(index, rng, augmentation).images, part.take(index).images)


def net_and_batch() -> tuple[NB201Supernet, Batch]:
    return NB201Supernet(DIGITS, np.random.default_rng(0)), next(batches(train_part(), 64, np.random.default_rng(1)))


def test_a_weight_step_is_clipped_nesterov_sgd() -> None:
    net, batch = net_and_batch()
    mix = torch.full((30,), 0.2)
    loss = F.cross_entropy(net(batch.images, mix), batch.labels)
    names, tensors = zip(*net.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, tensors)
    clip = 0.5
    norm = torch.sqrt(sum(g.pow(2).sum() for g in gradients))
    assert norm > clip
    before = {name: tensor.detach().clone() for name, tensor in net.named_parameters()}
    reported = weight_step(net, SCHEDULE.optimiser(net), batch, mix, clip)
    assert reported == pytest.approx(loss.item())
    for name, tensor, gradient in zip(names, tensors, gradients, strict=True):
        decayed = gradient * clip / norm + 5e-4 * before[name]
        # first step: the momentum buffer is the gradient, Nesterov adds 0.9 of it
        torch.testing.assert_close(tensor.detach(), before[name] - 0.025 * 1.9 * decayed, rtol=1e-4, atol=1e-6)


def test_a_step_leaves_the_weights_of_other_operations_alone() -> None:
    net, batch = net_and_batch()
    before = {name: tensor.detach().clone() for name, tensor in net.named_parameters()}
    weight_step(net, SCHEDULE.optimiser(net), batch, net.mixtures(np.array([[1, 2, 1, 3, 1, 0]]))[0], 5.0)
    moved = {name for name, tensor in net.named_parameters() if not torch.equal(tensor, before[name])}
    # edge 1 holds a convolution too, but node 2 does not reach the output
    assert {name for name in moved if ".edges." in name} == {
        "cells.0.edges.3.convs.3.weight",
        "cells.1.edges.3.convs.3.weight",
    }
    assert {"stem.weight", "reductions.0.gamma", "weight", "bias"} <= moved


def test_idle_weights_go_on_by_momentum_and_decay_where_that_is_asked_for() -> None:
    net, batch = net_and_batch()
    optimiser = SCHEDULE.optimiser(net)
    name = "cells.0.edges.3.convs.3.weight"
    tensor = dict(net.named_parameters())[name]
    weight_step(net, optimiser, batch, net.mixtures(np.array([[1, 2, 1, 3, 1, 0]]))[0], 5.0, idle=True)
    before, momentum = tensor.detach().clone(), optimiser.state[tensor]["momentum_buffer"].clone()
    weight_step(net, optimiser, batch, net.mixtures(np.array([[1, 2, 1, 1, 1, 0]]))[0], 5.0, idle=True)
    decay = 5e-4 * before  # all the gradient that is left
    buffer = 0.9 * momentum + decay
    torch.testing.assert_close(tensor.detach(), before - 0.025 * (decay + 0.9 * buffer))
    assert momentum.abs().max() > 0


def test_smoothed_labels_are_shared_out_over_all_classes() -> None:
    net, batch = net_and_batch()
    mix = torch.full((30,), 0.2)
    logs = net(batch.images, mix).log_softmax(1)
    target = torch.full_like(logs, 0.1 / 10) + 0.9 * F.one_hot(batch.labels, 10)
    wanted = float(-(target * logs).detach().sum(1).mean())
    assert weight_step(net, SCHEDULE.optimiser(net), batch, mix, 5.0, smoothing=0.1) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("clip", [0.0, 1e9])
def test_a_clip_of_zero_clips_nothing(clip: float) -> None:
    net, batch = net_and_batch()
    mix = torch.full((30,), 0.2)
    loss = F.cross_entropy(net(batch.images, mix), batch.labels)
    (gradient,) = torch.autograd.grad(loss, net.weight)
    plain = replace(SCHEDULE, nesterov=False, weight_decay=0.0)
    before = net.weight.detach().clone()
    weight_step(net, plain.optimiser(net), batch, mix, clip)
    torch.testing.assert_close(net.weight.detach(), before - 0.025 * gradient)
