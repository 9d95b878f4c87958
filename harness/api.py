"""The search API: one verb, `search`; one noun, `Checkpoint`.

A benchmark answers questions, a task is what a method may use of it, a method yields checkpoints. Abilities (ranking,
transforming, a trained network) are optional fields of what a method yields, never flags on the method. Accuracies are
fractions in [0, 1], times are seconds. Nothing here runs anything: that is `runner`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.harness.context import Context
from nasboard.harness.context import Images as Images
from nasboard.harness.context import Labels as Labels
from nasboard.harness.space import Arch, Archs, Floats, SearchSpace

API_VERSION = 2

Need = Literal["query", "data"]
CostKind = Literal["simulated", "measured"]
Logits = NDArray[np.float32]  # (n, classes)
Logged = float | Floats  # a finite number, or a small array of them, (m,) or (m, k)
State = Mapping[str, object]  # numpy arrays, numbers, strings, None, and lists and mappings of them


@dataclass(frozen=True, slots=True)
class Observation:
    """All that a black-box method may see of an architecture.

    Attributes:
        val_accuracy: validation accuracy after `epochs`, a fraction.
        cost_s: what training that far costs, in simulated seconds.
        epochs: the fidelity that was asked for.
    """

    val_accuracy: float
    cost_s: float
    epochs: int


class Query(Protocol):
    """The searchable side of a benchmark. An object of its own, from which no path leads to a test value."""

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        """Return what training `arch` `(d,)` for `epochs` shows; `rng` draws the recorded training seed."""


class Oracle(Protocol):
    """The metered door to `Benchmark.query` that a method is given."""

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Return the epochs that may be asked for; the last is full training."""

    @property
    def left_s(self) -> float:
        """Return the simulated seconds left of the budget."""

    def __call__(self, arch: Arch, epochs: int | None = None) -> Observation:
        """Train `arch` `(d,)` for `epochs` (None: fully) and pay for it.

        Raises:
            BudgetExhausted: the budget does not cover it; nothing was paid.
            SpecError: the architecture is not in the space.
        """


@runtime_checkable
class SearchData(Protocol):
    """Train and validation images of a live benchmark; never test."""

    @property
    def train(self) -> tuple[Images, Labels]:
        """Return the images and labels that weights are trained on."""

    @property
    def val(self) -> tuple[Images, Labels]:
        """Return the images and labels that guide the search."""


class Benchmark(Protocol):
    """A space, what guides a search in it, and the truth that scores the search."""

    @property
    def name(self) -> str:
        """Return the registered name."""

    @property
    def dataset(self) -> str:
        """Return the name of the data set; boards never mix two."""

    @property
    def space(self) -> SearchSpace:
        """Return the search space."""

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Return the epochs that may be asked for; the last is full training."""

    @property
    def cost_kind(self) -> CostKind:
        """Return whether costs are recorded (`simulated`) or taken by the clock (`measured`)."""

    @property
    def digest(self) -> str | None:
        """Return the SHA-256 of the table behind the truth; part of a run's identity."""

    @property
    def query(self) -> Query | None:
        """Return the searchable side, None where nothing is tabulated."""

    @property
    def parameter_free(self) -> tuple[int, ...] | None:
        """Return the choices that are operations without parameters (for their share in a cell), None if unknown."""

    @property
    def context(self) -> Context:
        """Return what the benchmark can say beyond its truth; `Context()` where that is nothing."""

    def data(self) -> SearchData | None:
        """Return train and validation data, None where the benchmark has none."""

    def truth(self, archs: Archs) -> Floats:
        """Return the mean test accuracy `(n,)` of architectures `(n, d)`; for the harness alone."""

    def truth_by_seed(self, archs: Archs) -> NDArray[np.float64] | None:
        """Return test accuracies `(n, seeds)` of the table's own training seeds, None where it has only means."""


@dataclass(frozen=True, slots=True)
class Task:
    """What the harness hands a method. No path leads from it to a test value.

    Attributes:
        space: the search space.
        rng: the method's only source of randomness.
        budget_s: simulated seconds for queries; infinite for a live run, which ends by its own schedule.
        device: `cpu` or `cuda`.
        query: the metered oracle, for methods that need `query`.
        data: train and validation data, for methods that need `data`.
        resume: what `Checkpoint.state` returned after the last step that was kept; None for a fresh run.
    """

    space: SearchSpace
    rng: Generator
    budget_s: float
    device: str = "cpu"
    query: Oracle | None = None
    data: SearchData | None = None
    resume: State | None = None


_NO_LOGS: Mapping[str, Logged] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a method yields after a step; valid until the next one is drawn.

    Attributes:
        step: 1, 2, 3, ... (a query, or an epoch).
        incumbent: the best architecture so far `(d,)`.
        rank: `(n, d)` -> `(n,)` predicted quality, higher is better.
        transform: `(n, d)` -> `(n, d)` architectures meant to be better.
        network: images `(n, c, h, w)` -> logits `(n, classes)` of a trained network.
        generate: how many -> images `(n, c, h, w)` of a trained generator, as the data set keeps them; always the same.
        state: enough to go on after this step exactly as if nothing had happened.
        logs: finite numbers worth a curve (`eigenvalue`, `supernet_accuracy`, ...), and small arrays (`alpha`, ...).
        last: the method's own schedule ends with this step; the harness then takes its final measurements.
        total: steps of the method's own schedule, for whoever watches; nothing is decided by it.
        visited: what a method without an oracle looked at in this step: each architecture `(d,)` with what it was told
            of it, such as a supernet's score. It is stored as queries are, and how good it truly is says the harness.
    """

    step: int
    incumbent: Arch | None = None
    rank: Callable[[Archs], Floats] | None = None
    transform: Callable[[Archs], Archs] | None = None
    network: Callable[[Images], Logits] | None = None
    generate: Callable[[int], Images] | None = None
    state: Callable[[], State] | None = None
    logs: Mapping[str, Logged] = field(default_factory=lambda: _NO_LOGS)
    last: bool = False
    total: int | None = None
    visited: Sequence[tuple[Arch, Observation]] = ()


@runtime_checkable
class SearchMethod(Protocol):
    """A frozen dataclass of hyper-parameters with the paper's defaults, and one verb."""

    needs: ClassVar[frozenset[Need]]

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Search, yielding a checkpoint after every step. The harness owns clock, budget and seeds."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An architecture to train; `epochs` None means fully."""

    arch: Arch
    epochs: int | None = None


class AskTell(Protocol):
    """A black-box player; `asktell.play` lifts it into a `SearchMethod`."""

    def ask(self) -> Proposal:
        """Return what to train next."""

    def tell(self, proposal: Proposal, seen: Observation) -> None:
        """Learn what came of it."""
