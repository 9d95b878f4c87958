"""Runs as JSON, losslessly: what moves between stores and between machines. Only runs that have ended move.

One run a line; scores are base64 of little-endian float32. Format and schema version are the first two names.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from harness.api import CostKind
from harness.errors import MissingDataError, SchemaError, StoreError, StoreFullError
from harness.panel import Panel
from harness.record import ENDED, RunKey, RunRecord, StepRecord
from harness.store import Store

FORMAT = "nasboard-runs"
VERSION = 1

_Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Step(_Strict):
    step: int = Field(ge=1)
    cost_s: _Finite
    wall_s: _Finite
    incumbent: str | None = None
    logs: dict[str, _Finite] = Field(default_factory=dict)
    scores: str | None = None
    all_scores: str | None = None


class _Run(_Strict):
    run_id: str
    key: dict[str, JsonValue]
    label: str
    status: Literal["done", "budget", "failed"]
    error: str | None
    cost_kind: CostKind
    cost_s: _Finite
    wall_s: _Finite
    queries: int = Field(ge=0)
    provenance: dict[str, JsonValue]
    steps: list[_Step]


class _Panel(_Strict):
    identity: str
    name: str
    space: str
    slots: int = Field(ge=1)
    archs: str


class _Document(_Strict):
    format: Literal["nasboard-runs"]
    version: int
    panels: list[_Panel]
    runs: list[_Run]


def export_runs(store: Store, path: Path) -> int:
    """Write every run that has ended, and the panels, into the JSON file `path`; returns the number of runs.

    Raises:
        StoreFullError: the file cannot be written; what was there before is unchanged.
    """
    ended = [run for run in store.runs() if run.status in ENDED]
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("w", encoding="ascii") as file:
            file.writelines(_lines(store, ended))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise StoreFullError(f"{path} cannot be written; free space or name another file ({error})") from error
    finally:
        draft.unlink(missing_ok=True)
    return len(ended)


def import_runs(store: Store, path: Path) -> int:
    """Read the runs of the JSON file `path` into the store, all or none; returns how many are new.

    A run that is there already and equal is skipped.

    Raises:
        MissingDataError: no such file.
        SchemaError: not an export, or of another version.
        StoreError: its content is not valid, or a run of the same id is here with another content.
    """
    document = _read(path)
    found = [(_record(run, path), _steps(run, path)) for run in document.runs]
    known = [(_panel(panel, path), panel.space) for panel in document.panels]
    here = {run.run_id: run for run in store.runs()}
    new = []
    for run, steps in found:
        mine = here.get(run.run_id)
        if mine is None or mine.status == "pending":
            new.append((run, steps))
            continue
        if mine.status == "running":
            raise StoreError(f"run {run.run_id[:12]} of {path} is being made in {store!r}; import when it has ended")
        _compare(_run(mine, store.steps(run.run_id)), _run(run, steps), path)
    store.insert(new, known)
    return len(new)


def _lines(store: Store, ended: list[RunRecord]) -> Iterator[str]:
    yield f'{{"format":"{FORMAT}","version":{VERSION},"panels":[\n'
    yield ",\n".join(_json(_panel_fields(panel, space)) for panel, space in store.panels())
    yield '\n],"runs":[\n'
    for i, run in enumerate(ended):
        yield (",\n" if i else "") + _json(_run(run, store.steps(run.run_id)))
    yield "\n]}\n"


def _json(value: dict[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _run(run: RunRecord, steps: list[StepRecord]) -> dict[str, object]:
    """Return a run as it stands in the file."""
    return {
        "run_id": run.run_id,
        "key": asdict(run.key),
        "label": run.label,
        "status": run.status,
        "error": run.error,
        "cost_kind": run.cost_kind,
        "cost_s": run.cost_s,
        "wall_s": run.wall_s,
        "queries": run.queries,
        "provenance": dict(run.provenance),
        "steps": [_step(step) for step in steps],
    }


def _step(step: StepRecord) -> dict[str, object]:
    fields: dict[str, object] = {"step": step.step, "cost_s": step.cost_s, "wall_s": step.wall_s}
    if step.incumbent is not None:
        fields["incumbent"] = step.incumbent
    if step.logs:
        fields["logs"] = dict(step.logs)
    for name, scores in (("scores", step.scores), ("all_scores", step.all_scores)):
        if scores is not None:
            fields[name] = base64.b64encode(np.ascontiguousarray(scores, dtype="<f4").tobytes()).decode()
    return fields


def _panel_fields(panel: Panel, space: str) -> dict[str, object]:
    archs = np.ascontiguousarray(panel.archs, dtype=np.int8)
    text = base64.b64encode(archs.tobytes()).decode()
    return {"identity": panel.identity, "name": panel.name, "space": space, "slots": archs.shape[1], "archs": text}


def _read(path: Path) -> _Document:
    if not path.is_file():
        raise MissingDataError(f"{path} is not there; write it with `nasboard export`")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{path} is not whole JSON ({error}); export it again") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise SchemaError(f"{path} is not an export of nasboard; name a file written by `nasboard export`")
    if raw.get("version") != VERSION:
        raise SchemaError(
            f"{path} has version {raw.get('version')!r}, this nasboard reads {VERSION}; use matching ones"
        )
    try:
        return _Document.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"{path}: {where}: {first['msg']}; export it again") from error


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _record(run: _Run, path: Path) -> RunRecord:
    try:
        key = RunKey(**run.key)  # type: ignore[arg-type]  # the digest below says whether the types are right
    except TypeError as error:
        raise StoreError(f"{path}: key of run {run.run_id[:12]}: {error}; it is from another version") from error
    if key.run_id != run.run_id:
        raise StoreError(
            f"{path}: run {run.run_id[:12]} has the key of run {key.run_id[:12]}; it was edited, export it again"
        )
    rest = run.model_dump(exclude={"key", "steps"})
    return RunRecord(key=key, **rest)


def _steps(run: _Run, path: Path) -> list[StepRecord]:
    where = f"{path}: run {run.run_id[:12]}"
    return [
        StepRecord(
            step.step,
            step.cost_s,
            step.wall_s,
            step.incumbent,
            step.logs,
            _scores(step.scores, where),
            _scores(step.all_scores, where),
        )
        for step in run.steps
    ]


def _scores(text: str | None, where: str) -> NDArray[np.float32] | None:
    return None if text is None else np.frombuffer(_bytes(text, 4, where), dtype="<f4").astype(np.float32)


def _panel(panel: _Panel, path: Path) -> Panel:
    where = f"{path}: panel {panel.identity}"
    archs = np.frombuffer(_bytes(panel.archs, panel.slots, where), dtype=np.int8).reshape(-1, panel.slots)
    found = Panel(panel.name, archs)
    if found.identity != panel.identity:
        raise StoreError(f"{where} has the architectures of {found.identity}; it was edited, export it again")
    return found


def _bytes(text: str, unit: int, where: str) -> bytes:
    """Return what base64 `text` says, a multiple of `unit` bytes."""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise StoreError(f"{where}: {error}; export it again") from error
    if len(content) % unit:
        raise StoreError(f"{where}: {len(content)} bytes are not a multiple of {unit}; export it again")
    return content


def _compare(mine: dict[str, object], theirs: dict[str, object], path: Path) -> None:
    """Raise StoreError when one run id stands for two contents, naming the first difference."""
    for name, value in theirs.items():
        if mine[name] != value:
            raise StoreError(
                f"run {theirs['run_id']!s:.12} is in the store with another {name} than in {path}: it was made twice; "
                "import into a new store to keep both"
            )
