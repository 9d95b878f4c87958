"""Transformers that ask a trained supernet: greedily, edge by edge, or about everything that may become of an input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np
from numpy.random import default_rng

from nasboard.harness.api import Checkpoint, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs, Bools, Floats, check, sample
from nasboard.harness.transitions import MOST_TRANSFORMED, TransformableSpace, reachable, released
from nasboard.methods.transforming.inputs import draw_uniform, own_generator, transformable
from nasboard.methods.weight_sharing.one_shot import OneShot

Rank = Callable[[Archs], Floats]
KEY = 0  # of what is drawn for an input; the same in every run


@dataclass(frozen=True, slots=True)
class TransformGreedy(OneShot):
    """Makes the one change that the supernet likes best, again and again, until it likes none. A control.

    The supernet is trained, and the incumbent found, as `one_shot` does. A change puts one of the operations that NAT
    may put on one edge: null, skip, or what the input has there.
    """

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=2, derive_every=2, candidates=4)

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch.

        Raises:
            UsageError: the task has no live data, or its space does not say what its operations may become.
        """
        space = transformable(task.space, "transform_greedy")
        for seen in OneShot.search(self, task):
            assert seen.rank is not None
            yield replace(seen, transform=partial(climb, space, seen.rank))


@dataclass(frozen=True, slots=True)
class TransformExhaustive(OneShot):
    """Scores all that NAT may make of an input by the supernet, and keeps the best. A control: a policy can do no more.

    The supernet is trained, and the incumbent found, as `one_shot` does. Of an input that may become more than
    `most` architectures that many are drawn uniformly, the same in every run, and the best of them and the input is
    kept. Logged is `complete`: 1 where no input of the space may become more, else 0.
    """

    most: int = 3_000  # what is scored for an input

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made."""
        if not 1 <= self.most <= MOST_TRANSFORMED:
            raise UsageError(f"transform_exhaustive: most is 1..{MOST_TRANSFORMED:,}, given {self.most:,}")

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=2, derive_every=2, candidates=4, most=8)

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch.

        Raises:
            UsageError: the task has no live data, or its space does not say what its operations may become.
        """
        space = transformable(task.space, "transform_exhaustive")
        told = {"complete": float(_widest(space) <= self.most)}
        for seen in OneShot.search(self, task):
            assert seen.rank is not None
            yield replace(seen, logs={**seen.logs, **told}, transform=partial(best_of_all, space, seen.rank, self.most))


def climb(space: TransformableSpace, rank: Rank, archs: Archs) -> Archs:
    """Return what architectures `(n, d)` become by the best single change, made again until none is an improvement.

    Raises:
        SpecError: they are not in the space.
    """
    found, of = check(space, archs).copy(), space.transitions
    may, going = released(of, found), np.ones(len(found), dtype=np.bool_)
    while going.any():
        at = np.flatnonzero(going)
        changed = [_single_changes(space, found[i], may[i]) for i in at]
        sizes = np.array([len(block) for block in changed])
        scores = rank(np.concatenate([found[at], *changed]))
        blocks = np.split(scores[len(at) :], np.cumsum(sizes)[:-1])
        for i, now, block, rows in zip(at, scores, blocks, changed, strict=False):
            going[i] = len(block) > 0 and block.max() > now
            found[i] = rows[block.argmax()] if going[i] else found[i]
    return found


def best_of_all(space: TransformableSpace, rank: Rank, most: int, archs: Archs) -> Archs:
    """Return the best that architectures `(n, d)` may become, themselves included, or of as many as `most` drawn ones.

    Raises:
        SpecError: they are not in the space.
    """
    archs, of = check(space, archs), space.transitions
    if not len(archs):
        return archs
    options = [_outcomes(space, arch, may, most) for arch, may in zip(archs, released(of, archs), strict=True)]
    distinct, back = np.unique(np.concatenate(options), axis=0, return_inverse=True)
    scores = rank(distinct)[back.ravel()]
    ends = np.cumsum([len(block) for block in options])[:-1]
    best = [rows[mine.argmax()] for rows, mine in zip(options, np.split(scores, ends), strict=True)]
    return np.stack(best)


def _outcomes(space: TransformableSpace, arch: Arch, may: Bools, most: int) -> Archs:
    """Return all that an architecture `(d,)` may become `(m, d)`, or it and `most` draws of them."""
    if np.prod(may.sum(axis=1, dtype=np.float64)) <= most:
        return reachable(space.transitions, arch, may)
    drawn = draw_uniform(own_generator(KEY, arch), may, most)
    return np.concatenate([arch[None], space.transitions.put(np.repeat(arch[None], most, axis=0), drawn)])


def _single_changes(space: TransformableSpace, arch: Arch, may: Bools) -> Archs:
    """Return architectures `(m, d)` that differ from `arch` `(d,)` on one edge, as it may `(e, operations)`."""
    ops = space.transitions.wiring(arch[None]).ops[0]
    edges, others = np.nonzero(may & (np.arange(may.shape[1]) != ops[:, None]))
    changed = np.repeat(ops[None], len(edges), axis=0)
    changed[np.arange(len(edges)), edges] = others
    return space.transitions.put(np.repeat(arch[None], len(edges), axis=0), changed)


def _widest(space: TransformableSpace) -> float:
    """Return how many architectures an input may become at most: on each edge what it has, null and skip, as held."""
    of = space.transitions
    held = np.isfinite(of.work(sample(space, default_rng(KEY), 1))[0])  # (e, operations)
    other = np.array([kind == "other" for kind in of.kinds])
    return float(np.prod(held[:, other].any(axis=1) + held[:, ~other].sum(axis=1, dtype=np.float64)))
