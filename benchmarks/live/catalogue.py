"""The live benchmarks by name: which space, which data set, which network, what scores it, and their options.

`digits201-live`, `digits1296-live`, `nb201-DATA-live` and `nb1shot1-N-live` are scored by the tables of their spaces;
`poc1296-cifar10`, `darts-DATA`, `s1-DATA` to `s5-DATA`, `nat-DATA`, `nat-enas-DATA`, `proxyless-DATA`, `ofa-DATA`, and
`vgg16-DATA` and its like, by trainings from scratch. A table of all trainings of `poc1296-cifar10`, once it was built
under that name, scores `poc1296-cifar10-live`. An option is part of a benchmark's name, and so of every run. A name is
an attribute of this module, so that the registry finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial as bound
from types import MappingProxyType

from nasboard.benchmarks.live.benchmark import SCORED_ON, LiveBenchmark, Parts
from nasboard.benchmarks.live.datasets.spec import DataSpec, data_spec
from nasboard.benchmarks.live.sizes import check_trainable, narrowed, of_layers, weighs_edges, with_partial
from nasboard.benchmarks.live.trainings.recipe import recipe as recipe_of
from nasboard.benchmarks.spaces.darts_lists import SPACES as DARTS_SPACES
from nasboard.benchmarks.spaces.edge_cells.poc1296 import Poc1296Space
from nasboard.benchmarks.spaces.handcrafted.space import SPACES as NETWORKS
from nasboard.benchmarks.spaces.layerwise import SPACES as LAYER_SPACES
from nasboard.benchmarks.spaces.macros import (
    DIGITS,
    HANDCRAFTED,
    OFA_8,
    OFA_32,
    POC,
    PROXYLESS_8,
    PROXYLESS_32,
    RESNET20_8,
    DartsMacro,
    Macro,
    NB1Shot1Macro,
    NB201Macro,
    sized,
)
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space, left_out
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace
from nasboard.benchmarks.tabulated import digits201, digits1296, nb101
from nasboard.benchmarks.tabulated.built import built
from nasboard.benchmarks.tabulated.nb201 import benchmark as nb201_tables
from nasboard.benchmarks.tabulated.nb201.published import ONE_SHOT
from nasboard.harness.api import Benchmark
from nasboard.harness.context import Published
from nasboard.harness.errors import UsageError
from nasboard.harness.registry import full_name, split_name

IMAGES = ("digits", "cifar10", "cifar100", "svhn", "ImageNet16-120")
TRAINED: Mapping[str, tuple[str, ...]] = MappingProxyType(  # spaces without a table, and the images they are on
    {name: IMAGES[:2] if name.startswith("nat") else IMAGES for name in DARTS_SPACES}
)
RECIPE_ON: Mapping[str, str] = MappingProxyType(  # of those spaces; on other images nobody has published one
    {"cifar10": "darts-cifar10-600", "cifar100": "darts-16x8-600", "svhn": "darts-16x8-600"}
)
EQUAL = {"compiled", "fused"}  # options that change a search by rounding alone


@dataclass(frozen=True)
class Live:
    """Opens one live benchmark; its options are the parameters of the call.

    Attributes:
        name: registered name.
        space: the relaxed space.
        data: name of the data set.
        macro: the network around the cells, but for what the data set says of images and classes.
        recipe: name of the default recipe.
        table: opens the benchmark of the same space whose table scores, given a version; None where trainings do.
        published: figures of searches on these very supernets and images, all of them.
    """

    name: str
    space: RelaxedSpace
    data: str
    macro: Macro
    recipe: str
    table: Callable[[str | None], Benchmark] | None = None
    published: tuple[Published, ...] = ()

    def __call__(
        self,
        version: str | None = None,
        channels: str | None = None,
        cells: str | None = None,
        partial: str | None = None,
        without: str | None = None,
        none: str | None = None,
        train: str | None = None,
        val: str | None = None,
        size: str | None = None,
        data: str | None = None,
        scored_on: str | None = None,
        precision: str | None = None,
        compiled: str | None = None,
        fused: str | None = None,
        recipe: str | None = None,
    ) -> LiveBenchmark:
        """Return the benchmark.

        Args:
            version: of the table.
            channels: of the first cells of supernets.
            cells: of supernets (a stage, of nb201); of spaces of layers, the layers of a stage, and so of the space.
            partial: of supernets, K: 1/K of the channels go through the operations, and edges have weights as well, as
                in PC-DARTS, but for nb1shot1, which weighs the inputs of its nodes already.
            without: of nb201: operations that no edge may have, joined by +, as in `none+avg_pool_3x3`; None: has all.
            none: of nb201: `mixed` where mixtures have `none` and no cell has it, as in DARTS' paper.
            train: training images to search on; None: all of the part.
            val: validation images that guide the search.
            size: pixels a side.
            data: version of the imported images, where there are several.
            scored_on: validation images that shared weights are scored on.
            precision: of supernets, `fp32` or `bf16`.
            compiled: `on` for supernets that are compiled, or `off`.
            fused: `on` for supernets that run in few passes, equal to rounding, or `off`.
            recipe: how architectures are trained from scratch.

        Raises:
            UsageError: a value that is not allowed.
            SpecError: no such operations.
            MissingDataError: there is no table of the space.
        """
        check("precision", precision, ("fp32", "bf16"))
        check("compiled", compiled, ("off", "on"))
        check("fused", fused, ("off", "on"))
        check("none", none, ("mixed",))
        if version is not None and self.table is None:
            raise UsageError(f"{self.name} has no table and so no version; its recipe is an option")
        spec = data_spec(self.data, told(train=train, val=val, size=size, data=data))
        space = self.space
        if without is not None or none is not None:
            space = narrowed(space, without, mixes_none=none is not None)
        macro = self._sized(spec, told(channels=channels, cells=cells))
        space = of_layers(space, macro)
        if partial is not None:
            space, macro = with_partial(space, macro, number("partial", partial))
        parts = Parts(
            space,
            spec,
            macro,
            recipe_of(recipe or self.recipe),
            scored_on=SCORED_ON if scored_on is None else number("scored_on", scored_on),
            precision="bf16" if precision == "bf16" else "fp32",
            compiled=compiled == "on",
            fused=fused == "on",
        )
        check_trainable(self.name, parts)
        return self._open(parts, version)

    def _sized(self, spec: DataSpec, given: Mapping[str, str]) -> Macro:
        """Return the network around the cells of supernets."""
        side, inputs, classes = spec.shape
        sizes = {name: number(name, value) for name, value in given.items()}
        return sized(self.macro, image=side, inputs=inputs, classes=classes, **sizes)

    def _open(self, parts: Parts, version: str | None) -> LiveBenchmark:
        scored_by = None if self.table is None else self.table(version)
        there = None if scored_by is None else split_name(scored_by.name)[1]
        searched, trained = self._options(parts)
        return LiveBenchmark(
            name=full_name(self.name, there, searched),
            parts=parts,
            trained_as=full_name(self.name, there, trained),
            scored_by=scored_by,
            parameter_free=None if scored_by is None else scored_by.parameter_free,
            published=self.published if searched.keys() <= EQUAL else (),
        )

    def _options(self, parts: Parts) -> tuple[dict[str, str], dict[str, str]]:
        """Return the options that say how parts depart from the default, and those of them that trainings depend on.

        Equal parts so have one name, however they were asked for. A size that the recipe fixes is nothing to trainings.
        """
        macro, recipe = parts.macro, parts.recipe
        changed = _changed(channels=(macro.channels, self.macro.channels), cells=(macro.cells, self.macro.cells))
        whole = parts.data.options | _changed(recipe=(recipe.name, self.recipe))
        fixed = {"channels": recipe.channels, "cells": recipe.cells}
        trained = whole | {name: value for name, value in changed.items() if fixed[name] is None}
        supernets = {"scored_on": (parts.scored_on, SCORED_ON), "precision": (parts.precision, "fp32")}
        ways = {"compiled": parts.compiled, "fused": parts.fused}
        how = _changed(**supernets) | {name: "on" for name, taken in ways.items() if taken}
        if weighs_edges(parts.space) or macro.partial > 1:
            how["partial"] = str(macro.partial)
        if isinstance(parts.space, NB201Space):
            left = left_out(parts.space.mixed)
            how |= ({"without": left} if left else {}) | ({"none": "mixed"} if parts.space.mixes_none else {})
        return whole | changed | how, trained


def told(**options: str | None) -> dict[str, str]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def check(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    """Raise UsageError where an option was given and is none of those allowed."""
    if value not in (None, *allowed):
        raise UsageError(f"{name} is {' or '.join(allowed)}, given {value!r}")


def number(name: str, value: str) -> int:
    """Return the value of an option that counts something.

    Raises:
        UsageError: it is no positive whole number.
    """
    if not (value.isascii() and value.isdigit() and int(value) > 0):
        raise UsageError(f"{name} is a positive whole number, given {value!r}")
    return int(value)


def _changed(**values: tuple[object, object]) -> dict[str, str]:
    """Return the options, each a value and the default, whose value is another."""
    return {name: str(value) for name, (value, default) in values.items() if value != default}


def _only(name: str, table: Callable[[], Benchmark]) -> Callable[[str | None], Benchmark]:
    """Return what opens the one table that the benchmark `name` has."""

    def opened(version: str | None) -> Benchmark:
        if version is not None:
            raise UsageError(f"{name} has one table and no versions, given {version!r}")
        return table()

    return opened


def _with_tables() -> list[Live]:
    tables: dict[str, Callable[[str | None], Benchmark]] = {
        "cifar10": nb201_tables.cifar10,
        "cifar100": nb201_tables.cifar100,
        "ImageNet16-120": nb201_tables.imagenet16,
    }
    found = [_on_digits("digits201-live", NB201Space(), "digits201-15", digits201.tabular)]
    found.append(_on_digits("digits1296-live", Poc1296Space(), "digits1296-10", digits1296.tabular))
    own = _only("poc1296-cifar10-live", bound(built, "poc1296-cifar10"))
    found.append(Live("poc1296-cifar10-live", Poc1296Space(), "cifar10", POC, "quick-10", own))
    for data, table in tables.items():
        recipe = "nb201-200-16px" if data == "ImageNet16-120" else "nb201-200"
        figures = ONE_SHOT if data == "cifar10" else ()
        found.append(Live(f"nb201-{data}-live", NB201Space(), data, NB201Macro(), recipe, table, figures))
    for place, shot in enumerate((nb101.nb1shot1_1, nb101.nb1shot1_2, nb101.nb1shot1_3), start=1):
        space = NB1Shot1Space.of(place)
        found.append(Live(f"nb1shot1-{place}-live", space, "cifar10", NB1Shot1Macro(), "quick-30", shot))
    return found


def _on_digits(name: str, space: RelaxedSpace, recipe: str, table: Callable[[], Benchmark]) -> Live:
    return Live(name, space, "digits", DIGITS, recipe, _only(name, table))


def _trained() -> list[Live]:
    found = [Live("poc1296-cifar10", Poc1296Space(), "cifar10", POC, "quick-10")]
    for space, images in TRAINED.items():
        for data in images:
            recipe = RECIPE_ON.get(data, "quick-30")
            split = "cifar100-halved" if data == "cifar100" else data  # that of cifar100 itself is NAS-Bench-201's
            found.append(Live(f"{space}-{data}", DARTS_SPACES[space], split, DartsMacro(), recipe))
    return found


def _of_layers() -> list[Live]:
    whole = LAYER_SPACES["proxyless"]
    macros: dict[str, Macro] = {"digits": PROXYLESS_8, "cifar10": PROXYLESS_32}
    plain = [Live(f"proxyless-{on}", of_layers(whole, macro), on, macro, "quick-30") for on, macro in macros.items()]
    return [
        *plain,
        Live("ofa-digits", LAYER_SPACES["ofa-digits"], "digits", OFA_8, "quick-30"),
        Live("ofa-cifar10", LAYER_SPACES["ofa-mbv3"], "cifar10", OFA_32, "quick-30"),
    ]


def _handcrafted() -> list[Live]:
    found = [Live(f"{name}-cifar10", NETWORKS[name], "cifar10", of, "quick-30") for name, of in HANDCRAFTED.items()]
    return [*found, Live("resnet20-digits", NETWORKS["resnet20"], "digits", RESNET20_8, "quick-30")]


LIVE: Mapping[str, Live] = {live.name: live for live in (*_with_tables(), *_trained(), *_of_layers(), *_handcrafted())}


def __getattr__(name: str) -> Live:
    """Live: supernets trained on images, scored by the table of the space, or by trainings where it has none."""
    if name not in LIVE:
        raise AttributeError(name)
    return LIVE[name]
