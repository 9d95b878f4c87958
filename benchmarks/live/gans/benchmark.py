"""A benchmark of generators: space x data set x sizes x recipe, and the classifier that scores images. No torch.

There is no table: a generator that was found is trained from scratch, and its truth is how far the images that it makes
are from the test images, in the features of a classifier trained here. Less is better.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.live.benchmark import NOMINAL_SPEED
from nasboard.benchmarks.live.datasets.digits import WHITE as WHITE_OF_DIGITS
from nasboard.benchmarks.live.datasets.opening import data_digest, open_test
from nasboard.benchmarks.live.datasets.spec import DataSpec
from nasboard.benchmarks.live.gans.recipe import JUDGE_SEED, JUDGE_WIDTHS, GanRecipe
from nasboard.benchmarks.live.trainings.recipe import recipe as classifier_recipe
from nasboard.benchmarks.spaces.autogan import PUBLISHED, GanMacro, GanSpace
from nasboard.harness.api import CostKind, Images, SearchData
from nasboard.harness.context import Context, Quality, Trainings
from nasboard.harness.errors import MissingDataError
from nasboard.harness.space import Arch, Archs, Floats

PASSES = 12  # over the generator for an image: made for both players, and about as much again for the discriminator
METHOD = "training_gan"
WHITE = 255  # the largest value of a pixel, but of the digits
PUBLISHED_FID = (
    "Published of AutoGAN on CIFAR-10: FID 12.42 (VITA-Group/AutoGAN README.md), in the features of Inception; the "
    "distances here are in those of another network, and not to be laid beside it."
)


@dataclass(frozen=True, slots=True)
class GanParts:
    """What a benchmark of generators is made of.

    Attributes:
        space: the search space.
        data: the data set and its size.
        macro: the sizes of shared generators and discriminators.
        recipe: how a generator is trained from scratch.
        judge: name of the recipe that the classifier is trained by.
        scored_on: images that a shared generator makes to be scored.
        tested_on: images that a trained one makes to be held against the test images.
    """

    space: GanSpace
    data: DataSpec
    macro: GanMacro
    recipe: GanRecipe
    judge: str
    scored_on: int
    tested_on: int

    @property
    def alone(self) -> GanMacro:
        """Return the sizes of a generator that is trained from scratch."""
        recipe, macro = self.recipe, self.macro
        return replace(macro, channels=recipe.channels or macro.channels, critic=recipe.critic or macro.critic)

    @property
    def white(self) -> int:
        """Return the largest value of a pixel."""
        return WHITE_OF_DIGITS if self.data.base == "digits" else WHITE

    def digest(self, *, trained: bool) -> str:
        """Return the SHA-256 over the parts; with `trained` over what a training from scratch depends on alone."""
        told: dict[str, object] = {
            "space": self.space.name,
            "data": [self.data.name, data_digest(self.data)],
            "alone": asdict(self.alone),
            "recipe": self.recipe.told,
            "judge": [self.judge, classifier_recipe(self.judge).digest, JUDGE_SEED, JUDGE_WIDTHS, self.tested_on],
        }
        if not trained:
            told["shared"] = [asdict(self.macro), self.scored_on]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class GanBenchmark:
    """The benchmark over its parts.

    Attributes:
        name: the full name.
        parts: what it is made of.
        trained_as: full name under which its trainings are stored.
    """

    name: str
    parts: GanParts
    trained_as: str
    cost_kind: CostKind = "measured"
    query: None = None
    parameter_free: None = None

    @property
    def space(self) -> GanSpace:
        """Return the search space."""
        return self.parts.space

    @property
    def dataset(self) -> str:
        """Return the name of the data set."""
        return self.parts.data.name

    @property
    def digest(self) -> str:
        """Return the digest of all that trainings depend on.

        Raises:
            MissingDataError: the images are not there.
        """
        return self.parts.digest(trained=True)

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Return the epochs of the recipe."""
        return (self.parts.recipe.epochs,)

    @property
    def context(self) -> Context:
        """Return what the truth is, and how generators are trained."""
        parts = self.parts
        return Context(
            notes=(PUBLISHED_FID,) if parts.data.base == "cifar10" else (),
            named=PUBLISHED if parts.space == GanSpace() else {},
            parts=self._parts_digest(),
            trainings=self._trainings(),
            test=partial(open_test, parts.data),
            quality=Quality(
                name="Frechet distance",
                unit=None,
                higher_is_better=False,
                range=(-np.inf, 0.0),
                note=f"in the {JUDGE_WIDTHS[-1]} features of a classifier of {parts.data.base} trained here by recipe "
                f"{parts.judge} (no Inception network), of {parts.tested_on:,} made images from the test images; where "
                "notes say accuracy, less of it is better",
                of=partial(distance, parts.data, parts.judge),
                made=parts.tested_on,
            ),
        )

    def data(self) -> SearchData:
        """Return images and generators.

        Raises:
            MissingDataError: torch is not installed, or the images are not there.
        """
        try:
            from nasboard.benchmarks.live.gans.data import open_gans
        except ImportError as error:
            raise MissingDataError(f"{self.name} trains networks: pip install 'nasboard[live]' ({error})") from error
        return open_gans(self.parts)

    def truth(self, archs: Archs) -> Floats:
        """Raise: trainings are the truth.

        Raises:
            MissingDataError: always.
        """
        raise MissingDataError(
            f"{self.name} has no table; its truth are trainings: nasboard train '{self.trained_as}' ARCH"
        )

    def truth_by_seed(self, archs: Archs) -> NDArray[np.float64] | None:
        """Raise: trainings are the truth.

        Raises:
            MissingDataError: always.
        """
        return self.truth(archs)

    def _parts_digest(self) -> str | None:
        try:
            return self.parts.digest(trained=False)
        except MissingDataError:  # no images: runs can be read, and none is made
            return None

    def _trainings(self) -> Trainings:
        recipe = self.parts.recipe
        return Trainings(
            benchmark=self.trained_as,
            recipe=recipe.name,
            epochs=recipe.epochs,
            truth=True,
            shows_val=False,
            fidelities=self.fidelities,
            canonical=_itself,
            cost_s=partial(nominal_s, self.parts),
            method=METHOD,
        )


