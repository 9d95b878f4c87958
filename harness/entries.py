"""What a suite file holds: entries, each a method on a benchmark with a number of seeds, and what they share.

These are the keys of the TOML file, validated strictly. What becomes of them is `suite`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from nasboard.harness.panel import PANEL_SEED

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=False)]
LARGEST_SEED = 2**62  # what every database and frame holds, with room for the seeds after it
Seeds = Annotated[int, Field(ge=1, le=1_000_000)]

Value = str | int | float | bool | list[int] | list[float] | list[str]  # of a hyper-parameter


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PanelEntry(_Strict):
    """Which architectures ranking methods are scored on, and how often."""

    size: Annotated[int, Field(ge=2, description="Architectures, drawn once and uniformly.")] = 1000
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED, description="Of that draw: another seed is another panel.")] = (
        PANEL_SEED
    )
    every: Annotated[int, Field(ge=1, description="Steps between two rankings; the last step is always ranked.")] = 1
    rank_all: Annotated[bool, Field(description="Also rank the whole space at the last step.")] = False


class InputsEntry(_Strict):
    """Which architectures methods that transform are given at the last step; by default none."""

    uniform: Annotated[int, Field(ge=0, description="Architectures, drawn once and uniformly.")] = 0
    best: Annotated[int, Field(ge=0, description="Of the best tenth of the space, by the table.")] = 0
    worst: Annotated[int, Field(ge=0, description="Of the worst tenth of the space, by the table.")] = 0
    known: Annotated[
        bool | list[str],
        Field(description="All that the benchmark knows by a name, such as published ones, or those of these names."),
    ] = False
    incumbents: Annotated[
        list[str], Field(description="Labels of runs that are in the store: what these ended with, each once.")
    ] = []
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED, description="Of the draws: another seed is other panels.")] = (
        PANEL_SEED
    )


class TrainEntry(_Strict):
    """What is trained from scratch on benchmarks whose truth is trainings, once the searches are made."""

    final_seeds: Annotated[int, Field(ge=0, description="Trainings of the last incumbent of every run.")] = 3
    along: Annotated[int, Field(ge=0, description="Evenly spaced steps of every run whose incumbents are trained.")] = 0
    along_seeds: Annotated[int, Field(ge=1, description="Trainings of each of those.")] = 1
    panel: Annotated[
        int, Field(ge=0, description="Size of the panel there, all of it trained; with 0 nothing is ranked there.")
    ] = 0
    panel_seeds: Annotated[int, Field(ge=1, description="Trainings of each of its architectures.")] = 1
    inputs_seeds: Annotated[
        int, Field(ge=0, description="Trainings of each architecture that was transformed, and of what it became.")
    ] = 1


class RunEntry(_Strict):
    """One method on one benchmark with a number of seeds."""

    method: Annotated[str, Field(description="Registered name: nasboard ls methods.")]
    benchmark: Annotated[
        str | Annotated[list[str], Field(min_length=1)],
        Field(description="NAME[@VERSION][?key=value&...]: nasboard ls benchmarks. A list is an entry for each."),
    ]
    label: Annotated[
        str | None, Field(description="Name of it on boards, one entry a data set; by default the method's.")
    ] = None
    seeds: Annotated[Seeds, Field(description="Runs, each with a seed of its own.")]
    first_seed: Annotated[int, Field(ge=0, le=LARGEST_SEED, description="The first of the seeds.")] = 0
    budget_s: Annotated[
        Seconds | None,
        Field(description="Simulated seconds a run may spend on queries; a method that asks no queries has none."),
    ] = None
    rank_every: Annotated[
        Annotated[int, Field(ge=1)] | None,
        Field(description="In place of the panel's `every`; a black-box method ranks only where it is set."),
    ] = None
    params: Annotated[dict[str, Value], Field(description="Hyper-parameters in place of the method's defaults.")] = {}
    each: Annotated[
        dict[str, Annotated[list[Value], Field(min_length=1)]],
        Field(description="Hyper-parameters and values of which every combination is an entry, told in its label."),
    ] = {}
    tuning: Annotated[
        str | None,
        Field(description="What was tried before these settings, on which seeds and truth; boards say it."),
    ] = None

    @property
    def shown(self) -> str:
        """Return the name of it on boards."""
        return self.label or self.method

    @property
    def on(self) -> str:
        """Return the benchmark, of an entry that has been taken apart."""
        assert isinstance(self.benchmark, str)
        return self.benchmark

    def apart(self) -> list[RunEntry]:
        """Return an entry for each benchmark and each combination of hyper-parameters."""
        names = [self.benchmark] if isinstance(self.benchmark, str) else self.benchmark
        values = [dict(zip(self.each, chosen, strict=True)) for chosen in product(*self.each.values())]
        return [self._one(name, chosen) for chosen in values for name in names]

    def _one(self, name: str, chosen: Mapping[str, Value]) -> RunEntry:
        told = ", ".join(f"{key}={_shown(value)}" for key, value in chosen.items())
        label = f"{self.shown}, {told}" if told else self.label
        return self.model_copy(
            update={"benchmark": name, "label": label, "each": {}, "params": {**self.params, **chosen}}
        )


def _shown(value: Value) -> str:
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


class Suite(_Strict):
    """A whole suite file."""

    name: Annotated[str, Field(description="Of the suite, for messages.")]
    description: Annotated[str, Field(description="What it is for, in a line.")] = ""
    panel: Annotated[PanelEntry, Field(description="What methods that rank are scored on.")] = PanelEntry()
    inputs: Annotated[InputsEntry, Field(description="What methods that transform are given.")] = InputsEntry()
    train: Annotated[TrainEntry, Field(description="What is trained from scratch afterwards.")] = TrainEntry()
    runs: Annotated[list[RunEntry], Field(min_length=1, description="Entries, each under [[runs]].")]

    @field_validator("runs")
    @classmethod
    def _apart(cls, runs: list[RunEntry]) -> list[RunEntry]:
        return [one for entry in runs for one in entry.apart()]
