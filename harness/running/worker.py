"""A worker process: claims runs from the store one after another and makes them, until none is left.

The parent watches from outside (`sweep`). The worker follows the parent: it stops between two steps when told to, and
ends at once when the parent is gone.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from typing import Literal

from nasboard.harness.errors import NasboardError
from nasboard.harness.running import runner
from nasboard.harness.running.beating import POLL_S, StopFlag, beat
from nasboard.harness.running.telling import Reached
from nasboard.harness.running.trained import trained
from nasboard.harness.store import Claim, Store, new_owner, open_store


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is to do: these runs, in this order, from that store; `watched` runs tell how far they are."""

    url: str
    run_ids: tuple[str, ...]
    setting: runner.Setting
    watched: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """What a worker tells its parent; `gone` and `stop` are the parent's own words to whoever shows them."""

    kind: Literal["hello", "start", "step", "end", "wait", "gone", "stop", "fault"]
    owner: str
    run_id: str = ""
    label: str = ""  # a fault ends the worker, and has its message here
    seed: int = 0
    status: str = ""
    reached: Reached | None = None  # of a step


def main(order: Order, parent: Connection) -> None:
    """Make runs until none is claimable; the entry point of the process.

    What a method does wrong is in its record. What is wrong with the store itself is told to the parent, which stops.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    stop = StopFlag()
    threading.Thread(target=_follow, args=(parent, stop), daemon=True).start()
    owner = new_owner()
    try:
        _work(order, owner, parent, stop)
    except NasboardError as error:
        parent.send(Event("fault", owner, label=str(error), status=type(error).__name__))


def _work(order: Order, owner: str, parent: Connection, stop: StopFlag) -> None:
    with open_store(order.url, must_exist=True) as store:
        parent.send(Event("hello", owner))
        threading.Thread(target=beat, args=(order.url, owner), daemon=True).start()
        while not stop():
            claim = store.claim(order.run_ids, owner)
            if claim is None:
                if not _others_at_work(store, order.run_ids):
                    return
                parent.send(Event("wait", owner))
                time.sleep(POLL_S)  # somebody else makes the rest; stay in case they die
                continue
            _make(claim, store, owner, order, stop, parent.send)


def _make(
    claim: Claim,
    store: Store,
    owner: str,
    order: Order,
    stop: StopFlag,
    tell: Callable[[Event], None],
) -> None:
    event = Event("start", owner, claim.run_id, claim.label, claim.key.seed)
    tell(event)

    def reach(reached: Reached) -> None:
        tell(replace(event, kind="step", reached=reached))

    told = reach if order.watched else None
    by_training = partial(trained, order.url, order.setting, stop)
    status = runner.execute(claim, store, owner, order.setting, stop=stop, told=told, by_training=by_training)
    tell(replace(event, kind="end", status=status))


def _others_at_work(store: Store, run_ids: tuple[str, ...]) -> bool:
    return store.unfinished(run_ids) > 0


def _follow(parent: Connection, stop: StopFlag) -> None:
    """Wait for the parent's word; its end of the pipe closes when it dies, and so do we."""
    try:
        parent.recv()
    except (EOFError, OSError):
        os._exit(1)
    stop.set()
