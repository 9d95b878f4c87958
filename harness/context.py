"""What a benchmark can say beyond its truth, every part optional: second objectives, published figures, trainings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.space import Arch, Archs, Bools, Floats

Images = NDArray[np.uint8] | NDArray[np.float32]  # (n, c, h, w), as the data set keeps them
Labels = NDArray[np.int64]  # (n,)
RESOLUTION = 10**12  # of true accuracies whose benchmark tells none: coarser than the rounding of doubles


@dataclass(frozen=True, slots=True)
class Objective:
    """A second objective beside accuracy; lower is better.

    Attributes:
        name: such as `edgegpu_latency`.
        unit: such as `ms`.
        of: architectures `(n, d)` that have a value -> values `(n,)`, finite.
        source: what was measured, and which table holds it, as boards name it.
        known: architectures `(n, d)` -> which of them `(n,)` have a value; None: all. Nothing stands in for a value
            that is not there: fronts and their scales are of the architectures that have one.
    """

    name: str
    unit: str
    of: Callable[[Archs], Floats]
    source: str | None = None
    known: Callable[[Archs], Bools] | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """What the truth of a benchmark is, wherever this harness says accuracy.

    Inside, the higher value is the better one, always. A value of which less is better, such as a distance, is held as
    its negative there, in a store too; boards turn it round.

    Attributes:
        name: as boards head it, such as `Frechet distance`.
        unit: `fraction`, shown in percent, or None for a bare number.
        higher_is_better: of the value as people read it.
        range: lowest and highest value as it is held.
        note: how it is made, for the foot of boards; None for accuracy, which every board explains.
        of: images `(n, c, h, w)` that a generator made, test images -> the value as people read it. None: the truth is
            of networks that classify, and the share of test images that they put into their class.
        made: how many images a generator is asked for.
    """

    name: str = "accuracy"
    unit: Literal["fraction"] | None = "fraction"
    higher_is_better: bool = True
    range: tuple[float, float] = (0.0, 1.0)
    note: str | None = None
    of: Callable[[Images, Images], float] | None = None
    made: int = 0

    def turned(self, value: float) -> float:
        """Return a value as people read it for one as it is held, or the other way round."""
        return value if self.higher_is_better else -value

    def drawn(self, values: Floats) -> Floats:
        """Return values `(n,)` as figures show them, for such as are held: percent where they are fractions."""
        return 100 * values if self.unit == "fraction" else values * self.turned(1.0)

    @property
    def heading(self) -> str:
        """Return what stands at an axis of `drawn` values."""
        return f"True {self.name} (%)" if self.unit == "fraction" else f"True {self.name}"


ACCURACY = Quality()


@dataclass(frozen=True, slots=True)
class Published:
    """A figure quoted from the literature, printed beside ours where the search is the same.

    That is: the same method with the published settings, on the same data set with the same budget.

    Attributes:
        method: registered name of the method.
        dataset: where the test accuracy was measured.
        budget_s: of the search, None for one that ends by its own schedule.
        mean: test accuracy, a fraction.
        sd: its standard deviation over runs, None where it is not given.
        mark: how sure the quotation is: `T` read in a text, `M` from memory and unverified.
        source: what is quoted, and where it was read.
        params: the published hyper-parameters that are not the method's defaults.
        measuring: hyper-parameters that change what is measured along a search and not the search.
    """

    method: str
    dataset: str
    budget_s: float | None
    mean: float
    sd: float | None
    mark: str
    source: str
    params: Mapping[str, bool | int | float | str] = field(default_factory=lambda: MappingProxyType({}))
    measuring: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trainings:
    """How architectures of a live benchmark are trained from scratch; a training is a run of the method `training`.

    Attributes:
        benchmark: full name under which trainings are stored: what concerns supernets alone is no part of it.
        recipe: name of the recipe.
        epochs: of the recipe.
        truth: whether trainings are the truth of the benchmark, which has no table then.
        shows_val: whether the recipe holds the validation images out, so that queries can be answered.
        fidelities: epochs that a query may ask for, each a training with its own schedule; the last is `epochs`.
        canonical: architectures `(n, d)` -> `(n, d)` the ones that are trained for them: isomorphic ones share one.
        cost_s: architecture `(d,)`, epochs -> nominal seconds of its training: multiply-adds over a fixed speed, so
            that a search by queries is reproducible. What a training took is measured beside.
        method: registered name of what trains; ours, or one of a plug-in whose name begins with `training`. It has the
            hyper-parameters `spec`, `recipe` and `epochs`, yields the architecture as incumbent, logs `val_accuracy`
            where validation images are held out, and has a `network` at its last step.
    """

    benchmark: str
    recipe: str
    epochs: int
    truth: bool
    shows_val: bool
    fidelities: tuple[int, ...]
    canonical: Callable[[Archs], Archs]
    cost_s: Callable[[Arch, int], float]
    method: str = "training"


@dataclass(frozen=True, slots=True)
class Context:
    """What a benchmark can say beyond its truth; every part is optional.

    Attributes:
        version: of the table, as boards name it.
        notes: lines for the foot of boards: seed policy, what is estimated rather than recorded.
        transfer: architectures `(n, d)` -> data set -> mean test accuracy `(n,)` of the same ones trained there.
        objectives: second objectives by name; reading it raises where what they come from cannot be used.
        published: figures to print beside ours.
        optimum: returns the best true accuracy of the whole space, called when runs are scored; a complete table knows
            that of a space which is too large to list. None where it is not known.
        resolution: true accuracies are multiples of 1/resolution, as counts over test images x training seeds are. They
            are compared in these steps, so that equal ones stay equal whatever arithmetic did to their last digits.
        learned: architectures `(n, d)` -> which of them `(n,)` have an operation with parameters on a path from input
            to output; the others compute nothing learned, and a search that ends there has collapsed. None: not known.
        named: name -> string form of the architectures that are known by a name.
        skips: architectures `(n, d)` -> share `(n,)` of the operations they keep, so not of `none`, that are skip
            connections; None: it has none.
        parts: SHA-256 over data set, network and recipe of a live benchmark; part of a run's identity.
        trainings: how its architectures are trained from scratch, None where that is not offered.
        test: returns the test images and labels, which the harness alone measures a `network` on, or holds against what
            a generator made.
        quality: what the truth is.
        counted: parameters and multiply-adds of the networks that the truth is of, by name, counted and not measured:
            what a transformation must not raise. None where nobody has counted them.
    """

    version: str | None = None
    notes: tuple[str, ...] = ()
    transfer: Callable[[Archs], Mapping[str, Floats]] | None = None
    objectives: Mapping[str, Objective] = field(default_factory=lambda: MappingProxyType({}))
    published: tuple[Published, ...] = ()
    optimum: Callable[[], float] | None = None
    resolution: int = RESOLUTION
    learned: Callable[[Archs], Bools] | None = None
    named: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    skips: Callable[[Archs], Floats] | None = None
    parts: str | None = None
    trainings: Trainings | None = None
    test: Callable[[], tuple[Images, Labels]] | None = None
    quality: Quality = ACCURACY
    counted: Callable[[Archs], Mapping[str, Floats]] | None = None
