"""The arithmetic of mixtures: laws of the simplex, gradients, and group after group the same as all at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize
from torch import Tensor

from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.spaces.relaxation import Group
from nasboard.harness.errors import SpecError

Maps = Callable[[Simplices, Tensor], Tensor]


def simplices(*sizes: int, chosen: int = 1) -> Simplices:
    """Return groups of those sizes."""
    return Simplices(tuple(Group(str(i), tuple(map(str, range(n))), chosen=chosen) for i, n in enumerate(sizes)))


EVEN, UNEVEN, SINGLE = simplices(3, 3), simplices(3, 1, 5, 2), simplices(4)
ALL = pytest.mark.parametrize("over", [EVEN, UNEVEN, SINGLE], ids=["even", "uneven", "single"])

ONTO: dict[str, Maps] = {  # what lands on the simplices
    "softmax": Simplices.softmax,
    "one_hot": Simplices.one_hot,
    "clip_projection": Simplices.clip_projection,
    "euclidean_projection": Simplices.euclidean_projection,
    "proximal": Simplices.proximal,
    "gumbel_soft": lambda over, x: over.gumbel_soft(x, 0.7, np.random.default_rng(0)),
    "gumbel_hard": lambda over, x: over.gumbel_hard(x, 0.7, np.random.default_rng(0)),
    "sample": lambda over, x: over.sample(over.softmax(x), np.random.default_rng(0)),
}
EACH: dict[str, Maps] = {  # what knows no randomness, and so can be compared with groups one by one
    name: ONTO[name] for name in ("softmax", "one_hot", "clip_projection", "euclidean_projection", "proximal")
} | {"log_softmax": Simplices.log_softmax, "k_hot": Simplices.k_hot}


def values(over: Simplices, most: float = 4.0) -> st.SearchStrategy[Tensor]:
    """Draw `(m,)` float64, ties and zeros among them."""
    number = st.one_of(st.floats(-most, most, width=32), st.sampled_from([-1.0, 0.0, 0.5, 1.0]))
    return arrays(np.float64, over.size, elements=number).map(torch.from_numpy)


def apart(over: Simplices, x: Tensor) -> list[Tensor]:
    """Return the parts `(..., options)` of every group."""
    return list(x.split([len(group.options) for group in over.groups], dim=-1))


@ALL
@pytest.mark.parametrize("name", ONTO)
@settings(max_examples=10)
@given(st.data())
def test_what_lands_on_the_simplices_is_on_them(name: str, over: Simplices, data: st.DataObject) -> None:
    x = data.draw(values(over))
    mix = ONTO[name](over, x)
    assert mix.shape == x.shape
    assert mix.dtype == x.dtype
    for part in apart(over, mix):
        assert part.min() >= 0
        assert part.sum().item() == pytest.approx(1, abs=1e-6)
    assert over.sums(mix).tolist() == pytest.approx([1] * len(over.groups), abs=1e-6)


@ALL
@pytest.mark.parametrize("name", EACH)
@settings(max_examples=10)
@given(st.data())
def test_all_groups_at_once_are_each_group_alone(name: str, over: Simplices, data: st.DataObject) -> None:
    x = data.draw(values(over))
    alone = [EACH[name](simplices(len(part)), part) for part in apart(over, x)]
    torch.testing.assert_close(EACH[name](over, x), torch.cat(alone), rtol=1e-12, atol=1e-12)


@ALL
@pytest.mark.parametrize("name", EACH)
def test_a_batch_of_mixtures_is_each_of_them(name: str, over: Simplices) -> None:
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, over.size)))
    each = torch.stack([EACH[name](over, row) for row in x.flatten(0, 1)]).reshape(x.shape)
    torch.testing.assert_close(EACH[name](over, x), each, rtol=1e-12, atol=1e-12)


@ALL
def test_rows_and_flat_are_inverse(over: Simplices) -> None:
    x = torch.arange(over.size, dtype=torch.float64)
    rows = over.rows(x, fill=-7)
    assert rows.shape == (len(over.groups), max(len(group.options) for group in over.groups))
    assert torch.equal(over.flat(rows), x)
    assert (rows == -7).sum() == rows.numel() - over.size


@ALL
@pytest.mark.parametrize(
    "name", ["softmax", "log_softmax", "clip_projection", "euclidean_projection", "entropy", "gumbel_soft", "into_ball"]
)
def test_gradients_are_those_of_finite_differences(name: str, over: Simplices) -> None:
    functions: dict[str, Callable[[Tensor], Tensor]] = {
        "entropy": lambda x: over.entropy(over.softmax(x)),
        "into_ball": lambda x: over.into_ball(x, torch.full_like(x, 0.3), 0.2),
        "gumbel_soft": partial(ONTO["gumbel_soft"], over),
    }
    function = functions.get(name) or partial((EACH | ONTO)[name], over)
    x = torch.from_numpy(np.random.default_rng(1).uniform(0.05, 0.95, over.size)).requires_grad_()
    assert torch.autograd.gradcheck(function, (x,), eps=1e-6, atol=1e-5)


@ALL
def test_the_entropy_has_finite_gradients_where_groups_have_fewer_options(over: Simplices) -> None:
    x = torch.zeros(over.size, requires_grad=True)
    over.entropy(over.softmax(x)).sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    expected = [np.log(len(group.options)) for group in over.groups]
    assert over.entropy(over.softmax(x)).tolist() == pytest.approx(expected, abs=1e-6)


@ALL
def test_the_log_softmax_has_finite_gradients_of_both_orders(over: Simplices) -> None:
    x = torch.from_numpy(np.random.default_rng(0).normal(size=over.size)).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda v: over.log_softmax(v) + over.softmax(v), (x,))
    torch.testing.assert_close(over.log_softmax(x).exp(), over.softmax(x))


@settings(max_examples=10)
@given(values(UNEVEN, most=2.0))
def test_the_euclidean_projection_is_the_nearest_point(x: Tensor) -> None:
    for part, found in zip(apart(UNEVEN, x), apart(UNEVEN, UNEVEN.euclidean_projection(x)), strict=True):
        target, n = part.numpy(), len(part)
        best = minimize(
            lambda p, target=target: ((p - target) ** 2).sum(),
            np.full(n, 1 / n),
            jac=lambda p, target=target: 2 * (p - target),
            bounds=[(0, 1)] * n,
            constraints={"type": "eq", "fun": lambda p: p.sum() - 1, "jac": lambda p: np.ones(len(p))},
            method="SLSQP",
            options={"ftol": 1e-14},
        )
        np.testing.assert_allclose(found.numpy(), best.x, atol=1e-4)
        assert ((found - part) ** 2).sum().item() <= best.fun + 1e-9


@ALL
def test_the_euclidean_projection_of_large_float32_numbers_is_on_the_simplices(over: Simplices) -> None:
    x = torch.from_numpy(np.random.default_rng(0).normal(3e4, 0.5, over.size).astype(np.float32))
    assert over.sums(over.euclidean_projection(x)).tolist() == pytest.approx([1] * len(over.groups), abs=1e-6)


@ALL
def test_the_clip_projection_has_finite_gradients_where_nothing_is_left(over: Simplices) -> None:
    x = torch.full((over.size,), -1.0, requires_grad=True)
    (over.clip_projection(x) * torch.arange(float(over.size))).sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


@ALL
@settings(max_examples=25)
@given(st.data())
def test_points_of_the_simplices_are_their_own_projections(over: Simplices, data: st.DataObject) -> None:
    on = over.softmax(data.draw(values(over)))
    torch.testing.assert_close(over.euclidean_projection(on), on, rtol=0, atol=1e-9)
    torch.testing.assert_close(over.clip_projection(on), on, rtol=0, atol=1e-9)


@settings(max_examples=25)
@given(values(EVEN))
def test_the_clip_projection_is_that_of_the_release(x: Tensor) -> None:
    """Clamped to [0, 1] and divided by its sum, row by row; 1 at the maximum of a row of which nothing is left."""
    rows = x.reshape(2, 3)
    kept = rows.clamp(0, 1)
    for row, left, found in zip(rows, kept, EVEN.clip_projection(x).reshape(2, 3), strict=True):
        expected = left / left.sum() if left.sum() > 0 else torch.eye(3, dtype=x.dtype)[int(row.argmax())]
        torch.testing.assert_close(found, expected)


@ALL
@settings(max_examples=25)
@given(st.data())
def test_one_hot_is_at_the_largest_and_the_first_of_equal_ones(over: Simplices, data: st.DataObject) -> None:
    x = data.draw(values(over))
    for part, hot in zip(apart(over, x), apart(over, over.one_hot(x)), strict=True):
        assert hot.argmax() == int(np.argmax(part.numpy()))
        assert hot.sum() == 1
        assert hot.max() == 1


@settings(max_examples=25)
@given(st.data())
def test_k_hot_takes_the_k_largest(data: st.DataObject) -> None:
    over = Simplices((Group("a", ("x", "y", "z"), chosen=2), Group("b", ("x", "y"), chosen=1), Group("c", ("x",))))
    x = data.draw(values(over))
    first, second, third = apart(over, over.k_hot(x))
    order = np.argsort(-x[:3].numpy(), kind="stable")
    assert first.nonzero().flatten().tolist() == sorted(order[:2].tolist())
    assert second.sum() == third.sum() == 1


def frequencies(draw: Callable[[np.random.Generator], Tensor], n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return torch.stack([draw(rng) for _ in range(n)]).mean(0).numpy()


@pytest.mark.parametrize("name", ["gumbel_hard", "sample"])
@pytest.mark.parametrize("over", [EVEN, UNEVEN], ids=["even", "uneven"])
def test_options_are_drawn_as_often_as_their_probabilities_say(name: str, over: Simplices) -> None:
    logits = torch.from_numpy(np.random.default_rng(5).normal(size=over.size))
    wanted, n = over.softmax(logits), 3000
    draws: dict[str, Callable[[np.random.Generator], Tensor]] = {
        "gumbel_hard": lambda rng: over.gumbel_hard(logits, 0.3, rng),
        "sample": lambda rng: over.sample(wanted, rng),
    }
    found = frequencies(draws[name], n)
    assert np.abs(found - wanted.numpy()).max() < 5 * 0.5 / n**0.5  # five standard deviations


def test_a_hard_draw_is_one_hot_and_has_the_gradient_of_the_soft_one() -> None:
    logits = torch.from_numpy(np.random.default_rng(2).normal(size=UNEVEN.size)).requires_grad_()
    weights = torch.arange(float(UNEVEN.size), dtype=torch.float64)
    hard, soft = (draw(logits, 0.8, np.random.default_rng(9)) for draw in (UNEVEN.gumbel_hard, UNEVEN.gumbel_soft))
    assert sorted(hard.unique().tolist()) == [0, 1]
    assert torch.equal(hard.detach(), UNEVEN.one_hot(soft.detach()))
    gradients = [torch.autograd.grad((draw * weights).sum(), logits)[0] for draw in (hard, soft)]
    torch.testing.assert_close(*gradients)


def test_an_option_of_probability_nought_is_never_drawn() -> None:
    mix = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 1.0])
    found = frequencies(lambda rng: UNEVEN.sample(mix, rng), 200)
    assert ((found > 0) == (mix.numpy() > 0)).all()


@ALL
def test_noise_stays_within_its_ball_and_fills_it(over: Simplices) -> None:
    clean = over.softmax(torch.zeros(over.size))
    noisy = torch.stack([over.uniform_ball(clean, 0.2, np.random.default_rng(i)) for i in range(400)])
    away = (noisy - clean).abs()
    assert away.max() <= 0.2 + 1e-6
    assert (away.amax(0) > 0.18).all()
    assert (noisy - clean).mean().abs() < 0.02


@ALL
@settings(max_examples=25)
@given(st.data())
def test_a_ball_takes_in_what_is_outside_and_leaves_what_is_inside(over: Simplices, data: st.DataObject) -> None:
    x, clean = data.draw(values(over)), data.draw(values(over))
    found = over.into_ball(x, clean, 0.5)
    assert ((found - clean).abs() <= 0.5 + 1e-9).all()
    inside = (x - clean).abs() <= 0.5
    torch.testing.assert_close(found[inside], x[inside])
    assert torch.equal(found - clean > 0, x - clean > 0)


@settings(max_examples=25)
@given(values(UNEVEN))
def test_the_proximal_step_is_the_nearest_corner_of_what_is_in_the_box(x: Tensor) -> None:
    boxed = x.clamp(0, 1)
    for part, corner in zip(apart(UNEVEN, boxed), apart(UNEVEN, UNEVEN.proximal(x)), strict=True):
        away = [((part - other) ** 2).sum() for other in torch.eye(len(part), dtype=x.dtype)]
        assert ((part - corner) ** 2).sum() == pytest.approx(float(min(away)))


@ALL
@pytest.mark.parametrize("name", [*EACH, "entropy", "sums", "rows"])
def test_a_mixture_of_another_length_is_refused(name: str, over: Simplices) -> None:
    function: Callable[[Tensor], Tensor] = partial(getattr(Simplices, name), over)
    for wrong in (torch.zeros(over.size + 1), torch.zeros(over.size, 1), torch.tensor(0.0)):
        with pytest.raises(SpecError, match=f"over {len(over.groups)} groups has {over.size} numbers, given shape"):
            function(wrong)


def test_randomness_is_the_generators_alone() -> None:
    logits = torch.zeros(UNEVEN.size)
    before = torch.get_rng_state()
    draws = [UNEVEN.gumbel_soft(logits, 1.0, np.random.default_rng(4)) for _ in range(2)]
    assert torch.equal(*draws)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("count", [1, 2, 9])
def test_what_is_drawn_apart_is_of_every_group_as_many_as_it_has_up_to_the_count(count: int) -> None:
    logits = torch.from_numpy(np.random.default_rng(0).standard_normal(UNEVEN.size))
    drawn = UNEVEN.drawn_apart(logits, count, np.random.default_rng(1))
    assert UNEVEN.sums(drawn.double()).tolist() == [min(count, n) for n in (3, 1, 5, 2)]


def test_two_are_drawn_apart_as_often_as_one_after_the_other_without_putting_back() -> None:
    p = torch.tensor([0.5, 0.3, 0.2])
    over, rng, n = simplices(3), np.random.default_rng(0), 6000
    drawn = torch.stack([over.drawn_apart(p.log(), 2, rng) for _ in range(n)]).double().mean(0)
    left_out = [sum(p[i] * p[j] / (1 - p[i]) for i, j in ((a, b), (b, a))) for a, b in ((1, 2), (0, 2), (0, 1))]
    assert (1 - drawn - torch.tensor(left_out)).abs().max() < 4 * 0.5 / n**0.5


def test_among_some_options_softmax_is_that_of_these_alone_and_has_a_gradient_there_alone() -> None:
    logits = torch.tensor([0.1, 0.7, -0.2, 1.0], requires_grad=True)
    held = torch.tensor([True, False, True, False])
    found = SINGLE.softmax_among(logits, held)
    torch.testing.assert_close(found[held], logits[held].softmax(0))
    assert torch.all(found[~held] == 0)
    gradient = torch.autograd.grad(found[0], logits)[0]
    assert torch.all(gradient[~held] == 0)
    assert torch.all(gradient[held] != 0)
    torch.testing.assert_close(SINGLE.logsumexp_among(logits, held), logits[held].logsumexp(0)[None])
