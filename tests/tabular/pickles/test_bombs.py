"""Small files that ask for much memory: all of them end in an error long before they get it."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.pickles import stream as pickle_stream
from nasboard.tabular.pickles.stream import read_pickle
from nasboard.tabular.pickles.weight import held_values
from nasboard.tabular.tables.table import TableError
from tests.places import ROOT
from tests.tabular.pickles import code
from tests.tabular.pickles.packages import PACKED

SMALL = 1 << 18  # values: a twelfth of the default

CONTENT = code.raw(bytes(60_000)) + b"q\0"  # then many copies of it are asked for
FLOATS = code.name("numpy.core.numeric", "_frombuffer") + b"q\1" + code.dtype("u1", "|") + b"q\2"
SHAPE = code.group(code.number(60_000)) + b"q\3" + code.text("C") + b"q\4"
FOLD = code.text("fold") + b"Ns0"
MEMBERS = b"](" + b"".join(code.number(i) for i in range(20_000)) + b"e\x85q\0"

BOMBS: dict[str, tuple[bytes, Callable[[int], bytes]]] = {
    "lists": (b"]", lambda i: b"(" + b"]" * 1000 + b"e"),
    "lists of one": (b"]", lambda i: b"(" + b"]Na" * 1000 + b"e"),
    "dicts of one": (b"]", lambda i: b"(" + b"}NNs" * 1000 + b"e"),
    "sets": (b"]", lambda i: b"(" + b"\x8f" * 1000 + b"e"),
    "frozen sets": (b"]", lambda i: b"(" + b"(N\x91" * 1000 + b"e"),
    "a tuple in a tuple": (b"N", lambda i: b"\x85" * 1000),
    "the same again": (b"](", lambda i: b"N" + b"2" * 1000),
    "one value remembered often": (b"]", lambda i: b"\x94" * 1000),
    "one entry set again": (b"]", lambda i: b"q\0" * 1000),
    "entries far apart": (b"]", lambda i: b"".join(b"r" + (i * 500 + k + 9).to_bytes(4, "little") for k in range(500))),
    "strings": (b"]", lambda i: b"(" + b"".join(code.text(f"{i:030}{k:030}") for k in range(500)) + b"e"),
    "long strings": (b"]", lambda i: b"(" + code.text("\U0001f600" + "a" * 300) * 500 + b"e"),
    "very long strings": (b"]", lambda i: code.text("\U0001f600" + "a" * 4_000_000) + b"a"),
    "strings of Python 2": (b"]", lambda i: b"(" + (b"U\x1f" + b"a" * 31) * 500 + b"e"),
    "bytes": (b"]", lambda i: b"(" + (b"C\xff" + b"a" * 255) * 500 + b"e"),
    "long integers": (b"]", lambda i: b"(" + (b"\x8a\xff" + b"\x7f" * 255) * 500 + b"e"),
    "a line": (b"]", lambda i: b"V" + b"a" * 100_000 + b"\na"),
    "dtypes": (b"]", lambda i: b"(" + code.call(code.name("numpy", "dtype"), code.text("f8")) * 500 + b"e"),
    "arrays of the same bytes": (CONTENT + FLOATS + SHAPE + b"](", lambda i: b"h\1(h\0h\2h\3h\4tR"),
    "copies of a list": (MEMBERS + code.name("builtins", "set") + b"q\1](", lambda i: b"h\1h\0R"),
    "a list that grows while dicts are folded": (b"]q\0", lambda i: b"}h\0(" + b"]" * 1000 + b"e0" + FOLD),
}  # fmt: skip


class Endless(io.RawIOBase):
    """A stream that begins with one thing and goes on with another for ever."""

    def __init__(self, begin: bytes, unit: Callable[[int], bytes]) -> None:
        super().__init__()
        self._rest, self._unit, self._turn = b"\x80\x02" + begin, unit, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while len(self._rest) < len(buffer):
            self._rest += self._unit(self._turn)
            self._turn += 1
        buffer[:] = self._rest[: len(buffer)]
        self._rest = self._rest[len(buffer) :]
        return len(buffer)


def explode(kind: str, most_values: int) -> str:
    """Read a bomb and return the error."""
    stream = io.BufferedReader(Endless(*BOMBS[kind]))
    try:
        read_pickle(stream, source="bomb", most_values=most_values, fold=lambda value: 1 if "fold" in value else None)
    except TableError as error:
        return str(error)
    raise AssertionError(f"{kind} was read")


def measured(kinds: list[str], most_values: int) -> tuple[list[str], float]:
    """Return the errors, and the memory in MB that a process of its own took for them."""
    script = (
        "import resource, sys\n"
        "from tests.tabular.pickles.test_bombs import explode\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "before = peak()\n"
        "for kind in sys.argv[2:]:\n"
        "    print(explode(kind, int(sys.argv[1])))\n"
        "print(peak() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(most_values), *kinds],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *errors, took = done.stdout.splitlines()
    return errors, float(took)


def test_no_bomb_takes_much_more_memory_than_its_values_may() -> None:
    errors, took_mb = measured(list(BOMBS), SMALL)
    assert all("values are held at once" in error or "wait on the stack" in error for error in errors), errors
    assert took_mb < 120


def test_the_default_bounds_memory_too() -> None:
    errors, took_mb = measured(["lists"], pickle_stream.MOST_VALUES)
    assert "values are held at once" in errors[0]
    assert took_mb < 400


@pytest.mark.parametrize("packing", PACKED)
def test_a_bomb_is_refused_however_it_is_packed(tmp_path: Path, packing: str) -> None:
    from nasboard.tabular.pickles.files import open_payload

    path = tmp_path / "bomb"
    blob = np.random.default_rng(0).bytes(20_000)  # keeps the ratio of unpacked to packed bytes below what is refused
    path.write_bytes(PACKED[packing](b"\x80\x02" + code.raw(blob) + b"0](" + b"]" * 1_200_000 + b"e."))
    with pytest.raises(TableError, match=r"bomb: byte \d+, .*: more than \d+ values"), open_payload(path) as payload:
        read_pickle(payload.stream, source=str(path), most_values=SMALL)


def test_what_is_dropped_is_given_back() -> None:
    many = pickle.dumps([{"fold": [[i] * 9 for i in range(300)]} for _ in range(200)], 2)
    assert read_pickle(io.BytesIO(many), source="a", most_values=300_000, fold=lambda v: 1 if "fold" in v else None)
    with pytest.raises(TableError, match="more than 225000 values are held at once"):
        read_pickle(io.BytesIO(many), source="a", most_values=300_000)


def test_running_out_of_memory_at_the_end_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(value: object, source: str) -> None:
        raise MemoryError

    monkeypatch.setattr(pickle_stream, "_check_depth", exhausted)
    with pytest.raises(TableError, match="a, after byte 4: MemoryError"):
        read_pickle(io.BytesIO(b"\x80\x02N."), source="a")


def test_shared_values_are_counted_once_and_large_ones_for_more() -> None:
    inner = [1.5] * 100
    assert held_values([[inner, inner]], 10_000) == 100
    assert held_values([[{1: inner}, {2: inner}]], 10_000) == 104
    assert held_values([[np.zeros(8000)]], 10_000) >= 1000
    assert held_values([[b"a" * 64_000, {1}]], 10_000) >= 1000
    assert held_values([[list(range(1000)) for _ in range(1000)]], 10_000) < 20_000
