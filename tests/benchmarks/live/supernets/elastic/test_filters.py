"""Filters of elastic size."""

from __future__ import annotations

import numpy as np
import torch

from nasboard.benchmarks.live.supernets.elastic.filters import ElasticFilters


def filters(least: int = 3) -> ElasticFilters:
    return ElasticFilters(6, (3, 5, 7), least, np.random.default_rng(0))


def test_the_largest_filters_are_the_weights_of_the_first_channels() -> None:
    assert torch.equal(filters().of(7, 4), filters().weight[:4])


def test_smaller_filters_begin_as_the_middle_of_the_larger_ones() -> None:
    found = filters()
    torch.testing.assert_close(found.of(5, 6), found.weight[:, :, 1:6, 1:6])
    torch.testing.assert_close(found.of(3, 2), found.weight[:2, :, 2:5, 2:5])


def test_a_smaller_filter_is_the_middle_of_the_next_larger_one_times_its_matrix() -> None:
    found, rng = filters(), np.random.default_rng(1)
    five, three = rng.standard_normal((25, 25)), rng.standard_normal((9, 9))
    with torch.no_grad():
        found.matrices["to5"].copy_(torch.from_numpy(five))
        found.matrices["to3"].copy_(torch.from_numpy(three))
    for channel, weight in enumerate(found.weight.detach().double().numpy()[:, 0]):
        middle = (five @ weight[1:6, 1:6].ravel()).reshape(5, 5)
        smallest = (three @ middle[1:4, 1:4].ravel()).reshape(3, 3)
        np.testing.assert_allclose(found.of(5, 6)[channel, 0].detach(), middle, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found.of(3, 6)[channel, 0].detach(), smallest, rtol=1e-4, atol=1e-4)


def test_training_the_smallest_moves_both_matrices_and_the_weights_that_they_read() -> None:
    found = filters()
    found.of(3, 4).pow(2).sum().backward()
    for tensor in (found.weight, *found.matrices.values()):
        assert tensor.grad is not None
        assert tensor.grad.abs().sum() > 0
    assert found.weight.grad is not None
    assert found.weight.grad[4:].abs().sum() == 0


def test_matrices_that_lead_further_down_than_is_held_are_not_there() -> None:
    assert list(filters(least=5).matrices) == ["to5"]
    assert list(filters(least=7).matrices) == []
