"""The policies that there are, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal

from numpy.random import Generator
from torch import nn

from nasboard.methods.transforming.policies.encoder import Encoder
from nasboard.methods.transforming.policies.gcn import Gcn
from nasboard.methods.transforming.policies.lstm import Lstm
from nasboard.methods.transforming.policies.mlp import Mlp
from nasboard.methods.transforming.policies.parts import Plan

PolicyName = Literal["gcn", "gcn_loops", "lstm", "mlp", "encoder"]
MakePolicy = Callable[[Plan, Generator], nn.Module]

POLICIES: Mapping[PolicyName, MakePolicy] = MappingProxyType(
    {
        "gcn": partial(Gcn, loops=False),
        "gcn_loops": partial(Gcn, loops=True),
        "lstm": Lstm,
        "mlp": Mlp,
        "encoder": Encoder,
    }
)
