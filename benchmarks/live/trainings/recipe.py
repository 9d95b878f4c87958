"""What is fixed about training on digits201: the macro network and the recipe. Change either and the version changes.

Stem 1x1 convolution and BN to 8 channels; one cell; reduction (ReLU, 2x2 average, 1x1 convolution, BN) to 16 channels
at 4x4; one cell; BN, ReLU, global average, linear. The stem and the reduction see no neighbouring pixels, so that all
spatial structure has to come through the cell: that is what makes architectures easy to tell apart.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

VERSION = "1"


@dataclass(frozen=True, slots=True)
class Macro:
    """The network around the cell."""

    image: int = 8  # pixels a side
    inputs: int = 1  # input channels
    channels: tuple[int, int] = (8, 16)  # of the two stages
    classes: int = 10


@dataclass(frozen=True, slots=True)
class Recipe:
    """How every architecture of the table was trained."""

    epochs: int = 15
    batch: int = 60  # five equal steps an epoch over the 300 training images
    lr: float = 0.1  # cosine to 0, by step
    momentum: float = 0.9  # Nesterov
    weight_decay: float = 5e-4
    bn_momentum: float = 0.1  # running statistics, used whenever accuracy is measured
    bn_eps: float = 1e-5


def describe(macro: Macro, recipe: Recipe) -> dict[str, object]:
    """Return macro and recipe as plain values, for a manifest."""
    return {"version": VERSION, "macro": asdict(macro), "recipe": asdict(recipe)}
