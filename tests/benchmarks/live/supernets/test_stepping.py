"""Batches, schedule and the weight step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasboard.benchmarks.live.data import digits_data
from nasboard.benchmarks.live.supernets.nb201 import one_hot_mix
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule, batches, on_device, weight_step

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


def test_batches_hold_every_image_once() -> None:
    part = on_device(digits_data().train, "cpu")
    seen = list(batches(part, 64, np.random.default_rng(0)))
    assert [len(b.labels) for b in seen] == [64, 64, 64, 64, 44]
    rows = torch.cat([b.images for b in seen]).flatten(1)
    assert torch.equal(rows.sort(0).values, part.images.flatten(1).sort(0).values)


def test_batches_come_in_another_order_every_epoch() -> None:
    part = on_device(digits_data().train, "cpu")
    rng = np.random.default_rng(0)
    first, second = (next(batches(part, 64, rng)) for _ in range(2))
    assert not torch.equal(first.images, second.images)


def test_a_weight_step_is_clipped_nesterov_sgd() -> None:
    data = digits_data()
    net = data.supernet(np.random.default_rng(0), "cpu")
    batch = next(batches(on_device(data.train, "cpu"), 64, np.random.default_rng(1)))
    mix = torch.full((6, 5), 0.2)
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
    data = digits_data()
    net = data.supernet(np.random.default_rng(0), "cpu")
    batch = next(batches(on_device(data.train, "cpu"), 64, np.random.default_rng(1)))
    before = {name: tensor.detach().clone() for name, tensor in net.named_parameters()}
    weight_step(net, SCHEDULE.optimiser(net), batch, one_hot_mix(np.array([1, 2, 1, 3, 1, 0])), 5.0)
    moved = {name for name, tensor in net.named_parameters() if not torch.equal(tensor, before[name])}
    # edge 1 holds a convolution too, but node 2 does not reach the output
    assert {name for name in moved if ".edges." in name} == {
        "cells.0.edges.3.convs.3.weight",
        "cells.1.edges.3.convs.3.weight",
    }
    assert {"stem.weight", "reductions.0.gamma", "weight", "bias"} <= moved


def test_idle_weights_go_on_by_momentum_and_decay_where_that_is_asked_for() -> None:
    data = digits_data()
    net = data.supernet(np.random.default_rng(0), "cpu")
    batch = next(batches(on_device(data.train, "cpu"), 64, np.random.default_rng(1)))
    optimiser = SCHEDULE.optimiser(net)
    name = "cells.0.edges.3.convs.3.weight"
    tensor = dict(net.named_parameters())[name]
    weight_step(net, optimiser, batch, one_hot_mix(np.array([1, 2, 1, 3, 1, 0])), 5.0, idle=True)
    before, momentum = tensor.detach().clone(), optimiser.state[tensor]["momentum_buffer"].clone()
    weight_step(net, optimiser, batch, one_hot_mix(np.array([1, 2, 1, 1, 1, 0])), 5.0, idle=True)
    decay = 5e-4 * before  # all the gradient that is left
    buffer = 0.9 * momentum + decay
    torch.testing.assert_close(tensor.detach(), before - 0.025 * (decay + 0.9 * buffer))
    assert momentum.abs().max() > 0


@pytest.mark.parametrize("clip", [0.0, 1e9])
def test_a_clip_of_zero_clips_nothing(clip: float) -> None:
    data = digits_data()
    net = data.supernet(np.random.default_rng(0), "cpu")
    batch = next(batches(on_device(data.train, "cpu"), 64, np.random.default_rng(1)))
    mix = torch.full((6, 5), 0.2)
    loss = F.cross_entropy(net(batch.images, mix), batch.labels)
    (gradient,) = torch.autograd.grad(loss, net.weight)
    plain = replace(SCHEDULE, nesterov=False, weight_decay=0.0)
    before = net.weight.detach().clone()
    weight_step(net, plain.optimiser(net), batch, mix, clip)
    torch.testing.assert_close(net.weight.detach(), before - 0.025 * gradient)
