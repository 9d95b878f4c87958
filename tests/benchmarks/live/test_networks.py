"""Which spaces have supernets in half precision, and what is said where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live import networks
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.macros import DartsMacro, NB1Shot1Macro
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.harness.errors import UsageError

SMALL = DartsMacro(image=8, channels=4, cells=1)


def test_half_precision_reaches_the_supernet_of_darts_cells() -> None:
    images = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 3, 8, 8), dtype=np.float32))
    exact, half = (
        networks.supernet(SPACES["s2"], SMALL, np.random.default_rng(0), precision=p) for p in ("fp32", "bf16")
    )
    mix = torch.full((56,), 0.5)
    assert not torch.equal(exact(images, mix), half(images, mix))


def test_what_a_space_has_no_supernet_of_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="supernets of s2 are not compiled, nor fused"):
        networks.supernet(SPACES["s2"], SMALL, rng, compiled=True)
    with pytest.raises(UsageError, match="supernets of nb1shot1-1 are fp32"):
        networks.supernet(NB1Shot1Space.of(1), NB1Shot1Macro(), rng, precision="bf16")
    with pytest.raises(UsageError, match="no supernet of nb1shot1-1 cells in a DartsMacro"):
        networks.supernet(NB1Shot1Space.of(1), SMALL, rng)
