"""PC-DARTS: partial channels, weights of edges, the late start; the rest is DARTS."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasboard.benchmarks.spaces.relaxation import cuts
from nasboard.harness.errors import UsageError
from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.pc_darts import PcDarts
from tests.methods import live

SHORT = PcDarts(epochs=3, batch=32, partial=2, alpha_from=1, eigenvalue_every=2)


def test_with_all_channels_and_equal_edges_it_computes_what_darts_does() -> None:
    whole, plain = live.search(PcDarts(partial=1)), live.search(Darts())
    alpha = torch.from_numpy(np.random.default_rng(2).standard_normal(30)).float()
    with torch.no_grad():
        plain.alpha.copy_(alpha)
        whole.alpha.zero_()
        whole.alpha[:30] = alpha
    images = plain.parts.scored.images
    mix = whole.mixture()
    edges = mix[30:].clone()
    mix[30:] = 1.0  # a sum in place of a mean
    with torch.no_grad():
        torch.testing.assert_close(whole.net(images, mix), plain.net(images, plain.mixture()), rtol=1e-4, atol=1e-4)
    assert edges.tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3])


def test_the_edges_are_learned_with_the_operations_and_alpha_waits() -> None:
    run = live.search(SHORT)
    alpha = run.alpha.detach().clone()
    assert len(alpha) == 30 + 5
    run.advance()
    assert torch.equal(run.alpha, alpha)
    run.advance()
    assert (run.alpha != alpha)[30:].all()


def test_defaults_are_those_of_the_search_on_cifar10() -> None:
    p = PcDarts()
    assert (p.epochs, p.batch, p.lr, p.lr_min, p.momentum, p.weight_decay, p.clip) == (50, 256, 0.1, 0, 0.9, 3e-4, 5)
    assert (p.alpha_lr, p.alpha_betas, p.alpha_weight_decay, p.alpha_from) == (6e-4, (0.5, 0.999), 1e-3, 15)
    assert (p.partial, p.nesterov) == (4, False)


@pytest.mark.parametrize(("name", "edges"), [("nb1shot1-2-live", 0), ("darts-digits", 8), ("s2-digits", 8)])
def test_edges_are_weighed_where_inputs_are_not(name: str, edges: int) -> None:
    run = live.search(SHORT, live.tiny(name, channels=4))
    kinds = [group.kind for group in run.simplices.groups]
    assert kinds.count("edge") == edges  # of two cells, four nodes each
    assert ("input" in kinds) == (not edges)
    alpha = run.alpha.detach().clone()
    run.epoch = 1
    run.advance()
    assert (run.alpha != alpha).all()


def test_the_architecture_is_read_off_the_product_of_operations_and_edges() -> None:
    run = live.search(SHORT, live.tiny("s2-digits", channels=4))
    run.alpha.data.zero_()
    for group, at in zip(run.simplices.groups, cuts(run.simplices.groups), strict=True):
        if group.kind == "edge":
            run.alpha.data[at.start] = -5.0  # the edge from the cell before the last
        else:
            run.alpha.data[at.start] = 0.2 * group.name.endswith("<-0")  # its operation is the surest one
    weighed, unweighed = run.incumbent, live.search(SHORT, live.tiny("s2-digits")).net.space
    taken = unweighed.relax(weighed[None])[0]
    from_first = [g.name for g, at in zip(unweighed.groups, cuts(unweighed.groups), strict=True) if taken[at].any()]
    assert [name for name in from_first if name.endswith("<-0")] == [
        "normal 2<-0",
        "reduction 2<-0",
    ]  # of two edges both


def test_channels_have_to_be_divisible() -> None:
    with pytest.raises(UsageError, match="divisor"):
        next(PcDarts(partial=7).search(live.task()))


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
