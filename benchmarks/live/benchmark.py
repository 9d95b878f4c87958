"""A live benchmark: space x data set x network x recipe, each a frozen value, and what scores it. No torch.

Searching means training a supernet on the data that `data` hands out. What is found is scored by a table of the same
space where there is one, and by trainings from scratch where there is none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.live.datasets.opening import data_digest, open_test
from nasboard.benchmarks.live.datasets.spec import DataSpec
from nasboard.benchmarks.live.trainings.recipe import Recipe
from nasboard.benchmarks.spaces.costs import darts as darts_costs
from nasboard.benchmarks.spaces.costs import handcrafted as handcrafted_costs
from nasboard.benchmarks.spaces.costs import layerwise as layer_costs
from nasboard.benchmarks.spaces.costs import nb101 as nb101_costs
from nasboard.benchmarks.spaces.costs import nb201 as nb201_costs
from nasboard.benchmarks.spaces.costs.layers import Cost
from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.edge_cells.poc1296 import EdgeSpace
from nasboard.benchmarks.spaces.handcrafted.space import HandcraftedSpace
from nasboard.benchmarks.spaces.known.published import known
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.benchmarks.spaces.macros import (
    BlocksMacro,
    DartsMacro,
    LayersMacro,
    Macro,
    NB1Shot1Macro,
    NB201Macro,
    as_told,
    sized,
)
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace
from nasboard.benchmarks.tabulated.built import Built
from nasboard.harness.api import Benchmark, CostKind, SearchData
from nasboard.harness.context import Context, Published, Trainings
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.space import (
    Arch,
    Archs,
    Floats,
    Ints,
    enumerate_all,
    from_index,
)

SCORED_ON = 1000  # validation images
NOMINAL_SPEED = 1e10  # multiply-adds a second at which a training is said to take its nominal time
PASSES = 3  # over the network in a step: forward, and twice that backward
THIRDS = (9, 3, 1)  # of the recipe's epochs, that queries may ask for


@dataclass(frozen=True, slots=True)
class Parts:
    """The four parts of a live benchmark.

    Attributes:
        space: the search space.
        data: the data set, its split and its size.
        macro: the network around the supernet's cells.
        recipe: how an architecture is trained from scratch.
        scored_on: validation images that shared weights are scored on, all in one batch; fewer where there are fewer.
        precision: of supernets: `fp32`, or `bf16` for feature maps and convolutions.
        compiled: whether supernets are compiled.
        fused: whether supernets run in few passes.
    """

    space: RelaxedSpace
    data: DataSpec
    macro: Macro
    recipe: Recipe
    scored_on: int = SCORED_ON
    precision: Literal["fp32", "bf16"] = "fp32"
    compiled: bool = False
    fused: bool = False

    @property
    def alone(self) -> Macro:
        """Return the network around the cells of an architecture that is trained from scratch."""
        recipe, macro = self.recipe, self.macro
        if isinstance(macro, DartsMacro):
            macro = replace(macro, auxiliary=recipe.auxiliary > 0)
        return sized(macro, partial=1, channels=recipe.channels or macro.channels, cells=recipe.cells or macro.cells)

    def digest(self, *, trained: bool) -> str:
        """Return the SHA-256 over the parts; with `trained` over what a training from scratch depends on alone."""
        told: dict[str, object] = {
            "space": self.space.name,
            "data": [self.data.name, data_digest(self.data)],
            "alone": [type(self.alone).__name__, as_told(self.alone)],
            "recipe": asdict(self.recipe),
        }
        if not trained:
            how = [self.scored_on, self.precision, self.compiled, *(["fused"] if self.fused else [])]
            how += ["none mixed"] if getattr(self.space, "mixes_none", False) else []
            told["supernet"] = [as_told(self.macro), [group.name for group in self.space.groups], *how]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LiveBenchmark:
    """The benchmark over its parts.

    Attributes:
        name: the full name.
        parts: what it is made of.
        trained_as: full name under which its trainings are stored.
        scored_by: the benchmark whose table is the truth, None where trainings are.
        parameter_free: choices that are operations without parameters, None where slots do not share numbers.
        published: figures of searches on these very parts.
    """

    name: str
    parts: Parts
    trained_as: str
    scored_by: Benchmark | None = None
    parameter_free: tuple[int, ...] | None = None
    published: tuple[Published, ...] = ()
    cost_kind: CostKind = "measured"
    query: None = None

    @property
    def space(self) -> RelaxedSpace:
        """Return the search space."""
        return self.parts.space

    @property
    def dataset(self) -> str:
        """Return the name of the data set that architectures are scored on."""
        return self.parts.data.name if self.scored_by is None else self.scored_by.dataset

    @property
    def digest(self) -> str | None:
        """Return the digest of the table, or of all that trainings depend on.

        Raises:
            MissingDataError: there is no table and the images are not there.
        """
        return self.parts.digest(trained=True) if self.scored_by is None else self.scored_by.digest

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Return the epochs that a query may ask for."""
        return tuple(sorted({max(1, self.parts.recipe.epochs // share) for share in THIRDS}))

    @property
    def context(self) -> Context:
        """Return what the table says, and of what this benchmark is made."""
        told = Context() if self.scored_by is None else self.scored_by.context
        return replace(
            told,
            notes=(*told.notes[:1], *self._notes()),
            published=self.published,
            learned=told.learned or getattr(self.space, "learned", None),
            skips=told.skips or (getattr(self.space, "skips", None) if self._has_skips else None),
            named=self._named(),
            parts=self._parts_digest(),
            trainings=self._trainings(),
            test=partial(open_test, self.parts.data),
            counted=told.counted or partial(counted, self.parts),
        )

    def _named(self) -> Mapping[str, str]:
        if isinstance(self.space, HandcraftedSpace):
            return self.space.named
        return known(self.space) if isinstance(self.space, DartsSpace) else {}

    @property
    def _has_skips(self) -> bool:
        return any(option.startswith("skip_connect") for group in self.space.groups for option in group.options)

    def data(self) -> SearchData:
        """Return images and supernets.

        Raises:
            MissingDataError: torch is not installed, or the images are not there.
        """
        try:
            from nasboard.benchmarks.live.data import open_live
        except ImportError as error:
            raise MissingDataError(f"{self.name} trains networks: pip install 'nasboard[live]' ({error})") from error
        return open_live(self.parts)

    def truth(self, archs: Archs) -> Floats:
        """Return the mean test accuracy `(n,)` by the table.

        Raises:
            MissingDataError: there is no table; trainings are the truth.
        """
        return self._table().truth(archs)

    def truth_by_seed(self, archs: Archs) -> NDArray[np.float64] | None:
        """Return test accuracies `(n, seeds)` by the table, None where it has only means.

        Raises:
            MissingDataError: there is no table.
        """
        return self._table().truth_by_seed(archs)

    def _table(self) -> Benchmark:
        if self.scored_by is None:
            raise MissingDataError(
                f"{self.name} has no table; its truth are trainings: nasboard train '{self.trained_as}' ARCH"
            )
        return self.scored_by

    def _notes(self) -> tuple[str, ...]:
        parts = self.parts
        network = f"{type(parts.macro).__name__.removesuffix('Macro')} of {parts.macro.channels} channels"
        searched = f"live: supernets are {network}, searched on {parts.data.name}, {parts.precision}"
        own = self.scored_by is None or isinstance(self.scored_by, Built)  # which says itself what it is of
        scored = "" if own else "; the table is of full-size networks on the whole data set"
        return (searched + scored,) if parts.data.base != "digits" else ()

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
            truth=self.scored_by is None,
            shows_val=recipe.fit == "train",
            fidelities=self.fidelities,
            canonical=partial(representatives, self.space),
            cost_s=partial(nominal_s, self.parts),
        )


def nominal_s(parts: Parts, arch: Arch, epochs: int) -> float:
    """Return the nominal seconds of training `arch` `(d,)` from scratch for `epochs`."""
    work = float(cost(parts.space, parts.alone, arch[None]).multiply_adds[0])
    return PASSES * work * parts.data.images(*parts.recipe.fit.split("+")) * epochs / NOMINAL_SPEED


def counted(parts: Parts, archs: Archs) -> dict[str, Floats]:
    """Return the parameters and multiply-adds `(n,)` of architectures `(n, d)`, trained from scratch."""
    return cost(parts.space, parts.alone, archs).by_name


def cost(space: RelaxedSpace, macro: Macro, archs: Archs) -> Cost:
    """Return what the networks of architectures `(n, d)` cost.

    Raises:
        UsageError: nobody has counted networks like these.
    """
    if isinstance(macro, NB201Macro) and isinstance(space, EdgeSpace):
        return nb201_costs.count(space.operations(archs), macro)
    if isinstance(macro, NB1Shot1Macro) and isinstance(space, NB1Shot1Space):
        return nb101_costs.count(space, archs, macro)
    if isinstance(macro, DartsMacro) and isinstance(space, DartsSpace):
        return darts_costs.count(space, archs, macro)
    if isinstance(macro, LayersMacro) and isinstance(space, LayerSpace):
        return layer_costs.count(space, archs, macro)
    if isinstance(macro, BlocksMacro) and isinstance(space, HandcraftedSpace):
        return handcrafted_costs.count(space, archs, macro)
    raise UsageError(f"the cost of {space.name} cells in a {type(macro).__name__} is not known")


def representatives(space: RelaxedSpace, archs: Archs) -> Archs:
    """Return, for each architecture `(n, d)`, the one that stands for all isomorphic to it.

    That is the lexicographically first, but of spaces of layers, which say it themselves.
    """
    if isinstance(space, LayerSpace | DartsSpace):
        return space.representatives(archs)
    first, of = _classes(cast(Hashable, space))
    return from_index(space, first[np.searchsorted(of, space.canonical(archs))])


@cache
def _classes(hashable: Hashable) -> tuple[Ints, Ints]:
    """Return the lexicographic index of the first of each class, and the class's canonical number, ascending."""
    space = cast(RelaxedSpace, hashable)
    of, first = np.unique(space.canonical(enumerate_all(space)), return_index=True)
    return first.astype(np.int64), of
