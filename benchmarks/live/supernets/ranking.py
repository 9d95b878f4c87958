"""Score every architecture with shared weights: the numbers each alone would give, in a fraction of the time.

Architectures that compute the same are scored once, and the supernet is asked for all others in lexicographic order, in
which neighbours share most of their first cell. Batch norm uses the statistics of all given images, so a score depends
on nothing but weights, architecture and images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from nasboard.harness.space import Archs, Floats

BLOCK = 64  # architectures whose logits are turned into numbers at once


class Scored(Protocol):
    """What can be evaluated: a supernet, or one whose batch norm takes statistics from elsewhere."""

    def distinct(self, archs: Archs) -> Archs:
        """Return, for each of architectures `(n, d)`, the one that stands here for all that have its logits."""

    def logits(self, archs: Archs, images: Tensor) -> Iterator[Tensor]:
        """Yield logits `(b, classes)` of each of architectures `(n, d)` on images `(b, c, h, w)`."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What shared weights say of n architectures on the same images.

    Attributes:
        accuracy: `(n,)` fraction of the images classified correctly.
        confidence: `(n,)` mean probability given to the true class, in [0, 1].
        images: how many images.
    """

    accuracy: Floats
    confidence: Floats
    images: int

    @property
    def score(self) -> Floats:
        """Return `(n,)` in [0, 1]: ordered by accuracy, and by confidence among equal accuracies.

        The field ranks by accuracy; on a few hundred images that ties many architectures. Confidence counts for less
        than one image.
        """
        return (self.accuracy * self.images + self.confidence) / (self.images + 1)


@torch.no_grad()
def evaluate(net: Scored, archs: Archs, images: Tensor, labels: Tensor) -> Evaluation:
    """Evaluate architectures `(n, d)` on normalised images `(b, c, h, w)` with labels `(b,)`, all in one batch."""
    distinct, back = np.unique(net.distinct(archs), axis=0, return_inverse=True)  # in lexicographic order
    logits = net.logits(distinct, images)
    found = [torch.zeros(2, 0, dtype=torch.float64)]
    while block := list(islice(logits, BLOCK)):
        found.append(_measure(torch.stack(block), labels))
    accuracy, confidence = torch.cat(found, 1).numpy()[:, back.ravel()]
    return Evaluation(accuracy, confidence, len(labels))


def _measure(logits: Tensor, labels: Tensor) -> Tensor:
    """Return accuracy and confidence `(2, m)` float64 of logits `(m, b, classes)`."""
    accuracy = (logits.argmax(2) == labels).double().mean(1)
    chosen = labels.expand(len(logits), -1)[..., None]
    confidence = logits.softmax(2).gather(2, chosen)[..., 0].double().mean(1)
    return torch.stack([accuracy, confidence]).cpu()
