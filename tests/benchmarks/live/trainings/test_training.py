"""The method `training`: what it yields, that it goes on as if nothing had happened, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch
from numpy.random import Generator, SeedSequence, default_rng
from torch import Tensor, nn

from nasboard.benchmarks.live.datasets.pixels import Pixels
from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.live.trainings import recipe as recipes
from nasboard.benchmarks.live.trainings import training
from nasboard.benchmarks.live.trainings.recipe import Recipe
from nasboard.benchmarks.live.trainings.training import Training
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.api import Checkpoint, Images, Labels, State, Task
from nasboard.harness.errors import MethodError, SpecError, UnknownNameError, UsageError
from nasboard.harness.running import state as states
from nasboard.harness.space import Arch

SPEC = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"
BY = replace(
    recipes.recipe("quick-4"), batch=16, flip=True, pad=1, cutout=2, path_drop=0.3, auxiliary=0.4, label_smoothing=0.1
)


PIXELS = Pixels((90.0,) * 3, (50.0,) * 3)


class Small(Network):
    """A convolution and an auxiliary head, and paths that are dropped."""

    def __init__(self, rng: Generator, most: int | None) -> None:
        super().__init__()
        draw = lambda *shape: torch.from_numpy(rng.standard_normal(shape, dtype=np.float32) * 0.3)  # noqa: E731
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.head, self.second = nn.Linear(8, 4), nn.Linear(8, 4)
        with torch.no_grad():
            for tensor in self.parameters():
                tensor.copy_(draw(*tensor.shape))
        self.most = most
        self.seen: list[tuple[float, int]] = []

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self._features(x))

    def training_logits(self, x: Tensor, path_drop: float, rng: Generator) -> tuple[Tensor, Tensor | None]:
        if self.most is not None and len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.seen.append((path_drop, len(x)))
        kept = torch.from_numpy((rng.random((len(x), 1)) >= path_drop).astype(np.float32))
        features = self._features(x)
        return self.head(features * kept), self.second(features)

    def _features(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x))).mean((2, 3))


@dataclass
class Data:
    """Coloured images whose class is in the place of a bright patch."""

    train: tuple[Images, Labels]
    val: tuple[Images, Labels]
    pixels: Pixels = PIXELS
    most: int | None = None  # images that fit into memory
    made: Network | None = None

    def alone(self, arch: Arch, rng: Generator, device: str, recipe: Recipe) -> Network:
        self.made = Small(rng, self.most).to(device)
        return self.made


def part(n: int, seed: int) -> tuple[Images, Labels]:
    rng = default_rng(seed)
    labels = rng.integers(0, 4, n)
    images = rng.integers(0, 100, (n, 3, 8, 8), dtype=np.uint8)
    images[np.arange(n), :, labels * 2] += 120
    return images, labels


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the recipe of these tests a name."""
    monkeypatch.setattr(training, "recipe", lambda name: BY if name == "mine" else recipes.recipe(name))


def play(method: Training, data: Data | None = None, seed: int = 5, resume: State | None = None) -> list[Checkpoint]:
    task = Task(
        NB201Space(),
        default_rng(SeedSequence(seed)),
        float("inf"),
        data=data or Data(part(90, 0), part(40, 1)),
        resume=resume,
    )
    found = []
    for checkpoint in method.search(task):
        assert checkpoint.state is not None
        kept = states.dump(checkpoint.state())
        found.append(replace(checkpoint, state=lambda kept=kept: states.load(kept)))
    return found


def flat(state: object, name: str = "") -> Mapping[str, bytes | object]:
    if isinstance(state, Mapping):
        return {k: v for key, part in state.items() for k, v in flat(part, f"{name}.{key}").items()}
    return {name: state.tobytes() if isinstance(state, np.ndarray) else state}


@cache
def whole() -> list[Checkpoint]:
    return play(Training(SPEC, "mine"))


def test_every_epoch_is_a_checkpoint_of_the_architecture_and_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Data(part(90, 0), part(40, 1))
    seen = play(Training(SPEC, "mine"), data)
    assert [(c.step, c.last, c.total) for c in seen] == [(1, False, 4), (2, False, 4), (3, False, 4), (4, True, 4)]
    assert all(np.array_equal(c.incumbent, NB201Space().encode(SPEC)) for c in seen)
    assert [set(c.logs) for c in seen[:-1]] == [{"loss", "lr", "val_accuracy"}] * 3
    assert seen[-1].logs["params"] == sum(p.numel() for p in data.made.parameters())
    assert seen[-1].logs["loss"] < seen[0].logs["loss"]
    assert seen[0].logs["lr"] == BY.lr_at(0, 5, 6)  # the last of six steps over 90 images
    # the paths of the second epoch are dropped with a quarter of the final probability, the last batch has ten images
    assert data.made.seen[6:12] == [(pytest.approx(0.3 / 4), 16)] * 5 + [(pytest.approx(0.3 / 4), 10)]


