"""What is stored of a run: its key, its checkpoints, how it ended. Raw outcomes only; metrics are derived when read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.api import CostKind, Logged
from nasboard.harness.space import Archs, Floats

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
Status = Literal["pending", "running", "done", "budget", "failed"]
ENDED: tuple[Status, ...] = ("done", "budget", "failed")
MAKERS = ("method_by", "benchmark_by")  # the parts of a key that say who ran
OPTIONAL = (*MAKERS, "live", "inputs")  # parts that a key has no place for where they are absent
UNKNOWN = "unknown"  # identity of a run whose key does not say
TRAINING = "training"  # names of methods whose runs train one architecture from scratch begin so; boards show none
QUERY_SEEDS = 3  # of trainings that answer queries: 0, 1, 2
FIRST_TRUTH_SEED = 1000  # of trainings behind a truth: search and truth share none
TUNING = "tuning"  # the fact of a run's provenance that was stated when it was planned
RECORDED_BY = "recorded_by"  # the fact of the provenance of a run that somebody else made, with other software


@dataclass(frozen=True, slots=True)
class Maker:
    """Who a method or a benchmark is: code that is another makes other runs.

    Attributes:
        distribution: that registers it.
        version: of the distribution, None where it is not installed as one.
        code: SHA-256 over its module and what that imports of its own distribution, comments and docstrings left out;
            None where there is no source to be read.
        libraries: name -> version of what that code imports beyond nasboard's own requirements, such as torch.
        files: path as it was given -> SHA-256 of every file named in the hyper-parameters.
    """

    distribution: str
    version: str | None
    code: str | None
    libraries: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunKey:
    """What identifies a run. Two runs of equal keys would be the same run, so it is made once.

    Attributes:
        method: registered name of the method.
        params: every hyper-parameter, resolved (defaults included).
        benchmark: registered name of the benchmark.
        dataset: its data set.
        space: its search space.
        table_digest: SHA-256 of the table behind the truth, None without a table.
        seed: of the run.
        budget_s: simulated seconds, None for a run that ends by its own schedule.
        panel: identity of the architectures ranked at checkpoints, None without a panel.
        rank_every: the panel is ranked at steps that are multiples of it, and at the last.
        rank_all: whether the last step ranks the whole space too.
        method_by: who the method is; None is "unknown", for runs of nasboard 0.1 and searches recorded by others.
        benchmark_by: who the benchmark is, None likewise.
        live: SHA-256 over data set, network and recipe of a live benchmark, None for a tabular one.
        inputs: identities of the panels that are transformed at the last step, None where nothing is.
    """

    method: str
    params: Mapping[str, Json]
    benchmark: str
    dataset: str
    space: str
    table_digest: str | None
    seed: int
    budget_s: float | None
    panel: str | None
    rank_every: int = 1
    rank_all: bool = False
    method_by: Maker | None = None
    benchmark_by: Maker | None = None
    live: str | None = None
    inputs: tuple[str, ...] | None = None

    def canonical(self) -> str:
        """Return the key as JSON with sorted names, the text that is hashed; absent `OPTIONAL` parts are left out."""
        told = {name: value for name, value in asdict(self).items() if name not in OPTIONAL or value is not None}
        return json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def parse(cls, told: Mapping[str, Json]) -> RunKey:
        """Return the key of the values in `canonical`; whether they are the right ones its digest says.

        Raises:
            TypeError: a name that is not a key's, or not a maker's.
        """
        makers = {name: Maker(**told[name]) for name in MAKERS if told.get(name) is not None}  # type: ignore[arg-type]
        inputs = told.get("inputs")
        parts = {"inputs": tuple(inputs)} if isinstance(inputs, list) else {}
        return cls(**{**told, **makers, **parts})  # type: ignore[arg-type]

    @property
    def run_id(self) -> str:
        """Return the SHA-256 of the canonical key, in hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @property
    def trains(self) -> bool:
        """Return whether the run trains one architecture from scratch, rather than searches."""
        return self.method.startswith(TRAINING)

    def unsigned(self) -> str:
        """Return the canonical key without seed and makers: what was asked for, whoever makes it."""
        return replace(self, seed=0, method_by=None, benchmark_by=None).canonical()

    @property
    def makers(self) -> dict[str, Maker]:
        """Return who made the run, as far as it is known, by `method` and `benchmark`."""
        found = {"method": self.method_by, "benchmark": self.benchmark_by}
        return {what: maker for what, maker in found.items() if maker is not None}

    @property
    def identity(self) -> str:
        """Return twelve digits that say who method and benchmark are, `unknown` for a run of nasboard 0.1."""
        if self.method_by is None or self.benchmark_by is None:
            return UNKNOWN
        told = json.dumps([asdict(self.method_by), asdict(self.benchmark_by)], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One stored checkpoint.

    Attributes:
        step: 1, 2, 3, ...
        cost_s: cost so far, in seconds of the run's cost kind.
        wall_s: measured seconds spent inside the method so far (resumed parts included).
        incumbent: spec of the best architecture so far, None when the method has none.
        logs: finite numbers, and small arrays of them, float64.
        scores: predicted quality of the panel, `(n,)` at full precision, None when the checkpoint cannot rank.
        all_scores: predicted quality of the whole space in lexicographic order, at the last step of a `rank_all` run.
        test_accuracy: of the network on the test images, as the harness measured it at the last step, or of a generator
            the benchmark's `Quality` as it is held; None without one.
        transformed: identity of a panel -> what its architectures became `(n, d)`, at the last step of a run that was
            asked to transform; empty otherwise.
    """

    step: int
    cost_s: float
    wall_s: float
    incumbent: str | None = None
    logs: Mapping[str, Logged] = field(default_factory=dict)
    scores: Floats | None = None
    all_scores: Floats | None = None
    test_accuracy: float | None = None
    transformed: Mapping[str, Archs] = field(default_factory=dict)


def numbers(logs: Mapping[str, Logged]) -> dict[str, float]:
    """Return what is logged as a number, arrays left out."""
    return {name: value for name, value in logs.items() if not isinstance(value, np.ndarray)}


def arrays(logs: Mapping[str, Logged]) -> dict[str, Floats]:
    """Return what is logged as an array."""
    return {name: value for name, value in logs.items() if isinstance(value, np.ndarray)}


def plain(logs: Mapping[str, Logged]) -> dict[str, Json]:
    """Return logs with lists in place of arrays."""
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in logs.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """What a run was shown: every architecture that the oracle answered, in the order of the queries.

    Attributes:
        archs: `(n, d)`.
        epochs: `(n,)` int32, the fidelity that was asked for.
        val_accuracy: `(n,)` float64, what was answered, a fraction.
        cost_s: `(n,)` float64, what each query alone cost, in simulated seconds.
    """

    archs: Archs
    epochs: NDArray[np.int32]
    val_accuracy: NDArray[np.float64]
    cost_s: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of queries."""
        return len(self.archs)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One stored run, without its steps.

    Attributes:
        run_id: SHA-256 of the key.
        key: what identifies it.
        label: the name boards show (a suite's label; the method's name by default).
        status: `done` (the method ended), `budget` (the budget did), `failed`, or not ended yet.
        error: traceback or signal of a failed run, else None.
        cost_kind: whether `cost_s` is simulated or measured.
        cost_s: total cost in seconds.
        wall_s: measured seconds inside the method.
        queries: number of oracle queries, 0 for live runs.
        provenance: git revision and dirtiness, versions, device, seed and batch-norm policy, UTC start; what the suite
            said of how the settings were tuned.
    """

    run_id: str
    key: RunKey
    label: str
    status: Status
    error: str | None
    cost_kind: CostKind
    cost_s: float
    wall_s: float
    queries: int
    provenance: Mapping[str, Json]

    @property
    def stopped(self) -> bool:
        """Return whether it was begun, has not ended, and waits for somebody to go on with it."""
        return self.status == "pending" and self.wall_s > 0

    @property
    def tuning(self) -> str | None:
        """Return what was stated of how the settings were tuned, None where nothing was."""
        return self._told(TUNING)

    @property
    def recorded_by(self) -> str | None:
        """Return whose software made the run and recorded it, None for one that was made here."""
        return self._told(RECORDED_BY)

    def _told(self, fact: str) -> str | None:
        told = self.provenance.get(fact)
        return told if isinstance(told, str) else None
