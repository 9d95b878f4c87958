"""Batch norm by the statistics of other images: those of training images, put in place for every architecture scored.

Supernets keep no running statistics: batch norm takes those of the batch it is given. Where a method recalibrates, the
statistics of every batch norm that an architecture meets are taken on training images first, and then stand in for
those of the images that are scored, whose logits no longer depend on what else is in their batch. A forward pass meets
the same batch norms in the same order whatever its images, so a statistic is known by its place in that order; what
intercepts them is torch's own, a mode for as long as a pass lasts, and no supernet knows of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from nasboard.benchmarks.live.supernets.stepping import Batch
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.harness.space import Archs

Statistics = tuple[Tensor, Tensor]  # mean and unbiased variance `(c,)`, as running averages have them


class _Normalising(TorchFunctionMode):
    """While it lasts, every batch norm by the statistics of its batch is handed to `normalise`, with its place."""

    def __init__(self, normalise: Callable[[int, Tensor, Mapping[str, Any]], Tensor]) -> None:
        super().__init__()
        self._normalise = normalise
        self.met = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = {} if kwargs is None else dict(kwargs)
        if func is not F.batch_norm:
            return func(*args, **given)
        x, *rest = args
        given |= dict(zip(("running_mean", "running_var", "weight", "bias", "training"), rest, strict=False))
        assert given["running_mean"] is None, "supernets keep no running statistics"
        self.met += 1
        return self._normalise(self.met - 1, x, given)


@dataclass(frozen=True)
class Recalibrated:
    """A supernet whose architectures are scored with statistics of training images, taken for each of its own.

    Source: Guo et al., Single Path One-Shot (ECCV 2020): statistics are recomputed for each architecture before it is
    scored. Here they are the plain average over the batches; in its release, from memory, a moving one.

    Attributes:
        net: the supernet; it is left as it is.
        batches: of training images, each of at least two.
    """

    net: Supernet
    batches: Sequence[Batch]

    def distinct(self, archs: Archs) -> Archs:
        """Return, for each of architectures `(n, d)`, the one that stands here for all that have its logits."""
        return self.net.distinct(archs)

    @torch.no_grad()
    def logits(self, archs: Archs, images: Tensor) -> Iterator[Tensor]:
        """Yield logits `(b, classes)` of each of architectures `(n, d)` on images `(b, c, h, w)`."""
        for mix in self.net.mixtures(archs, images.device):
            yield self._apply(mix, self._collect(mix), images)

    def _collect(self, mix: Tensor) -> list[Statistics]:
        """Return the statistics of each batch norm in the order they are met, averaged over the batches."""
        passes: list[list[Statistics]] = []

        def observe(_: int, x: Tensor, given: Mapping[str, Any]) -> Tensor:
            kept = torch.promote_types(x.dtype, torch.float32)
            mean, variance = torch.zeros(2, x.shape[1], device=x.device, dtype=kept)
            out = F.batch_norm(x, mean, variance, **{**_without_running(given), "momentum": 1.0})
            passes[-1].append((mean, variance))
            return out

        for batch in self.batches:
            passes.append([])
            with _Normalising(observe):
                self.net(batch.images, mix)
        return [_average(found) for found in zip(*passes, strict=True)]

    def _apply(self, mix: Tensor, statistics: list[Statistics], images: Tensor) -> Tensor:
        def normalise(place: int, x: Tensor, given: Mapping[str, Any]) -> Tensor:
            return F.batch_norm(x, *statistics[place], **{**_without_running(given), "training": False})

        with _Normalising(normalise) as mode:
            out: Tensor = self.net(images, mix)
        assert mode.met == len(statistics), "a pass met other batch norms than the one before"
        return out


def _without_running(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if not name.startswith("running")}


def _average(found: Sequence[Statistics]) -> Statistics:
    means, variances = zip(*found, strict=True)
    return torch.stack(means).mean(0), torch.stack(variances).mean(0)
