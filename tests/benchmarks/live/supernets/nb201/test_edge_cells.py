"""Cells of other edges and operations in the networks of NAS-Bench-201: weights handed on, packs, and bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.networks import pack, supernet
from nasboard.benchmarks.live.supernets.nb201.packed import NB201Pack
from nasboard.benchmarks.live.supernets.packing import InTurn, Pack
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import Batch, WeightSchedule
from nasboard.benchmarks.live.supernets.supernet import Supernet, transfer
from nasboard.benchmarks.spaces.edge_cells.poc1296 import Poc1296Space
from nasboard.benchmarks.spaces.macros import DIGITS
from nasboard.benchmarks.spaces.relaxation import draw, splits
from nasboard.harness.errors import UsageError

SPACE = Poc1296Space()
SCHEDULE = WeightSchedule(3, 16, 0.1, 0.001, 0.9, 5e-4, 0.5)


def family(split: tuple[int, ...]) -> list[Learner[Supernet]]:
    """Return the sub-supernets of a split in double precision, with the weights of one supernet."""
    parent = supernet(SPACE, replace(DIGITS, channels=4), np.random.default_rng(0))
    found = []
    for allowed in splits(SPACE.groups, split):
        child = supernet(SPACE, replace(DIGITS, channels=4), np.random.default_rng(1), allowed)
        transfer(parent, child)
        child = child.double()
        found.append(Learner(child, SCHEDULE.optimiser(child)))
    return found


def trained(kind: Callable[..., Pack], split: tuple[int, ...]) -> list[Learner[Supernet]]:
    learners, rng = family(split), np.random.default_rng(2)
    together = kind(learners, SCHEDULE, idle=False)
    for _ in range(3):
        images = torch.from_numpy(rng.standard_normal((16, 1, 8, 8)))
        batch = Batch(images.contiguous(memory_format=torch.channels_last), torch.from_numpy(rng.integers(0, 10, 16)))
        archs = np.stack([draw(SPACE, learner.net.allowed, rng)[None] for learner in learners])
        together.step(batch, archs, 0.1)
    return learners


def test_a_sub_supernet_takes_every_tensor_of_its_parent_by_name() -> None:
    learners = family((0, 3))
    assert len(learners) == 36
    names = {name for learner in learners for name, _ in learner.net.named_parameters()}
    parent = supernet(SPACE, replace(DIGITS, channels=4), np.random.default_rng(0)).double()
    assert names == {name for name, _ in parent.named_parameters()}
    for name, tensor in learners[35].net.named_parameters():
        assert torch.equal(tensor, parent.get_parameter(name))


@pytest.mark.parametrize("split", [(0,), (2, 1)])
def test_sub_supernets_are_trained_together_as_in_turn(split: tuple[int, ...]) -> None:
    assert isinstance(pack(family(split), SCHEDULE, idle=False), NB201Pack)
    for one, other in zip(trained(InTurn, split), trained(NB201Pack, split), strict=True):
        for (name, tensor), same in zip(one.net.named_parameters(), other.net.parameters(), strict=True):
            torch.testing.assert_close(same, tensor, rtol=1e-8, atol=1e-10, msg=lambda text, name=name: name + text)


def test_neither_half_precision_nor_compilation_is_to_be_had() -> None:
    for way in ({"precision": "bf16"}, {"compiled": True}, {"fused": True}):
        with pytest.raises(UsageError, match=r"supernets of poc1296 are"):
            supernet(SPACE, DIGITS, np.random.default_rng(0), **way)  # type: ignore[arg-type]
