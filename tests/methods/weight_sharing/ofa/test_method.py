"""Once-for-All as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from nasboard.benchmarks.live.benchmark import cost
from nasboard.benchmarks.live.data import LiveData
from nasboard.harness.api import Checkpoint, SearchMethod, State, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.running import state
from nasboard.harness.space import sample
from nasboard.methods.weight_sharing.ofa.method import Ofa
from tests.methods import live

SHORT = replace(Ofa.for_tests(), batch=64, recalibrate_batch=64)
STEPS = 6 + 2 + 1 + 2  # phases of an epoch, scoring, the predictor, generations


def data() -> LiveData:
    return live.tiny("ofa-digits")


def run(method: Ofa, seed: int = 0, resume: State | None = None) -> Iterator[Checkpoint]:
    found = data()
    return method.search(Task(found.space, np.random.default_rng(seed), math.inf, data=found, resume=resume))


def test_it_is_a_method_that_tells_what_batch_norm_does() -> None:
    assert isinstance(Ofa(), SearchMethod)
    assert "statistics of training images" in Ofa.bn_policy


def test_a_run_trains_scores_learns_and_breeds_and_ends_with_a_network() -> None:
    seen = []
    for checkpoint in run(SHORT):
        keys = set(checkpoint.logs)
        seen.append((checkpoint.step, keys, checkpoint.incumbent is None, checkpoint.network is None, checkpoint.last))
        if checkpoint.last:
            assert checkpoint.network is not None
            images = data().val[0][:5]
            assert checkpoint.network(images).shape == (5, 10)
    steps, logs, no_incumbent, no_network, last = zip(*seen, strict=True)
    assert steps == tuple(range(1, STEPS + 1))
    assert logs[:6] == ({"loss"},) * 6
    assert logs[6:8] == ({"supernet_accuracy"},) * 2
    assert {"predictor_loss", "predictor_error"} <= logs[8]
    assert logs[9:] == ({"predicted_accuracy"},) * 2
    assert no_incumbent == (True,) * 9 + (False,) * 2
    assert no_network == (True,) * (STEPS - 1) + (False,)
    assert last == (False,) * (STEPS - 1) + (True,)


def test_ranks_are_the_supernets_and_then_the_predictors_unless_told_otherwise() -> None:
    archs = sample(data().space, np.random.default_rng(3), 6)
    told: dict[bool, list[bytes]] = {True: [], False: []}
    for by_predictor, scores in told.items():
        for checkpoint in run(replace(SHORT, rank_by_predictor=by_predictor)):
            assert checkpoint.rank is not None
            scores.append(checkpoint.rank(archs).tobytes() if checkpoint.step in (7, 8, 9, 11) else b"")
    supernet, predicted = told[False], told[True]
    assert supernet[:8] == predicted[:8]
    assert len({supernet[6], supernet[8], supernet[10]}) == 1  # the weights rest
    assert predicted[8] == predicted[10] != supernet[8]


def test_the_result_keeps_the_bound() -> None:
    most = 4e5
    *_, last = run(replace(SHORT, most_multiply_adds=most))
    assert last.incumbent is not None
    assert cost(data().space, data().parts.alone, last.incumbent[None]).multiply_adds[0] <= most


def test_a_run_resumed_after_any_step_ends_as_the_uninterrupted_one() -> None:
    archs = sample(data().space, np.random.default_rng(3), 3)

    def shown(seen: Checkpoint) -> tuple[object, ...]:
        assert seen.rank is not None
        incumbent = None if seen.incumbent is None else seen.incumbent.tobytes()
        return seen.step, incumbent, dict(seen.logs), seen.rank(archs).tobytes() if seen.last else None

    whole, kept = [], []
    for checkpoint in run(SHORT):
        whole.append(shown(checkpoint))
        assert checkpoint.state is not None
        kept.append(state.dump(checkpoint.state()))
    for step in (1, 2, 4, 5, 6, 7, 8, 9, 10):  # the last epochs of phases, and every kind of step
        resumed = [shown(c) for c in run(SHORT, seed=100 + step, resume=state.load(kept[step - 1]))]
        assert resumed == whole[step:], step


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"population": 0}, "at least 1"),
        ({"predictor_steps": 0}, "predictor_steps and batch are at least 1"),
        ({"generations_a_step": 0}, "at least 1"),
        ({"held_out": 1.0}, "held_out"),
        ({"samples": 0}, "held_out"),
        ({"parents": 0.0}, "parents is a share"),
        ({"mutated": 1.5}, "mutated"),
        ({"recalibrate_batch": 1}, "recalibrate_batch at least 2"),
    ],
)
def test_settings_out_of_range_are_refused_when_they_are_made(settings: dict[str, float], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Ofa(**settings)  # type: ignore[arg-type]


def test_a_space_that_is_not_elastic_is_refused() -> None:
    with pytest.raises(UsageError, match="ofa-digits"):
        next(Ofa.for_tests().search(live.task()))


def test_without_recalibration_scores_are_by_the_validation_images_themselves() -> None:
    archs = sample(data().space, np.random.default_rng(3), 4)
    scores = []
    for recalibrate in (0, 64):
        first = next(run(replace(SHORT, recalibrate=recalibrate)))
        assert first.rank is not None
        scores.append(first.rank(archs).tobytes())
    assert scores[0] != scores[1]
