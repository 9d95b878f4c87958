"""DARTS-PT: what is decided, by what, in which order, and what a run is resumed from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from nasboard.benchmarks.live.supernets.supernet import PLAIN, Pass
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.relaxation import cuts, size
from nasboard.methods.differentiable.bilevel.measuring import GAP
from nasboard.methods.differentiable.bilevel.perturbation import Perturbed, decisions
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.darts_pt import DartsPt
from nasboard.methods.differentiable.sdarts_rs import SdartsRs
from tests.contracts.matrix import Toy
from tests.methods import live

SHORT = DartsPt(epochs=2, batch=32, eigenvalue_every=0, tune_epochs=2)


def planted(search: Search, worth: Tensor, *, by_loss: bool = False) -> None:
    """Let the supernet be as good as the share of `worth` `(m,)` that has any weight in a mixture, and tuning idle.

    That share of the images is classified rightly; or, by the loss, all of them are, the surer the larger it is.
    """
    labels = search.parts.scored.labels
    right, wrong = (torch.nn.functional.one_hot((labels + k) % 10, 10).float() for k in (0, 1))

    def forward(images: Tensor, mix: Tensor, how: Pass = PLAIN) -> Tensor:
        share = float((worth * (mix > 0)).sum() / worth.sum())
        if by_loss:
            return right * (1 + share)
        return torch.where(torch.arange(len(images))[:, None] < share * len(images), right, wrong)

    search.net.forward = forward  # type: ignore[method-assign, assignment]
    search.tune = lambda lr: {"loss": lr}  # type: ignore[method-assign]


def played(search: Search) -> list[float]:
    """Return the rates of tuning; the search counts as over."""
    search.epoch, run, rates = search.method.epochs, Perturbed(search), []
    while not run.over:
        rates.append(float(run.advance()["loss"]))
    return rates


@pytest.mark.parametrize("space", ["digits201-live", "s2-digits"])
def test_the_gap_is_from_the_supernet_before_the_first_decision_to_the_cell_derived(space: str) -> None:
    search = live.search(replace(SHORT, lr=0.1, tune_epochs=1), Toy(space).data())
    run, scored = Perturbed(search), search.parts.scored
    while not search.over:
        run.advance()

    def accuracy(logits: Tensor) -> float:
        return float((logits.argmax(1) == scored.labels).double().mean())

    before = accuracy(search.net(scored.images, search.full(search.mixture())))
    while not run.over:
        gap = run.advance()[GAP]
        alone = search.net.network(run.incumbent)(scored.images)
        assert gap == pytest.approx(before - accuracy(alone), abs=0.03)


def test_the_option_stays_whose_removal_hurts_most_whatever_alpha_says() -> None:
    search, matters = live.search(SHORT), [3, 0, 4, 1, 2, 3]
    worth = torch.full((6, 5), 0.1)
    worth[range(6), matters] = 2.0
    planted(search, worth.flatten())
    with torch.no_grad():
        search.alpha.copy_(-5 * worth.flatten())
    assert search.derived().tolist() != matters
    rates = played(search)
    assert search.derived().tolist() == matters
    assert len(rates) == 2 * 5 + 1  # two epochs follow each decision, one the last
    assert rates[0] == pytest.approx(0.0025)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0.001


@pytest.mark.parametrize("name", ["darts-digits", "nb1shot1-2-live"])
def test_equal_accuracies_are_told_apart_by_the_loss_and_as_many_edges_stay_as_are_taken(name: str) -> None:
    data = Toy(name).data()
    search = replace(SHORT, tune_epochs=1).open(live.task(), data)
    space, rng = data.space, np.random.default_rng(3)
    worth = torch.from_numpy(rng.permutation(size(space.groups)) + 1.0).float()
    planted(search, worth, by_loss=True)
    played(search)
    arch = search.derived()
    want = worth.double().numpy().copy()
    if name == "darts-digits":  # an edge hurts as much as the option that stays on it, which is not `none`
        for group, at in zip(space.groups, cuts(space.groups), strict=True):
            left_out = [at.start + i for i in range(len(group.options)) if i not in group.takeable]
            want[left_out] = 0.0
    assert arch.tolist() == space.derive(want).tolist()


def test_operations_come_before_topology_and_none_is_no_candidate_where_it_cannot_be_taken() -> None:
    operations, topology = decisions(SPACES["darts"].groups)
    assert len(operations) == 28
    assert [(d.name, len(d.parts), d.kept) for d in topology] == [
        (f"{cell} {node}", node, 2) for cell in ("normal", "reduction") for node in (3, 4, 5)
    ]
    assert {len(d.parts) for d in operations} == {7}
    weighed = replace(SPACES["darts"], edge_weights=True)
    assert {d.name.split()[0] for d in decisions(weighed.groups)[1]} == {"edges"}
    kinds = {group.name: group.kind for group in NB1Shot1Space.of(2).groups}
    operations, topology = decisions(NB1Shot1Space.of(2).groups)
    assert {kinds[d.name] for d in operations} == {"operation"}
    assert {kinds[d.name] for d in topology} == {"input", "output"}


def test_smoothing_leaves_alone_what_is_decided_and_alpha_gets_no_gradient_there() -> None:
    search = live.search(replace(SdartsRs(epochs=2, batch=32), derivation="perturbation", tune_epochs=1))
    run, seen = Perturbed(search), []
    while not run.over:
        logs = run.advance()
        settled = search.settled
        if settled is not None:
            full = search.full(torch.full_like(search.alpha, 0.2))
            assert torch.equal(full[settled.at], settled.mix[settled.at])
            assert torch.all(search.alpha_gradient(search.parts.scored, search.parts.scored)[settled.at] == 0)
            seen.append((int(settled.at.sum()), logs["decided"]))
    assert seen == [(5 * k, k) for k in range(1, 7)]
    assert search.full(search.mixture()).tolist() == search.net.mixtures(search.derived()[None])[0].tolist()


def test_the_mixture_may_stay_as_it_was_drawn_in_search_and_tuning() -> None:
    search = live.search(replace(SHORT, alpha_from=2))
    before, run = search.alpha.detach().clone(), Perturbed(search)
    while not run.over:
        run.advance()
    assert torch.equal(search.alpha, before)


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
