from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from nasboard.benchmarks.tabulated.digits201 import tabular
from nasboard.benchmarks.tabulated.planted import Planted, planted
from nasboard.harness.api import Checkpoint, Images, Labels, Logits
from nasboard.harness.context import Context, Quality
from nasboard.harness.errors import MethodError, NasboardError, SpecError, UsageError
from nasboard.harness.record import RunKey
from nasboard.harness.running.measure import CHUNK, Measure
from nasboard.harness.space import Archs, Floats

N = CHUNK + 80  # images: more than one chunk
LABELS = np.arange(N, dtype=np.int64) % 3
IMAGES = np.broadcast_to(LABELS[:, None, None, None], (N, 1, 2, 2)).astype(np.uint8)
KEY = RunKey("any", {}, "planted", "planted", "planted", None, 0, None, None)


@dataclass
class Shown:
    """Test images that count how often they are loaded."""

    loaded: int = 0
    part: tuple[Images, Labels] = field(default_factory=lambda: (IMAGES, LABELS))

    def __call__(self) -> tuple[Images, Labels]:
        self.loaded += 1
        return self.part


def measuring(test: Shown | None) -> Measure:
    made: Planted = replace(planted(), context=Context(test=test))
    return Measure(KEY, made, None)


def right_but_for(images: Images, wrong: int = 0) -> Logits:
    """Return logits of which the class is what the pixels say; in batches that begin with 0, wrong for some."""
    classes = images[:, 0, 0, 0].astype(int)
    classes[:wrong] = (classes[:wrong] + 1) % 3
    return np.eye(3, dtype=np.float32)[classes]


def test_a_network_is_measured_on_all_test_images_at_the_last_step_alone() -> None:
    test = Shown()
    measure = measuring(test)
    assert measure.record(Checkpoint(1, network=right_but_for), 0.0, 0.0).test_accuracy is None
    assert measure.record(Checkpoint(2, last=True), 0.0, 0.0).test_accuracy is None
    assert test.loaded == 0  # until there is something to measure
    assert measure.record(Checkpoint(3, network=right_but_for, last=True), 0.0, 0.0).test_accuracy == 1.0
    one_off = Checkpoint(4, network=lambda images: right_but_for(images, 1), last=True)
    assert measure.record(one_off, 0.0, 0.0).test_accuracy == (N - 2) / N  # two chunks
    assert test.loaded == 2


def test_a_network_may_write_into_the_images_it_is_given() -> None:
    def writes(images: Images) -> Logits:
        found = right_but_for(images)
        images[:] = 0
        return found

    test = Shown(part=(IMAGES.copy(), LABELS))
    test.part[0].setflags(write=False)
    for _ in range(2):
        assert measuring(test).record(Checkpoint(1, network=writes, last=True), 0.0, 0.0).test_accuracy == 1.0


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (lambda x: np.full((len(x), 3), np.nan, dtype=np.float32), "step 7: network returned 750 logits that are not"),
        (
            lambda x: np.zeros((len(x), 2), dtype=np.float32),
            r"float32 \(250, 2\) for 250 images, .* 3 classes",
        ),
        (lambda x: np.zeros((3, len(x)), dtype=np.float32), r"\(3, 250\)"),
        (lambda x: np.zeros(len(x), dtype=np.float32), r"\(250,\)"),
        (lambda x: np.zeros((len(x), 3), dtype=np.int64), "int64"),
    ],
)
def test_logits_that_are_none_are_refused(network: object, told: str) -> None:
    with pytest.raises(MethodError, match=told):
        measuring(Shown()).record(Checkpoint(7, network=network, last=True), 0.0, 0.0)  # type: ignore[arg-type]


def test_what_cannot_be_measured_is_refused_and_not_ignored() -> None:
    with pytest.raises(MethodError, match="planted has no test images"):
        measuring(None).record(Checkpoint(1, network=right_but_for), 0.0, 0.0)
    with pytest.raises(MethodError, match=r"nothing of transform is measured; say under \[inputs\]"):
        measuring(None).record(Checkpoint(1, transform=lambda archs: archs), 0.0, 0.0)


def test_test_images_without_a_label_each_are_the_benchmarks_fault() -> None:
    with pytest.raises(UsageError, match="330 test images with 329 labels"):
        measuring(Shown(part=(IMAGES, LABELS[1:]))).record(Checkpoint(1, network=right_but_for, last=True), 0.0, 0.0)


FAR = Quality("distance", None, False, (-np.inf, 0.0), of=lambda made, test: float(len(made) + len(test)), made=5)


def generating(quality: Quality = FAR) -> Measure:
    made: Planted = replace(planted(), context=Context(test=Shown(), quality=quality))
    return Measure(KEY, made, None)


