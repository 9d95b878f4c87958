"""What is measured of a search after an epoch. Nothing is drawn from the run's generator, and nothing is changed.

Source of the landscape: Li et al., Visualizing the Loss Landscape of Neural Nets (NeurIPS 2018), here over alpha, as in
SmoothDARTS (Chen & Hsieh, ICML 2020): a plane through alpha along two directions of independent standard normal
numbers, the same for every run.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import default_rng
from torch import Tensor

from nasboard.benchmarks.live.supernets.stepping import Batch
from nasboard.harness.api import Logged
from nasboard.harness.space import Floats
from nasboard.methods.differentiable.bilevel.curvature import largest_eigenvalue, trace

if TYPE_CHECKING:
    from nasboard.methods.differentiable.bilevel.search import Search

PLANE = 11  # points a side
REACH = 1.0  # of the plane to either side, times a direction
GAP = "discretisation_gap"
DIRECTIONS_SEED = 0  # of the plane's two directions, and of the trace's probes


def measure(search: Search, guide: Batch) -> dict[str, Logged]:
    """Return what is worth a curve or a picture, the dearer of it as often as the method says.

    Args:
        search: after an epoch.
        guide: validation images, on which curvature and landscape are taken: its last whole batch.
    """
    method, mix = search.method, search.mixture()
    accuracy = supernet_accuracy(search)
    logs: dict[str, Logged] = {
        "supernet_accuracy": accuracy,
        GAP: accuracy - derived_accuracy(search),
        "alpha_entropy": float(search.simplices.entropy(mix).mean()),  # nats, mean over groups
    }
    loss, decay = partial(search.val_loss, guide), method.alpha_weight_decay
    if _due(search, method.alpha_every):
        logs["alpha"] = search.full(mix).double().cpu().numpy()
    if _due(search, method.eigenvalue_every):
        logs["eigenvalue"] = largest_eigenvalue(loss, search.alpha, decay)
    if _due(search, method.trace_every):
        logs["trace"] = trace(loss, search.alpha, decay, default_rng(DIRECTIONS_SEED))
    if _due(search, method.landscape_every):
        logs["landscape"] = plane(search, guide)
        logs["landscape_line"] = line(search, guide)
    return logs


def supernet_accuracy(search: Search) -> float:
    """Return the validation accuracy of the supernet under the mixture, with what is settled."""
    return _accuracy(search, search.full(search.mixture()))


def derived_accuracy(search: Search) -> float:
    """Return that of the architecture which the search stands for, with shared weights."""
    return _accuracy(search, _derived(search))


@torch.no_grad()
def plane(search: Search, guide: Batch) -> Floats:
    """Return the validation loss `(PLANE, PLANE)` around alpha, which is in the middle."""
    drawn = torch.from_numpy(default_rng(DIRECTIONS_SEED).standard_normal((2, search.simplices.size)))
    one, other = drawn.to(search.alpha)
    far = np.linspace(-REACH, REACH, PLANE).tolist()
    losses = [[float(search.val_loss(guide, search.alpha + a * one + b * other)) for b in far] for a in far]
    return np.array(losses)


@torch.no_grad()
def line(search: Search, guide: Batch) -> Floats:
    """Return the validation loss `(PLANE,)` on the straight way from alpha's mixture to the derived architecture."""
    start, end = search.full(search.mixture()), _derived(search)
    ways = [start + way * (end - start) for way in np.linspace(0, 1, PLANE).tolist()]
    return np.array([float(F.cross_entropy(search.net(guide.images, way), guide.labels)) for way in ways])


def _due(search: Search, every: int) -> bool:
    return bool(every) and search.epoch % every == 0


def _derived(search: Search) -> Tensor:
    """Return the mixture `(m,)` of the whole space that is the architecture which the search stands for."""
    return search.net.mixtures(search.incumbent[None], search.alpha.device)[0]


@torch.no_grad()
def _accuracy(search: Search, mix: Tensor) -> float:
    scored = search.parts.scored
    return float((search.net(scored.images, mix).argmax(1) == scored.labels).double().mean())
