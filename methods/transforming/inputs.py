"""What a transformer is given: a space that can be transformed, architectures of it, and chance that is theirs alone.

What becomes of an architecture depends on nothing else in its batch, nor on how often it is asked for: whatever is
drawn for it comes from a generator of its own, seeded by a key of the run and its row.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator, default_rng

from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Bools, Floats, SearchSpace
from nasboard.harness.transitions import Ops, TransformableSpace


def transformable(space: SearchSpace, method: str) -> TransformableSpace:
    """Return the space, which says what its operations may become.

    Raises:
        UsageError: it does not.
    """
    if not isinstance(space, TransformableSpace):
        raise UsageError(
            f"{method} puts cheaper operations in the place of others, and {space.name} does not say which may be: "
            "give the space `transitions` (nasboard.harness.transitions), or search one that has them, such as nb201"
        )
    return space


def own_generator(key: int, arch: Arch) -> Generator:
    """Return the generator of an architecture `(d,)` under a key, the same whenever asked."""
    return default_rng([key, *arch.tolist()])


def draw_ops(rng: Generator, chances: Floats, n: int) -> Ops:
    """Return `n` draws `(n, e)` of one option of each edge, by chances `(e, options)` that need not add up to 1."""
    ends = chances.cumsum(axis=-1)
    drawn = rng.random((n, len(chances), 1)) * ends[:, -1:]
    last = chances.shape[1] - 1 - (chances[:, ::-1] > 0).argmax(axis=-1)
    taken: Ops = np.minimum((ends <= drawn).sum(axis=-1), last)
    return taken


def draw_uniform(rng: Generator, may: Bools, n: int) -> Ops:
    """Return `n` draws `(n, e)`, uniform over what each edge may have `(e, operations)`."""
    return draw_ops(rng, may.astype(np.float64), n)
