"""The phases of progressive shrinking."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch

from nasboard.benchmarks.live.supernets.elastic.supernet import kinds
from nasboard.benchmarks.spaces.layerwise import SPACES, LayerSpace, Stage
from nasboard.benchmarks.spaces.relaxation import Allowed, everything
from nasboard.harness.errors import UsageError
from nasboard.methods.weight_sharing.ofa.method import Ofa
from nasboard.methods.weight_sharing.ofa.phases import Lasting, Warming, elastic_space, phases
from tests.methods import live

OFA = SPACES["ofa-mbv3"]


def held(allowed: Allowed, space: LayerSpace = OFA) -> tuple[set[int], set[int], set[str]]:
    """Return kernels, expansions and depths that options allow, the same in every layer and every stage."""
    layers = {options for options, slot in zip(allowed, space.slots, strict=True) if slot.layer is not None}
    depths = {options for options, slot in zip(allowed, space.slots, strict=True) if slot.layer is None}
    (blocks,), of = layers, kinds(space)
    stop = {space.slots[0].options[i] for options in depths for i in options}
    return {of[i][0] for i in blocks}, {of[i][1] for i in blocks}, stop


def test_defaults_are_the_phases_of_the_release() -> None:
    found = Ofa().phases(OFA)
    told = [(p.name, *held(p.allowed), p.lasting.epochs, p.lasting.lr, p.lasting.warmup, p.paths) for p in found]
    assert told[1:] == [
        ("kernel", {3, 5, 7}, {6}, {"4"}, 120, 3e-2, 5, 1),
        ("depth 1", {3, 5, 7}, {6}, {"3", "4"}, 25, 2.5e-3, 0, 2),
        ("depth 2", {3, 5, 7}, {6}, {"2", "3", "4"}, 120, 7.5e-3, 5, 2),
        ("width 1", {3, 5, 7}, {4, 6}, {"2", "3", "4"}, 25, 2.5e-3, 0, 4),
        ("width 2", {3, 5, 7}, {3, 4, 6}, {"2", "3", "4"}, 120, 7.5e-3, 5, 4),
    ]
    assert told[0][:4] == ("full", {7}, {6}, {"4"})
    assert found[-1].allowed == everything(OFA.groups)


def test_every_phase_draws_what_those_before_it_drew_and_channels_are_sorted_where_widths_follow() -> None:
    found = Ofa().phases(OFA)
    for before, after in itertools.pairwise(found):
        assert all(set(b) <= set(a) for b, a in zip(before.allowed, after.allowed, strict=True))
        assert before.allowed != after.allowed
    assert [phase.sorted_within for phase in found] == [(), (), (), (), (6,), (6, 4)]


def test_a_space_without_depths_and_with_one_width_has_fewer_phases() -> None:
    space = LayerSpace("plain", ("3x3_MBConv6", "5x5_MBConv6"), (Stage(24, 1, 2),))
    last = Lasting(1, 0.1)
    assert [phase.name for phase in phases(space, last, last, last, last)] == ["full", "kernel"]


@pytest.mark.parametrize("lasting", [Lasting(0, 0.1), Lasting(1, 0.1, -1)])
def test_a_phase_without_an_epoch_is_refused(lasting: Lasting) -> None:
    one = Lasting(1, 0.1)
    with pytest.raises(UsageError, match="at least one epoch"):
        phases(OFA, one, one, one, lasting)


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine() -> None:
    schedule = Warming(14, 64, 0.8, 0.0, 0.9, 1e-4, 0.0, warmup=4, start=0.4)
    assert [schedule.lr_at(epoch) for epoch in range(5)] == pytest.approx([0.4, 0.5, 0.6, 0.7, 0.8])
    assert schedule.lr_at(9) == pytest.approx(0.4)
    assert 0 < schedule.lr_at(13) < 0.03


def test_the_rate_is_in_proportion_to_the_batch() -> None:
    phase = Ofa().phases(OFA)[1]
    assert Ofa(batch=256).schedule(phase).lr_at(5) == pytest.approx(4 * 0.03)
    assert Ofa(batch=256).schedule(phase).lr_at(0) == pytest.approx(0.03)
    assert Ofa().schedule(phase).lr_at(3) == pytest.approx(0.03)


def test_vectors_are_not_decayed() -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    decayed, spared = Warming(1, 64, 0.1, 0.0, 0.9, 1e-4, 0.0).optimiser(net).param_groups
    assert [tuple(tensor.shape) for tensor in decayed["params"]] == [(2, 1, 3, 3)]
    assert len(spared["params"]) == 3
    assert (decayed["weight_decay"], spared["weight_decay"]) == (1e-4, 0.0)


def test_supernets_that_are_not_elastic_are_refused() -> None:
    with pytest.raises(UsageError, match="elastic layers, such as ofa-digits"):
        elastic_space(live.small_data())
    data = live.tiny("ofa-digits")
    assert elastic_space(data).name == "ofa-digits"
    rigid = replace(data, parts=replace(data.parts, macro=replace(data.parts.macro, elastic=False)))  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="have not"):
        elastic_space(rigid)
