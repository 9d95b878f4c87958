"""How a generator and a discriminator are trained against each other, as plain numbers under a name. No torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType

from nasboard.harness.errors import UnknownNameError, UsageError

JUDGE_SEED = 64  # of weights and order of the classifier that images are scored by (`judge`)
JUDGE_WIDTHS = (16, 32, 64)  # of its convolutions; the features are the last ones, averaged over the image
QUICK = re.compile(r"gan-([1-9]\d{0,2})")


@dataclass(frozen=True, slots=True)
class GanRecipe:
    """Adam on the hinge loss of the discriminator and on minus its mean answer for the generator.

    Source: VITA-Group/AutoGAN:exps/derive.sh, exps/autogan_search.sh, functions.py; the defaults are theirs.

    Attributes:
        name: as it is asked for.
        epochs: passes over the images.
        source: where the numbers come from.
        version: of the recipe of this name.
        lr: of both optimisers.
        beta1: of both, as beta2.
        beta2: likewise.
        critics: steps of the discriminator for each one of the generator.
        batch: real images, and as many made ones, in a step of the discriminator.
        made: images in a step of the generator.
        average: of the generator's weights, of which the images that are scored are made: decay a step; 0 for none.
        channels: of the generator, None: as the benchmark has it.
        critic: channels of the discriminator, likewise.
    """

    name: str
    epochs: int
    source: str
    version: str = "1"
    lr: float = 2e-4
    beta1: float = 0.0
    beta2: float = 0.9
    critics: int = 5
    batch: int = 64
    made: int = 128
    average: float = 0.999
    channels: int | None = None
    critic: int | None = None

    @property
    def told(self) -> dict[str, object]:
        """Return every number by name, as digests have them; where they come from is no part of it."""
        return {name: value for name, value in asdict(self).items() if name != "source"}

    def lasting(self, epochs: int | None) -> GanRecipe:
        """Return the recipe with fewer epochs; None: as it is.

        Raises:
            UsageError: none, or more than the recipe has.
        """
        if epochs is None:
            return self
        if not 1 <= epochs <= self.epochs:
            raise UsageError(f"recipe {self.name} trains 1..{self.epochs} epochs, given {epochs}")
        return replace(self, epochs=epochs)


def quick(epochs: int) -> GanRecipe:
    """Return the recipe for laptops: larger steps, a step of the generator for each of the discriminator."""
    return GanRecipe(
        name=f"gan-{epochs}",
        epochs=epochs,
        source="ours, for laptops and tests",
        lr=1e-3,
        critics=1,
        made=64,
        average=0.99,
    )


AUTOGAN = GanRecipe(
    name="autogan-50k",
    epochs=320,  # 50,000 steps of the generator, 5 of the discriminator for each, 782 batches of CIFAR-10 an epoch
    source="Gong et al., AutoGAN (ICCV 2019); VITA-Group/AutoGAN exps/derive.sh",
    channels=256,
    critic=128,
)
RECIPES: Mapping[str, GanRecipe] = MappingProxyType({AUTOGAN.name: AUTOGAN, **{f"gan-{n}": quick(n) for n in (3, 60)}})


def gan_recipe(name: str) -> GanRecipe:
    """Return the recipe of a name: one of `RECIPES`, or `gan-N` of N epochs, 1..999.

    Raises:
        UnknownNameError: there is none; the message has the nearest ones.
    """
    short = QUICK.fullmatch(name)
    if short is not None:
        return quick(int(short[1]))
    if name not in RECIPES:
        raise UnknownNameError("recipe", name, RECIPES)
    return RECIPES[name]
