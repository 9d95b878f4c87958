"""The benchmarks of generators by name: `autogan-digits` and `autogan-cifar10`, and their options. No torch.

CIFAR-10 has the published space: three cells from 4x4 to 32x32. The digits are 8x8 as they are, and so have two cells
from 2x2, the first nine tokens of that space: nothing is enlarged, and at 2x2 every option still differs from every
other (at 1x1 two ways of enlarging would be one, and instance norm would leave nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nasboard.benchmarks.live.catalogue import number, told
from nasboard.benchmarks.live.datasets.spec import data_spec
from nasboard.benchmarks.live.gans.benchmark import GanBenchmark, GanParts
from nasboard.benchmarks.live.gans.recipe import gan_recipe
from nasboard.benchmarks.live.trainings.recipe import recipe as classifier_recipe
from nasboard.benchmarks.spaces.autogan import GanMacro, GanSpace
from nasboard.harness.errors import UsageError
from nasboard.harness.registry import full_name

SMALLEST = 2  # pixels a side that the first cell may begin with


@dataclass(frozen=True)
class Gans:
    """Opens one benchmark of generators; its options are the parameters of the call.

    Attributes:
        name: registered name.
        data: name of the data set.
        macro: sizes, but for what the data set says of images.
        recipe: name of the default recipe.
        judge: name of the recipe of the classifier.
        scored_on: images that a shared generator makes to be scored.
        tested_on: images that a trained one makes.
    """

    name: str
    data: str
    macro: GanMacro
    recipe: str
    judge: str
    scored_on: int
    tested_on: int

    def __call__(
        self,
        channels: str | None = None,
        critic: str | None = None,
        train: str | None = None,
        val: str | None = None,
        size: str | None = None,
        data: str | None = None,
        scored_on: str | None = None,
        recipe: str | None = None,
        judge: str | None = None,
    ) -> GanBenchmark:
        """Return the benchmark.

        Args:
            channels: of shared generators.
            critic: channels of shared discriminators.
            train: training images; None: all of the part.
            val: validation images, which are trained on as well.
            size: pixels a side that images are averaged down to.
            data: version of the imported images, where there are several.
            scored_on: images that a shared generator makes to be scored.
            recipe: how generators are trained from scratch.
            judge: recipe of the classifier that scores.

        Raises:
            UsageError: a value that is not allowed.
            UnknownNameError: no such recipe.
        """
        spec = data_spec(self.data, told(train=train, val=val, size=size, data=data))
        side, inputs, _ = spec.shape
        macro = GanMacro(
            side,
            inputs,
            self.macro.cells,
            self.macro.channels if channels is None else number("channels", channels),
            self.macro.critic if critic is None else number("critic", critic),
            self.macro.latent,
        )
        if macro.base < SMALLEST or macro.side(macro.cells) != side:
            least = SMALLEST << macro.cells
            raise UsageError(f"{self.name} has {macro.cells} cells and images of {least} pixels a side or more")
        judged = classifier_recipe(judge or self.judge)
        if judged.path_drop or judged.auxiliary:
            raise UsageError(f"judge={judged.name} drops paths or has a second head, which the classifier has not")
        scored = self.scored_on if scored_on is None else number("scored_on", scored_on)
        made = gan_recipe(recipe or self.recipe)
        parts = GanParts(GanSpace(macro.cells), spec, macro, made, judged.name, scored, self.tested_on)
        return self._open(parts)

    def _open(self, parts: GanParts) -> GanBenchmark:
        macro, alone = parts.macro, parts.recipe
        sizes = {"channels": (macro.channels, self.macro.channels), "critic": (macro.critic, self.macro.critic)}
        trained = parts.data.options | _changed(recipe=(alone.name, self.recipe), judge=(parts.judge, self.judge))
        searched = trained | _changed(**sizes, scored_on=(parts.scored_on, self.scored_on))
        fixed = {"channels": alone.channels, "critic": alone.critic}
        trained |= _changed(**{name: each for name, each in sizes.items() if fixed[name] is None})
        return GanBenchmark(full_name(self.name, None, searched), parts, full_name(self.name, None, trained))


def _changed(**values: tuple[object, object]) -> dict[str, str]:
    """Return the options, each a value and the default, whose value is another."""
    return {name: str(value) for name, (value, default) in values.items() if value != default}


GANS: Mapping[str, Gans] = {
    "digits": Gans("autogan-digits", "digits", GanMacro(8, 1, 2, 16, 16, 32), "gan-60", "quick-10", 500, 2_000),
    "cifar10": Gans("autogan-cifar10", "cifar10", GanMacro(), "autogan-50k", "quick-10", 5_000, 10_000),
}


def __getattr__(name: str) -> Gans:
    """Generators: a GAN trained on images, scored by the distance of what it makes, in a classifier's features."""
    if name not in GANS:
        raise AttributeError(name)
    return GANS[name]
