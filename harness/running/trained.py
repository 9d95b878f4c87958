"""The query of a benchmark without a table: each answer is a training, made by a process of its own (`answering`).

What the search holds is one end of a pipe. Validation accuracies and costs come through it, and nothing else.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from numpy.random import Generator

from nasboard.harness.api import Observation
from nasboard.harness.errors import Interrupted, MethodError, StoreFullError
from nasboard.harness.record import QUERY_SEEDS
from nasboard.harness.running import answering
from nasboard.harness.running.answering import Asked, Place, Told
from nasboard.harness.running.runner import Setting
from nasboard.harness.space import Arch

LOOK_EVERY_S = 0.2  # whether a stop was asked for


@contextmanager
def trained(url: str, setting: Setting, stop: Callable[[], bool], benchmark: str) -> Iterator[Trained]:
    """Give the query of a benchmark (its full name) that is answered by trainings, with the process that makes them.

    Args:
        url: of the store that trainings are kept in.
        setting: where they are made.
        stop: asked now and then; when it turns true, the query ends with `Interrupted`.
        benchmark: that is searched.
    """
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=answering.main, args=(Place(url, benchmark, setting), theirs))
    process.start()
    theirs.close()
    try:
        yield Trained(ours, process, stop)
    finally:
        ours.close()  # which ends it
        process.join()


class Trained:
    """Asks for trainings, one at a time."""

    def __init__(self, pipe: Connection, process: SpawnProcess, stop: Callable[[], bool]) -> None:
        """Ask through `pipe`; `process` is at its other end, and `stop` says when to ask no more."""
        self._pipe, self._process, self._stop = pipe, process, stop

    def cost_s(self, arch: Arch, epochs: int) -> float:
        """Return the nominal seconds of training `arch` `(d,)` for `epochs`.

        Raises:
            MethodError: the process died, or nothing is trained on the benchmark.
        """
        cost_s = self._told(Asked(tuple(arch.tolist()), epochs, None)).cost_s
        assert cost_s is not None
        return cost_s

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        """Return what training `arch` `(d,)` for `epochs` shows, with a training seed drawn with `rng`.

        Raises:
            MethodError: the training failed, or its process died.
            StoreFullError: the store cannot grow; what is being trained stays resumable.
            Interrupted: a stop was asked for.
        """
        told = self._told(Asked(tuple(arch.tolist()), epochs, int(rng.integers(QUERY_SEEDS))))
        if told.cost_s is None or told.val_accuracy is None:
            raise Interrupted("the training is left in the middle; the same command goes on from there")
        return Observation(told.val_accuracy, told.cost_s, epochs)

    def _told(self, asked: Asked) -> Told:
        """Return what is answered, having passed on that a stop was asked for meanwhile."""
        stopped = False
        try:
            self._pipe.send(asked)
            while not self._pipe.poll(LOOK_EVERY_S):
                if self._stop() and not stopped:
                    stopped = True
                    self._pipe.send("stop")
            told: Told = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join()
            raise MethodError(f"the process that trains for queries died: {_how(self._process.exitcode)}") from error
        if told.fault is not None:
            kind, message = told.fault
            raise (StoreFullError if kind == StoreFullError.__name__ else MethodError)(message)
        return told


def _how(code: int | None) -> str:
    """Return how a process ended, by its exit code."""
    if code is None or code >= 0:
        return f"exit code {code}; its error is above"
    hint = " (the system kills a process so when memory runs out)" if -code == signal.SIGKILL else ""
    return f"signal {signal.Signals(-code).name}{hint}; what it was training goes on from its last stored step"
