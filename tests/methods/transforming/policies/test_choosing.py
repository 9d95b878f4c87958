"""Every policy: its form, its chance, that it takes architectures one by one, and what it can tell apart."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.space import sample
from nasboard.methods.transforming.nat import Nat
from nasboard.methods.transforming.policies.choosing import POLICIES, PolicyName
from nasboard.methods.transforming.policies.parts import by_cell, plan
from tests.methods.transforming.policies.test_gcn import CELLS, PLAN, wiring

SPACE = NB201Space()
OF = SPACE.transitions
ARCHS = sample(SPACE, np.random.default_rng(0), 5)
every = pytest.mark.parametrize("name", POLICIES)


def made(name: PolicyName, seed: int = 0) -> torch.nn.Module:
    return POLICIES[name](PLAN, np.random.default_rng(seed))


def test_every_name_is_a_policy() -> None:
    assert set(get_args(PolicyName)) == set(POLICIES)


def test_the_plan_of_a_space_counts_its_widest_node() -> None:
    found = plan(OF, OF.wiring(ARCHS), 3)
    assert (found.operations, found.inputs, found.nodes, found.width, found.edges, found.actions) == (5, 1, 4, 3, 6, 3)


def test_edges_of_a_cell_have_a_place_at_the_node_they_lead_to() -> None:
    normal, reduction = by_cell(CELLS, wiring())
    assert normal.places.tolist() == reduction.places.tolist() == [0, 1] * 3
    assert reduction.at.tolist() == list(range(6, 12))


@every
def test_a_policy_puts_out_logits_for_each_edge_and_is_drawn_from_its_generator_alone(name: PolicyName) -> None:
    torch.manual_seed(0)
    first = made(name)(wiring())
    torch.manual_seed(1)
    assert torch.equal(made(name)(wiring()), first)
    assert first.shape == (4, 12, 3)
    assert first.detach().std() > 0.01
    assert not torch.equal(made(name, seed=1)(wiring()), first)


@every
def test_every_weight_is_learned(name: PolicyName) -> None:
    net = made(name)
    net(wiring(40)).pow(2).sum().backward()  # type: ignore[no-untyped-call]
    assert all(tensor.grad is not None and tensor.grad.abs().sum() > 0 for tensor in net.parameters())


@every
def test_an_architecture_is_judged_alone(name: PolicyName) -> None:
    net = made(name).double()
    together, given = net(wiring(4)), wiring(4)
    for i in range(4):
        alone = type(given)(given.cells, given.targets, given.sources[i : i + 1], given.ops[i : i + 1])
        torch.testing.assert_close(net(alone)[0], together[i])


@every
def test_cells_share_the_policy(name: PolicyName) -> None:
    given = wiring(4)
    swapped = type(given)(given.cells, given.targets, *(np.roll(a, 6, axis=1) for a in (given.sources, given.ops)))
    torch.testing.assert_close(made(name)(swapped), made(name)(given).roll(6, 1))


@every
def test_all_but_the_published_one_see_the_operation_of_an_edge(name: PolicyName) -> None:
    given = wiring(1)
    ops = np.where(given.targets == 4, (given.ops + 1) % 9, given.ops)  # into the last node, from which no edge leads
    before, after = (made(name)(each) for each in (given, type(given)(given.cells, given.targets, given.sources, ops)))
    assert torch.allclose(before, after) is (name == "gcn")


@pytest.mark.parametrize(("name", "low", "high"), [("gcn", -1.0, 0.05), ("lstm", 0.25, 0.4), ("encoder", 0.25, 0.4)])
def test_who_sees_operations_learns_where_a_skip_is_better_and_where_it_is_not(
    name: PolicyName, low: float, high: float
) -> None:
    """A skip in place of null or a pooling is worth 1, a change of a convolution -1; the best there is is 2 in 5."""
    rng = np.random.default_rng(0)
    learned = Nat(policy=name, policy_lr=1e-3, entropy_weight=0.01).transformer(SPACE, rng)
    rewards = []
    for _ in range(100):
        proposal = learned.propose(sample(SPACE, rng, 16), rng)
        before, after = proposal.before, proposal.after
        worth = np.isin(before, (0, 4)) * 1.0 * (after == 1) - np.isin(before, (2, 3)) * 1.0 * (after != before)
        rewards.append(learned.learn(proposal, worth.mean(axis=1))["reward"])
    assert low < np.mean(rewards[-40:]) < high


@pytest.mark.parametrize("graded", [False, True])
def test_a_method_makes_the_policy_that_it_names(graded: bool) -> None:
    for name in POLICIES:
        learned = Nat(policy=name, graded=graded).transformer(SPACE, np.random.default_rng(0))
        assert learned.choices(ARCHS).log_probs.shape == (5, 6, 5 if graded else 3)
