"""The state of a pickle that is being read: a window on its bytes, the stack, and the memo. Knows no opcode.

A handler gets the machine and the position in its window after the opcode, and returns where to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import BinaryIO, ClassVar, Final

from nasboard.tabular.pickles.archive import Archive
from nasboard.tabular.pickles.weight import Weighed, held_values
from nasboard.tabular.pickles.window import AWAY, CHUNK, DOWNLOAD, RefusedError, Window

__all__ = [
    "AWAY", "CHUNK", "DONE", "DOWNLOAD", "HEAD", "LONGEST_SHARED", "Absent", "Fold", "Machine", "Make", "Name",
    "Record", "RefusedError",
]  # fmt: skip

DONE: Final = AWAY + 1
LONGEST_SHARED: Final = 256  # bytes; longer strings are kept as they come, each on its own
MOST_OPEN: Final = 1 << 20  # values on the stack; pickles put them away after a thousand
MOST_MARKS: Final = 1000
HEAD: Final = 1 << 15  # memo entries that are never put into the archive: what all of a file refers to is among them
RECENT: Final = 1 << 15  # entries after these that are not in the archive yet
_SMALL: Final = 8  # members
_NUMBERS: Final = frozenset({str, int, float, bool, complex, type(None)})

Make = Callable[..., object]
Fold = Callable[[dict[object, object]], object | None]


class Absent:
    """A memo entry that holds nothing: `told` says why."""

    __slots__ = ("told",)

    def __init__(self, told: str) -> None:
        self.told = told


UNSET: Final = Absent(f"was never set; {DOWNLOAD}")
FORGOTTEN: Final = Absent(
    "was folded away and is referred to again; this file shares values in a way that its kind does not, "
    "so get the published file"
)


class Name:
    """A module's attribute that the pickle names; stands for it and is never looked up."""

    __slots__ = ("make", "module", "name")

    def __init__(self, module: str, name: str, make: Make) -> None:
        self.module, self.name, self.make = module, name, make

    def __repr__(self) -> str:
        return f"{self.module}.{self.name}"


class Record(Weighed):
    """What a maker returns while the state of the value is still to come (opcode BUILD)."""

    stays: ClassVar[bool] = False  # the memo keeps it beyond a fold, because unrelated parts of a file share it

    def __init__(self) -> None:
        self.places: list[int] = []  # where the memo holds it

    def build(self, state: object) -> object:
        """Return the value that `state` completes.

        Raises:
            ValueError: the state is not of the expected form.
        """
        raise NotImplementedError


def _stays(value: object) -> bool:
    """Return whether the memo keeps a value beyond a fold: small ones, which unrelated parts of a file may share."""
    if isinstance(value, (list, tuple)):
        return len(value) <= _SMALL and _NUMBERS.issuperset(map(type, value))
    if isinstance(value, dict):
        return len(value) <= _SMALL and _NUMBERS.issuperset(map(type, value.values()))
    if type(value) is bytes:
        return len(value) < 2
    return type(value) in _NUMBERS or (isinstance(value, Record) and value.stays)


