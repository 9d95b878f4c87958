"""What a live method is handed, and what it refuses to work with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nasboard.benchmarks.live.benchmark import Parts
from nasboard.benchmarks.live.catalogue import LIVE
from nasboard.benchmarks.live.data import LiveData, augmentation_of, live_data, open_live
from nasboard.benchmarks.live.datasets.augmentation import Augmentation
from nasboard.benchmarks.live.datasets.digits import load
from nasboard.benchmarks.live.datasets.spec import DataSpec
from nasboard.benchmarks.live.trainings.recipe import recipe
from nasboard.benchmarks.spaces.macros import sized
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.relaxation import splits
from nasboard.harness.api import SearchData, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import sample

QUICK = recipe("quick-3")
EDGES = {"s2": 2 * 14, "nb201": 5, "nb1shot1-1": 0}  # edge weights that come with partial channels


def digits() -> LiveData:
    return open_live(LIVE["digits201-live"]().parts)


def task(data: SearchData | None) -> Task:
    return Task(NB201Space(), np.random.default_rng(0), float("inf"), data=data)


def test_it_has_train_and_validation_images_and_nothing_else() -> None:
    data = digits()
    assert isinstance(data, SearchData)
    assert data.train[0].shape == (300, 1, 8, 8)
    assert data.val[0].shape == (500, 1, 8, 8)
    test_images = {image.tobytes() for image in load().test[0]}
    mine = {image.tobytes() for images, _ in (data.train, data.val) for image in images}
    # digits are small and some repeat exactly; what counts is that no test array is held
    assert len(mine & test_images) < 10
    for images, labels in (data.train, data.val):
        assert images.base is None
        assert labels.base is None


def test_it_cannot_be_written_to() -> None:
    data = digits()
    with pytest.raises(ValueError, match="read-only"):
        data.train[0][0] = 0


def test_it_makes_a_supernet_of_the_benchmarks_network_or_a_part_of_it() -> None:
    data = digits()
    whole = data.supernet(np.random.default_rng(0), "cpu")
    part = data.supernet(np.random.default_rng(0), "cpu", splits(NB201Space().groups, (0,))[1])
    assert whole.macro == data.parts.macro
    assert part.allowed[0] == (1,)
    # stem, reduction and head, then on each edge a 1x1 and a 3x3 convolution in two cells
    outside = (8 + 16) + (16 * 8 + 32) + 32 + (160 + 10)
    assert sum(t.numel() for t in whole.parameters()) == outside + 6 * (10 * 8 * 8 + 10 * 16 * 16)
    assert sum(t.numel() for t in part.parameters()) == outside + 5 * (10 * 8 * 8 + 10 * 16 * 16)


@pytest.mark.parametrize(("base", "pad"), [("cifar10", 4), ("cifar100", 4), ("svhn", 4), ("ImageNet16-120", 2)])
def test_searches_crop_and_mirror_as_the_published_ones(base: str, pad: int) -> None:
    assert augmentation_of(DataSpec(base)) == Augmentation(pad=pad, flip=True)
    assert augmentation_of(DataSpec("digits")) is None


def test_a_task_without_live_data_is_refused_by_name() -> None:
    assert isinstance(live_data(task(digits()), "darts"), LiveData)
    with pytest.raises(UsageError, match=r"darts trains a supernet .* digits201-live; given no data"):
        live_data(task(None), "darts")


def test_another_space_is_refused() -> None:
    other = replace(task(digits()), space=NB201Space(ops=(1, 3)))
    with pytest.raises(UsageError, match="this task searches nb201-without-none"):
        live_data(other, "darts")


def test_it_can_be_had_with_supernets_of_another_depth() -> None:
    data = digits()
    deeper = data.resized(cells=3)
    assert deeper.train is data.train
    assert deeper.space == data.space
    assert len(deeper.supernet(np.random.default_rng(0), "cpu").cells) == 6
    assert data.resized() == data
    with pytest.raises(UsageError, match="cells is a positive whole number, given 0"):
        data.resized(cells=0)
    small = open_live(LIVE["s2-digits"](cells="1", size="1").parts)
    with pytest.raises(UsageError, match="halves its images 2 times, so that 1 pixels are too few"):
        small.resized(cells=3)


@pytest.mark.parametrize("name", ["s2-digits", "digits201-live", "nb201-cifar10-live", "nb1shot1-1-live"])
def test_it_can_be_had_with_partial_channels_and_the_same_architectures(name: str) -> None:
    live = LIVE[name]
    parts = Parts(live.space, DataSpec("digits"), sized(live.macro, image=8, inputs=1, channels=4, cells=1), QUICK)
    data = open_live(parts)
    part = data.resized(partial=2)
    arch = sample(data.space, np.random.default_rng(0), 1)
    assert np.array_equal(part.space.derive(part.space.relax(arch)[0]), arch[0])
    assert part.space.decode(arch[0]) == data.space.decode(arch[0])
    net = part.supernet(np.random.default_rng(0), "cpu")
    whole = data.supernet(np.random.default_rng(0), "cpu")
    assert sum(p.numel() for p in net.parameters()) < sum(p.numel() for p in whole.parameters())
    assert net.mixtures(arch).shape[1] - whole.mixtures(arch).shape[1] == EDGES[live.space.name]
    alone = [of.alone(arch[0], np.random.default_rng(0), "cpu", QUICK) for of in (data, part)]
    assert len({str(network) for network in alone}) == 1  # all channels go through the operations of these
    for share in (0, 3):
        with pytest.raises(UsageError, match=f"partial is a divisor of 4 channels, given {share}"):
            data.resized(partial=share)
