"""Training by progressive shrinking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.live.supernets.elastic.supernet import ElasticSupernet, taken
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import Batch
from nasboard.methods.weight_sharing.ofa.method import Ofa
from nasboard.methods.weight_sharing.ofa.shrinking import Shrinking, largest_of
from nasboard.methods.weight_sharing.single_path import SinglePath, Stepping
from tests.methods import live

METHOD = replace(Ofa.for_tests(), batch=32)
NEVER = 99


def begun(smoothing: float = 0.0, ratio: float = 1.0) -> tuple[SinglePath, Shrinking, ElasticSupernet, LiveData]:
    data = live.tiny("ofa-digits")
    phases = METHOD.phases(data.space)  # type: ignore[arg-type]
    net = data.supernet(np.random.default_rng(0), "cpu")
    assert isinstance(net, ElasticSupernet)
    blank = lambda: data.supernet(np.random.default_rng(9), "cpu", phases[0].allowed)  # noqa: E731
    shrinking = Shrinking(phases[0], ratio, blank)
    learner = Learner(net, torch.optim.SGD(net.parameters(), 0.1))
    run = SinglePath(data.on("cpu"), np.random.default_rng(1), shrinking, NEVER, learner, Stepping(smoothing=smoothing))
    return run, shrinking, net, data


def stepped(run: SinglePath, shrinking: Shrinking, batch: Batch, clip: float = 0.0) -> float:
    learner = run.learner
    archs = next(shrinking.paths(run, learner.net))
    return shrinking.step(run, learner, batch, list(learner.net.mixtures(archs)), clip)


def batch_of(run: SinglePath) -> Batch:
    return run.parts.train.first(16)


def test_a_step_is_on_the_sum_of_the_losses_of_its_sub_networks_labels_and_teacher_alike() -> None:
    run, shrinking, net, data = begun(smoothing=0.1, ratio=0.5)
    phase = METHOD.phases(data.space)[-1]  # type: ignore[arg-type]
    shrinking.enter(phase, net)
    assert shrinking.teacher is not None
    with torch.no_grad():
        net.head.weight.mul_(0.5)  # the teacher stays what it was
    batch, before = batch_of(run), [tensor.detach().clone() for tensor in net.parameters()]
    again = np.random.default_rng(1)
    drawn = [shrinking.draw(replace(run, rng=again), net) for _ in range(4)]
    (largest,) = shrinking.teacher.mixtures(largest_of(shrinking.teacher)[None])
    soft = shrinking.teacher(batch.images, largest).softmax(1).detach()
    losses = []
    for arch in drawn:
        logits = net.network(arch)(batch.images)
        by_teacher = -(soft * logits.log_softmax(1)).sum(1).mean()
        losses.append(F.cross_entropy(logits, batch.labels, label_smoothing=0.1) + 0.5 * by_teacher)
    wanted = torch.autograd.grad(sum(losses), list(net.parameters()), allow_unused=True)  # type: ignore[arg-type]
    mean = stepped(run, shrinking, batch)
    assert mean == pytest.approx(np.mean([float(loss.detach()) for loss in losses]), rel=1e-5)
    for old, new, gradient in zip(before, net.parameters(), wanted, strict=True):
        moved = torch.zeros_like(old) if gradient is None else -0.1 * gradient
        torch.testing.assert_close(new.detach() - old, moved, rtol=1e-3, atol=1e-5)


def test_the_largest_network_is_trained_alone_and_by_labels() -> None:
    run, shrinking, net, _ = begun()
    assert shrinking.teacher is None
    drawn = {shrinking.draw(run, net).tobytes() for _ in range(5)}
    assert drawn == {largest_of(net).tobytes()}
    logits = net.network(largest_of(net))(batch_of(run).images)
    wanted = float(F.cross_entropy(logits, batch_of(run).labels).detach())
    assert stepped(run, shrinking, batch_of(run)) == pytest.approx(wanted, rel=1e-5)


def test_sub_networks_are_of_the_phase_at_hand() -> None:
    run, shrinking, net, data = begun()
    for phase in METHOD.phases(data.space):  # type: ignore[arg-type]
        shrinking.enter(phase, net)
        archs = np.stack([shrinking.draw(run, net) for _ in range(60)])
        seen = {kind for arch in archs for _, kind in taken(net.of, net.sites, arch)}
        depths = set(archs[:, 0].tolist())
        assert {kernel for kernel, _ in seen} == ({7} if phase.name == "full" else {3, 5, 7})
        assert {width for _, width in seen} == (
            {6, 4} if phase.name == "width 1" else {3, 4, 6} if phase.name == "width 2" else {6}
        )
        assert len(depths) == {"full": 1, "kernel": 1, "depth 1": 2}.get(phase.name, 3)


def test_the_teacher_is_the_largest_network_as_it_was_and_is_resumed() -> None:
    run, shrinking, net, data = begun()
    phases = METHOD.phases(data.space)  # type: ignore[arg-type]
    stepped(run, shrinking, batch_of(run))
    x = batch_of(run).images
    trained = net.network(largest_of(net))(x).detach()
    shrinking.enter(phases[1], net)
    for _ in range(3):
        stepped(run, shrinking, batch_of(run))
    shrinking.enter(phases[2], net)  # no other teacher
    assert shrinking.teacher is not None
    mix = shrinking.teacher.mixtures(largest_of(shrinking.teacher)[None])[0]
    torch.testing.assert_close(shrinking.teacher(x, mix).detach(), trained)
    assert not torch.allclose(net.network(largest_of(net))(x).detach(), trained)
    _, other, _, _ = begun()
    other.load(shrinking.save())
    assert other.teacher is not None
    torch.testing.assert_close(other.teacher(x, mix).detach(), trained)


def test_gradients_are_clipped_where_that_is_asked_for() -> None:
    run, shrinking, net, _ = begun()
    before = [tensor.detach().clone() for tensor in net.parameters()]
    stepped(run, shrinking, batch_of(run), clip=0.01)
    moved = torch.stack([(new.detach() - old).norm() for old, new in zip(before, net.parameters(), strict=True)]).norm()
    assert float(moved) == pytest.approx(0.1 * 0.01, rel=1e-3)
