"""Which groups are split: drawn, or where gradients agree least."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.live.supernets.stepping import Batch
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.relaxation import draw
from nasboard.harness.errors import UsageError
from nasboard.methods.weight_sharing.splitting import agreement, at_random, by_gradient_matching
from tests.methods import live


def there() -> tuple[LiveData, Supernet, list[Batch]]:
    data = live.small_data()
    parts = data.on("cpu")
    batches = list(parts.lessons(32, np.random.default_rng(0)))
    return data, data.supernet(np.random.default_rng(0), "cpu"), batches


def test_random_groups_are_distinct_and_of_operations() -> None:
    space = NB1Shot1Space.of(1)
    found = {at_random(space, 2, np.random.default_rng(seed)) for seed in range(60)}
    assert len(found) == 6  # pairs of four groups of operations
    assert all(space.groups[group].kind == "operation" for pair in found for group in pair)
    with pytest.raises(UsageError, match=r"k is 0..4"):
        at_random(space, 5, np.random.default_rng(0))


def test_agreement_is_the_cosine_of_gradients_taken_by_hand() -> None:
    _, net, batches = there()
    group, (batch,) = 3, batches[:1]
    found = agreement(net, group, [batch], np.random.default_rng(5))
    rest = draw(net.space, net.allowed, np.random.default_rng(5))
    gradients = []
    for op in range(5):
        arch = rest.copy()
        arch[group] = op
        net.zero_grad(set_to_none=True)
        alone = net.network(arch)
        torch.nn.functional.cross_entropy(alone(batch.images), batch.labels).backward()
        gradients.append({n: t.grad.flatten().clone() for n, t in net.named_parameters() if t.grad is not None})
    wanted = []
    for i, a in enumerate(gradients):
        for b in gradients[i + 1 :]:
            shared = [n for n in a if n in b]
            x, y = (torch.cat([each[n] for n in shared]).double() for each in (a, b))
            wanted.append(float(x @ y / (x.norm() * y.norm())))
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_the_group_whose_operations_pull_apart_is_the_one_that_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    _, net, batches = there()
    rng = np.random.default_rng(0)
    means = [float(agreement(net, group, batches, np.random.default_rng(group)).mean()) for group in range(6)]
    assert max(means) - min(means) > 0.01
    monkeypatch.setattr(
        "nasboard.methods.weight_sharing.splitting.agreement",
        lambda net, group, batches, rng: np.array([[0.9, 0.1, 0.8, 0.3, 0.7, 0.6][group]]),
    )
    assert by_gradient_matching(net, batches, 2, rng) == (1, 3)
    with pytest.raises(UsageError, match=r"k is 0..6"):
        by_gradient_matching(net, batches, 7, rng)
