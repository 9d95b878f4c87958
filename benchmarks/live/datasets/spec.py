"""Which images a live benchmark stands on, as a part of its name: `cifar10`, `cifar10?size=16&train=5000`. No torch.

Knows names and numbers; whether such images are there is found out when they are opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nasboard.harness.errors import UnknownNameError, UsageError

BASES = ("digits", "cifar10", "cifar100", "svhn", "ImageNet16-120")
NUMBERS = ("train", "val", "size")
OPTIONS = (*NUMBERS, "data")


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


def data_spec(base: str, options: Mapping[str, str]) -> DataSpec:
    """Return what a data set's name and the options of a benchmark's name say; options of others are passed over.

    Raises:
        UnknownNameError: no data set has that name.
        UsageError: a number is none, or below 1.
    """
    if base not in BASES:
        raise UnknownNameError("data set", base, BASES)
    numbers = {key: _number(key, options[key]) for key in NUMBERS if key in options}
    return DataSpec(base, version=options.get("data"), **numbers)


def _number(key: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or text.startswith("0") or len(text) > 9:
        raise UsageError(f"{key} is a whole number from 1 on, given {key}={text}")
    return int(text)
