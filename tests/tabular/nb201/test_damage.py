"""Damaged official files: cut at a kilobyte or with a bit turned, none crashes, none imports as something else."""

from __future__ import annotations

import bz2
import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.nb201.official import convert
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.writing import TableWriter
from tests.tabular.nb201.official_format import nats_content, official_content, write_pth

MUTANTS = 80  # of each form: every other one cut short, every other one with a turned bit


@pytest.mark.parametrize("form", ["zip", "legacy", "bz2"])
def test_no_damaged_file_crashes_or_imports_as_something_else(form: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(("zip", "legacy", "bz2").index(form))
    content = official_content(1, seed=8, style="v1.0", most_seeds=1)
    source = tmp_path / ("some.pickle.pbz2" if form == "bz2" else "some.pth")
    if form == "bz2":
        source.write_bytes(bz2.compress(pickle.dumps(nats_content(content), protocol=4)))
    else:
        write_pth(source, content, legacy=form == "legacy")
    whole = source.read_bytes()
    sha256 = hashlib.sha256(whole).hexdigest() if form == "legacy" else None
    how: dict[str, Any] = {"to": tmp_path, "version": "test", "partial": True, "sha256": sha256}
    table = import_table("nb201", source, **how)
    digest, version = table.digest, table.manifest["version"]
    refused = 0
    for mutant in range(MUTANTS):
        source.write_bytes(damaged(whole, rng, cut=mutant % 2 == 0))
        why, found = attempt(lambda: import_table("nb201", source, **how).digest)
        assert found == digest if why is None else source.name in why
        refused += why is not None
        why, _ = attempt(lambda: unchecked(source, tmp_path / "unchecked" / "table"))
        assert why is None or source.name in why
    assert refused >= MUTANTS * 0.9
    assert not (tmp_path / "unchecked").exists()
    assert [path.name for path in (tmp_path / "tables").iterdir()] == [f"nb201-{version}"]


def damaged(whole: bytes, rng: np.random.Generator, cut: bool) -> bytes:
    """Return the file cut at a kilobyte, or with one bit turned."""
    if cut:
        return whole[: 1024 * int(rng.integers(0, len(whole) // 1024 + 1))]
    at, bit = int(rng.integers(len(whole))), int(rng.integers(8))
    return whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]


def attempt(act: Callable[[], str]) -> tuple[str | None, str | None]:
    """Return why `act` was refused, or what it returned; any other error is a failure of the test."""
    try:
        return None, act()
    except TableError as error:
        return str(error), None


def unchecked(source: Path, table: Path) -> str:
    """Read a file that nothing vouches for, and give up what came out."""
    with TableWriter(table) as writer:
        convert(source, writer, Job("test", partial=True))
        raise TableError(f"{source.name} was not kept")
