"""What policies are built of: weights drawn from a run's generator, and an architecture as the tables they look up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from nasboard.harness.transitions import Cell, Transitions, Wiring

EMBEDDED = 100  # numbers that stand for an operation; the release


@dataclass(frozen=True, slots=True)
class Plan:
    """What all architectures of a space have in common.

    Attributes:
        operations: how many there are.
        cells: the graphs.
        inputs: the most inputs that one of them has.
        nodes: the most nodes that one of them has, inputs among them.
        width: the most edges that lead to one node.
        edges: the most edges of one cell.
        actions: how many actions each edge has.
    """

    operations: int
    cells: tuple[Cell, ...]
    inputs: int
    nodes: int
    width: int
    edges: int
    actions: int


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of one cell of n architectures.

    Attributes:
        cell: its graph.
        at: `(k,)`: where they are among all edges.
        targets: `(k,)`: the node that each leads to.
        places: `(k,)`: how many edges lead to the same node before it.
        sources: `(n, k)`: where each comes from.
        ops: `(n, k)`: what is on it.
    """

    cell: Cell
    at: NDArray[np.int64]
    targets: Tensor
    places: Tensor
    sources: Tensor
    ops: Tensor


def plan(of: Transitions, wiring: Wiring, actions: int) -> Plan:
    """Return what the architectures of a space have in common; `wiring` is of any of them."""
    nodes = [cell.inputs + cell.nodes for cell in of.cells]
    cells = [*by_cell(of.cells, wiring)]
    width, edges = 1 + max(int(each.places.max()) for each in cells), max(len(each.at) for each in cells)
    return Plan(len(of.operations), of.cells, max(cell.inputs for cell in of.cells), max(nodes), width, edges, actions)


def by_cell(cells: tuple[Cell, ...], wiring: Wiring) -> Iterator[Edges]:
    """Yield the edges of each cell that has any."""
    for number, cell in enumerate(cells):
        at = np.flatnonzero(wiring.cells == number)
        targets = wiring.targets[at]
        places = [int((targets[:i] == target).sum()) for i, target in enumerate(targets)]
        if len(at):
            yield Edges(
                cell,
                at,
                torch.tensor(targets),
                torch.tensor(places),
                torch.tensor(wiring.sources[:, at]),
                torch.tensor(wiring.ops[:, at]),
            )


def uniform(rng: Generator, bound: float, *size: int) -> nn.Parameter:
    """Return a parameter drawn from [-bound, bound]."""
    return nn.Parameter(torch.from_numpy(rng.uniform(-bound, bound, size).astype(np.float32)))


def normal(rng: Generator, *size: int) -> nn.Parameter:
    """Return a parameter drawn from the standard normal distribution."""
    return nn.Parameter(torch.from_numpy(rng.standard_normal(size).astype(np.float32)))


class Cellwise(nn.Module):
    """A policy that looks at one cell of an architecture after the other, with the same weights."""

    def __init__(self, plan: Plan) -> None:
        """Take over what all architectures have in common."""
        super().__init__()
        self.plan = plan

    def forward(self, wiring: Wiring) -> Tensor:
        """Return the logits `(n, e, actions)` of architectures."""
        cells = [*by_cell(self.plan.cells, wiring)]
        logits = torch.cat([self.of_cell(edges) for edges in cells], 1)
        return logits[:, np.argsort(np.concatenate([edges.at for edges in cells]))]

    def of_cell(self, edges: Edges) -> Tensor:
        """Return the logits `(n, k, actions)` of the edges of one cell."""
        raise NotImplementedError


class Tokens(nn.Module):
    """An edge as a sum of three embeddings: of its operation, of where it comes from, and of where it leads to."""

    def __init__(self, plan: Plan, rng: Generator) -> None:
        """Draw the embeddings."""
        super().__init__()
        self.operations = normal(rng, plan.operations, EMBEDDED)
        self.sources, self.targets = normal(rng, plan.nodes, EMBEDDED), normal(rng, plan.nodes, EMBEDDED)

    def forward(self, edges: Edges) -> Tensor:
        """Return `(n, k, EMBEDDED)`."""
        return self.operations[edges.ops] + self.sources[edges.sources] + self.targets[edges.targets]


class Linear(nn.Module):
    """A linear map with a bias, both drawn from [-1/sqrt(into), 1/sqrt(into)], as torch's own starts."""

    def __init__(self, rng: Generator, into: int, out: int) -> None:
        """Draw the weights."""
        super().__init__()
        self.weight, self.bias = uniform(rng, 1 / sqrt(into), out, into), uniform(rng, 1 / sqrt(into), out)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(..., out)` of `x` `(..., into)`."""
        return F.linear(x, self.weight, self.bias)
