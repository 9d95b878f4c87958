"""What the harness takes of a checkpoint: its record, panels ranked and transformed, and a network measured, if due.

A method never sees what a network is measured on: test images are asked for when there is one to measure, and let go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from nasboard.harness.api import Benchmark, Checkpoint, Images, Labels, Logged, Logits, Observation
from nasboard.harness.context import Quality
from nasboard.harness.errors import MethodError, UsageError
from nasboard.harness.record import RunKey, StepRecord
from nasboard.harness.space import Arch, Archs, Floats, check, check_row, enumerate_all
from nasboard.harness.store import Store
from nasboard.harness.transitions import TransformableSpace, check_transformed
from nasboard.harness.truth import blamed

CHUNK = 250  # images at a time
MOST_LOGGED = 4096  # numbers of an array that is logged


@dataclass(frozen=True, slots=True)
class Measure:
    """Turns a checkpoint into its record: checks it, ranks and transforms panels as the key says, tests a network."""

    key: RunKey
    benchmark: Benchmark
    panel: Archs | None
    inputs: Mapping[str, Archs] = field(default_factory=dict)  # identity -> architectures to transform
    known: dict[object, str] = field(default_factory=dict)  # an incumbent mostly stays for many steps

    @classmethod
    def of(cls, key: RunKey, store: Store, benchmark: Callable[[str], Benchmark]) -> Measure:
        """Return what measures the run of a key, with its panels from the store."""
        inputs = {identity: store.panel(identity).archs for identity in key.inputs or ()}
        return cls(key, benchmark(key.benchmark), None if key.panel is None else store.panel(key.panel).archs, inputs)

    def record(self, seen: Checkpoint, cost_s: float, wall_s: float) -> StepRecord:
        """Return the record of a checkpoint.

        Raises:
            MethodError: logs, scores or logits that are not finite or of the wrong shape, or what cannot be measured;
                a transformation that is not allowed, or costs more.
            SpecError: an incumbent outside the space, or what an architecture became.
        """
        if seen.transform is not None and not self.inputs and seen.rank is None and seen.incumbent is None:
            raise MethodError("nothing of transform is measured; say under [inputs] of a suite which architectures are")
        incumbent = None if seen.incumbent is None else self._spec(seen.incumbent)
        logs = {name: _logged(seen.step, name, value) for name, value in seen.logs.items()}
        scores = all_scores = None
        if seen.rank is not None and self.panel is not None:
            if seen.last or seen.step % self.key.rank_every == 0:
                scores = _scores(seen, self.panel)
            if seen.last and self.key.rank_all:
                space = self.benchmark.space
                archs = enumerate_all(space)
                all_scores = _scores(seen, archs[space.valid(archs)])
        became = dict(self._transformed(seen)) if seen.last else {}
        return StepRecord(seen.step, cost_s, wall_s, incumbent, logs, scores, all_scores, self._tested(seen), became)

    def check_ended(self, last: Checkpoint | None) -> None:
        """Raise MethodError where what a run would transform was never asked for, as no checkpoint was the last."""
        if last is not None and last.transform is not None and self.inputs and not last.last:
            raise MethodError(f"step {last.step}: panels are transformed at the last step; set `last` on it")

    def visited(self, seen: Checkpoint) -> Iterator[tuple[list[int], Observation]]:
        """Yield what a checkpoint says was looked at in its step: the choices of each architecture, and what was seen.

        Raises:
            MethodError: what was seen is no accuracy in [0, 1], or no cost.
            SpecError: an architecture outside the space.
        """
        for arch, told in seen.visited:
            row = check_row(self.benchmark.space, arch)
            self._spec(arch)
            if not (0.0 <= told.val_accuracy <= 1.0 and 0.0 <= told.cost_s < np.inf):
                raise MethodError(
                    f"step {seen.step}: visited {row} with accuracy {told.val_accuracy} for {told.cost_s} s, allowed "
                    "are accuracies in [0, 1] and finite costs of at least 0"
                )
            yield row, told

    def _spec(self, arch: Arch) -> str:
        name = (arch.shape, arch.dtype.char, arch.tobytes()) if isinstance(arch, np.ndarray) else None
        if name not in self.known:
            space = self.benchmark.space
            check_row(space, arch)  # what is no array has no place here
            self.known[name] = space.decode(check(space, arch[None])[0])
        return self.known[name]

    def _transformed(self, seen: Checkpoint) -> Iterator[tuple[str, Archs]]:
        """Yield what a checkpoint makes of each panel that is transformed: identity, architectures `(n, d)`."""
        if seen.transform is None:
            return
        for identity, archs in self.inputs.items():
            yield identity, transformed(seen.transform, archs, self.benchmark, f"step {seen.step}")

    def _tested(self, seen: Checkpoint) -> float | None:
        """Return the test accuracy, or the benchmark's quality, of the network of the last step; None without one."""
        if seen.network is None and seen.generate is None:
            return None
        test, quality = self.benchmark.context.test, self.benchmark.context.quality
        if test is None:
            raise MethodError(f"{self.benchmark.name} has no test images to measure a network on; yield rank instead")
        wanted = seen.network if quality.of is None else seen.generate
        if wanted is None:
            what = "a network that classifies" if quality.of is None else "a generator"
            raise MethodError(f"step {seen.step}: the {quality.name} of {self.benchmark.name} is of {what}; yield that")
        if not seen.last:
            return None
        images, labels = test()
        if len(images) != len(labels) or not len(images):
            raise UsageError(f"{self.benchmark.name} has {len(images)} test images with {len(labels)} labels; mend it")
        if quality.of is None:
            assert seen.network is not None
            return accuracy(seen.network, images, labels, f"step {seen.step}")
        assert seen.generate is not None
        return made(seen.generate, quality, images, f"step {seen.step}")


