"""Legs that follow each other within one run: stages of a search, several searches, what chooses among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol, cast

from nasboard.harness.api import Checkpoint, Logged, State, Task
from nasboard.harness.space import Arch, Archs, Floats


class Leg(Protocol):
    """A part of a run, made step by step."""

    @property
    def done(self) -> int:
        """Return how many steps were made."""

    @property
    def total(self) -> int:
        """Return how many steps it takes, as far as is known."""

    @property
    def over(self) -> bool:
        """Return whether it has come to its end."""

    @property
    def incumbent(self) -> Arch | None:
        """Return the architecture `(d,)` that it stands for now."""

    @property
    def ranker(self) -> Callable[[Archs], Floats] | None:
        """Return what ranks architectures, None where nothing does."""

    def advance(self) -> Mapping[str, Logged]:
        """Make a step and return what is worth a curve."""

    def save(self) -> State:
        """Return all that the next step depends on."""

    def load(self, state: State) -> None:
        """Take over what `save` returned."""

    def handed_on(self) -> State:
        """Return what the next leg is opened with."""


def relay(task: Task, legs: Sequence[Callable[[State], Leg]]) -> Iterator[Checkpoint]:
    """Yield a checkpoint after every step of every leg, each opened with what the one before handed on.

    With that, as `before`, comes what that one was opened with. What a leg draws when it is opened is drawn from the
    run's generator, which its state holds.
    """
    resumed = task.resume or {"leg": 0, "steps": 0, "handed": {}, "state": None}
    number, before, handed = cast(int, resumed["leg"]), cast(int, resumed["steps"]), cast(State, resumed["handed"])
    leg = legs[number](handed)
    if resumed["state"] is not None:
        leg.load(cast(State, resumed["state"]))
    while True:
        if leg.over:
            if number + 1 == len(legs):
                return
            before, handed, number = before + leg.done, {**leg.handed_on(), "before": handed}, number + 1
            leg = legs[number](handed)
        logs = leg.advance()
        yield Checkpoint(
            step=before + leg.done,
            incumbent=leg.incumbent,
            rank=leg.ranker,
            state=partial(_state, leg, number, before, handed),
            logs=logs,
            last=leg.over and number + 1 == len(legs),
            total=before + leg.total if number + 1 == len(legs) else None,
        )


def links(handed: State) -> tuple[State, ...]:
    """Return what each leg so far handed on, the first one's first."""
    found: list[State] = []
    while handed:
        found.append(handed)
        handed = cast(State, handed["before"])
    return tuple(found[::-1])


def _state(leg: Leg, number: int, before: int, handed: State) -> State:
    return {"leg": number, "steps": before, "handed": handed, "state": leg.save()}
