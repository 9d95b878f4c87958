"""Elastic supernets small enough for tests, no tensor where it begins, so that a forgotten one shows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nasboard.benchmarks.live.supernets.elastic.supernet import ElasticSupernet
from nasboard.benchmarks.spaces.layerwise import SPACES, LayerSpace
from nasboard.benchmarks.spaces.macros import OFA_8, LayersMacro
from nasboard.benchmarks.spaces.relaxation import Allowed

SPACE = SPACES["ofa-digits"]


def supernet(space: LayerSpace = SPACE, macro: LayersMacro = OFA_8, allowed: Allowed | None = None) -> ElasticSupernet:
    rng = np.random.default_rng(0)
    net = ElasticSupernet(space, macro, rng, allowed).double()
    with torch.no_grad():
        for tensor in net.parameters():
            tensor.add_(torch.from_numpy(rng.normal(0, 0.1, tuple(tensor.shape))))
    return net


def images(macro: LayersMacro = OFA_8, n: int = 6) -> Tensor:
    return torch.from_numpy(np.random.default_rng(2).standard_normal((n, macro.inputs, macro.image, macro.image)))


def largest(space: LayerSpace = SPACE) -> np.ndarray:
    return np.array([len(slot.options) - 1 for slot in space.slots], dtype=np.int16)
