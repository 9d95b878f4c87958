"""ENAS: what an epoch is made of, its settings, and the laws of live methods."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.harness.api import Checkpoint, SearchMethod
from nasboard.harness.errors import UsageError
from nasboard.methods.weight_sharing.enas import Enas, Policy, Restarting
from nasboard.methods.weight_sharing.single_path import SinglePath
from tests.methods import live

SHORT = Enas(epochs=3, batch=32, updates=2, samples=3, candidates=6, finalists=2, derive_every=2)
FIRST_RELEASE = {  # micro space of CIFAR-10
    "epochs": 150,
    "batch": 160,
    "growth": 2,
    "weight_decay": 1e-4,
    "hidden": 64,
    "layers": 1,
    "temperature": 1.0,
    "tanh": 1.1,
    "controller_lr": 0.0035,
    "updates": 30,
    "samples": 10,
    "controller_clip": 0.0,
    "baseline": 0.0,
}


def begun(settings: Enas = SHORT) -> tuple[SinglePath, Policy]:
    """Return a search whose first epoch is done."""
    first: Checkpoint = next(settings.search(live.task()))  # type: ignore[call-overload]
    run = first.state.__self__  # type: ignore[union-attr]
    assert isinstance(run, SinglePath)
    assert isinstance(run.sampler, Policy)
    return run, run.sampler


def test_it_is_a_search_method() -> None:
    assert isinstance(Enas(), SearchMethod)
    assert Enas.needs == {"data"}


def test_the_defaults_are_those_of_the_nas_bench_201_version() -> None:
    d = Enas()
    assert (d.epochs, d.batch, d.lr, d.lr_min, d.period, d.weight_decay) == (250, 128, 0.05, 0.0005, 10, 2.5e-4)
    assert (d.hidden, d.layers, d.temperature, d.tanh) == (32, 2, 5.0, 2.5)
    assert (d.controller_lr, d.controller_betas, d.controller_eps, d.controller_clip) == (1e-3, (0, 0.999), 1e-3, 5)
    assert (d.updates, d.samples, d.entropy_weight, d.baseline_decay, d.candidates) == (50, 20, 1e-4, 0.99, 100)


def test_the_settings_of_the_first_release_are_told_as_they_are_named() -> None:
    told = Enas.__doc__.replace("\n", " ")  # type: ignore[union-attr]
    words = told[told.index("first release, micro space of CIFAR-10: ") :].split(": ")[1].split(". ")[0].split(", ")
    said = {name: float(value) for name, value in (" ".join(word.split()).split() for word in words)}
    assert said == FIRST_RELEASE
    made = replace(Enas(), **FIRST_RELEASE).reinforced(live.SPACE, np.random.default_rng(0))  # type: ignore[arg-type]
    assert [tuple(t.shape) for t in made.controller.cells] == [(128, 256)]
    assert made.baseline == 0.0


def test_the_learning_rate_starts_again_later_and_later_or_swings() -> None:
    rates = {"lr": 0.05, "lr_min": 0.0005, "momentum": 0.9, "weight_decay": 1e-4, "clip": 5.0}
    made = Restarting(70, 32, **rates, period=10, growth=2)
    reference = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.05)
    cosine = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(reference, T_0=10, T_mult=2, eta_min=0.0005)
    for epoch in range(70):
        assert made.lr_at(epoch) == pytest.approx(cosine.get_last_lr()[0], rel=1e-9)
        reference.step()
        cosine.step()
    swinging = replace(made, growth=1, swings=True)
    assert [swinging.lr_at(epoch) for epoch in (0, 5, 10, 15, 20)] == pytest.approx(
        [0.05, 0.02525, 0.0005, 0.02525, 0.05]
    )


def test_an_epoch_draws_its_paths_from_the_policy_and_teaches_it_after_the_weights() -> None:
    run, policy = begun()
    with torch.no_grad():  # nothing but one architecture is left to draw
        for tensor in policy.learned.controller.parameters():
            tensor.zero_()
        policy.learned.controller.shifts[0][2] = 100.0
    drawn = [policy.draw(run, run.learner.net) for _ in range(200)]
    chance = 1 / (1 + 4 * np.exp(-2.5))  # a tanh keeps it from 1
    assert np.mean(np.array(drawn) == 2) == pytest.approx(chance, abs=0.03)


def test_nothing_drawn_for_the_weights_outlives_what_the_policy_has_learned() -> None:
    run, policy = begun()
    assert policy.stock == []
    policy.draw(run, run.learner.net)
    assert len(policy.stock) == 63
    policy.learn(run)
    assert policy.stock == []


def test_rewards_are_accuracies_on_a_validation_batch_of_each_sample() -> None:
    run, policy = begun(replace(SHORT, updates=1, entropy_weight=0.0))
    before = run.rng.bit_generator.state
    guides = run.parts.guides(32, run.rng)
    with torch.no_grad():
        decided = policy.learned.controller.draw(3, run.rng)
    net = run.learner.net
    batches = [next(guides) for _ in range(3)]
    wanted = [
        evaluate(net, arch[None], batch.images, batch.labels).accuracy[0]
        for arch, batch in zip(decided.archs, batches, strict=True)
    ]
    run.rng.bit_generator.state = before
    told = policy.learn(run)
    assert told["reward"] == pytest.approx(np.mean(wanted))
    assert set(told) == {"reward", "baseline", "policy_entropy", "policy_loss"}


def test_the_result_is_the_best_of_fresh_draws_at_a_glance_or_of_its_finalists() -> None:
    run, policy = begun()
    before = run.rng.bit_generator.state
    found = policy.choose(run)
    run.rng.bit_generator.state = before
    with torch.no_grad():
        drawn = policy.learned.controller.draw(6, run.rng).archs
    best, _ = run.shortlist(drawn, 32, 2)
    assert np.array_equal(found.arch, best.arch)


def test_the_search_learns_and_its_logs_say_so() -> None:
    steps = list(replace(SHORT, derive_every=3, updates=6, samples=5, controller_lr=0.05).search(live.task()))
    assert {"loss", "reward", "baseline", "policy_entropy", "policy_loss"} <= set(steps[0].logs)
    assert steps[-1].logs["policy_entropy"] < steps[0].logs["policy_entropy"] <= 6 * np.log(5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": 0},
        {"layers": 0},
        {"updates": 0},
        {"samples": 0},
        {"period": 0},
        {"growth": 0},
        {"finalists": 7},
        {"temperature": 0.0},
        {"baseline_decay": 1.0},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=f"enas: .*{next(iter(wrong))}.*given"):
        replace(SHORT, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", [SHORT, replace(SHORT, as_released=True)])
def test_a_resumed_run_ends_as_the_uninterrupted_one(method: Enas) -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)
