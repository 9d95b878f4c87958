"""Hypothesis strategies over search spaces, in one place."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from nasboard.harness.space import Arch, Archs, SearchSpace, sample


def archs(space: SearchSpace) -> st.SearchStrategy[Arch]:
    """Draw one architecture `(d,)`; slot by slot, but in a space with rules, by a seed."""
    some = np.random.default_rng(0).integers(0, space.choices, size=(100, len(space.choices))).astype(np.int16)
    if not space.valid(some).all():
        return st.integers(0, 2**32 - 1).map(lambda seed: sample(space, np.random.default_rng(seed), 1)[0])
    return st.tuples(*(st.integers(0, n - 1) for n in space.choices)).map(lambda row: np.array(row, dtype=np.int16))


def batches(space: SearchSpace, most: int = 8) -> st.SearchStrategy[Archs]:
    """Draw 1..most architectures `(n, d)`."""
    return st.lists(archs(space), min_size=1, max_size=most).map(np.stack)
