"""Training one generator: what is averaged, kept and shown; and a whole toy suite, from the search to the boards."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from nasboard.benchmarks.live.gans.catalogue import GANS
from nasboard.benchmarks.live.gans.data import GanData
from nasboard.benchmarks.live.gans.recipe import GanRecipe, gan_recipe
from nasboard.benchmarks.live.gans.training import Making, TrainingGan
from nasboard.harness.api import Checkpoint, State, Task
from nasboard.harness.errors import MethodError, UsageError
from nasboard.harness.running.measure import made as measured
from nasboard.harness.store import open_store

digits = GANS["digits"]
BENCHMARK = digits(channels="4", critic="4", judge="quick-3", recipe="gan-3", scored_on="20", train="60", val="60")
SPEC = "1 1 0 1 0 2 2 1 1"
TOY = f"""
name = "toy"
[panel]
size = 3
[train]
final_seeds = 2
panel = 3
[[runs]]
method = "autogan"
benchmark = "{BENCHMARK.name}"
seeds = 1
rank_every = 5
[runs.params]
iterations = 3
grow_at = [1]
shared_epochs = 1
controller_steps = 2
candidates = 3
kept = 2
hidden = 8
split = [6]
sub_iterations = 2
"""


def data() -> GanData:
    found = BENCHMARK.data()
    assert isinstance(found, GanData)
    return found


def making(by: GanRecipe, seed: int = 0) -> Making:
    torch.set_num_threads(1)
    arch, rng = BENCHMARK.space.encode(SPEC), default_rng(seed)
    return Making.of(data().alone(arch, rng, "cpu", by), arch, rng)


def weights(net: torch.nn.Module) -> np.ndarray:
    return np.concatenate([tensor.detach().numpy().ravel() for tensor in net.parameters()])


def run(seed: int = 0, resume: State | None = None, **settings: object) -> list[Checkpoint]:
    torch.set_num_threads(1)
    method = replace(TrainingGan(SPEC, "gan-3"), **settings)  # type: ignore[arg-type]
    return list(method.search(Task(BENCHMARK.space, default_rng(seed), float("inf"), data=data(), resume=resume)))


def test_real_images_are_in_the_range_of_what_is_made() -> None:
    real = data().real("cpu")
    assert (float(real.min()), float(real.max())) == (-1, 1)
    assert real.shape == (120, 1, 8, 8)


def test_the_average_follows_the_weights_at_the_recipes_pace() -> None:
    still, fast, slow = (making(replace(gan_recipe("gan-3"), average=decay)) for decay in (1.0, 0.0, 0.9))
    before = weights(slow.average)
    for each in (still, fast, slow):
        each.train(data().real("cpu"))
    assert np.array_equal(weights(still.average), before)
    assert np.array_equal(weights(fast.average), weights(fast.game.maker.net))
    assert np.abs(weights(slow.average) - before).max() > 0
    assert not np.array_equal(weights(slow.average), weights(slow.game.maker.net))


def test_the_generator_has_a_step_at_every_so_many_of_the_discriminator() -> None:
    rare = making(replace(gan_recipe("gan-3"), critics=3, batch=32))
    before = weights(rare.game.maker.net)
    logs = rare.train(data().real("cpu"))  # four batches: steps 0 and 3
    steps = {int(state["step"]) for state in rare.game.maker.adam.state.values()}
    assert (rare.step, steps) == (4, {2})
    assert set(logs) == {"critic_loss", "maker_loss"}
    assert not np.array_equal(weights(rare.game.maker.net), before)


def test_it_trains_what_it_is_asked_for_and_hands_out_images() -> None:
    *_, last = run()
    assert last.last
    assert BENCHMARK.space.decode(last.incumbent) == SPEC  # type: ignore[arg-type]
    assert {"params", "classifier_score"} <= set(last.logs)
    assert last.generate is not None
    images = last.generate(300)
    assert (images.shape, images.dtype, images.max() <= 16) == ((300, 1, 8, 8), np.uint8, True)
    assert np.array_equal(images, last.generate(300))
    assert len(np.unique(images.reshape(300, -1), axis=0)) > 250
    test = BENCHMARK.context.test
    assert test is not None
    assert measured(last.generate, BENCHMARK.context.quality, test()[0], "here") < 0


def test_longer_training_brings_images_nearer_to_the_test_images() -> None:
    """At the size of the benchmark as it is registered, for 10 epochs of 13 steps."""
    torch.set_num_threads(1)
    found = digits()
    given, test = found.data(), found.context.test
    assert test is not None
    arch, rng = found.space.encode("0 1 0 0 0 2 2 1 0"), default_rng(0)
    assert isinstance(given, GanData)
    one = Making.of(given.alone(arch, rng, "cpu", found.parts.recipe), arch, rng)
    judge, (images, _) = given.judge("cpu"), test()
    untrained = judge.distance(one.images(16, 500), images)
    for _ in range(10):
        one.train(given.real("cpu"))
    assert judge.distance(one.images(16, 500), images) < 0.6 * untrained


def test_a_loss_that_is_not_finite_ends_it() -> None:
    wild = making(replace(gan_recipe("gan-3"), lr=1e30))
    with pytest.raises(MethodError, match="a loss is not finite any more"):
        [wild.train(data().real("cpu")) for _ in range(5)]


def test_it_asks_for_generators_and_for_epochs_that_the_recipe_has() -> None:
    with pytest.raises(UsageError, match="training_gan trains generators"):
        next(iter(TrainingGan().search(Task(BENCHMARK.space, default_rng(0), 1.0))))
    with pytest.raises(UsageError, match=r"1\.\.3 epochs"):
        run(epochs=4)
    assert len(run(epochs=1)) == 1


@pytest.mark.slow
def test_a_toy_suite_searches_trains_what_it_found_and_makes_boards_of_distances(tmp_path: Path) -> None:
    (tmp_path / "toy.toml").write_text(TOY)

    def nasboard(*arguments: str) -> str:
        command = [sys.executable, "-m", "nasboard.harness.cli", *arguments]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "160"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    nasboard("run", "toy.toml", "--jobs", "1")
    with open_store(f"sqlite:///{tmp_path / 'runs.db'}", must_exist=True) as store:
        held = [value for _, _, value in store.measured()]
    assert len(held) >= 4
    assert max(held) < 0
    board = nasboard("leaderboard", "--board", "accuracy", "--notes")
    assert "Final Frechet distance: " in board
    assert "in the 64 features of a classifier of digits trained here by recipe quick-3" in " ".join(board.split())
    nasboard("leaderboard", "--board", "trainings", "-o", "t.csv")
    assert "frechet_distance" in (tmp_path / "t.csv").read_text()
    trained = nasboard("train", BENCHMARK.name, SPEC)
    assert "Frechet distance" in trained
