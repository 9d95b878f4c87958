"""Folding one training result of an official NAS-Bench-201 file into arrays, while the file is being read.

The record is the state of the official `ResultsCount`, a dictionary of dictionaries. Weights, top-5 accuracies and
configurations are left out. Everything that becomes part of a table is checked here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from reprlib import repr as short
from typing import cast

import numpy as np

from nasboard.tabular.nb201.trials import EPOCHS, SCHEDULES, SETS, Bools, Floats, Ints

KEYS = frozenset({
    "name", "net_state_dict", "train_acc1es", "train_acc5es", "train_losses", "train_times", "arch_config", "params",
    "flop", "seed", "epochs", "latency", "eval_names", "eval_acc1es", "eval_times", "eval_losses",
})  # fmt: skip
SLACK = 1e-4  # percent: averaged in single precision, 100 % comes out as much as 8e-6 above

_PLACE = {f"{name}@{epoch}": at * EPOCHS + epoch for at, name in enumerate(SETS) if at for epoch in range(EPOCHS)}
_NUMBERS = (float, int, np.floating, np.integer)


@dataclass(frozen=True, slots=True)
class Trial:
    """One training.

    Attributes:
        spec, dataset, seed, epochs: which one.
        params_m, flops_m: in millions.
        latency_s: mean over the recorded ones; None where there are none.
        recorded, timed: which sets and epochs have accuracy and loss, and a time; `(4, 200)`.
        accuracy, loss, time_s: `(4, 200)`, meaningful where recorded.
    """

    spec: str
    dataset: str
    seed: int
    epochs: int
    params_m: float
    flops_m: float
    latency_s: float | None
    recorded: Bools
    timed: Bools
    accuracy: Floats
    loss: Floats
    time_s: Floats


@dataclass(frozen=True, slots=True)
class Refused:
    """A training result with something wrong; told once the architecture around it is known."""

    why: str


class WrongError(Exception):
    """What is wrong in a record, without the place of the record."""


def fold_result(state: Mapping[object, object]) -> Trial | Refused | None:
    """Return the training that `state` is the record of, or why it is refused; None where it is no such record."""
    if not KEYS.issubset(state):
        return None
    try:
        return _trial(cast(Mapping[str, object], state))
    except WrongError as wrong:
        return Refused(str(wrong))


def _trial(state: Mapping[str, object]) -> Trial:
    if state["net_state_dict"] not in (None, {}):
        raise WrongError("net_state_dict holds trained weights, which are not imported; take the file without weights")
    epochs, config = state["epochs"], state["arch_config"]
    if epochs not in SCHEDULES or type(epochs) is not int:
        raise WrongError(f"epochs is {short(epochs)}; known schedules: {', '.join(map(str, SCHEDULES))}")
    if not isinstance(config, dict) or not isinstance(config.get("arch_str"), str):
        raise WrongError("arch_config has no arch_str")
    recorded, (accuracy, loss) = _tabulated(
        state, epochs, ("train_acc1es", "eval_acc1es"), ("train_losses", "eval_losses")
    )
    wrong = recorded & ~((accuracy >= 0) & (accuracy <= 100 + SLACK))
    if wrong.any():
        at, epoch = (int(i) for i in np.argwhere(wrong)[0])
        raise WrongError(f"accuracy of {SETS[at]}@{epoch} is {accuracy[at, epoch]}, allowed: 0..100 percent")
    timed, (time_s,) = _tabulated(state, epochs, ("train_times", "eval_times"))
    if (time_s[timed] < 0).any():
        raise WrongError("train_times or eval_times has a negative time")
    return Trial(
        spec=cast(str, config["arch_str"]),
        dataset=str(state["name"]),
        seed=_seed(state["seed"]),
        epochs=epochs,
        params_m=_number("params", state["params"]),
        flops_m=_number("flop", state["flop"]),
        latency_s=_latency_s(state["latency"]),
        recorded=recorded,
        timed=timed,
        accuracy=accuracy,
        loss=loss,
        time_s=time_s,
    )


def _tabulated(state: Mapping[str, object], epochs: int, *keys: tuple[str, str]) -> tuple[Bools, tuple[Floats, ...]]:
    """Return where values are, and the values `(4, 200)`, of pairs of a by-epoch and a by-set-and-epoch dictionary."""
    masks, tables = [], []
    for by_epoch, by_set in keys:
        mask, table = np.zeros(len(SETS) * EPOCHS, dtype=bool), np.zeros(len(SETS) * EPOCHS)
        for key in (by_epoch, by_set):
            at, values = _series(key, state[key], epochs)
            mask[at], table[at] = True, values
        masks.append(mask.reshape(len(SETS), EPOCHS))
        tables.append(table.reshape(len(SETS), EPOCHS))
    if any((mask != masks[0]).any() for mask in masks):
        raise WrongError(f"{' and '.join(map('/'.join, keys))} are not recorded at the same epochs")
    return masks[0], tuple(tables)


def _series(key: str, series: object, epochs: int) -> tuple[Ints, Floats]:
    """Return the places in a flat `(4 * 200)` table, and the values, of one dictionary."""
    if series is None and key.endswith("times"):
        series = {}
    if not isinstance(series, dict):
        raise WrongError(f"{key} is {type(series).__name__}, not a dictionary of epochs")
    if key.startswith("eval"):
        at = np.fromiter((_PLACE.get(name, -1) for name in series), np.int64, len(series))
    else:
        at = np.fromiter((e if type(e) is int and 0 <= e < EPOCHS else -1 for e in series), np.int64, len(series))
    wrong = (at < 0) | (at % EPOCHS >= epochs)
    if wrong.any():
        odd = list(series)[int(np.argmax(wrong))]
        raise WrongError(f"{key} has the key {short(odd)}; epochs are 0..{epochs - 1}, sets {', '.join(SETS[1:])}")
    return at, _values(key, series)


def _values(key: str, series: Mapping[object, object]) -> Floats:
    kinds = set(map(type, series.values()))
    if odd := [kind for kind in kinds if kind is bool or not issubclass(kind, _NUMBERS)]:
        name = next(name for name, value in series.items() if type(value) is odd[0])
        raise WrongError(f"{key}[{name!r}] is {short(series[name])}, not a number")
    try:
        values = np.fromiter(cast(Iterable[float], series.values()), np.float64, len(series))
    except OverflowError:  # a whole number beyond all floats
        values = np.array([np.inf if isinstance(v, int) and abs(v) >> 1000 else v for v in series.values()])
    if not np.isfinite(values).all():
        name = list(series)[int(np.argmin(np.isfinite(values)))]
        raise WrongError(f"{key}[{name!r}] is {short(series[name])}, not a finite number")
    return values


def _number(key: str, value: object) -> float:
    if not isinstance(value, _NUMBERS) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise WrongError(f"{key} is {short(value)}, not a finite number from 0 on")
    return float(value)


def _seed(value: object) -> int:
    """Return the seed, which the releases hold as digits taken from a file's name."""
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    raise WrongError(f"seed is {short(value)}, not a number from 0 on")


def _latency_s(value: object) -> float | None:
    """Return the mean of the recorded latencies; the source says None where there are none."""
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        raise WrongError(f"latency is {short(value)}, not a list of seconds")
    mean = sum(_number("latency", seconds) for seconds in value) / len(value)
    if mean <= 0:
        raise WrongError(f"latency is {mean} s; it is above 0 where it is recorded, and None elsewhere")
    return mean
