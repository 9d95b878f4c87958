"""What a network of one architecture is that is trained from scratch. How it is trained is a recipe's business."""

from __future__ import annotations

from numpy.random import Generator
from torch import Tensor, nn

from nasboard.harness.errors import UsageError


class Network(nn.Module):
    """The base of all networks of one architecture: running statistics in batch norm, weights drawn from a generator.

    A subclass has `forward`; one that can drop paths or has an auxiliary head has its own `training_logits`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, c, h, w)`."""
        raise NotImplementedError

    def training_logits(self, x: Tensor, path_drop: float, rng: Generator) -> tuple[Tensor, Tensor | None]:
        """Return logits `(b, classes)` and those of the auxiliary head, None without one.

        Args:
            x: images `(b, c, h, w)`.
            path_drop: probability that an operation's output is dropped, for each image of its own.
            rng: draws which.

        Raises:
            UsageError: this network drops no paths.
        """
        if path_drop:
            raise UsageError(f"{type(self).__name__} drops no paths; choose a recipe with path_drop 0")
        return self(x), None
