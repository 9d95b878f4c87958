"""PC-DARTS: DARTS in which a part of the channels goes through the operations, and edges have weights."""

from __future__ import annotations

from dataclasses import dataclass

from nasboard.benchmarks.live.data import LiveData
from nasboard.methods.differentiable.bilevel.method import Differentiable


@dataclass(frozen=True, slots=True)
class PcDarts(Differentiable):
    """Partially connected DARTS.

    Source: Xu et al., PC-DARTS (ICLR 2020): 1/`partial` of a node's channels go through the operations, the others
    around them, and all are shuffled; each edge has a weight among those into its node, which alpha holds as well, and
    the architecture is read off the product of both. Weights alone move at first (`alpha_from`). Defaults of its search
    on CIFAR-10. SmoothDARTS' versions have no late start, lr 0.025, lr_min 0.001 and alpha_lr 3e-4; on S1 to S4 batch
    64, on NAS-Bench-1Shot1 batch 96, 100 epochs and no weights of edges, since that space weighs the inputs of its
    nodes already.
    """

    batch: int = 256  # CIFAR-10 search of the paper, as all that follows
    lr: float = 0.1
    lr_min: float = 0.0
    nesterov: bool = False
    weight_decay: float = 3e-4
    alpha_lr: float = 6e-4
    alpha_from: int = 15
    partial: int = 4  # K

    def prepare(self, data: LiveData) -> LiveData:
        """Return the data with supernets of partial channels.

        Raises:
            UsageError: `partial` does not divide the channels.
        """
        return data.resized(partial=self.partial)
