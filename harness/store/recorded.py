"""Searches that others recorded, as runs of a store: the cells they derived, to be scored as ours are. Nothing is run.

The form is that of NASLib's one-shot searches on NAS-Bench-201: a file `NAME_SEED.json` a search, or as NASLib itself
names it, `NAMEOptimizer/errors_SEED.json`. In it are `arch_eval`, the derived cell of every epoch (`arch`), `runtime`,
the seconds of every epoch, and curves of the supernet. What it says of a cell's accuracy is of some version of a table;
it is left aside, and so is the supernet's on test images.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nasboard.harness.api import Benchmark
from nasboard.harness.errors import MissingDataError, SchemaError, SpecError, StoreError, UsageError
from nasboard.harness.record import RECORDED_BY, Json, RunKey, RunRecord, StepRecord
from nasboard.harness.store.moved import Moved
from nasboard.harness.store.store import Store

METHOD = "recorded"  # that such runs have in their keys; no method of that name is registered
RECORDER = "NASLib"
NAMED = re.compile(r"(?P<name>\w+)_(?P<seed>\d+)")
UNNAMED = "errors"  # in NASLib's own names, where the folder tells what searched
PERCENT = 100.0


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Cell(_Form):
    """What was derived after an epoch."""

    arch: str


class Recording(_Form):
    """One recorded search, a value an epoch; accuracies are percent, times are seconds."""

    arch_eval: list[_Cell] = Field(min_length=1)
    runtime: list[float]
    train_loss: list[float]
    train_acc: list[float]
    valid_loss: list[float]
    valid_acc: list[float]

    @model_validator(mode="after")
    def _alike(self) -> Self:
        lengths = {name: len(values) for name, values in self}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"not all have a value an epoch: {lengths}")
        return self

    def steps(self, specs: Sequence[str]) -> list[StepRecord]:
        """Return a step an epoch with the incumbents `specs`; its cost is recorded, none of it was measured here."""
        costs_s = np.cumsum(self.runtime)
        return [StepRecord(i + 1, float(costs_s[i]), 0.0, spec, self._logs(i), None) for i, spec in enumerate(specs)]

    def _logs(self, epoch: int) -> dict[str, float]:
        return {
            "train_loss": self.train_loss[epoch],
            "train_accuracy": self.train_acc[epoch] / PERCENT,
            "val_loss": self.valid_loss[epoch],
            "val_accuracy": self.valid_acc[epoch] / PERCENT,
        }


def import_recorded(store: Store, paths: Sequence[Path], benchmark: Benchmark) -> int:
    """Store the searches of `paths`, all or none, as runs that the table of `benchmark` scores; returns the new ones.

    Their label is `NAME (NASLib)`, their seed that of the file's name. One that is there already is skipped.

    Raises:
        UsageError: the benchmark trains networks, so that its name would say where these were trained; a file's name
            without a seed; two files of one search and seed.
        MissingDataError: no such file.
        SchemaError: not a recorded search.
        SpecError: a cell that is not in the benchmark's space.
        StoreError: a search of this name and seed is in the store with another content.
    """
    if benchmark.cost_kind == "measured":
        raise UsageError(f"{benchmark.name} trains networks; name the benchmark of the table alone, as nb201-cifar10")
    given = {path: _ended(path, benchmark) for path in dict.fromkeys(paths)}
    here = {run.run_id: run for run in store.runs()}
    new: dict[str, Moved] = {}
    for path, ended in given.items():
        run = ended.run
        if run.run_id in new:
            raise UsageError(f"{path} is {run.label} of seed {run.key.seed} once more; leave one of the two out")
        if run.run_id not in here:
            new[run.run_id] = ended
        elif here[run.run_id].provenance.get("sha256") != run.provenance["sha256"]:
            raise StoreError(
                f"{run.label} of seed {run.key.seed} is in {store!r} from another file than {path}; take a new store"
            )
    store.insert(list(new.values()), [])
    return len(new)


def _ended(path: Path, benchmark: Benchmark) -> Moved:
    named = NAMED.fullmatch(path.stem)
    if named is None:
        raise UsageError(f"{path} does not tell its seed; a recorded search is named NAME_SEED.json")
    name = named["name"]
    if name == UNNAMED:
        name = path.resolve().parent.name.removesuffix("Optimizer").lower()
    recording, digest = _read(path)
    steps = recording.steps([_spec(path, i + 1, cell.arch, benchmark) for i, cell in enumerate(recording.arch_eval)])
    key = RunKey(
        method=METHOD,
        params={"by": RECORDER, "search": name},
        benchmark=benchmark.name,
        dataset=benchmark.dataset,
        space=benchmark.space.name,
        table_digest=benchmark.digest,
        seed=int(named["seed"]),
        budget_s=None,
        panel=None,
    )
    provenance: dict[str, Json] = {RECORDED_BY: RECORDER, "file": path.name, "sha256": digest}
    label = f"{name} ({RECORDER})"
    run = RunRecord(key.run_id, key, label, "done", None, "measured", steps[-1].cost_s, 0.0, 0, provenance)
    return Moved(run, steps)


def _read(path: Path) -> tuple[Recording, str]:
    if not path.is_file():
        raise MissingDataError(f"{path} is not there; name the JSON files of recorded searches")
    content = path.read_bytes()
    try:
        return Recording.model_validate_json(content), hashlib.sha256(content).hexdigest()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SchemaError(f"{path} is not a recorded search of {RECORDER}: {where}: {first['msg']}") from error


def _spec(path: Path, step: int, spec: str, benchmark: Benchmark) -> str:
    """Return the string form of a cell as runs store it."""
    try:
        return benchmark.space.decode(benchmark.space.encode(spec))
    except SpecError as error:
        raise SpecError(f"{path}, step {step}: {error}") from error
