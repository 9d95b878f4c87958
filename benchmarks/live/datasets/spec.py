"""Which images a live benchmark stands on, as a part of its name: `cifar10`, `cifar10?size=16&train=5000`. No torch.

Knows names and numbers; whether such images are there is found out when they are opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from nasboard.harness.errors import UnknownNameError, UsageError

NUMBERS = ("train", "val", "size")


@dataclass(frozen=True, slots=True)
class Base:
    """What a data set is when nothing is left out.

    Attributes:
        side: pixels a side.
        inputs: channels.
        classes: number of them.
        images: part -> number of images.
        kind: of the table that it is imported as, where that has another name.
    """

    side: int
    inputs: int
    classes: int
    images: Mapping[str, int]
    kind: str | None = None


BASES: Mapping[str, Base] = MappingProxyType(
    {
        "digits": Base(8, 1, 10, {"train": 300, "val": 500, "test": 997}),
        "cifar10": Base(32, 3, 10, {"train": 25_000, "val": 25_000, "test": 10_000}),
        "cifar100": Base(32, 3, 100, {"train": 50_000, "val": 5_000, "test": 5_000}),
        "cifar100-halved": Base(32, 3, 100, {"train": 25_000, "val": 25_000, "test": 10_000}, "cifar100"),
        "svhn": Base(32, 3, 10, {"train": 36_629, "val": 36_628, "test": 26_032}),
        "ImageNet16-120": Base(16, 3, 120, {"train": 151_700, "val": 3_000, "test": 3_000}),
    }
)


@dataclass(frozen=True, slots=True)
class DataSpec:
    """A data set and what is taken of it; absent options take all there is.

    Attributes:
        base: one of `BASES`.
        train: how many training images, drawn once, classes in proportion; fewer ones are a part of more.
        val: how many validation images, likewise.
        size: pixels a side that images are averaged down to.
        version: of the imported table, where there are several; the option `data`.
    """

    base: str
    train: int | None = None
    val: int | None = None
    size: int | None = None
    version: str | None = None

    @property
    def options(self) -> dict[str, str]:
        """Return the options of a benchmark's name that say this."""
        told = {key: getattr(self, key) for key in NUMBERS} | {"data": self.version}
        return {key: str(value) for key, value in told.items() if value is not None}

    @property
    def name(self) -> str:
        """Return the name, options sorted."""
        tail = "&".join(f"{key}={value}" for key, value in sorted(self.options.items()))
        return f"{self.base}?{tail}" if tail else self.base

    @property
    def kind(self) -> str:
        """Return the kind of the table that it is imported as."""
        return BASES[self.base].kind or self.base

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return pixels a side, channels and classes."""
        base = BASES[self.base]
        return self.size or base.side, base.inputs, base.classes

    def images(self, *parts: str) -> int:
        """Return how many images are in `parts` together, by name and published files alone."""
        wanted = {"train": self.train, "val": self.val}
        return sum(wanted.get(part) or BASES[self.base].images[part] for part in parts)


def data_spec(base: str, options: Mapping[str, str]) -> DataSpec:
    """Return what a data set's name and the options of a benchmark's name say; options of others are passed over.

    A number that takes all there is says nothing, so that equal images have one name.

    Raises:
        UnknownNameError: no data set has that name.
        UsageError: a number is none, below 1, or above what there is; a size is no whole fraction.
    """
    if base not in BASES:
        raise UnknownNameError("data set", base, tuple(BASES))
    numbers = {key: _number(key, options[key]) for key in NUMBERS if key in options}
    there = BASES[base]
    for part in ("train", "val"):
        if numbers.get(part, 1) > there.images[part]:
            raise UsageError(f"{base} has {there.images[part]:,} {part} images, given {part}={numbers[part]}")
    if there.side % numbers.get("size", 1):
        sizes = ", ".join(str(side) for side in range(1, there.side + 1) if there.side % side == 0)
        raise UsageError(f"size={numbers['size']}: {base} of {there.side} pixels a side is averaged down to {sizes}")
    whole = {"size": there.side, **there.images}
    taken = {key: value for key, value in numbers.items() if value != whole[key]}
    return DataSpec(base, version=options.get("data"), **taken)


def _number(key: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or text.startswith("0") or len(text) > 9:
        raise UsageError(f"{key} is a whole number from 1 on, given {key}={text}")
    return int(text)
