"""P-DARTS: what each stage holds, how deep it is, its rates; the cap on skip connections; resuming in every stage."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.sizes import narrowed
from nasboard.benchmarks.live.supernets.supernet import IDENTITY
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace, cuts, everything
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Floats, sample
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.p_darts import PDarts, capped, kept
from tests.methods import live
from tests.methods.differentiable.test_darts_pt import planted, played

DARTS = SPACES["darts"]
SHORT = PDarts(epochs=2, batch=32, alpha_from=1, cells=(1, 2, 1), eigenvalue_every=0)
FLAT = replace(SHORT, cells=(1, 1, 1))


def drawn(space: RelaxedSpace, seed: int = 0) -> Floats:
    """Return a mixture `(m,)` of random weights."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.dirichlet(np.ones(len(group.options))) for group in space.groups])


def skips_of(space: RelaxedSpace, arch: np.ndarray) -> dict[str, int]:
    """Return how many skip connections each type of cell takes."""
    taken = space.relax(arch[None])[0]
    found: dict[str, int] = {}
    for group, at in zip(space.groups, cuts(space.groups), strict=True):
        hit = [o for o, w in zip(group.options, taken[at], strict=True) if w and o == IDENTITY]
        found[group.name.split()[0]] = found.get(group.name.split()[0], 0) + len(hit)
    return found


def test_defaults_are_the_published_search() -> None:
    p = PDarts()
    assert (p.epochs, p.batch, p.lr, p.lr_min, p.weight_decay, p.alpha_lr, p.clip, p.alpha_clip, p.alpha_from) == (
        25,
        96,
        0.025,
        0.0,
        3e-4,
        6e-4,
        5.0,
        5.0,
        10,
    )
    assert (p.cells, p.keep, p.skip_drop, p.skips) == ((5, 11, 17), (8, 5, 3), (0.1, 0.4, 0.7), 2)


@pytest.mark.parametrize(
    ("space", "counts"),
    [
        (DARTS, (8, 5, 3)),
        (NB201Space(), (5, 3, 2)),
        (SPACES["s1"], (2, 2, 2)),
        (NB1Shot1Space.of(1), (3, 2, 2)),
        (narrowed(NB201Space(), "none"), (4, 3, 2)),
    ],
)
def test_of_each_group_the_operations_of_the_largest_weights_are_kept(
    space: RelaxedSpace, counts: tuple[int, ...]
) -> None:
    mix = drawn(space)
    held = everything(space.groups)
    for most, count in zip(PDarts().keep, counts, strict=True):
        now = kept(space.groups, mix, most / 8)
        for group, options, before, at in zip(space.groups, now, held, cuts(space.groups), strict=True):
            if group.kind != "operation":
                assert options == before
                continue
            assert len(options) == count
            assert set(options) <= set(before)
            assert set(options) == set(np.argsort(-mix[at])[:count].tolist())
        gone = np.ones(len(mix), dtype=np.bool_)
        gone[[at.start + o for options, at in zip(now, cuts(space.groups), strict=True) for o in options]] = False
        mix[gone], held = 0, now


def test_stages_get_deeper_and_hold_what_the_one_before_left(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, float, float]] = []
    stages: list[Search] = []
    advance = Search.advance

    def watched(search: Search) -> object:
        if not stages or stages[-1] is not search:
            stages.append(search)
        alpha, epoch = search.alpha.detach().clone(), search.epoch
        value_drop = search.method.passing(search).value_drop
        logs = advance(search)
        assert torch.equal(alpha, search.alpha) == (epoch < 1)  # the weights alone at first
        seen.append((epoch, round(float(value_drop.max()), 6), search.learner.optimiser.param_groups[0]["lr"]))
        return logs

    monkeypatch.setattr(Search, "advance", watched)
    steps = list(SHORT.search(live.task()))
    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [len(stage.net.cells) for stage in stages] == [2, 4, 2]  # of two stages of the network
    assert [{len(held) for held in stage.net.allowed} for stage in stages] == [{5}, {3}, {2}]
    for before, after in pairwise(stages):
        mix = before.full(before.mixture()).view(6, 5)
        for edge, held in enumerate(after.net.allowed):
            assert set(held) == set(mix[edge].argsort(descending=True)[: len(held)].tolist())
    # half of the rate while alpha waits, all of it when it begins to move; the rate of weights starts anew
    assert seen == [
        (epoch, pytest.approx(start * share), pytest.approx(lr))
        for start in SHORT.skip_drop
        for epoch, share, lr in ((0, 0.5, 0.025), (1, 1.0, 0.0125))
    ]


def test_dropout_falls_linearly_while_alpha_waits_and_then_exponentially() -> None:
    last = PDarts().stage(2)
    rates = [last.rate_at(epoch) for epoch in range(25)]
    assert rates[:10] == pytest.approx([0.7 * (24 - epoch) / 25 for epoch in range(10)])
    assert rates[10:] == pytest.approx([0.7 * math.exp(-0.2 * after) for after in range(15)])


def test_only_skip_connections_have_dropout() -> None:
    run = live.search(SHORT)
    dropped = SHORT.passing(run).value_drop
    assert dropped is not None
    assert np.flatnonzero(dropped.view(6, 5).sum(0)).tolist() == [1]
    assert SHORT.guiding(run).value_drop is not None


