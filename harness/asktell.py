"""The ask/tell adapter: lifts a black-box player into a search, one checkpoint a query.

A player only asks and tells; what it saw so far is kept here as compact arrays, and that history is the whole state.
Resuming replays it: the player, with the run's generator as at the start, is asked and told again without paying. The
adapter owns no budget; the oracle does.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.api import AskTell, Checkpoint, Observation, Proposal, State, Task
from nasboard.harness.errors import MethodError, UsageError
from nasboard.harness.space import Arch, Choice

Columns = tuple[NDArray[Choice], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]

_COLUMNS = {"archs": Choice, "epochs": np.int64, "val_accuracy": np.float64, "cost_s": np.float64}


class History:
    """What was asked and seen, in order, and the best of it."""

    def __init__(self, d: int) -> None:
        """Start empty, for architectures of `d` slots."""
        self.d = d
        self.archs = bytearray()
        self.epochs = array("q")
        self.val_accuracy = array("d")
        self.cost_s = array("d")
        self.incumbent: Arch | None = None
        self._best = (0, 0.0)

    def __len__(self) -> int:
        return len(self.epochs)

    def add(self, arch: Arch, seen: Observation) -> None:
        """Append one observation of `arch` `(d,)`.

        The incumbent is the most accurate at the highest fidelity seen so far, the earliest of equals: accuracies
        after different numbers of epochs are never compared.
        """
        self.archs += arch.astype(Choice, copy=False).tobytes()
        self.epochs.append(seen.epochs)
        self.val_accuracy.append(seen.val_accuracy)
        self.cost_s.append(seen.cost_s)
        if self.incumbent is None or (seen.epochs, seen.val_accuracy) > self._best:
            self.incumbent = arch.astype(Choice)
            self._best = (seen.epochs, seen.val_accuracy)

    def state(self) -> State:
        """Return the history as arrays: `archs` `(n, d)`, `epochs`, `val_accuracy` and `cost_s` `(n,)`."""
        return {
            "archs": np.frombuffer(bytes(self.archs), dtype=Choice).reshape(-1, self.d),
            "epochs": np.array(self.epochs, dtype=np.int64),
            "val_accuracy": np.array(self.val_accuracy, dtype=np.float64),
            "cost_s": np.array(self.cost_s, dtype=np.float64),
        }


def play(make_player: Callable[[], AskTell], task: Task) -> Iterator[Checkpoint]:
    """Ask, query, tell, and yield a checkpoint after every query, until the budget ends it.

    Args:
        make_player: returns a fresh player; all its randomness comes from `task.rng`.
        task: with an oracle in `query`.

    Raises:
        UsageError: the task has no oracle.
        MethodError: the player asks for something else than it did before the interruption, or the state is not ours.
        BudgetExhausted: the budget is spent; the run ends.
    """
    if task.query is None:
        raise UsageError(
            "a black-box method queries a tabulated benchmark, this task has no oracle; choose another one"
        )
    player, oracle = make_player(), task.query
    history = History(len(task.space.choices))
    if task.resume is not None:
        _replay(player, history, task.resume, oracle.fidelities)
    while True:
        proposal = player.ask()
        seen = oracle(proposal.arch, proposal.epochs)
        history.add(proposal.arch, seen)
        player.tell(proposal, seen)
        yield Checkpoint(len(history), history.incumbent, state=history.state)


def _replay(player: AskTell, history: History, state: State, fidelities: tuple[int, ...]) -> None:
    archs, epochs, val_accuracy, cost_s = _columns(state, history.d)
    told = zip(archs, epochs.tolist(), val_accuracy.tolist(), cost_s.tolist(), strict=True)
    for step, (arch, epoch, accuracy, cost) in enumerate(told, start=1):
        proposal = player.ask()
        if not _same(proposal, arch, epoch, fidelities[-1]):
            raise MethodError(
                f"resuming: at step {step} the player asks for {proposal.arch.tolist()} at epochs {proposal.epochs}, "
                f"before it was {arch.tolist()} at {epoch}; a player's only source of randomness is the task's rng"
            )
        seen = Observation(accuracy, cost, epoch)
        history.add(arch, seen)
        player.tell(proposal, seen)


def _same(proposal: Proposal, arch: Arch, epochs: int, full: int) -> bool:
    asked = full if proposal.epochs is None else proposal.epochs
    return asked == epochs and np.array_equal(proposal.arch, arch)


def _columns(state: State, d: int) -> Columns:
    """Return the four arrays of a state, or say why it is not a history of architectures of `d` slots."""
    if set(state) != set(_COLUMNS):
        raise MethodError(f"a history has {', '.join(_COLUMNS)}, given {', '.join(sorted(state)) or 'nothing'}")
    found = {name: np.asarray(state[name]) for name in _COLUMNS}
    n = len(found["archs"]) if found["archs"].ndim else 0
    for name, dtype in _COLUMNS.items():
        shape = (n, d) if name == "archs" else (n,)
        if found[name].dtype != dtype or found[name].shape != shape:
            raise MethodError(
                f"a history of {n} steps has {name} as {np.dtype(dtype).name} {shape}, given {found[name].dtype} "
                f"{found[name].shape}; the stored state is damaged or belongs to another space"
            )
    return cast(Columns, tuple(found[name] for name in _COLUMNS))
