"""SPOS: how generations are bred, what bounds them, and that members are scored with statistics of training images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nasboard.benchmarks.live.benchmark import cost
from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.live.supernets.recalibration import Recalibrated
from nasboard.harness.api import Checkpoint, SearchMethod
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, Bools, sample
from nasboard.methods.weight_sharing.evolution import Breeding, Evolution
from nasboard.methods.weight_sharing.single_path import SinglePath
from nasboard.methods.weight_sharing.spos import Falling, Spos
from tests.methods import live

SHORT = Spos.for_tests()
BREEDING = Breeding(population=50, crossovers=25, mutations=25, rate=0.1, parents=10)


def everything(archs: Archs) -> Bools:
    return np.ones(len(archs), dtype=np.bool_)


def bred(breeding: Breeding = BREEDING, within=everything, parents: int = 10) -> Evolution:  # type: ignore[no-untyped-def]
    """Return an evolution that has scored some architectures, which are its parents."""
    made = Evolution(breeding, live.SPACE, within)
    made.best = made.seen = sample(live.SPACE, np.random.default_rng(3), parents)
    made.scores = np.linspace(0.9, 0.1, parents)
    return made


def run_of(checkpoint: Checkpoint) -> SinglePath:
    run = checkpoint.state.__self__  # type: ignore[union-attr]
    assert isinstance(run, SinglePath)
    return run


def test_it_is_a_search_method() -> None:
    assert isinstance(Spos(), SearchMethod)
    assert "statistics of training images" in Spos.bn_policy


def test_the_defaults_are_those_of_the_paper() -> None:
    d = Spos()
    assert (d.population, d.generations, d.crossovers, d.mutations, d.mutation_rate, d.parents) == (
        50,
        20,
        25,
        25,
        0.1,
        10,
    )
    assert (d.batch, d.lr, d.momentum, d.weight_decay, d.smoothing) == (1024, 0.5, 0.9, 4e-5, 0.1)
    assert d.recalibrate == 200 * d.recalibrate_batch == 25_600
    assert d.epochs * 1_281_167 // d.batch == pytest.approx(150_000, rel=0.002)


def test_the_learning_rate_falls_in_a_straight_line() -> None:
    schedule = Falling(10, 32, 0.5, 0.0, 0.9, 4e-5, 0.0)
    assert [schedule.lr_at(epoch) for epoch in (0, 5, 9)] == pytest.approx([0.5, 0.25, 0.05])


def test_the_first_generation_is_random_and_none_comes_twice() -> None:
    found = Evolution(BREEDING, live.SPACE, everything).breed(np.random.default_rng(0))
    assert found.shape == (50, 6)
    assert len(np.unique(found, axis=0)) == 50


def test_children_are_of_the_parents_and_none_was_scored_before() -> None:
    evolution = bred()
    found = evolution.breed(np.random.default_rng(0))
    assert len(np.unique(np.concatenate([evolution.seen, found]), axis=0)) == 60
    crossed = found[25:]
    assert all((evolution.best == child).any(0).all() for child in crossed)
    far = [(evolution.best != child).sum(1).min() for child in found[:25]]
    assert np.mean(far) < 1.5  # slots that differ from the nearest parent; of a random one it is 2.5 or so


def test_a_mutation_draws_each_slot_anew_with_the_rate() -> None:
    evolution = bred(parents=1)
    children = evolution.mutate(np.random.default_rng(0), 20_000)
    changed = (children != evolution.best[0]).mean(0)
    assert np.allclose(changed, 0.1 * 4 / 5, atol=0.01)  # one in five draws is what was there
    others = [np.bincount(children[:, slot], minlength=5) for slot in range(6)]
    assert all(np.allclose(np.delete(n, evolution.best[0, slot]), 400, atol=120) for slot, n in enumerate(others))


def test_what_children_do_not_fill_is_drawn_uniformly() -> None:
    evolution = bred(replace(BREEDING, crossovers=5, mutations=0))
    found = evolution.breed(np.random.default_rng(0))
    assert len(found) == 50
    of_parents = [(evolution.best == child).any(0).all() for child in found]
    assert all(of_parents[:5])
    assert not all(of_parents[5:])


def test_a_population_smaller_than_its_children_is_not_overfilled() -> None:
    assert len(bred(replace(BREEDING, population=8)).breed(np.random.default_rng(0))) == 8


def test_bounds_hold_for_every_member() -> None:
    evolution = bred(within=lambda archs: archs[:, 0] == 2)
    found = evolution.breed(np.random.default_rng(0))
    assert len(found) == 50
    assert (found[:, 0] == 2).all()


def test_a_space_that_is_used_up_ends_with_fewer_and_then_with_none() -> None:
    evolution = Evolution(BREEDING, live.SPACE, lambda archs: (archs[:, :5] == 1).all(1))
    first = evolution.breed(np.random.default_rng(0))
    assert len(first) == 5
    evolution.best = evolution.seen = first
    assert evolution.breed(np.random.default_rng(0)).shape == (0, 6)


def test_bounds_that_nothing_keeps_are_refused() -> None:
    with pytest.raises(UsageError, match="of 6,000 architectures drawn none keeps the bounds; raise them"):
        list(replace(SHORT, epochs=0, most_parameters=1).search(live.task()))


def test_networks_cost_no_more_than_asked_for() -> None:
    data = live.small_data()
    archs = sample(live.SPACE, np.random.default_rng(0), 200)
    known = cost(data.space, data.parts.alone, archs)
    most = float(np.median(known.multiply_adds))
    bounded = replace(SHORT, most_multiply_adds=most)
    assert np.array_equal(bounded.within(data, archs), known.multiply_adds <= most)
    few = float(np.median(known.parameters))
    assert np.array_equal(replace(SHORT, most_parameters=few).within(data, archs), known.parameters <= few)
    *_, last = bounded.search(live.task())
    seen = last.state()["sampler"]["seen"]  # type: ignore[misc, index]
    assert (cost(data.space, data.parts.alone, seen).multiply_adds <= most).all()


def test_steps_are_epochs_and_then_generations_whose_best_only_get_better() -> None:
    steps = list(SHORT.search(live.task()))
    assert [c.step for c in steps] == [1, 2, 3, 4, 5]
    assert [c.incumbent is None for c in steps] == [True, True, False, False, False]
    assert ["loss" in c.logs for c in steps] == [True, True, False, False, False]
    assert ["supernet_accuracy" in c.logs for c in steps] == [False, False, True, True, True]
    scores = []
    for checkpoint in SHORT.search(live.task()):
        if checkpoint.incumbent is not None:
            scores.append(checkpoint.rank(checkpoint.incumbent[None])[0])  # type: ignore[misc]
    assert scores == sorted(scores)


def test_the_parents_are_the_best_of_all_that_were_scored_by_recalibrated_accuracy() -> None:
    *_, last = SHORT.search(live.task())
    told = last.state()["sampler"]  # type: ignore[misc]
    run = run_of(last)
    net, training = run.learner.net, SHORT.training(run.parts)
    assert [len(batch.labels) for batch in training] == [32, 32]
    scored = run.parts.scored
    wanted = evaluate(Recalibrated(net, training), told["seen"], scored.images, scored.labels).score  # type: ignore[index]
    assert len(wanted) == 18
    assert np.array_equal(told["scores"], np.sort(wanted)[::-1][:3])  # type: ignore[index]
    assert np.array_equal(last.incumbent, told["best"][0])  # type: ignore[index]
    assert np.array_equal(last.rank(told["seen"]), wanted)  # type: ignore[misc, index]


def test_without_recalibration_members_are_scored_as_one_shot_scores() -> None:
    plain = replace(SHORT, recalibrate=0)
    *_, last = plain.search(live.task())
    run = run_of(last)
    scored = run.parts.scored
    wanted = evaluate(run.learner.net, live.ARCHS, scored.images, scored.labels).score
    assert np.array_equal(last.rank(live.ARCHS), wanted)  # type: ignore[misc]
    *_, other = SHORT.search(live.task())
    assert not np.array_equal(other.rank(live.ARCHS), wanted)  # type: ignore[misc]


def test_fewer_training_images_than_a_batch_are_one_batch() -> None:
    parts = live.small_data().on("cpu")
    assert [len(batch.labels) for batch in replace(SHORT, recalibrate_batch=1000).training(parts)] == [64]
    assert [len(batch.labels) for batch in Spos(recalibrate_batch=40).training(parts)] == [40, 40]


@pytest.mark.parametrize(
    "wrong",
    [
        {"population": 0},
        {"generations": 0},
        {"parents": 0},
        {"mutation_rate": 1.1},
        {"mutations": -1},
        {"recalibrate": -1},
        {"recalibrate_batch": 1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=f"spos: .*{next(iter(wrong))}.*given"):
        replace(SHORT, **wrong)  # type: ignore[arg-type]


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
