"""What is measured of a search after an epoch. Nothing is drawn from the run's generator, and nothing is changed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from nasboard.benchmarks.live.supernets.stepping import Batch
from nasboard.methods.differentiable.bilevel.curvature import largest_eigenvalue

if TYPE_CHECKING:
    from nasboard.methods.differentiable.bilevel.search import Search


def measure(search: Search, guide: Batch) -> dict[str, float]:
    """Return accuracy of the supernet, entropy of alpha, and so often as the method says the dominant eigenvalue.

    Args:
        search: after an epoch.
        guide: its last validation batch, on which the curvature is taken.
    """
    method, scored, mix = search.method, search.parts.scored, search.mixture()
    with torch.no_grad():
        right = search.net(scored.images, search.full(mix)).argmax(1) == scored.labels
    logs = {
        "supernet_accuracy": float(right.double().mean()),
        "alpha_entropy": float(search.simplices.entropy(mix).mean()),  # nats, mean over groups
    }
    if method.eigenvalue_every and search.epoch % method.eigenvalue_every == 0:
        loss = partial(search.val_loss, guide)
        logs["eigenvalue"] = largest_eigenvalue(loss, search.alpha, method.alpha_weight_decay)
    return logs
