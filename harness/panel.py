"""The panel: the declared, hashed sample of architectures on which every ranking method is scored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from nasboard.harness.errors import UsageError
from nasboard.harness.space import (
    LARGEST_ENUMERATION,
    Archs,
    SearchSpace,
    check,
    enumerate_valid,
    from_index,
    sample,
    size,
    to_bytes,
)

PANEL_SEED = 1000
CLASSES = ("best-tenth", "worst-tenth")  # in names of panels that are drawn from these by the truth
KNOWN, FOUND = "known", "found-by"  # in names of panels that are all there are of their kind
LARGEST_INDEX = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Panel:
    """A named set of distinct architectures `(n, d)`, the same for every method that is compared on it."""

    name: str
    archs: Archs

    @property
    def identity(self) -> str:
        """Return `name:first twelve digits of the SHA-256 over the architectures`."""
        return f"{self.name}:{hashlib.sha256(to_bytes(self.archs)[0]).hexdigest()[:12]}"


def is_sample(panel: Panel) -> bool:
    """Return whether a panel was drawn, and so stands for more architectures than it has."""
    return f"-{KNOWN}" not in panel.name and f"-{FOUND}-" not in panel.name


def uniform(space: SearchSpace, n: int, seed: int = PANEL_SEED) -> Panel:
    """Return `n` distinct valid architectures drawn once, uniformly, ascending in lexicographic index.

    The panel's name says the seed where it is not the default one, so that panels of before keep their identity.

    Raises:
        UsageError: more architectures asked for than the space has, or fewer than two.
    """
    total = size(space)
    if not 2 <= n <= total:
        raise _too_few(space, f"{total:,}", n)
    rng = np.random.default_rng(seed)
    archs = _rows(space, rng, n) if total <= LARGEST_INDEX else None
    if archs is None or not space.valid(archs).all():
        archs = _valid_rows(space, rng, n)
    drawn = "" if seed == PANEL_SEED else f"-seed-{seed}"
    return Panel(f"{space.name}-uniform-{n}{drawn}", check(space, archs))


def _rows(space: SearchSpace, rng: Generator, n: int) -> Archs:
    """Return `n` distinct rows of the product; where all of them are valid, they are the panel."""
    return from_index(space, np.sort(rng.choice(size(space), n, replace=False)))


def _valid_rows(space: SearchSpace, rng: Generator, n: int) -> Archs:
    """Return `n` distinct valid rows: of all there are or, where a space is too large to list, of 4 n drawn."""
    listed = size(space) <= LARGEST_ENUMERATION
    found = enumerate_valid(space) if listed else np.unique(sample(space, rng, 4 * n), axis=0)
    if len(found) < n:
        raise _too_few(space, f"{len(found):,}" if listed else f"about {len(found):,}", n)
    return found[np.sort(rng.choice(len(found), n, replace=False))]


def _too_few(space: SearchSpace, there: str, n: int) -> UsageError:
    return UsageError(
        f"a panel of {space.name} has 2..{there} valid architectures, given {n:,}; set another "
        "`size` under [panel] in the suite"
    )
