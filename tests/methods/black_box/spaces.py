"""Made-up spaces for methods: slots of unequal sizes, one with a rule, one too large to hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasboard.harness.space import Arch, Archs, Bools, Ints


@dataclass(frozen=True)
class Free:
    """Every combination is an architecture."""

    choices: tuple[int, ...] = (2, 5, 1, 3)
    name: str = "free"

    def encode(self, spec: str) -> Arch:
        return np.array([int(part) for part in spec.split("-")], dtype=np.int16)

    def decode(self, arch: Arch) -> str:
        return "-".join(map(str, arch))

    def canonical(self, archs: Archs) -> Ints:
        return np.unique(archs, axis=0, return_inverse=True)[1].astype(np.int64)

    def valid(self, archs: Archs) -> Bools:
        return np.ones(len(archs), dtype=np.bool_)


@dataclass(frozen=True)
class Ruled(Free):
    """Valid is what sums to a multiple of `step`; the share of such rows is about one in `step`."""

    choices: tuple[int, ...] = (4, 5, 3, 2, 6)
    name: str = "ruled"
    step: int = 3

    def valid(self, archs: Archs) -> Bools:
        rules: Bools = archs.astype(np.int64).sum(axis=1) % self.step == 0
        return rules
