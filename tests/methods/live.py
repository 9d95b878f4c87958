"""Small live tasks, and the laws that every live method obeys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from nasboard.benchmarks.live.catalogue import LIVE
from nasboard.benchmarks.live.data import LiveData, open_live
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.benchmarks.spaces.macros import LayersMacro, Macro, sized
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace
from nasboard.harness.api import Checkpoint, SearchMethod, Task
from nasboard.harness.running import state
from nasboard.harness.space import sample
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.search import Search

SPACE = NB201Space()
ARCHS = sample(SPACE, np.random.default_rng(99), 12)


def small_data() -> LiveData:
    """Return a part of the digits: three batches of 32 to train, 80 images to validate."""
    whole = open_live(LIVE["digits201-live"]().parts)
    (x, y), (vx, vy) = whole.train, whole.val
    return replace(whole, train=(x[:96].copy(), y[:96].copy()), val=(vx[:80].copy(), vy[:80].copy()))


def cut(space: RelaxedSpace, macro: Macro) -> tuple[RelaxedSpace, Macro]:
    """Return two stages of a space of layers, and their network; others as they are."""
    if isinstance(space, LayerSpace) and isinstance(macro, LayersMacro):
        return replace(space, stages=space.stages[:2]), replace(macro, strides=(1, 1, 2))
    return space, macro


def tiny(name: str, channels: int = 2) -> LiveData:
    """Return a few digits, and supernets of a few channels and cells of a space."""
    data, there = small_data(), LIVE[name]
    (x, y), (vx, vy) = data.train, data.val
    sizes = {"channels": channels, "cells": 3}
    if isinstance(there.macro, LayersMacro) and there.macro.elastic:
        sizes = {}
    space, macro = cut(there.space, sized(there.macro, image=8, inputs=1, classes=10, **sizes))
    parts = replace(data.parts, space=space, macro=macro)
    return replace(data, train=(x[:64], y[:64]), val=(vx[:40], vy[:40]), parts=parts)


def task(seed: int = 0, resume: Mapping[str, object] | None = None) -> Task:
    return Task(SPACE, np.random.default_rng(seed), float("inf"), data=small_data(), resume=resume)


def search(method: Differentiable, data: LiveData | None = None) -> Search:
    """Return a search at its start, of seed 0."""
    return method.open(task(), data or small_data())


def shown(checkpoint: Checkpoint) -> tuple[object, ...]:
    """Return all that a checkpoint shows, in a form that compares bit for bit."""
    assert checkpoint.rank is not None
    incumbent = None if checkpoint.incumbent is None else tuple(checkpoint.incumbent.tolist())
    return checkpoint.step, incumbent, checkpoint.rank(ARCHS).tobytes(), dict(checkpoint.logs), checkpoint.last


def whole_run(method: SearchMethod, seed: int = 0) -> list[tuple[object, ...]]:
    return [shown(c) for c in method.search(task(seed))]


def states(method: SearchMethod, seed: int = 0) -> list[bytes]:
    return [state.dump(c.state()) for c in method.search(task(seed)) if c.state is not None]


def check_resumed_run_ends_as_the_uninterrupted_one(method: SearchMethod) -> None:
    """From every step, through the bytes that are stored; the resumed task's generator stands elsewhere.

    What is stored comes of another run of the same seed, in which nothing was ranked, so that ranking changes nothing;
    another seed changes the scores.
    """
    whole = whole_run(method)
    assert whole[-1][2] != whole_run(method, seed=1)[-1][2]
    assert [step for step, *_ in whole] == list(range(1, len(whole) + 1))
    assert [last for *_, last in whole] == [False] * (len(whole) - 1) + [True]
    for step, stored in enumerate(states(method), start=1):
        resumed = [shown(c) for c in method.search(task(seed=1000 + step, resume=state.load(stored)))]
        assert resumed == whole[step:]