@pytest.mark.parametrize("seed", range(5))
def test_the_normal_cell_has_few_skips_and_the_reduction_cell_as_it_was(seed: int) -> None:
    mix = drawn(DARTS, seed)
    for at in cuts(DARTS.groups):
        mix[at.start + 3] += 2 + 0.01 * at.start  # of skip_connect
    free = DARTS.derive(mix)
    assert skips_of(DARTS, free) == {"normal": 8, "reduction": 8}
    for most in (0, 2, 5):
        found = capped(DARTS, mix, most)
        assert skips_of(DARTS, found) == {"normal": most, "reduction": 8}
        assert np.array_equal(found[11:], free[11:])


def test_the_weakest_skip_goes_first_and_edges_compete_anew() -> None:
    mix = np.zeros(len(drawn(DARTS)))
    at = {group.name: cut.start for group, cut in zip(DARTS.groups, cuts(DARTS.groups), strict=True)}
    for name, start in at.items():
        mix[start + 4] = 0.1 if name.endswith("-2") else 0.05  # sep_conv_3x3
    for name, weight in (("normal 2<-0", 0.9), ("normal 2<-1", 0.8), ("normal 3<-0", 0.6), ("normal 4<-3", 0.7)):
        mix[at[name] + 3] = weight
    told = DARTS.decode(capped(DARTS, mix, 3))
    assert "('skip_connect', 0), ('skip_connect', 1)" in told
    assert told.count("skip_connect") == 3
    of_node_3 = DARTS.graph(capped(DARTS, mix, 3)[None])[0][0, 0, 1].tolist()
    assert DARTS.graph(DARTS.derive(mix)[None])[0][0, 0, 1].tolist() == [0, 2]
    assert of_node_3 == [0, 2]  # 3<-0 gave its skip up, and is kept with the convolution as the first of equal edges
    assert skips_of(DARTS, capped(DARTS, mix, 2))["normal"] == 2


def test_without_competing_groups_the_operation_is_picked_anew_and_none_never() -> None:
    space = NB201Space()
    mix = np.tile([0.5, 0.3, 0.05, 0.1, 0.05], 6)
    mix[1::5] += np.arange(6) * 0.01
    assert capped(space, mix, 2).tolist() == [3, 3, 3, 3, 1, 1]
    assert capped(space, mix, 6).tolist() == [1] * 6


def test_by_perturbation_too_none_is_not_derived_and_skips_are_few() -> None:
    search = live.search(replace(FLAT, derivation="perturbation", skips=2, tune_epochs=1).stage(0))
    worth = torch.tensor([[5.0, 4.0, 1.0, 0.5, 0.1]] * 6)  # `none` first, then skip_connect
    planted(search, worth.flatten())
    played(search)
    assert sorted(search.incumbent.tolist()) == [1, 1, 2, 2, 2, 2]


def test_skips_without_a_rival_stay() -> None:
    space = NB201Space()
    mix = np.zeros(30)
    mix[0::5], mix[1::5] = 0.6, 0.4  # none and skip_connect are held
    assert capped(space, mix, 2).tolist() == [1] * 6


def test_what_was_dropped_is_ranked_last_by_how_much_of_it_there_is() -> None:
    run = SHORT.stage(1).open(live.task(), live.small_data(), ((2, 3),) * 6)
    archs = np.array([[2, 3, 2, 3, 2, 3], [0, 3, 2, 3, 2, 3], [0, 1, 2, 3, 2, 3], [3, 3, 3, 3, 3, 3]], dtype=np.int16)
    score = run.rank(archs)
    assert score[1:3].tolist() == [-1, -2]
    assert (score[[0, 3]] > 0).all()
    np.testing.assert_array_equal(score[[0, 3]], run.rank(archs[[0, 3]]))
    assert run.rank(archs[1:3]).tolist() == [-1, -2]


def test_several_searches_of_several_stages_are_one_run() -> None:
    method = replace(FLAT, epochs=1, searches=2, pick_recipe="quick-1")
    steps = list(method.search(live.task()))
    assert ["tryout_of" in step.logs for step in steps[:6]] == [False] * 6
    assert all("tryout_of" in step.logs for step in steps[6:])
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)


@pytest.mark.parametrize("wrong", [{"cells": (5, 11)}, {"keep": (3, 5, 8)}, {"keep": (2, 1, 0)}])
def test_stages_that_do_not_fit_together_are_refused(wrong: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(UsageError, match="stage"):
        replace(PDarts(), **wrong)


def test_by_alpha_a_group_that_is_left_out_costs_nothing_where_none_is_not_held() -> None:
    small = live.small_data()
    macro = DartsMacro(image=8, inputs=1, channels=4, cells=3)
    data = replace(small, parts=replace(small.parts, space=SPACES["s3"], macro=macro))
    run = PDarts(cells=(3,), keep=(2,), skip_drop=(0.1,)).open(live.task(), data, ((1, 2),) * 28)
    with torch.no_grad():
        run.alpha.zero_()
    archs = sample(SPACES["s3"], np.random.default_rng(0), 4)
    np.testing.assert_allclose(run.rank_by_alpha(archs), 16 * np.log(0.5))


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(FLAT)