class Machine(Window):
    """One pickle being read. Everything is open to the handlers, which are its methods in all but name."""

    __slots__ = (
        "archive", "built", "far", "fold", "gone", "held", "interned", "marks", "memo", "most", "names", "persistent",
        "push", "result", "shared", "since", "stack",
    )  # fmt: skip

    def __init__(
        self,
        stream: BinaryIO,
        source: str,
        names: Mapping[tuple[str, str], Make],
        fold: Fold | None,
        limit: int,
        most: int,
        persistent: Callable[[object], object] | None,
    ) -> None:
        super().__init__(stream, source, limit)
        self.most = most
        self.names, self.fold, self.persistent = names, fold, persistent
        self.stack: list[object] = []
        self.push = self.stack.append
        self.marks: list[list[object]] = []  # the stacks below the open marks
        self.memo: list[object] = []  # entries 0, 1, 2, ... as every pickler numbers them, but for those in the archive
        self.gone = 0  # how many are in the archive: those from HEAD on
        self.archive = Archive(HEAD, FORGOTTEN)
        self.far: dict[int, object] = {}  # entries numbered otherwise, and those replaced in the archive
        self.held: list[int] = []  # memo entries of containers, in the order they were set; kept only when folding
        self.since: dict[int, int] = {}  # id of an open dict -> len(held) when it was opened, -1 once it was fetched
        self.shared: dict[bytes, str] = {}
        self.interned = 0  # values that these count for
        self.built = 0  # values put into containers or made; what was dropped is taken off when `most` is reached
        self.result: object = None

    # ---- stack

    def mark(self) -> None:
        """Open a mark: what is pushed from now on is one group."""
        self.marks.append(self.stack)
        self.stack = []
        self.push = self.stack.append

    def group(self) -> list[object]:
        """Close the latest mark and return what was pushed since."""
        if not self.marks:
            raise RefusedError(f"a group ends that never began; {DOWNLOAD}")
        group = self.stack
        self.stack = self.marks.pop()
        self.push = self.stack.append
        return group

    # ---- how much is held

    def spend(self, values: int) -> None:
        """Count values that were built.

        Raises:
            RefusedError: more than `most` are held at once, or more on the stack than any pickler leaves there.
        """
        if len(self.marks) > MOST_MARKS:
            raise RefusedError(f"more than {MOST_MARKS} groups are open at once; no benchmark file does so")
        if len(self.stack) + sum(map(len, self.marks)) > MOST_OPEN:
            raise RefusedError(f"more than {MOST_OPEN} values wait on the stack; no benchmark file does so")
        self.built += values
        if self.built + self._listed() <= self.most:
            return
        self.built = held_values(
            [self.stack, *self.marks, self.memo, self.far.values(), self.archive.others], self.most
        )
        if self.built + self._listed() > self.most - (self.most >> 2):  # so that counting stays seldom
            raise RefusedError(
                f"more than {self.most - (self.most >> 2)} values are held at once, which no file of this kind needs; "
                "get the published file"
            )

    def _listed(self) -> int:
        """Return how many values the stacks and the memo count for, without what is in them."""
        stacks = len(self.stack) + sum(map(len, self.marks))
        notes = len(self.held) + len(self.since) + 2 * len(self.far)
        return stacks + notes + len(self.memo) + self.archive.weight + self.interned

    # ---- memo

    def put(self, index: int) -> None:
        """Remember the top of the stack under `index`."""
        value = self.stack[-1]
        if index == len(self.memo) + self.gone:
            self.memo.append(value)
        elif (at := self._at(index)) >= 0:
            self.memo[at] = value
        else:
            self.far[index] = value
        if type(value) is not str:
            self._note(value, index)

    def _at(self, index: int) -> int:
        """Return where in `memo` an entry is, -1 where it is not there."""
        at = index if index < HEAD else index - self.gone
        return at if at < len(self.memo) and (at >= HEAD or index < HEAD) else -1

    def look(self, index: int) -> object:
        """Return what is remembered under `index`, be it `Absent`."""
        at = self._at(index)
        if at >= 0:
            return self.memo[at]
        if index in self.far:
            return self.far[index]
        return self.archive.get(index) if HEAD <= index < HEAD + self.gone else UNSET

    def get(self, index: int) -> object:
        """Return what is remembered under `index`."""
        value = self.look(index)
        if isinstance(value, Absent):
            raise RefusedError(f"memo entry {index} {value.told}")
        if self.fold is not None and type(value) is dict and id(value) in self.since:
            self.since[id(value)] = -1
        return value

    def replace(self, index: int, value: object) -> None:
        """Remember `value` in place of what was under `index`."""
        at = self._at(index)
        if at >= 0:
            self.memo[at] = value
        elif index in self.far or not self.archive.replace(index, value):
            self.far[index] = value

    def _note(self, value: object, index: int) -> None:
        if isinstance(value, Record):
            value.places.append(index)
            self.built += 1
        if self.fold is not None and type(value) is not Name:
            self.held.append(index)

    # ---- folding

    def opened(self, value: dict[object, object]) -> None:
        """Note that a dict begins."""
        if self.fold is not None:
            self.since[id(value)] = len(self.held)

    def filled(self, value: dict[object, object]) -> None:
        """Let `fold` look at a dict, on top of the stack, that just got items; put in place of it what comes back."""
        folded = None if self.fold is None else self.fold(value)
        if folded is None or folded is value:
            return
        start = self.since.pop(id(value), len(self.held))
        if start < 0:
            raise RefusedError("a dict that is folded away refers to itself; get the published file")
        own: list[int] = []
        for index in self.held[start:]:
            found = self.look(index)
            if found is value:
                own.append(index)
                self.replace(index, folded)
            elif not _stays(found):
                self.replace(index, FORGOTTEN)
        self.held[start:] = own
        value.clear()
        self.stack[-1] = folded
        if len(self.memo) > HEAD + RECENT:
            self._put_away()

    def _put_away(self) -> None:
        """Put all memo entries from HEAD on into the archive."""
        entries = self.memo[HEAD:]
        del self.memo[HEAD:]
        unfinished = {id(value) for stack in (self.stack, *self.marks) for value in stack}
        self.archive.extend(entries, unfinished)
        self.gone += len(entries)
        for index in [index for index in self.far if HEAD + self.gone - len(entries) <= index < HEAD + self.gone]:
            del self.far[index]  # an entry of that number was set in its turn
