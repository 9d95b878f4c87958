"""The search for generators: its stages and beam, the controller it goes on with, dynamic reset, and the split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from nasboard.benchmarks.live.gans.catalogue import GANS
from nasboard.benchmarks.live.gans.data import GanData
from nasboard.benchmarks.live.gans.game import Losses
from nasboard.benchmarks.spaces.relaxation import splits
from nasboard.benchmarks.tabulated.planted import planted
from nasboard.harness.api import Checkpoint, State, Task
from nasboard.harness.errors import MethodError, UsageError
from nasboard.harness.space import sample
from nasboard.methods.gans.autogan import AutoGan
from nasboard.methods.gans.growing import Growing
from nasboard.methods.gans.shared import Reset, Shared
from nasboard.methods.weight_sharing.controller import Controller, Shape

digits = GANS["digits"]
BENCHMARK = digits(channels="4", critic="4", judge="quick-3", recipe="gan-3", scored_on="20", train="60", val="60")
SHORT = AutoGan.for_tests()
PLAIN = replace(SHORT, split=())


def data() -> GanData:
    found = BENCHMARK.data()
    assert isinstance(found, GanData)
    return found


def task(seed: int = 0, resume: State | None = None) -> Task:
    return Task(BENCHMARK.space, default_rng(seed), float("inf"), data=data(), resume=resume)


def growing(method: AutoGan = SHORT) -> Growing:
    torch.set_num_threads(1)
    return Growing(data(), "cpu", default_rng(0), method._recipe(), method._reset(), method._policy())


def checkpoints(method: AutoGan) -> list[Checkpoint]:
    torch.set_num_threads(1)
    return list(method.search(task()))


def test_it_ranks_from_the_last_stage_on_and_derives_before_the_split_and_at_the_end() -> None:
    made = checkpoints(SHORT)
    assert [c.logs["stage"] for c in made] == [0, 1, 1, 1, 1]
    assert [c.rank is not None for c in made] == [False, True, True, True, True]
    assert [c.incumbent is not None for c in made] == [False, False, True, True, True]
    assert np.array_equal(made[2].incumbent, made[3].incumbent)  # type: ignore[arg-type]
    assert [c.last for c in made] == [False] * 4 + [True]
    assert {c.total for c in made} == {5}


def test_without_a_split_it_ends_with_its_iterations() -> None:
    made = checkpoints(PLAIN)
    assert (len(made), made[-1].last) == (3, True)
    assert made[-1].incumbent is not None


def test_a_stage_keeps_the_best_of_its_candidates_and_the_next_goes_on_with_their_rows() -> None:
    run = growing()
    scores: dict[bytes, float] = {}

    def score(arch: np.ndarray, rng: object) -> float:
        return scores.setdefault(arch.tobytes(), float(len(scores)))

    run.score = score  # type: ignore[method-assign,assignment]
    run.grow()
    assert (run.stage, run.beam.archs.shape, run.beam.out.shape) == (1, (2, 4), (2, 8))
    assert [scores[row.tobytes()] for row in run.beam.archs] == sorted(scores.values(), reverse=True)[:2]
    archs, decided = run._drawn(20)
    kept = {row.tobytes() for row in run.beam.archs}
    assert {row[:4].tobytes() for row in archs} == kept
    assert archs[:, 4:].shape == decided.archs.shape == (20, 5)


def test_a_controller_goes_on_from_the_states_it_is_given() -> None:
    shape = Shape(hidden=8, layers=1, temperature=1.0, tanh=None)
    made = Controller(BENCHMARK.space, tuple(range(9)), shape, default_rng(0))
    with torch.no_grad():
        for tensor in made.parameters():
            tensor.mul_(20)
    whole = made.draw(5, default_rng(1))
    same = made.draw(5, default_rng(1), ((torch.zeros(5, 8), torch.zeros(5, 8)),))
    other = made.draw(5, default_rng(1), ((torch.ones(5, 8), torch.ones(5, 8)),))
    assert torch.equal(whole.log_prob, same.log_prob)
    assert not torch.equal(whole.log_prob, other.log_prob)
    [(out, cell)] = whole.states
    assert out.shape == cell.shape == (5, 8)


def test_the_controller_learns_what_scores() -> None:
    method = replace(SHORT, controller_steps=150, controller_lr=0.02, entropy_weight=0.0)
    run = growing(method)
    run.score = lambda arch, rng: float(arch[0] + (arch[1] == 2))  # type: ignore[method-assign,assignment]
    before = np.mean([run.score(arch, run.rng) for arch in run._drawn(200)[0]])
    logs = run._learn()
    after = np.mean([run.score(arch, run.rng) for arch in run._drawn(200)[0]])
    assert (before, after) == (pytest.approx(0.83, abs=0.15), pytest.approx(2, abs=0.2))
    assert logs["policy_entropy"] < np.log(36)


def test_parts_have_the_weights_of_the_shared_gan_and_train_their_own_option_alone() -> None:
    run = growing()
    run.grow()
    [parent] = run.shared
    archs = sample(BENCHMARK.space, default_rng(3), 12)
    before = run.rank(archs)
    run.parted((6,))
    assert len(run.shared) == 3
    assert run.rank(archs).tolist() == before.tolist()  # of the same weights until they are trained
    for part, allowed in zip(run.shared, splits(BENCHMARK.space.groups, (6,)), strict=True):
        assert part.allowed == allowed
        critic, theirs = part.game.critic.net.state_dict(), parent.game.critic.net.state_dict()
        assert all(torch.equal(critic[name], theirs[name]) for name in theirs)
    run.iterate(data().real("cpu"))
    after = run.rank(archs)
    assert not np.array_equal(after, before)


def shared(window: int = 4, threshold: float = 1e-3) -> Shared:
    return Shared(growing().shared[0].game, None, Reset(window, threshold))


def test_a_gan_whose_losses_stand_still_over_a_full_window_is_begun_anew() -> None:
    still = shared()
    assert [still.saw(Losses(1.0, 0.5)) for _ in range(4)] == [False, False, False, True]
    assert not still.saw(Losses(1.0, 0.5))  # the windows are empty again


def test_a_gan_whose_losses_move_goes_on_and_the_window_is_of_the_generators_steps() -> None:
    moving, rare = shared(), shared()
    assert not any(moving.saw(Losses(float(k % 2), float(k % 3))) for k in range(20))
    assert [rare.saw(Losses(1.0, 0.5 if k % 2 else None)) for k in range(8)] == [False] * 7 + [True]


def test_one_still_player_is_enough() -> None:
    one = shared()
    assert [one.saw(Losses(1.0, float(k))) for k in range(4)] == [False, False, False, True]


def test_a_reset_draws_other_weights_and_keeps_the_controller() -> None:
    run = growing(replace(SHORT, reset_window=1, reset_threshold=1e9))
    before, controller = run.shared[0].game, run.reinforced.controller
    logs = run.iterate(data().real("cpu"))
    assert logs["resets"] == run.resets == 1
    assert run.shared[0].game is not before
    assert run.reinforced.controller is controller


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"grow_at": ()}, "grow_at names 1 ascending iterations within 1..2 for 2 cells"),
        ({"grow_at": (3,)}, r"given \[3\]"),
        ({"kept": 4}, r"of 3 candidates 1\.\.3 are kept, not 4"),
        ({"split": (9,)}, r"distinct numbers in 0\.\.8, given \[9\]"),
        ({"split": (6, 6)}, "distinct numbers"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        next(iter(replace(SHORT, **wrong).search(task())))  # type: ignore[arg-type]


def test_it_asks_for_generators() -> None:
    with pytest.raises(UsageError, match="autogan trains generators and needs a benchmark such as autogan-digits"):
        next(iter(SHORT.search(Task(planted().space, default_rng(0), 1.0))))


def test_a_state_of_other_sizes_is_refused() -> None:
    saved = next(iter(SHORT.search(task()))).state
    assert saved is not None
    larger = digits(channels="8", critic="4", judge="quick-3", recipe="gan-3", scored_on="20", train="60", val="60")
    other = replace(task(resume=saved()), data=larger.data())
    with pytest.raises(MethodError, match="the state does not fit this network"):
        next(iter(SHORT.search(other)))
