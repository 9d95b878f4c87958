"""Walks everything reachable from an object, and says which of it shows test values.

References are followed as the garbage collector sees them, and through the bases of arrays. The walk stops at types and
modules, which are the program and not what was handed over.
"""

from __future__ import annotations

import gc
import mmap
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import BuiltinFunctionType, ModuleType
from typing import Literal

import numpy as np

from nasboard.harness.api import Benchmark
from nasboard.harness.errors import UsageError
from nasboard.harness.space import enumerate_valid, sample

Array = np.ndarray
Kind = Literal["benchmark", "truth", "images"]
SAME = 0.9999  # correlation from which on two columns show the same thing, in whatever unit


@dataclass(frozen=True)
class Secret:
    """What must not be reachable: the benchmark, columns of test accuracies and their bytes, rows of test images."""

    benchmark: Benchmark
    columns: Sequence[Array]
    patterns: frozenset[bytes]
    images: frozenset[bytes]


@dataclass(frozen=True)
class Leak:
    """One object that shows a secret."""

    kind: Kind
    what: str


def reachable(start: object) -> Iterator[object]:
    """Yield every object that can be reached from `start`, itself included, each once."""
    stop = {id(vars(module)) for module in list(sys.modules.values()) if isinstance(module, ModuleType)}
    seen: dict[int, object] = {}  # keeps what was seen alive, so that no id comes twice
    waiting = [start]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or id(thing) in stop or isinstance(thing, type | ModuleType | BuiltinFunctionType):
            continue
        seen[id(thing)] = thing
        yield thing
        waiting.extend(gc.get_referents(thing))
        if isinstance(thing, Array):
            waiting.append(thing.base)
            waiting.extend(thing.ravel().tolist() if thing.dtype == object else ())
        elif isinstance(thing, memoryview):
            waiting.append(thing.obj)


def secret(benchmark: Benchmark, images: Iterable[Array] = ()) -> Secret:
    """Return what a task on `benchmark` must not lead to: its truth, its test images, and other batches of `images`."""
    columns = () if trained(benchmark) else _columns(benchmark)
    # the columns as they lie in memory: as accuracies, and in whatever unit the benchmark itself keeps them
    arrays = (thing for thing in reachable(benchmark) if isinstance(thing, Array))
    kept = [array for array in arrays if any(_same(array, column) for column in columns)]
    kept += [*columns, *(column.astype(np.float32) for column in columns)]
    patterns = {array.tobytes() for array in kept}
    given = frozenset(np.asarray(image).tobytes() for batch in images for image in batch)
    return Secret(benchmark, columns, frozenset(patterns), given | test_images(benchmark)[0])


def trained(benchmark: Benchmark) -> bool:
    """Return whether the truth of a benchmark is trainings, so that it has no table of test values."""
    how = benchmark.context.trainings
    return how is not None and how.truth


def test_images(benchmark: Benchmark) -> tuple[frozenset[bytes], int]:
    """Return the bytes of the test images that are not among the search data too, and how many there are in all."""
    test, data = benchmark.context.test, benchmark.data()
    if test is None:
        return frozenset(), 0
    known = set() if data is None else {image.tobytes() for part in (data.train, data.val) for image in part[0]}
    images = [np.asarray(image).tobytes() for image in test()[0]]
    return frozenset(images) - known, len(images)


def _columns(benchmark: Benchmark) -> Sequence[Array]:
    """Return columns of test accuracies, each by itself and by isomorphism class."""
    try:
        archs = enumerate_valid(benchmark.space)
    except UsageError:
        archs = sample(benchmark.space, np.random.default_rng(0), 5_000)
    classes = np.unique(benchmark.space.canonical(archs), return_index=True)[1]
    by_seed = benchmark.truth_by_seed(archs)
    columns = [benchmark.truth(archs), *(() if by_seed is None else (by_seed, *by_seed.T))]
    transfer = benchmark.context.transfer
    columns += [] if transfer is None else list(transfer(archs).values())
    columns += [column[classes] for column in columns]
    return tuple(np.ascontiguousarray(column, dtype=np.float64).ravel() for column in columns)


def leaks(start: object, hidden: Secret) -> list[Leak]:
    """Return everything reachable from `start` that shows a secret."""
    found = []
    for thing in reachable(start):
        if thing is hidden.benchmark:
            found.append(Leak("benchmark", repr(type(thing))))
        elif isinstance(thing, Array):
            found += [Leak(kind, f"array {thing.shape}") for kind in _shown_by(thing, hidden)]
        elif isinstance(thing, mmap.mmap | bytes | bytearray):
            found += [Leak("truth", f"{type(thing).__name__} of {len(thing)}")] if _contains(thing[:], hidden) else []
        elif isinstance(thing, list | tuple) and len(thing) > 1 and all(isinstance(x, int | float) for x in thing):
            found += [
                Leak(kind, f"{type(thing).__name__} of {len(thing)}") for kind in _shown_by(np.array(thing), hidden)
            ]
    return found


def _shown_by(array: Array, hidden: Secret) -> set[Kind]:
    shown: set[Kind] = set()
    if _contains(array.tobytes(), hidden) or any(_same(array, column) for column in hidden.columns):
        shown.add("truth")
    if array.ndim > 1 and any(image.tobytes() in hidden.images for image in array):
        shown.add("images")
    return shown


def _contains(content: bytes | bytearray, hidden: Secret) -> bool:
    return any(pattern in content for pattern in hidden.patterns)


def _same(array: Array, column: Array) -> bool:
    """Return whether `array` is `column` up to unit and offset."""
    if array.size != column.size or array.dtype.kind not in "iuf":
        return False
    given = np.asarray(array, dtype=np.float64).ravel()
    if not np.isfinite(given).all() or given.std() == 0:
        return False
    return abs(float(np.corrcoef(given, column)[0, 1])) > SAME
