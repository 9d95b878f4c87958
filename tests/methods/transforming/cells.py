"""A tiny cell whose transformations can all be listed, and architectures of it."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from torch import nn

from nasboard.benchmarks.spaces.transitions.edge_cells import EdgeTransitions
from nasboard.methods.transforming.actions import released_actions
from nasboard.methods.transforming.policies.parts import plan
from nasboard.methods.transforming.teaching import Proposed, Transformer

NULL, SKIP, CONV1, CONV3 = range(4)
CELL = EdgeTransitions.one_cell(
    ((0, 1), (0, 2), (1, 2)), ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"), (NULL, SKIP, CONV1, CONV3)
)
ARCHS = np.array(list(product(range(4), repeat=3)), dtype=np.int16)  # (64, 3)
ONE = np.array([CONV3, SKIP, CONV1], dtype=np.int16)
TAKEN = np.array(list(product(range(3), repeat=3)))  # (27, 3): all that NAT's actions can do to three edges


def planned(of: EdgeTransitions = CELL, actions: int = 3) -> object:
    return plan(of, of.wiring(ARCHS[:1]), actions)


def transformer(policy: nn.Module, *, lr: float = 1e-2, entropy_weight: float = 0.0, acting=released_actions):  # type: ignore[no-untyped-def]
    adam = torch.optim.Adam(policy.parameters(), lr, (0.5, 0.999))
    return Transformer(CELL, policy, adam, acting, decay=0.99, entropy_weight=entropy_weight)


def proposed(made: Transformer, archs: np.ndarray, taken: np.ndarray) -> Proposed:
    choices = made.choices(archs)
    return Proposed(archs, CELL.put(archs, choices.put(taken)), choices, taken)
