"""Runs moved between stores and between machines as a JSON file, losslessly: those that have ended, and on demand the
steps of those that were stopped, which are there to be looked at: without its state a run begins anew.

The file has one run a line, so that writing it never holds all of them; `exchange_format` says what a line is. A file
whose name ends in `.xz` is compressed.
"""

from __future__ import annotations

import json
import lzma
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from nasboard.harness.errors import MissingDataError, SchemaError, StoreError, StoreFullError
from nasboard.harness.record import ENDED, RunRecord
from nasboard.harness.store import Store
from nasboard.harness.store.exchange_format import FORMAT, READABLE, VERSION, Document, PanelJson, RunJson

PACKED = ".xz"


def export_runs(store: Store, path: Path, *, unfinished: bool = False) -> int:
    """Write every run that has ended, and the panels, into the JSON file `path`; returns the number of runs.

    Args:
        store: where they are.
        path: what is written; compressed where its name ends in `.xz`.
        unfinished: also write runs that were stopped, with the steps they have. One whose process was killed counts as
            being made until somebody claims it.

    Raises:
        StoreFullError: the file cannot be written; what was there before is unchanged.
    """
    chosen = [run for run in store.runs() if run.status in ENDED or (unfinished and run.stopped)]
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            file.writelines(_packed(_lines(store, chosen), path))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise StoreFullError(f"{path} cannot be written; free space or name another file ({error})") from error
    finally:
        draft.unlink(missing_ok=True)
    return len(chosen)


def import_runs(store: Store, path: Path) -> int:
    """Read the runs of the JSON file `path` into the store, all or none; returns how many are new.

    A run that is there already and equal is skipped; one that is only planned there is filled in. One that was stopped
    gives way to whatever is there of it.

    Raises:
        MissingDataError: no such file.
        SchemaError: not an export, or of another version.
        StoreError: its content is not valid, or a run of the same id is here with another content.
    """
    document = _read(path)
    here = {run.run_id: run for run in store.runs()}
    new = [run for run in document.runs if _is_new(run, here.get(run.run_id), store, path)]
    try:
        known = [(panel.record(), panel.space) for panel in document.panels]
        store.insert([run.moved() for run in new], known)
    except StoreFullError:
        raise
    except StoreError as error:
        raise StoreError(f"{path}: {error}; nothing was imported") from error
    return len(new)


def _lines(store: Store, chosen: Sequence[RunRecord]) -> Iterator[str]:
    yield f'{{"format":"{FORMAT}","version":{VERSION},"panels":[\n'
    yield ",\n".join(PanelJson.of(panel, space).model_dump_json() for panel, space in store.panels())
    yield '\n],"runs":[\n'
    for i, run in enumerate(chosen):
        line = _json_of(run, store).model_dump_json(exclude_defaults=True)
        yield (",\n" if i else "") + line
    yield "\n]}\n"


def _packed(lines: Iterator[str], path: Path) -> Iterator[bytes]:
    raw = (line.encode() for line in lines)
    if path.suffix != PACKED:
        yield from raw
        return
    packer = lzma.LZMACompressor()
    yield from map(packer.compress, raw)
    yield packer.flush()


def _json_of(run: RunRecord, store: Store) -> RunJson:
    return RunJson.of(run, store.steps(run.run_id), store.visits(run.run_id))


def _read(path: Path) -> Document:
    if not path.is_file():
        raise MissingDataError(f"{path} is not there; write it with `nasboard export`")
    try:
        text = path.read_bytes()
        raw = json.loads(lzma.decompress(text) if path.suffix == PACKED else text, parse_constant=_refuse)
    except (ValueError, RecursionError, lzma.LZMAError) as error:
        raise SchemaError(f"{path} is not whole JSON ({error}); export it again") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise SchemaError(f"{path} is not an export of nasboard; name a file written by `nasboard export`")
    if raw.get("version") not in READABLE:
        given, known = raw.get("version"), " and ".join(map(str, READABLE))
        raise SchemaError(f"{path} has version {given!r}, this nasboard reads {known}; export with a matching one")
    try:
        return Document.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"{path}: {where}: {first['msg']}; export it again") from error


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _is_new(given: RunJson, mine: RunRecord | None, store: Store, path: Path) -> bool:
    """Return whether the run is to be stored; one that lacks its visits on either side is the same run all the same.

    Raises:
        StoreError: it is being made here, or ended here with another content.
    """
    if given.status == "pending":
        return mine is None or (mine.status == "pending" and not mine.stopped)
    if mine is None or mine.status == "pending":
        return True
    name = given.run_id[:12]
    if mine.status == "running":
        raise StoreError(f"run {name} of {path} is being made in {store!r}; import when it has ended")
    theirs = RunJson.of(*given.moved()).model_dump()  # as this version writes it
    for field, value in _json_of(mine, store).model_dump().items():
        if theirs[field] != value and not (field == "visits" and None in (value, theirs[field])):
            raise StoreError(
                f"run {name} is in {store!r} with another {field} than in {path}: it was made twice; import into a new "
                "store to keep both"
            )
    return False
