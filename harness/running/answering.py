"""The process that trains for queries: it has the store, and says nothing but validation accuracies and costs.

A search that trains to answer its queries would else share a process, and so objects, with the test images on which
every training is measured. It ends at once when the search does; what it was training stays resumable.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue

import numpy as np

from nasboard.harness import registry
from nasboard.harness.errors import MethodError, NasboardError, gist
from nasboard.harness.planning.trainings import Trainer
from nasboard.harness.record import numbers
from nasboard.harness.running import runner
from nasboard.harness.running.beating import POLL_S, StopFlag, beat
from nasboard.harness.space import Choice
from nasboard.harness.store import Planned, Store, new_owner, open_store


@dataclass(frozen=True, slots=True)
class Place:
    """Where trainings are made: the store's URL, the full name of the benchmark that is searched, and the device."""

    url: str
    benchmark: str
    setting: runner.Setting


@dataclass(frozen=True, slots=True)
class Asked:
    """An architecture `(d,)`, its epochs, and the training seed; None asks for the cost alone."""

    arch: tuple[int, ...]
    epochs: int
    seed: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """What is answered; a fault has the class of the error and its message, and nothing of both is a stop."""

    cost_s: float | None = None
    val_accuracy: float | None = None
    fault: tuple[str, str] | None = None


def main(place: Place, parent: Connection) -> None:
    """Answer until the parent is gone; the entry point of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    asked: SimpleQueue[Asked] = SimpleQueue()
    stop = StopFlag()
    threading.Thread(target=_follow, args=(parent, asked, stop), daemon=True).start()
    try:
        _serve(place, parent, asked, stop)
    except NasboardError as error:
        parent.send(Told(fault=(type(error).__name__, str(error))))


def _serve(place: Place, parent: Connection, asked: SimpleQueue[Asked], stop: StopFlag) -> None:
    owner = new_owner()
    with open_store(place.url, must_exist=True) as store:
        threading.Thread(target=beat, args=(place.url, owner), daemon=True).start()
        trainer = Trainer.of(registry.benchmark(place.benchmark))
        while True:
            each = asked.get()
            arch = np.array(each.arch, dtype=Choice)
            cost_s = trainer.cost_s(arch, each.epochs)
            if each.seed is None:
                parent.send(Told(cost_s))
                continue
            run = trainer.planned(arch, each.seed, each.epochs)
            made = _made(run, store, owner, place.setting, stop)
            parent.send(Told(cost_s, _shown(store, run)) if made else Told())


def _made(run: Planned, store: Store, owner: str, setting: runner.Setting, stop: StopFlag) -> bool:
    """Make a training, or wait until another process has; returns whether it was before a stop was asked for.

    Raises:
        MethodError: it failed.
    """
    run_ids = (run.key.run_id,)
    store.plan([run])
    while True:
        claim = store.claim(run_ids, owner)
        if claim is not None:
            runner.execute(claim, store, owner, setting, stop=stop)
        counts = store.status_counts(run_ids)
        if counts.get("done"):
            return True
        if counts.get("failed"):
            why = next(gist(each.error or "") for each in store.runs(status="failed") if each.run_id == run_ids[0])
            raise MethodError(f"{_named(run)} failed: {why}; nasboard show {run_ids[0][:12]}")
        if stop():
            return False
        if claim is None:
            time.sleep(POLL_S)


def _shown(store: Store, run: Planned) -> float:
    """Return the validation accuracy at the end of a training.

    Raises:
        MethodError: it has logged none.
    """
    logs = numbers(store.steps(run.key.run_id)[-1].logs)
    if "val_accuracy" not in logs:
        raise MethodError(f"{_named(run)} logs no val_accuracy at its last step; the recipe must hold images out")
    return logs["val_accuracy"]


def _named(run: Planned) -> str:
    params = run.key.params
    return f"the training of {params['spec']} ({params['epochs']} epochs, seed {run.key.seed})"


def _follow(parent: Connection, asked: SimpleQueue[Asked], stop: StopFlag) -> None:
    """Take the parent's words; its end of the pipe closes when it dies or has done, and so do we."""
    while True:
        try:
            word: Asked | str = parent.recv()
        except (EOFError, OSError):
            os._exit(0)
        if isinstance(word, Asked):
            asked.put(word)
        else:
            stop.set()
