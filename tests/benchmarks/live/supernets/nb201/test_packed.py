"""Sub-supernets trained in one pack against one after the other: weights and momentum, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from nasboard.benchmarks.live.supernets.nb201.packed import NB201Pack
from nasboard.benchmarks.live.supernets.packing import InTurn
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.macros import NB201Macro
from nasboard.benchmarks.spaces.relaxation import splits
from nasboard.harness.space import Archs
from nasboard.methods.weight_sharing.paths import WAYS, Sampling, apart
from tests.methods import live

SCHEDULE = WeightSchedule(10, 32, 0.02, 0.001, 0.9, 5e-4, 0.5)  # a norm that every gradient here exceeds
SPLIT = (0, 4)
SEED = 0
RESIDUAL = NB201Macro(image=8, inputs=1, channels=4, stages=2, cells=2, stem=3)


def learners(macro: NB201Macro | None, schedule: WeightSchedule) -> list[Learner[Supernet]]:
    data = live.small_data()
    if macro is not None:
        data = replace(data, parts=replace(data.parts, macro=macro))
    nets = [data.supernet(np.random.default_rng(i), "cpu", a) for i, a in enumerate(splits(live.SPACE.groups, SPLIT))]
    return [Learner(net, schedule.optimiser(net)) for net in nets]


def drawn(of: list[Learner[Supernet]], way: Sampling, per_cell: bool) -> Iterator[Archs]:
    # draws in which no first cell is empty: behind one all is constant, and batch norm enlarges rounding in gradients
    each = [WAYS[way](learner.net, np.random.default_rng(SEED)) for learner in of]
    if per_cell:
        each = [apart(paths, learner.net.apart or 1) for paths, learner in zip(each, of, strict=True)]
    while True:
        yield np.stack([next(paths) for paths in each])


@pytest.mark.parametrize(
    ("way", "per_cell", "idle", "clip", "macro"),
    [
        ("uniform", False, False, 0.5, None),
        ("uniform", True, True, 0.0, None),
        ("fair", False, False, 0.5, None),
        ("redraw", False, False, 0.0, None),
        ("uniform", True, False, 0.5, RESIDUAL),
    ],
)
def test_a_pack_makes_the_steps_of_each_alone(
    way: Sampling, per_cell: bool, idle: bool, clip: float, macro: NB201Macro | None
) -> None:
    schedule = replace(SCHEDULE, clip=clip)
    alone, together = learners(macro, schedule), learners(macro, schedule)
    sides = (InTurn(alone, schedule, idle=idle), NB201Pack(together, schedule, idle=idle))
    batches = list(live.small_data().on("cpu").lessons(32, np.random.default_rng(0)))
    for batch, archs in zip(batches, drawn(alone, way, per_cell), strict=False):
        one, other = (side.step(batch, archs, 0.02) for side in sides)
        np.testing.assert_allclose(one, other, atol=1e-5)
    for one_of, other_of in zip(alone, together, strict=True):
        one_saved, other_saved = one_of.save(), other_of.save()
        for name, tensor in one_saved["weights"].items():  # type: ignore[attr-defined]
            np.testing.assert_allclose(tensor, other_saved["weights"][name], atol=1e-5, err_msg=name)  # type: ignore[index]
        for name, moments in other_saved["momentum"].items():  # type: ignore[attr-defined]
            known = one_saved["momentum"].get(name, np.zeros_like(moments))  # type: ignore[attr-defined]
            np.testing.assert_allclose(known, moments, atol=1e-4, err_msg=name)


def test_of_a_network_whose_last_cell_is_empty_the_head_alone_moves() -> None:
    of = learners(None, SCHEDULE)
    before = of[7].save()["weights"]
    archs = np.stack([next(WAYS["uniform"](learner.net, np.random.default_rng(3))) for learner in of])
    empty = np.repeat(archs[:, :, None], 2, axis=2)
    empty[:, :, 1, [1, 2, 3, 5]] = 0
    empty[:, :, 1, 4] = archs[:, :, 4]
    empty[7, :, 1] = 0  # nothing reaches the output of its last cell
    (batch, *_) = live.small_data().on("cpu").lessons(32, np.random.default_rng(0))
    NB201Pack(of, SCHEDULE, idle=False).step(batch, empty, 0.02)
    after = of[7].save()["weights"]
    moved = {name for name in after if not np.array_equal(before[name], after[name])}  # type: ignore[attr-defined, index]
    assert moved == {"gamma", "weight", "bias"} or moved == {"gamma", "beta", "weight", "bias"}
