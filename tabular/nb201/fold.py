"""Folding the results of one architecture under one schedule, while an official NAS-Bench-201 file is being read.

The record is the state of the official `ArchResults`, whose training results `result` has folded before. What is
wrong is told with file, architecture and key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from reprlib import repr as short
from typing import TypeGuard, cast

from nasboard.tabular.nb201.names import spec_index
from nasboard.tabular.nb201.result import KEYS as RESULT_KEYS
from nasboard.tabular.nb201.result import Refused, Trial, WrongError
from nasboard.tabular.nb201.trials import DATASETS
from nasboard.tabular.tables.table import TableError

KEYS = frozenset(("arch_index", "arch_str", "all_results", "dataset_seed", "clear_net_done"))
REMEDY = "the file is damaged, or not an official one; get it again"


@dataclass(frozen=True, slots=True)
class ArchTrials:
    """All trainings of one architecture under one schedule.

    Attributes:
        index: in the order of the source.
        spec, row: string form and lexicographic index.
        schedule: 12 or 200.
        trials: by data set and seed.
    """

    index: int
    spec: str
    row: int
    schedule: int
    trials: Mapping[tuple[str, int], Trial]


def fold_arch(state: Mapping[object, object], source: str) -> ArchTrials | None:
    """Return the trainings of the architecture that `state` is the record of; None where it is no such record.

    Raises:
        TableError: something in it is wrong.
    """
    if not KEYS.issubset(state):
        return None
    index, spec = state["arch_index"], state["arch_str"]
    try:
        return _arch_trials(index, spec, state["all_results"], state["dataset_seed"])
    except WrongError as wrong:
        named = spec if isinstance(spec, str) else short(spec)
        raise TableError(f"{source}: architecture {short(index)} ({named}): {wrong}; {REMEDY}") from None


def _arch_trials(index: object, spec: object, results: object, seeds: object) -> ArchTrials:
    if type(index) is not int or index < 0:
        raise WrongError(f"arch_index is {short(index)}, not a number from 0 on")
    if not isinstance(spec, str):
        raise WrongError(f"arch_str is {spec if isinstance(spec, str) else short(spec)}, not a string")
    try:
        row = spec_index(spec)
    except ValueError as error:
        raise WrongError(f"arch_str: {error}") from None
    if not isinstance(results, dict) or not results:
        raise WrongError("all_results is no dictionary of training results")
    trials = {_checked_key(key): _checked_trial(key, trial, spec) for key, trial in results.items()}
    schedules = {trial.epochs for trial in trials.values()}
    if len(schedules) != 1:
        raise WrongError(f"all_results mixes trainings of {sorted(schedules)} epochs")
    told = {(name, seed) for name, found in seeds.items() for seed in found} if _is_listing(seeds) else None
    if told != set(trials):
        raise WrongError(f"dataset_seed is {short(seeds)}, all_results has {sorted(trials)}")
    return ArchTrials(index, spec, row, schedules.pop(), trials)


def _is_listing(seeds: object) -> TypeGuard[dict[object, list[int]]]:
    return isinstance(seeds, dict) and all(
        isinstance(found, list) and all(type(seed) is int for seed in found) for found in seeds.values()
    )


def _checked_key(key: object) -> tuple[str, int]:
    if not isinstance(key, tuple) or len(key) != 2 or type(key[1]) is not int or key[1] < 0:
        raise WrongError(f"all_results has the key {short(key)}, not (data set, seed)")
    if key[0] not in DATASETS:
        raise WrongError(f"unknown data set {short(key[0])}; known: {', '.join(DATASETS)}")
    return cast(tuple[str, int], key)


def _checked_trial(key: object, trial: object, spec: str) -> Trial:
    if isinstance(trial, Refused):
        raise WrongError(f"all_results[{short(key)}]: {trial.why}")
    if not isinstance(trial, Trial):
        lacking = sorted(RESULT_KEYS - trial.keys()) if isinstance(trial, dict) else []
        raise WrongError(
            f"all_results[{short(key)}] is no training result" + (f": it lacks {lacking}" if lacking else "")
        )
    if (trial.dataset, trial.seed) != key:
        raise WrongError(f"all_results[{short(key)}] says that it is of {(trial.dataset, trial.seed)}")
    if trial.spec != spec:
        raise WrongError(f"all_results[{short(key)}] is of another architecture, {trial.spec!r}")
    return trial