def distance(data: DataSpec, judge: str, made: Images, test: Images) -> float:
    """Return the Frechet distance of made images from test images in the features of a data set's classifier.

    Raises:
        MissingDataError: torch is not installed, or the images are not there.
    """
    try:
        from nasboard.benchmarks.live.gans.judge import judge_of
    except ImportError as error:
        raise MissingDataError(f"images are scored by a network: pip install 'nasboard[live]' ({error})") from error
    return judge_of(data, judge, "cpu").distance(made, test)


def nominal_s(parts: GanParts, arch: Arch, epochs: int) -> float:
    """Return the nominal seconds of training `arch` `(d,)` from scratch for `epochs`."""
    images = parts.data.images("train", "val")
    return PASSES * multiply_adds(parts.space, parts.alone, arch) * images * epochs / NOMINAL_SPEED


def multiply_adds(space: GanSpace, macro: GanMacro, arch: Arch) -> float:
    """Return the multiply-adds of making one image: of convolutions and the linear layer."""
    c, total = macro.channels, float(macro.latent * macro.channels * macro.base**2)
    for cell in range(space.cells):
        tokens, area = space.tokens(arch, cell), macro.side(cell + 1) ** 2
        up = c * c * area if tokens.up == "deconv" else 0
        total += 2 * 9 * c * c * area + up + (c * c * area + up) * tokens.shortcut
        total += sum(c * c * area + sum(up / 4**k for k in range(cell - skip)) for skip in tokens.skips)
    return total + 9 * c * macro.inputs * macro.image**2


def _itself(archs: Archs) -> Archs:
    """Return the architectures `(n, d)`: no two rows are one generator."""
    return archs
