"""The panel: the declared, hashed sample of architectures on which every ranking method is scored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, SearchSpace, check, from_index, size, to_bytes

PANEL_SEED = 1000


@dataclass(frozen=True, slots=True)
class Panel:
    """A named set of distinct architectures `(n, d)`, the same for every method that is compared on it."""

    name: str
    archs: Archs

    @property
    def identity(self) -> str:
        """Return `name:first twelve digits of the SHA-256 over the architectures`."""
        return f"{self.name}:{hashlib.sha256(to_bytes(self.archs)[0]).hexdigest()[:12]}"


def uniform(space: SearchSpace, n: int) -> Panel:
    """Return `n` distinct architectures drawn once, uniformly, ascending in lexicographic index.

    Raises:
        UsageError: more architectures asked for than the space has, or fewer than two.
    """
    total = size(space)
    if not 2 <= n <= total:
        raise UsageError(f"a panel of {space.name} has 2..{total} architectures, given {n}")
    chosen = np.sort(np.random.default_rng(PANEL_SEED).choice(total, n, replace=False))
    return Panel(f"{space.name}-uniform-{n}", check(space, from_index(space, chosen)))
