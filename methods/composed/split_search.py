"""A search made apart in each sub-supernet: any method that trains a supernet, few-shot; validation images choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.live.data import LiveData, live_data
from nasboard.benchmarks.spaces.held import Held
from nasboard.benchmarks.spaces.relaxation import Group, splits
from nasboard.harness import registry
from nasboard.harness.api import Checkpoint, Need, SearchMethod, State, Task
from nasboard.harness.errors import MethodError, UsageError
from nasboard.harness.space import Arch, Choice
from nasboard.methods.composed.scoring import score

PART = "sub_supernet"  # logged: the number 1, 2, ... of the sub-supernet that is searched


@dataclass(frozen=True, slots=True)
class SplitSearch:
    """The same search in every sub-supernet, one after the other, and the best of what they found.

    Source: Zhao et al., Few-shot Neural Architecture Search (ICML 2021), gradient methods on NAS-Bench-201, and its
    release: DARTS, PC-DARTS, ENAS and SETN run independently in each of the five sub-supernets that hold one operation
    on the edge that is split. Each starts from fresh weights, with all settings of the method but what it may choose.
    With `groups` empty this is the method itself. At equal compute the method's `epochs` are a fifth of its own.

    The choice is ours, as that of the release is not known to us: of the architectures found, the one with the best
    validation score under the weights of its own sub-supernet, the first of equal ones; equal accuracies are told apart
    by the probability given to the true class. Validation images alone are looked at. Until the first search has ended,
    the incumbent is what it stands for; after that the best of those that have ended.

    Several searches do not rank together: their weights are let go one after the other (`few_shot` keeps them).
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})

    searcher: str = "darts"  # a method that needs data alone, and whose last checkpoint ranks by scores in [0, 1]
    searcher_params: tuple[str, ...] = ()  # NAME=VALUE each; its own defaults for the others
    groups: tuple[int, ...] = (0,)  # split, counted among those of operations; the release's edge 1<-0 of nb201

    def __post_init__(self) -> None:
        """Refuse a searcher that is none when it is named, so that a suite is refused before anything runs."""
        if registry.method_class(self.searcher).needs != {"data"}:
            raise UsageError(
                f"split_search: searcher is a method that needs data and nothing else, given {self.searcher}"
            )
        registry.named_method(self.searcher, self.searcher_params)

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(searcher_params=("epochs=1", "eigenvalue_every=0"))

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield the checkpoints of the searches, one search after the other.

        Raises:
            UsageError: the task has no live data, or its space no such groups; or the method cannot run in them.
            MethodError: a search ends without an architecture and a ranking in [0, 1].
        """
        data = live_data(task, "split_search")
        parts = self.parts_of(data.parts.space.groups)
        found = _Found() if task.resume is None else _Found.loaded(task.resume)
        if task.resume is not None and found.inner is None:
            task.rng.bit_generator.state = dict(cast("Mapping[str, object]", task.resume["rng"]))
        made = registry.named_method(self.searcher, self.searcher_params)
        while len(found.archs) < len(parts):
            part = _restricted(task, data, parts[len(found.archs)], found.inner)
            yield from self._searched(made, part, found, len(parts))

    def parts_of(self, groups: tuple[Group, ...]) -> tuple[Held, ...]:
        """Return what each sub-supernet holds of the groups that are split.

        Raises:
            UsageError: a group that is not there, or one named twice.
        """
        operations = [number for number, group in enumerate(groups) if group.kind == "operation"]
        if any(not 0 <= place < len(operations) for place in self.groups):
            raise UsageError(
                f"split_search: groups of operations are 0..{len(operations) - 1} here, given {list(self.groups)}"
            )
        split = tuple(operations[place] for place in self.groups)
        return tuple(tuple((groups[g].name, allowed[g]) for g in split) for allowed in splits(groups, split))

    def _searched(self, made: SearchMethod, task: Task, found: _Found, parts: int) -> Iterator[Checkpoint]:
        """Yield the checkpoints of one search, and note what it found."""
        number, before, found.inner = len(found.archs), found.steps, None
        for checkpoint in made.search(task):
            if checkpoint.last:
                found.add(checkpoint, self.searcher, before)
            yield replace(
                checkpoint,
                step=before + checkpoint.step,
                incumbent=found.best if found.archs else checkpoint.incumbent,
                rank=checkpoint.rank if parts == 1 else None,
                state=None if checkpoint.state is None else partial(found.saved, checkpoint, before, task),
                logs=checkpoint.logs if parts == 1 else {**checkpoint.logs, PART: float(number + 1)},
                last=len(found.archs) == parts,
                total=None if checkpoint.total is None else before + checkpoint.total * (parts - number),
            )
            if checkpoint.last:
                return
        raise MethodError(f"{self.searcher} has no last checkpoint; a search marks its last one by last=True")


def _restricted(task: Task, data: LiveData, held: Held, resume: State | None) -> Task:
    """Return the task of one sub-supernet."""
    mine = replace(data, held=held)
    return replace(task, space=mine.space, data=mine, resume=resume)


@dataclass
class _Found:
    """What the searches that have ended found.

    Attributes:
        archs: one a search.
        scores: their validation scores.
        steps: made by those searches.
        inner: state of the search that goes on, None where it has not begun.
    """

    archs: list[Arch] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    steps: int = 0
    inner: State | None = None

    @property
    def best(self) -> Arch:
        """Return the architecture `(d,)` of the best score, the first of equal ones."""
        return self.archs[int(np.argmax(self.scores))]

    def add(self, end: Checkpoint, who: str, before: int) -> None:
        """Note what a search found, at its last checkpoint.

        Raises:
            MethodError: it has no incumbent, or does not rank by scores in [0, 1].
        """
        if end.incumbent is None or end.rank is None:
            raise MethodError(f"{who} ends without an architecture or without a ranking, by which its own is scored")
        self.scores.append(score(end.rank, end.incumbent, who))
        self.archs.append(end.incumbent.copy())
        self.steps = before + end.step

    def saved(self, checkpoint: Checkpoint, before: int, task: Task) -> State:
        """Return the state of a run that stands at a checkpoint of a search that began after step `before`."""
        assert checkpoint.state is not None
        return {
            "archs": np.array(self.archs, dtype=Choice).reshape(len(self.archs), len(task.space.choices)),
            "scores": np.array(self.scores),
            "steps": self.steps,
            "inner": None if checkpoint.last else checkpoint.state(),
            "rng": task.rng.bit_generator.state,
        }

    @classmethod
    def loaded(cls, state: State) -> _Found:
        """Return what `saved` told of."""
        archs = list(cast("NDArray[Choice]", state["archs"]))
        scores = cast("NDArray[np.float64]", state["scores"]).tolist()
        return cls(archs, scores, cast(int, state["steps"]), cast("State | None", state["inner"]))
