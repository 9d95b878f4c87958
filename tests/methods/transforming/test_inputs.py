"""Which spaces can be transformed, and that chance belongs to an input."""

from __future__ import annotations

import numpy as np
import pytest

from nasboard.benchmarks.live.catalogue import LIVE
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.errors import UsageError
from nasboard.methods.transforming.inputs import draw_ops, own_generator, transformable


def test_a_space_that_does_not_say_what_operations_may_become_is_refused() -> None:
    assert transformable(NB201Space(), "nat") == NB201Space()
    with pytest.raises(UsageError, match=r"nat puts cheaper .* nb1shot1-2 does not say .* `transitions`"):
        transformable(LIVE["nb1shot1-2-live"].space, "nat")


def test_an_input_has_chance_of_its_own_under_a_key() -> None:
    arch, other = np.array([[1, 2, 3], [1, 2, 4]], dtype=np.int16)
    told = [own_generator(key, row).random() for key, row in ((5, arch), (5, arch), (6, arch), (5, other))]
    assert told[0] == told[1]
    assert len(set(told)) == 3


def test_options_without_a_chance_are_never_drawn_wherever_they_stand() -> None:
    class Ends:
        """A generator of the two ends of what `random` may give, nearly."""

        def random(self, shape: tuple[int, ...]) -> np.ndarray:
            found = np.zeros(shape)
            found[1::2] = np.nextafter(1.0, 0.0)
            return found

    chances = np.array([[0.0, 0.3, 0.1, 0.0], [0.2, 0.0, 0.0, 0.0]])
    assert draw_ops(Ends(), chances, 4).tolist() == [[1, 0], [2, 0]] * 2  # type: ignore[arg-type]
    drawn = draw_ops(np.random.default_rng(0), chances, 10_000)[:, 0]
    assert (drawn == 1).mean() == pytest.approx(0.75, abs=0.02)