def accuracy(network: Callable[[Images], Logits], images: Images, labels: Labels, where: str) -> float:
    """Return the share of images `(n, c, h, w)` that a network puts into their class, in [0, 1]; `where` is told.

    Raises:
        MethodError: logits of another shape than `(n, classes)`, or not finite.
    """
    correct, least = 0, int(labels.max()) + 1
    for at in range(0, len(images), CHUNK):
        some = images[at : at + CHUNK].copy()  # a copy, to do with as it likes
        logits = np.asarray(network(some))
        if logits.ndim != 2 or len(logits) != len(some) or logits.shape[1] < least or logits.dtype.kind != "f":
            raise MethodError(
                f"{where}: network returned {logits.dtype} {logits.shape} for {len(some)} images, allowed are logits "
                f"({len(some)}, classes) of at least {least} classes"
            )
        if not np.isfinite(logits).all():
            raise MethodError(f"{where}: network returned {np.sum(~np.isfinite(logits))} logits that are not finite")
        correct += int((logits.argmax(axis=1) == labels[at : at + CHUNK]).sum())
    return correct / len(images)


def made(generate: Callable[[int], Images], quality: Quality, images: Images, where: str) -> float:
    """Return the quality, as it is held, of what a generator makes beside test images `(n, c, h, w)`; `where` is told.

    Raises:
        MethodError: images of another number, form or type than was asked for, or not finite.
        UsageError: the benchmark's own measure is no finite number in its range.
    """
    found = generate(quality.made)
    allowed = (quality.made, *images.shape[1:])
    if found.shape != allowed or found.dtype != images.dtype or not np.isfinite(found).all():
        raise MethodError(
            f"{where}: generate returned {found.dtype} {found.shape} for {quality.made} images, allowed are finite "
            f"{images.dtype} {allowed}, as the data set keeps them"
        )
    assert quality.of is not None
    with blamed(quality.name):
        value = quality.turned(float(quality.of(found, images)))
    if not quality.range[0] <= value <= quality.range[1] or not np.isfinite(value):
        raise UsageError(f"{where}: the {quality.name} is {value} as it is held, allowed is {quality.range}; mend it")
    return value


def transformed(transform: Callable[[Archs], Archs], archs: Archs, benchmark: Benchmark, where: str) -> Archs:
    """Return what architectures `(n, d)` become, checked; `where` is told.

    Raises:
        MethodError: another number of them, an operation that is not allowed, or parameters or multiply-adds that rise.
        SpecError: one that is not in the space.
    """
    space, context = benchmark.space, benchmark.context
    found = check(space, transform(archs.copy()))
    if len(found) != len(archs):
        raise MethodError(f"{where}: transform returned {len(found)} architectures for {len(archs)}")
    if isinstance(space, TransformableSpace):
        check_transformed(space.transitions, archs, found)
    if context.counted is not None:
        with blamed(f"{benchmark.name}: counted"):
            before, after = context.counted(archs), context.counted(found)
        for name, counts in before.items():
            dearer = np.flatnonzero(after[name] > counts)
            if len(dearer):
                row = int(dearer[0])
                raise MethodError(
                    f"{where}: transform raised the {name.replace('_', '-')} of {space.decode(archs[row])} from "
                    f"{counts[row]:.0f} to {after[name][row]:.0f}; a transformation never costs more"
                )
    return found


def _scores(seen: Checkpoint, archs: Archs) -> Floats:
    assert seen.rank is not None
    found = np.asarray(seen.rank(archs.copy()))
    if found.shape != (len(archs),):
        raise MethodError(f"step {seen.step}: rank returned shape {found.shape} for {len(archs)} architectures")
    if not np.isfinite(found).all():
        raise MethodError(f"step {seen.step}: rank returned {np.sum(~np.isfinite(found))} scores that are not finite")
    return found.astype(np.float64)


def _logged(step: int, name: str, value: Logged) -> Logged:
    """Return a log as it is stored: a number, or an array of its own."""
    found = np.array(value, dtype=np.float64)
    if not np.isfinite(found).all():
        told = found if found.ndim == 0 else f"not finite at {np.argwhere(~np.isfinite(found))[0].tolist()}"
        raise MethodError(f"step {step}: log {name!r} is {told}; log finite numbers only")
    if found.size > MOST_LOGGED or (found.ndim and not found.size):
        raise MethodError(f"step {step}: log {name!r} has {found.size} numbers; log 1 to {MOST_LOGGED} of them")
    if found.ndim > 2:
        raise MethodError(f"step {step}: log {name!r} has the shape {found.shape}; log a number, `(m,)` or `(m, k)`")
    return found if found.ndim else float(found)
