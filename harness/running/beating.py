"""What every process that makes runs has: a flag that asks it to stop, and a heartbeat in the store."""

from __future__ import annotations

import contextlib
import threading
import time

from nasboard.harness.errors import StoreError
from nasboard.harness.store import open_store

BEAT_EVERY_S = 20.0
POLL_S = 0.5  # between two looks at what another process makes


class StopFlag:
    """Set by the parent's word, read between two steps."""

    def __init__(self) -> None:
        """Start unset."""
        self._event = threading.Event()

    def set(self) -> None:
        """Ask for a stop."""
        self._event.set()

    def __call__(self) -> bool:
        """Return whether a stop was asked for."""
        return self._event.is_set()


def beat(url: str, owner: str) -> None:
    """Say that `owner` is at work, until the process ends; the body of a thread of its own."""
    with open_store(url, must_exist=True) as store:
        while True:
            time.sleep(BEAT_EVERY_S)
            with contextlib.suppress(StoreError):  # a beat that is missed once is made up by the next
                store.beat(owner)
