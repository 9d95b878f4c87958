"""Damaged files over the kinds: none crashes the interpreter, none is imported silently wrong.

Two questions of a mutated file. Imported as a user would, nothing vouching for it: it is refused. And with the user's
own word (`--sha256`) for the damaged bytes, which is more than anyone should give: the converter refuses it with a
message that names the file, or reads what it says, and does not crash.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tabular.importing import import_table
from tabular.known_files import read_registry
from tabular.table import Table, TableError, open_table
from tests.data_folder import data_file
from tests.tables import imported
from tests.tabular.hw_format import vouched

FOLDER = {"nb201-compact": "nb201", "hw-nas-bench": "nb201", "nb101-compact": "nb101"}
FILES = [file for file in read_registry().files.values() if file.group in FOLDER]
CUTS = 20  # truncated copies of each file, at kilobytes
FLIPS = 20  # copies of each file with one flipped bit
VOUCHED = (  # one of each form: these imports run to where the damage is
    "nb201_cifar10-valid_val_test_v1_0.pickle",
    "mini-bench-arch-cell-accs.pd",
    "nb2_cf10_hp12_info.p",
    "hw_cifar10.csv",
    "nb101_mean_test108.npz",
)
VOUCHED_CUTS, VOUCHED_FLIPS = 4, 3


@dataclass(frozen=True)
class Fault:
    """A way to damage the content of a file."""

    name: str
    damage: Callable[[bytes], bytes]


def cuts(size: int, n: int, rng: np.random.Generator) -> Iterator[Fault]:
    """Yield truncations: to nothing, to the first kilobyte, by the last byte, and at sampled kilobytes."""
    sampled = rng.choice(size // 1024, size=n, replace=False)
    for at in [0, 1024, size - 1, *(int(k) * 1024 for k in sampled)][:n]:
        yield Fault(f"cut at {at}", lambda content, at=at: content[:at])  # type: ignore[misc]


def flips(size: int, n: int, rng: np.random.Generator) -> Iterator[Fault]:
    """Yield single flipped bits, the first in the first bytes, the last in the last ones."""
    inside = [int(place) for place in rng.integers(size, size=n - 2)]
    for at in [int(rng.integers(16)), *inside, size - 1 - int(rng.integers(16))]:
        bit = 1 << int(rng.integers(8))
        yield Fault(f"bit {bit} at {at}", lambda content, at=at, bit=bit: _flipped(content, at, bit))  # type: ignore[misc]


def _flipped(content: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= bit
    return bytes(changed)


def laid_out(kind: str, folder: Path) -> Path:
    """Return a folder with links to the public files of a kind."""
    folder.mkdir(parents=True)
    for file in FILES:
        if file.group == kind:
            (folder / file.name).symlink_to(data_file(f"{FOLDER[kind]}/{file.name}"))
    return folder


def source_of(kind: str, folder: Path) -> Path:
    return folder / "nb101_mean_test108.npz" if kind == "nb101-compact" else folder


def same(one: Table, other: Table) -> bool:
    return all(np.array_equal(one.columns[name], other.columns[name]) for name in other.columns)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_damaged_public_file_is_refused(tmp_path: Path, file: object) -> None:
    assert isinstance(file, type(FILES[0]))
    folder = laid_out(file.group, tmp_path / "source")
    path = folder / file.name
    content = path.read_bytes()
    rng = np.random.default_rng([1, *file.name.encode()])
    path.unlink()
    for fault in [*cuts(len(content), CUTS, rng), *flips(len(content), FLIPS, rng)]:
        path.write_bytes(fault.damage(content))
        with pytest.raises(TableError, match=r"the known file of that name has|is no .npz file") as told:
            import_table(file.group, source_of(file.group, folder), to=tmp_path / "home")
        assert str(path) in str(told.value), fault.name
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("file", [f for f in FILES if f.name in VOUCHED], ids=lambda file: file.name)
def test_a_damaged_file_that_someone_vouches_for_is_refused_or_read(tmp_path: Path, file: object) -> None:
    assert isinstance(file, type(FILES[0]))
    folder = laid_out(file.group, tmp_path / "source")
    path = folder / file.name
    content = path.read_bytes()
    rng = np.random.default_rng([2, *file.name.encode()])
    path.unlink()
    for fault in [*cuts(len(content), VOUCHED_CUTS, rng), *flips(len(content), VOUCHED_FLIPS, rng)]:
        path.write_bytes(fault.damage(content))
        table = attempt(file.group, source_of(file.group, folder), tmp_path / "home", path)
        if table is not None:
            assert not fault.name.startswith("cut"), fault.name
            if file.group == "nb101-compact":  # a zip has checksums of its own
                assert same(table, open_table(next((imported(file.group) / "tables").glob(f"{file.group}-*"))))
            shutil.rmtree(tmp_path / "home")


def attempt(kind: str, source: Path, home: Path, damaged: Path) -> Table | None:
    """Return the table that is imported with a word for the damaged file; None where it is refused as it should be."""
    try:
        return import_table(kind, source, to=home, sha256=vouched(damaged))
    except TableError as error:
        if damaged.name not in str(error) or home.exists():
            raise
        return None


def test_there_are_at_least_300_mutated_files() -> None:
    assert len(FILES) * (CUTS + FLIPS) + len(VOUCHED) * (VOUCHED_CUTS + VOUCHED_FLIPS) >= 300