def images_like(n: int) -> Images:
    return np.zeros((n, *IMAGES.shape[1:]), dtype=IMAGES.dtype)


def test_what_a_generator_makes_is_held_against_the_test_images_at_the_last_step() -> None:
    measure = generating()
    assert measure.record(Checkpoint(1, generate=images_like), 0.0, 0.0).test_accuracy is None
    assert measure.record(Checkpoint(2, generate=images_like, last=True), 0.0, 0.0).test_accuracy == -(5 + N)


@pytest.mark.parametrize(
    ("generate", "told"),
    [
        (lambda n: images_like(n + 1), r"step 3: generate returned uint8 \(6, .* for 5 images"),
        (lambda n: images_like(n).astype(np.float32), r"float32 .*, allowed are finite uint8 \(5, 1, 2, 2\)"),
    ],
)
def test_images_that_are_none_are_refused(generate: Callable[[int], Images], told: str) -> None:
    with pytest.raises(MethodError, match=told):
        generating().record(Checkpoint(3, generate=generate, last=True), 0.0, 0.0)


def test_a_network_of_the_other_kind_is_refused() -> None:
    with pytest.raises(MethodError, match="the distance of planted is of a generator; yield that"):
        generating().record(Checkpoint(1, network=right_but_for), 0.0, 0.0)
    with pytest.raises(MethodError, match="the accuracy of planted is of a network that classifies; yield that"):
        measuring(Shown()).record(Checkpoint(1, generate=images_like), 0.0, 0.0)


def test_a_quality_out_of_its_range_is_the_benchmarks_fault() -> None:
    with pytest.raises(UsageError, match=r"step 1: the distance is 3.0 as it is held, allowed is \(-inf, 0.0\)"):
        generating(replace(FAR, of=lambda made, test: -3.0)).record(
            Checkpoint(1, generate=images_like, last=True), 0.0, 0.0
        )
    with pytest.raises(UsageError, match="distance raised ZeroDivisionError"):
        generating(replace(FAR, of=lambda made, test: 1 / 0)).record(
            Checkpoint(1, generate=images_like, last=True), 0.0, 0.0
        )


CELLS = np.array([[3, 0, 1, 4, 2, 1], [3, 3, 3, 3, 3, 3]], dtype=np.int16)


def transforming(transform: Callable[[Archs], Archs], last: bool = True) -> Mapping[str, Archs]:
    measure = Measure(replace(KEY, inputs=("some:0",)), tabular(), None, {"some:0": CELLS})
    return measure.record(Checkpoint(3, transform=transform, last=last), 0.0, 0.0).transformed


def test_a_run_that_never_says_last_is_told_that_its_panels_were_not_transformed() -> None:
    measure = Measure(replace(KEY, inputs=("some:0",)), tabular(), None, {"some:0": CELLS})
    measure.check_ended(Checkpoint(4, transform=lambda archs: archs, last=True))
    measure.check_ended(Checkpoint(4))
    with pytest.raises(MethodError, match="step 4: panels are transformed at the last step; set `last` on it"):
        measure.check_ended(Checkpoint(4, transform=lambda archs: archs))


def test_panels_are_transformed_at_the_last_step() -> None:
    def writes(archs: Archs) -> Archs:
        archs[:, 0] = 1
        return archs

    assert transforming(writes, last=False) == {}
    assert transforming(writes)["some:0"].tolist() == [[1, 0, 1, 4, 2, 1], [1, 3, 3, 3, 3, 3]]
    assert CELLS[:, 0].tolist() == [3, 3]


@pytest.mark.parametrize(
    ("transform", "error", "told"),
    [
        (lambda archs: archs[:1], MethodError, "step 3: transform returned 1 architectures for 2"),
        (lambda archs: archs + 9, SpecError, "allowed 0..4"),
        (lambda archs: np.full_like(archs, 3), MethodError, "put nor_conv_3x3 in the place of none on edge 1"),
    ],
)
def test_a_transformation_that_is_none_or_costs_more_is_refused(
    transform: Callable[[Archs], Archs], error: type[NasboardError], told: str
) -> None:
    with pytest.raises(error, match=told):
        transforming(transform)


def test_costs_never_rise_where_a_space_says_nothing_of_transitions() -> None:
    def counted(archs: Archs) -> dict[str, Floats]:
        return {"parameters": archs.sum(axis=1) * 100.0}

    made: Planted = replace(planted(), context=Context(counted=counted))
    archs = np.array([[1, 0, 0, 0, 0, 0]], dtype=np.int16)
    measure = Measure(replace(KEY, inputs=("some:0",)), made, None, {"some:0": archs})
    with pytest.raises(MethodError, match="raised the parameters of p-1-0-0-0-0-0 from 100 to 200"):
        measure.record(Checkpoint(1, transform=lambda a: a * 2, last=True), 0.0, 0.0)