def test_the_network_answers_for_stored_images_with_running_statistics_and_changes_nothing() -> None:
    data = Data(part(90, 0), part(40, 1))
    seen = play(Training(SPEC, "mine"), data)
    images, labels = data.val
    answers = seen[-1].network(images)
    assert answers.shape == (40, 4)
    assert answers.dtype == np.float32
    assert np.mean(answers.argmax(1) == labels) == seen[-1].logs["val_accuracy"]
    np.testing.assert_allclose(seen[-1].network(images[:7]), answers[:7], rtol=1e-4, atol=1e-5)
    data = Data(part(90, 0), part(40, 1))
    task = Task(NB201Space(), default_rng(SeedSequence(5)), float("inf"), data=data)
    for mine, other in zip(Training(SPEC, "mine").search(task), whole(), strict=True):
        mine.network(images)  # between two pulls
        mine.state()
        assert mine.logs == other.logs


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_training_that_is_taken_up_again_ends_bit_for_bit_as_the_whole_one(done: int) -> None:
    rest = play(Training(SPEC, "mine"), resume=whole()[done - 1].state())
    assert [c.step for c in rest] == list(range(done + 1, 5))
    for mine, other in zip(rest, whole()[done:], strict=True):
        assert mine.logs == other.logs
        assert flat(mine.state()) == flat(other.state())


def test_seeds_draw_weights_and_order_and_no_generator_is_torchs() -> None:
    torch.manual_seed(1)
    again = play(Training(SPEC, "mine"))
    assert flat(again[-1].state()) == flat(whole()[-1].state())
    assert flat(play(Training(SPEC, "mine"), seed=6)[-1].state()) != flat(whole()[-1].state())


def test_without_a_spec_one_is_drawn_and_fewer_epochs_end_at_the_lowest_rate() -> None:
    seen = play(Training(None, "mine", epochs=2))
    assert [c.last for c in seen] == [False, True]
    assert np.array_equal(seen[0].incumbent, seen[1].incumbent)
    assert seen[1].logs["lr"] == pytest.approx(BY.lasting(2).lr_at(1, 5, 6))


def test_a_recipe_that_trains_on_validation_images_tells_no_validation_accuracy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "recipe", lambda name: replace(BY, fit="train+val"))
    data = Data(part(90, 0), part(40, 1))
    seen = play(Training(SPEC, "all"), data)
    assert all("val_accuracy" not in c.logs for c in seen)
    assert sum(images for _, images in data.made.seen[:9]) == 130


def test_a_loss_that_is_not_finite_is_told_with_epoch_and_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    wild = replace(BY, lr=1e38, clip=0.0)
    monkeypatch.setattr(training, "recipe", lambda name: wild)
    with pytest.raises(MethodError, match=r"not finite any more in epoch 1, at learning rate \d.*e\+3"):
        play(Training(SPEC, "wild"))


@pytest.mark.parametrize(("most", "told"), [(15, "8 fit"), (4, "4 fit"), (0, "not even one image does")])
def test_a_batch_that_does_not_fit_is_told_with_one_that_does(most: int, told: str) -> None:
    data = Data(part(90, 0), part(40, 1), most=most)
    with pytest.raises(MethodError, match=f"a batch of 16 images does not fit into the memory of the device, {told}"):
        play(Training(SPEC, "mine"), data)


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(SpecError):
        play(Training("|nothing~0|", "mine"))
    with pytest.raises(UnknownNameError, match="unknown recipe 'nb201-2000'; did you mean 'nb201-200'"):
        play(Training(SPEC, "nb201-2000"))
    with pytest.raises(UsageError, match=r"trains 1\.\.4 epochs, given 5"):
        play(Training(SPEC, "mine", epochs=5))
    task = Task(NB201Space(), default_rng(0), float("inf"))
    with pytest.raises(UsageError, match="training needs a live benchmark"):
        next(Training(SPEC, "mine").search(task))


def test_a_state_of_another_network_is_refused() -> None:
    kept = dict(whole()[0].state())
    learner = dict(kept["learner"])
    learner["weights"] = {"other": np.zeros(3, dtype=np.float32)}
    with pytest.raises(MethodError, match="does not fit this network"):
        play(Training(SPEC, "mine"), resume=kept | {"learner": learner})
