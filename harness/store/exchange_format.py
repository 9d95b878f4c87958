"""The JSON form of runs and panels: pydantic models, made of our records and turned back into them. Touches no file.

Scores are base64 of little-endian float64, architectures of integers of `width` bytes, visits of those, int32 and
float64; a step leaves out what it does not have. Version 2 brought visits, version 3 the widths: in older files scores
are float32 and choices take one byte. Version 4 brought test accuracies of steps, arrays in logs, live benchmarks in
keys, and runs that were stopped, version 5 what the panels of a run became.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from nasboard.harness.api import CostKind, Logged
from nasboard.harness.errors import StoreError
from nasboard.harness.panel import Panel
from nasboard.harness.record import RunKey, RunRecord, StepRecord, Visits, plain
from nasboard.harness.space import Archs, Floats, Width, from_bytes, to_bytes
from nasboard.harness.store.moved import Moved

FORMAT = "nasboard-runs"
VERSION = 5
READABLE = (1, 2, 3, 4, 5)


_Row = Annotated[list[float], Field(min_length=1)]
_LogJson = float | _Row | Annotated[list[_Row], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Archs(_Strict):
    """What holds architectures."""

    slots: int = Field(ge=1)
    width: Width = 1
    archs: str

    def rows(self) -> Archs:
        """Return the architectures `(n, slots)`.

        Raises:
            StoreError: they are not base64 of such integers.
        """
        return from_bytes(_bytes(self.archs, self.slots * self.width), self.slots, self.width)


class ArchsJson(_Archs):
    """Architectures."""

    @classmethod
    def of(cls, archs: Archs) -> ArchsJson:
        """Return the JSON form of architectures `(n, d)`."""
        return cls.model_validate(_told(archs))


class StepJson(_Strict):
    """A checkpoint."""

    step: int = Field(ge=1)
    cost_s: float
    wall_s: float
    incumbent: str | None = None
    logs: dict[str, _LogJson] = Field(default_factory=dict)
    scores: str | None = None
    all_scores: str | None = None
    test_accuracy: float | None = Field(default=None, le=1)
    transformed: dict[str, ArchsJson] = Field(default_factory=dict)

    @classmethod
    def of(cls, step: StepRecord) -> StepJson:
        """Return the JSON form of `step`."""
        return cls(
            step=step.step,
            cost_s=step.cost_s,
            wall_s=step.wall_s,
            incumbent=step.incumbent,
            logs=cast("dict[str, _LogJson]", plain(step.logs)),
            scores=None if step.scores is None else _base64(step.scores, "<f8"),
            all_scores=None if step.all_scores is None else _base64(step.all_scores, "<f8"),
            test_accuracy=step.test_accuracy,
            transformed={panel: ArchsJson.of(archs) for panel, archs in step.transformed.items()},
        )

    def record(self, width: int) -> StepRecord:
        """Return the checkpoint as it is stored; its scores take `width` bytes each.

        Raises:
            StoreError: scores that are not base64 of such numbers, or a logged array whose rows differ in length.
        """
        scores, all_scores = _scores(self.scores, width), _scores(self.all_scores, width)
        logs = {name: _log(name, value) for name, value in self.logs.items()}
        start = (self.step, self.cost_s, self.wall_s, self.incumbent, logs)
        became = {panel: archs.rows() for panel, archs in self.transformed.items()}
        return StepRecord(*start, scores, all_scores, self.test_accuracy, became)


class VisitsJson(_Archs):
    """What the oracle answered to a run."""

    epochs: str
    val_accuracy: str
    cost_s: str

    @classmethod
    def of(cls, visits: Visits) -> VisitsJson:
        """Return the JSON form of `visits`."""
        columns = {
            "epochs": _base64(visits.epochs, "<i4"),
            "val_accuracy": _base64(visits.val_accuracy, "<f8"),
            "cost_s": _base64(visits.cost_s, "<f8"),
        }
        return cls.model_validate(_told(visits.archs) | columns)

    def record(self) -> Visits:
        """Return the visits as they are stored.

        Raises:
            StoreError: columns that are not base64 of their numbers.
        """
        return Visits(
            self.rows(),
            np.frombuffer(_bytes(self.epochs, 4), dtype="<i4").astype(np.int32),
            np.frombuffer(_bytes(self.val_accuracy, 8), dtype="<f8").astype(np.float64),
            np.frombuffer(_bytes(self.cost_s, 8), dtype="<f8").astype(np.float64),
        )


class RunJson(_Strict):
    """A run that has ended, or was stopped, with its steps, and what it visited where that was stored."""

    run_id: str
    key: dict[str, JsonValue]
    label: str
    status: Literal["done", "budget", "failed", "pending"]
    error: str | None
    cost_kind: CostKind
    cost_s: float
    wall_s: float
    queries: int = Field(ge=0)
    provenance: dict[str, JsonValue]
    width: Literal[4, 8] = 4  # bytes of a score
    steps: list[StepJson]
    visits: VisitsJson | None = None

    @classmethod
    def of(cls, run: RunRecord, steps: Sequence[StepRecord], visits: Visits | None) -> RunJson:
        """Return the JSON form of `run`."""
        parts = {
            "key": json.loads(run.key.canonical()),
            "width": 8,
            "steps": [StepJson.of(step) for step in steps],
            "visits": None if visits is None else VisitsJson.of(visits),
        }
        return cls.model_validate(asdict(run) | parts)

    def moved(self) -> Moved:
        """Return the run with all it has, as it is stored.

        Raises:
            StoreError: its key is not the one its id was made from, or a column is not base64 of its numbers.
        """
        visits = None if self.visits is None else self.visits.record()
        return Moved(self._run(), [step.record(self.width) for step in self.steps], visits)

    def _run(self) -> RunRecord:
        name = self.run_id[:12]
        try:
            key = RunKey.parse(self.key)
        except TypeError as error:
            raise StoreError(f"the key of run {name} is from another version of nasboard ({error})") from error
        if key.run_id != self.run_id:
            raise StoreError(f"run {name} has the key of run {key.run_id[:12]}; it was edited, export it again")
        return RunRecord(key=key, **self.model_dump(exclude={"key", "width", "steps", "visits"}))


class PanelJson(_Archs):
    """A panel and the name of its space."""

    identity: str
    name: str
    space: str

    @classmethod
    def of(cls, panel: Panel, space: str) -> PanelJson:
        """Return the JSON form of `panel`, a sample of `space`."""
        named = {"identity": panel.identity, "name": panel.name, "space": space}
        return cls.model_validate(_told(panel.archs) | named)

    def record(self) -> Panel:
        """Return the panel.

        Raises:
            StoreError: the architectures are not those its identity was made from.
        """
        found = Panel(self.name, self.rows())
        if found.identity != self.identity:
            raise StoreError(f"panel {self.identity} has the architectures of {found.identity}; export it again")
        return found


class Document(_Strict):
    """A whole file."""

    format: Literal["nasboard-runs"]
    version: Literal[1, 2, 3, 4, 5]
    panels: list[PanelJson]
    runs: list[RunJson]


def _told(archs: Archs) -> dict[str, object]:
    content, width = to_bytes(archs)
    return {"slots": archs.shape[1], "width": width, "archs": _text(content)}


def _base64(values: NDArray[Any], dtype: str) -> str:
    return _text(np.ascontiguousarray(values, dtype=dtype).tobytes())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _log(name: str, told: _LogJson) -> Logged:
    if not isinstance(told, list):
        return told
    if len({len(row) for row in told if isinstance(row, list)}) > 1:
        raise StoreError(f"the rows of the logged array {name!r} differ in length; export it again")
    return np.array(told, dtype=np.float64)


def _scores(text: str | None, width: int) -> Floats | None:
    return None if text is None else np.frombuffer(_bytes(text, width), dtype=f"<f{width}").astype(np.float64)


def _bytes(text: str, unit: int) -> bytes:
    """Return what base64 `text` says, a multiple of `unit` bytes."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise StoreError(f"{text[:12]!r}... is not base64 ({error}); export it again") from error
    if len(content) % unit:
        raise StoreError(f"{len(content)} bytes of {text[:12]!r}... are not a multiple of {unit}; export it again")
    return content
