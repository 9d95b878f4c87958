"""The graph convolutions against a dense form written out, and what they see of a cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.supernets.saved import array
from nasboard.harness.transitions import Cell, Wiring
from nasboard.methods.transforming.policies.gcn import HIDDEN, LIFTED, Gcn
from nasboard.methods.transforming.policies.parts import EMBEDDED, Plan

CELLS = (Cell("normal", 2, 3), Cell("reduction", 2, 3))
PLAN = Plan(operations=9, cells=CELLS, inputs=2, nodes=5, width=2, edges=6, actions=3)
RNG = np.random.default_rng(3)


def wiring(n: int = 4, cells: int = 2) -> Wiring:
    """Return cells of three nodes with two edges each, as those of NAT are; two edges may come from the same node."""
    targets = np.tile(np.repeat([2, 3, 4], 2), cells)
    rng = np.random.default_rng(1)
    return Wiring(
        np.repeat(np.arange(cells), 6),
        targets,
        rng.integers(0, targets, (n, 6 * cells)),
        rng.integers(0, 9, (n, 6 * cells)),
    )


def made(*, loops: bool = False, plan: Plan = PLAN) -> Gcn:
    return Gcn(plan, np.random.default_rng(0), loops=loops).double()


def dense(net: Gcn, sources: np.ndarray, targets: np.ndarray, ops: np.ndarray) -> np.ndarray:
    """Return the logits `(k, actions)` of one cell of one architecture, nodes and edges one by one."""
    w = {name: array(tensor) for name, tensor in net.named_parameters()}
    inputs, width, nodes = 2, net.plan.width, 5
    x, a, seen = np.zeros((nodes, width * EMBEDDED)), np.zeros((nodes, nodes)), [0] * nodes
    x[:inputs] = w["inputs"]
    places = []
    for source, target, op in zip(sources, targets, ops, strict=True):
        places.append(seen[target])
        x[target, seen[target] * EMBEDDED : (seen[target] + 1) * EMBEDDED] = w["operations"][op]
        a[target, source] += 1
        seen[target] += 1
    if net.loops:
        a = (a + np.eye(nodes)) / (a + np.eye(nodes)).sum(axis=1, keepdims=True)
    x = x @ w["lift.weight"].T + w["lift.bias"]
    x = np.maximum(a @ x @ w["first"] + w["first_bias"], 0)
    z = (a @ x @ w["second"] + w["second_bias"]) @ w["head.weight"].T + w["head.bias"]
    return np.array([z[t].reshape(width, -1)[place] for t, place in zip(targets, places, strict=True)])


@pytest.mark.parametrize("loops", [False, True])
def test_logits_are_those_of_the_dense_form(loops: bool) -> None:
    net, given = made(loops=loops), wiring()
    found = net(given).detach().numpy()
    for arch in range(4):
        for cell in range(2):
            at = given.cells == cell
            wanted = dense(net, given.sources[arch, at], given.targets[at], given.ops[arch, at])
            assert np.allclose(found[arch, at], wanted, rtol=1e-9, atol=1e-9)


def test_sizes_are_those_of_the_release() -> None:
    sizes = {name: tuple(tensor.shape) for name, tensor in made().named_parameters()}
    assert (EMBEDDED, LIFTED, HIDDEN) == (100, 1024, 100)
    assert sizes == {
        "inputs": (2, 200),
        "operations": (9, 100),
        "lift.weight": (1024, 200),
        "lift.bias": (1024,),
        "first": (1024, 100),
        "first_bias": (100,),
        "second": (100, 100),
        "second_bias": (100,),
        "head.weight": (6, 100),
        "head.bias": (6,),
    }


def test_places_beyond_those_of_a_node_are_zero_so_that_the_form_with_two_is_a_part_of_wider_ones() -> None:
    net, wide = made(), made(plan=replace(PLAN, width=4))
    with torch.no_grad():
        for name, tensor in wide.named_parameters():
            mine = dict(net.named_parameters())[name]
            tensor[tuple(slice(size) for size in mine.shape)] = mine
        wide.inputs[:, 200:] = 0
    torch.testing.assert_close(wide(wiring()), net(wiring()))


@pytest.mark.parametrize("loops", [False, True])
def test_other_numbers_for_the_nodes_between_change_nothing(loops: bool) -> None:
    net, given = made(loops=loops), wiring(cells=1)
    given = replace(given, sources=np.minimum(given.sources, 1))  # of any order, since none leads to another
    given.sources[:, 4] = 3
    number = np.array([0, 1, 3, 4, 2])
    relabelled = replace(given, targets=number[given.targets], sources=number[given.sources])
    torch.testing.assert_close(net(relabelled), net(given))


def test_inputs_are_told_apart() -> None:
    given = wiring(cells=1)
    swapped = np.array([1, 0, 2, 3, 4])
    assert not torch.allclose(made()(replace(given, sources=swapped[given.sources])), made()(given))


@pytest.mark.parametrize("loops", [False, True])
def test_an_edge_sees_its_own_operation_with_loops_alone(loops: bool) -> None:
    """As published, the logits of a node come from what is two edges before it."""
    net, given = made(loops=loops), wiring(n=1, cells=1)
    other = replace(given, ops=(given.ops + (given.targets == 4)) % 9)  # no edge leads from the last node
    assert torch.allclose(net(given), net(other)) is not loops
