"""Damaged files over the kinds: none crashes the interpreter, none is imported silently wrong.

Two questions of a mutated file. Imported as a user would, nothing vouching for it: it is refused at the door, where
checksums are compared. And behind the door, with the user's own word (`--sha256`) for the damaged bytes, which is more
than anyone should give: the converter refuses it with a message that names the file, or makes a table that its own
checks hold for. Forms that carry checksums (zip, bzip2, TFRecord) then give the table of the whole file, or none; a CSV
file and a plain pickle give what the damaged bytes say, as nothing in them tells. `test_nb201_damage` asks the same of
the official file in its three forms.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.known.files import KnownFile, read_registry
from nasboard.tabular.nb201 import compact
from nasboard.tabular.nb201.hw_nas_bench import DEVICES
from nasboard.tabular.tables.table import Table, TableError, verify
from tests.data_folder import data_file
from tests.tabular.nb101 import tfrecord_format
from tests.tabular.nb101.npz_format import columns
from tests.tabular.nb201.hw_format import hw_vouched, vouched, write_hw
from tests.tabular.nb201.official_format import official_content, write_nats_folder

FOLDER = {"nb201-compact": "nb201", "hw-nas-bench": "nb201", "nb101-compact": "nb101"}
FILES = [file for file in read_registry().files.values() if file.group in FOLDER]
CUTS, FLIPS = 20, 20  # of every public file, before the door
BEHIND = 10, 14  # cuts and flips of one file of every form, behind it
BEHIND_COMPACT = 13, 9  # fewer flips: what they leave whole is half a second to read
LEAST = 300

T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """A way to damage the content of a file."""

    name: str
    damage: Callable[[bytes], bytes]


def faults(content: bytes, cuts: int, flips: int, seed: str) -> Iterator[Fault]:
    """Yield different faults: truncations at bytes and kilobytes, single flipped bits from the first to the last."""
    size = len(content)
    rng = np.random.default_rng([1, *seed.encode()])
    sampled = [int(at) for at in rng.choice(np.arange(1, size - 1), size=cuts, replace=False)]
    places = [0, min(1024, size // 2), size - 1, *(at // 1024 * 1024 if size > 1 << 20 else at for at in sampled)]
    for at in list(dict.fromkeys(places))[:cuts]:
        yield Fault(f"cut at {at}", lambda content, at=at: content[:at])  # type: ignore[misc]
    inside = rng.choice(np.arange(16, size - 16), size=flips - 2, replace=False)
    for at in [int(rng.integers(16)), *map(int, inside), size - 1 - int(rng.integers(16))]:
        bit = 1 << int(rng.integers(8))
        yield Fault(f"bit {bit} at {at}", lambda content, at=at, bit=bit: _flipped(content, at, bit))  # type: ignore[misc]


def _flipped(content: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= bit
    return bytes(changed)


def public(file: KnownFile) -> Path:
    return data_file(f"{FOLDER[file.group]}/{file.name}")


def laid_out(kind: str, folder: Path) -> Path:
    """Return a folder with links to the public files of a kind."""
    folder.mkdir(parents=True)
    for file in FILES:
        if file.group == kind:
            (folder / file.name).symlink_to(public(file))
    return folder


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_damaged_public_file_is_refused_at_the_door(tmp_path: Path, file: KnownFile) -> None:
    folder = laid_out(file.group, tmp_path / "source")
    source = folder / file.name if file.group == "nb101-compact" else folder
    path = folder / file.name
    content = path.read_bytes()
    path.unlink()
    for fault in faults(content, CUTS, FLIPS, file.name):
        path.write_bytes(fault.damage(content))
        with pytest.raises(TableError, match=r"the known file of that name has|is no .npz file") as told:
            import_table(file.group, source, to=tmp_path / "home")
        assert str(path) in str(told.value), fault.name
    assert not (tmp_path / "home").exists()


def test_there_are_at_least_300_mutated_public_files() -> None:
    made = 0
    for file in FILES:
        content = public(file).read_bytes()  # where it is absent the mutants are, and this is skipped as they are
        different = list(faults(content, CUTS, FLIPS, file.name))
        assert all(fault.damage(content) != content for fault in different)
        made += len({fault.name for fault in different})
    assert made >= LEAST


# --- behind the door: the converters, with the user's word for whatever the file is ---


@dataclass(frozen=True)
class Form:
    """A form of file.

    Attributes:
        kind: of the table.
        write: writes the source into a folder; returns the source, and the file in it that will be damaged.
        checked: the form carries checksums.
    """

    kind: str
    write: Callable[[Path], tuple[Path, Path]]
    checked: bool


def _csv(folder: Path) -> tuple[Path, Path]:
    return write_hw(folder, 100), folder / "hw_cifar100.csv"


def _npz(folder: Path) -> tuple[Path, Path]:
    np.savez(folder / "some.npz", **columns())  # type: ignore[arg-type]
    return folder / "some.npz", folder / "some.npz"


def _tfrecord(folder: Path) -> tuple[Path, Path]:
    path = tfrecord_format.write(folder / "some.tfrecord", tfrecord_format.rows_of())
    return path, path


def _bz2_folder(folder: Path) -> tuple[Path, Path]:
    source = write_nats_folder(folder / "nats", official_content(2, style="v1.0", most_seeds=1))
    return source, source / "000001.pickle.pbz2"


FORMS = {
    "csv": Form("hw-nas-bench", _csv, False),
    "npz": Form("nb101-compact", _npz, True),
    "tfrecord": Form("nb101", _tfrecord, True),
    "folder of bz2": Form("nb201", _bz2_folder, True),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_damaged_file_that_someone_vouches_for_is_refused_or_gives_a_sound_table(tmp_path: Path, name: str) -> None:
    form = FORMS[name]
    (tmp_path / "source").mkdir()
    source, path = form.write(tmp_path / "source")
    whole = imported(form, source, path, tmp_path / "home").digest
    content = path.read_bytes()
    seen = 0
    for fault in faults(content, *BEHIND, seed=name):
        shutil.rmtree(tmp_path / "home", ignore_errors=True)
        path.write_bytes(fault.damage(content))
        seen += 1
        table = attempt(path, lambda: imported(form, source, path, tmp_path / "home"))
        if table is None:
            assert not (tmp_path / "home").exists()
            continue
        assert not form.checked or table.digest == whole, fault.name
        assert not fault.name.startswith("cut"), fault.name
        verify(table)
        if form.kind == "hw-nas-bench":
            check_hw(table)
    assert seen >= 20


def attempt(damaged: Path, act: Callable[[], T]) -> T | None:
    """Return what `act` returns; None where it is refused with a message that names the file."""
    try:
        return act()
    except TableError as error:
        if damaged.name not in str(error):
            raise
        return None


def imported(form: Form, source: Path, damaged: Path, home: Path) -> Table:
    version = "test" if form.kind == "nb201" else None
    sha256 = hw_vouched(source) if form.kind == "hw-nas-bench" else vouched(damaged)
    return import_table(form.kind, source, to=home, version=version, partial=True, sha256=sha256)


def check_hw(table: Table) -> None:
    """Check what the converter promises of every table: a value above 0 wherever it says that one was measured."""
    for at, device in enumerate(DEVICES):
        ran = table.columns["measured"][at]
        values = table.columns[f"{device}_latency_ms"]
        assert (values[ran] > 0).all()
        assert np.isfinite(values).all()
        assert not values[~ran].any()


COMPACT: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {  # one file of each of the three forms
    compact.FULL["cifar10"][0]: lambda path: compact.read_full(path, compact.FULL["cifar10"][1]),
    compact.SHORT: compact.read_short,
    compact.COST: compact.read_cost,
}


@pytest.mark.parametrize("name", COMPACT)
def test_a_damaged_compact_file_is_refused_or_gives_sound_columns(tmp_path: Path, name: str) -> None:
    content = data_file(f"nb201/{name}").read_bytes()
    path = tmp_path / name
    seen = 0
    for fault in faults(content, *BEHIND_COMPACT, seed=name):
        path.write_bytes(fault.damage(content))
        seen += 1
        read = attempt(path, lambda: COMPACT[name](path))
        if read is None:
            continue
        assert not fault.name.startswith("cut"), fault.name
        for key, values in read.items():
            assert values.shape == (15_625,)
            assert (values > 0).all() if key == "cost" else (values >= 0).all()
            assert np.isfinite(values).all() if key == "cost" else (values <= 100).all()
    assert seen >= 20


def test_a_vouched_compact_file_with_a_changed_number_gives_that_number(tmp_path: Path) -> None:
    folder = laid_out("nb201-compact", tmp_path / "source")
    path = folder / compact.FULL["cifar100"][0]
    content = path.read_bytes()
    value = np.float64(compact.read_full(path, "cifar100")["test"].max())
    at = content.index(value.tobytes())  # the last byte of the fraction
    path.unlink()
    path.write_bytes(_flipped(content, at, 1))
    table = import_table("nb201-compact", folder, to=tmp_path / "home", sha256=vouched(path))
    verify(table)
    assert table.columns["test200"][:, 1].max() == pytest.approx(value)
    assert table.columns["test200"][:, 1].max() != value
