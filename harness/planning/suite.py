"""Suites: TOML files that say which methods run on which benchmarks, with how many seeds.

Validated strictly; `resolve` turns a suite into the run keys that are stored. What a suite leaves out is filled in here
and nowhere later, so the stored key is the whole configuration.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from nasboard.harness import registry, shipped
from nasboard.harness.api import Benchmark, CostKind
from nasboard.harness.entries import InputsEntry, PanelEntry, RunEntry, Suite, TrainEntry
from nasboard.harness.errors import SuiteError, UnknownNameError
from nasboard.harness.panel import Panel, uniform
from nasboard.harness.planning.inputs import Found, nobodys, panels_of
from nasboard.harness.record import TRAINING, Json, Maker, RunKey
from nasboard.harness.space import LARGEST_ENUMERATION, size
from nasboard.harness.store import Planned

SINGLE = re.compile(r"^\s*\[\s*runs\s*\]", re.MULTILINE)
SPELLING = {  # what was written with the wrong brackets, and how it is written
    ("runs", "list_type"): "write [[runs]], in double brackets, above every entry",
    ("runs", "model_type"): "write [[runs]] above every entry, and its keys below",
    ("panel", "model_type"): "write [panel], once and in single brackets",
    ("train", "model_type"): "write [train], once and in single brackets",
    ("inputs", "model_type"): "write [inputs], once and in single brackets",
    ("params", "dict_type"): "write [runs.params], in single brackets, below the entry's own keys",
}


def read(path: Path) -> Suite:
    """Return the suite in a TOML file.

    Raises:
        SuiteError: unreadable, not TOML, or not a suite; names the place and the known key nearest to an unknown one.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except FileNotFoundError as error:
        ships = ", ".join(shipped.names("suites"))
        raise SuiteError(f"no suite file {path}; those that ship go by name, nasboard run NAME: {ships}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        hint = f"; {SPELLING['runs', 'list_type']}" if SINGLE.search(text) else ""
        raise SuiteError(f"suite {path} cannot be read: {error}{hint}") from error
    return validated(raw, f"suite {path}")


def validated(raw: Mapping[str, object], what: str) -> Suite:
    """Return the suite that TOML was read into; `what` is for messages.

    Raises:
        SuiteError: it is none.
    """
    try:
        return Suite.model_validate(raw)
    except ValidationError as error:
        told = dict.fromkeys(_explain(raw, e["loc"], e["type"], e["msg"]) for e in error.errors())  # each once
        raise SuiteError(f"{what}: " + "; ".join(told)) from error


def resolve(
    suite: Suite, *, benchmark: Callable[[str], Benchmark] = registry.benchmark, found: Found = nobodys
) -> tuple[list[Planned], list[tuple[Panel, str]]]:
    """Return every run of a suite, and the panels (with their space's name) that those rank and transform.

    Args:
        suite: as read; `selection` says which of its entries, and with what in place of the file's settings.
        benchmark: finds a benchmark by its registered name.
        found: what runs of a label ended with, for `[inputs]`.

    Raises:
        SuiteError: a budget is missing or superfluous, two entries share a label on one data set, or two versions of
            one benchmark are in the suite.
        UsageError: a space has fewer architectures than the panel.
        UnknownNameError: no such method, benchmark or hyper-parameter.
    """
    planned: list[Planned] = []
    panels: dict[str, tuple[Panel, str]] = {}
    made: dict[str, set[str]] = {}  # label -> ids of its runs
    seen, once = _Seen(), _Once(benchmark, found)
    for entry in suite.runs:
        task = once.benchmark(entry.on)
        seen.add(entry, task)
        runs, needed = _plan(entry, suite, task, once)
        ids = {run.key.run_id for run in runs}
        twice = next((label for label, others in made.items() if ids & others), None)
        if twice is not None:
            raise SuiteError(f"{twice} and {entry.shown} are the same runs under two labels; remove one of the entries")
        made[entry.shown] = ids | made.get(entry.shown, set())
        planned += runs
        panels |= {panel.identity: (panel, task.space.name) for panel in needed}
    return planned, list(panels.values())


@dataclass
class _Seen:
    """What the entries before have taken: labels on boards, and the version of each benchmark."""

    labels: set[tuple[str, str, str]] = field(default_factory=set)
    versions: dict[str, str] = field(default_factory=dict)  # base name -> full name

    def add(self, entry: RunEntry, task: Benchmark) -> None:
        label = entry.shown
        on_board = (label, task.dataset, task.space.name)
        if on_board in self.labels:
            raise SuiteError(
                f"two entries share the label {label!r} on {task.dataset}; give one of them a label of its own"
            )
        self.labels.add(on_board)
        base, version, _ = registry.split_name(task.name)
        before = self.versions.setdefault(base, task.name)
        if registry.split_name(before)[1] != version:
            raise SuiteError(
                f"{label}: {task.name} and {before} are two versions of one benchmark, whose accuracies differ; "
                "make a suite of each version"
            )


class _Once:
    """Looks up once for all entries what takes a while: benchmarks, whether they have data, and who made what."""

    def __init__(self, benchmark: Callable[[str], Benchmark], found: Found) -> None:
        """Look up benchmarks with `benchmark`, and what runs ended with by `found`."""
        self.benchmark = cache(benchmark)
        self._inputs: dict[str, list[Panel]] = {}
        self._found = found
        self.has_data = cache(lambda name: self.benchmark(name).data() is not None)
        self.benchmark_by = cache(registry.benchmark_by)
        self._made_by = cache(registry.made_by)

    def inputs(self, entry: InputsEntry, name: str) -> list[Panel]:
        """Return the panels that are transformed on a benchmark."""
        if name not in self._inputs:
            self._inputs[name] = panels_of(entry, self.benchmark(name), self._found)
        return self._inputs[name]

    def method_by(self, name: str, params: Mapping[str, Json]) -> Maker:
        """Return who a method with these hyper-parameters is."""
        return registry.method_by(name, params, self._made_by)


def _plan(entry: RunEntry, suite: Suite, task: Benchmark, once: _Once) -> tuple[Sequence[Planned], list[Panel]]:
    """Return the runs of an entry and the panels that they rank and transform."""
    method = registry.method(entry.method, cast("dict[str, Json]", entry.params))
    label, ranking = entry.shown, suite.panel
    asks = "query" in method.needs
    if entry.method.startswith(TRAINING):
        raise SuiteError(f"{label}: trainings stand under [train], or are made by nasboard train BENCHMARK ARCH")
    by_training = asks and task.query is None and _trains_for_queries(task)
    if asks and task.query is None and not by_training:
        raise SuiteError(f"{label}: {entry.method} asks for queries, {_unanswered(task)}")
    if "data" in method.needs and not once.has_data(entry.on):
        raise SuiteError(f"{label}: {entry.method} trains on data, {task.name} has none; use the live benchmark")
    if asks and entry.budget_s is None:
        raise SuiteError(f"{label}: set budget_s, the simulated seconds that {entry.method} may spend on queries")
    if not asks and entry.budget_s is not None:
        raise SuiteError(f"{label}: {entry.method} ends by its own schedule; remove budget_s")
    # few black-box methods rank; those that do say how often
    panel = None if asks and entry.rank_every is None else _panel(suite, task)
    if panel is not None and ranking.rank_all and size(task.space) > LARGEST_ENUMERATION:
        raise SuiteError(f"{label}: {task.space.name} is too large to be ranked whole; remove rank_all")
    inputs = once.inputs(suite.inputs, entry.on)
    params: dict[str, Json] = registry.resolved(method)
    common = {
        "method": entry.method,
        "params": params,
        "benchmark": task.name,
        "dataset": task.dataset,
        "space": task.space.name,
        "table_digest": task.digest,
        "budget_s": entry.budget_s,
        "method_by": once.method_by(entry.method, params),
        "benchmark_by": once.benchmark_by(task.name),
        "live": task.context.parts,
        "inputs": tuple(each.identity for each in inputs) or None,
    }
    ranked = (
        {"panel": None}
        if panel is None
        else {"panel": panel.identity, "rank_every": entry.rank_every or ranking.every, "rank_all": ranking.rank_all}
    )
    numbers = range(entry.first_seed, entry.first_seed + entry.seeds)
    # without queries there is only the clock; a query that trains costs what such a training is said to
    kind: CostKind = "simulated" if by_training else task.cost_kind if asks else "measured"
    keys = (RunKey(seed=seed, **common, **ranked) for seed in numbers)  # type: ignore[arg-type]
    needed = inputs if panel is None else [panel, *inputs]
    return [Planned(key, label, kind, entry.tuning) for key in keys], needed


def _trains_for_queries(task: Benchmark) -> bool:
    how = task.context.trainings
    return how is not None and how.shows_val


def _panel(suite: Suite, task: Benchmark) -> Panel | None:
    """Return what is ranked on a benchmark; where its truth is trainings, that is what the suite lets be trained."""
    how = task.context.trainings
    size = suite.train.panel if how is not None and how.truth else suite.panel.size
    return uniform(task.space, size, suite.panel.seed) if size else None


def _unanswered(task: Benchmark) -> str:
    """Return why a benchmark answers no query, and what to do."""
    if task.context.trainings is not None:
        return f"and trainings of {task.name} hold no validation images out to answer them; recipe=quick-30 does"
    if task.cost_kind == "measured":
        return f"{task.name} is live; use the tabular benchmark"
    return (
        f"and the table of {task.name} has neither validation accuracies nor costs; import one that has, such as "
        "nasboard data import nb101 nasbench_full.tfrecord, and name its version after the @"
    )


def _explain(raw: Mapping[str, Any], place: tuple[int | str, ...], kind: str, message: str) -> str:
    where = ".".join(str(part) for part in place) or "top level"
    named = next((part for part in reversed(place) if isinstance(part, str)), "")
    if (named, kind) in SPELLING:
        return f"{where}: {SPELLING[named, kind]}"
    if len(place) > 3 and place[2] == "params":  # told once for each type that a value might have had
        given: object = raw["runs"][place[1]]["params"][place[3]]
        return (
            f"{'.'.join(map(str, place[:4]))}: a hyper-parameter is a string, a number, true or false, or a list of "
            f"numbers or of strings, given {given!r}; write {place[3]} = VALUE under [runs.params], no table inside it"
        )
    if kind != "extra_forbidden":
        return f"{where}: {message}"
    inner = {
        "panel": PanelEntry.model_fields,
        "inputs": InputsEntry.model_fields,
        "train": TrainEntry.model_fields,
        "runs": RunEntry.model_fields,
    }
    known = inner.get(str(place[0]), Suite.model_fields) if len(place) > 1 else Suite.model_fields
    return str(UnknownNameError(f"key at {where}:", str(place[-1]), known))
