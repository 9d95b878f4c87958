"""The compact import against known values of the public files, and what it says to files that are wrong."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness import registry
from nasboard.harness.api import Benchmark
from nasboard.harness.errors import UsageError
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.load import load
from nasboard.harness.record import RunKey, RunRecord, StepRecord
from nasboard.harness.store import Moved, open_store
from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.nb201 import compact
from nasboard.tabular.nb201.names import ARCHS, spec_index
from nasboard.tabular.pickles.frame import read_frame
from nasboard.tabular.pickles.stream import read_pickle
from nasboard.tabular.tables.table import Table, TableError, open_table, verify
from tests.data_folder import data_file
from tests.tables import imported

CONV3 = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
NONE = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
FIRST = (
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"  # of the files
)
OTHER = FIRST.replace("avg_pool_3x3~0", "skip_connect~0")


def table() -> Table:
    return open_table(imported("nb201-compact") / "tables" / "nb201-compact-v1.0-compact")


def column(name: str) -> np.ndarray:
    return np.asarray(table().columns[name])


def test_the_table_holds_the_known_values() -> None:
    assert column("val200").max(axis=0) == pytest.approx([91.607, 73.493, 46.767], abs=5e-4)
    assert column("test200").max(axis=0) == pytest.approx([94.373, 73.513, 47.311], abs=5e-4)
    assert column("test12")[:, 0].max() == pytest.approx(89.16)
    assert (column("cost12_s").min(), column("cost12_s").max()) == pytest.approx((32.5, 207.6), abs=0.1)
    assert {c.shape for c in table().columns.values()} == {(ARCHS, 3), (ARCHS,)}


def test_rows_are_in_lexicographic_order() -> None:
    raw = raw_full()
    for spec in (NONE, CONV3, *list(raw)[:: ARCHS // 50]):
        val, test = raw[spec]["cifar10-valid"]["eval_acc1es"]
        assert column("val200")[spec_index(spec), 0] == val
        assert column("test200")[spec_index(spec), 0] == test
    assert [spec_index(NONE), spec_index(CONV3)] == [0, 3 * (ARCHS - 1) // 4]


def test_a_data_set_is_not_mistaken_for_another() -> None:
    best = [column("test12")[:, i].max() for i in range(3)]
    assert best == pytest.approx([89.16, 61.18, 38.267], abs=1e-3)
    chance = [column("test200")[spec_index(NONE), i] for i in range(3)]
    assert chance == pytest.approx([10, 1, 100 / 120], abs=1e-3)


def test_the_manifest_says_what_is_in_it_and_the_digest_holds() -> None:
    told = table().manifest
    assert (told["kind"], told["version"], told["archs"], told["complete"]) == (
        "nb201-compact",
        "v1.0-compact",
        ARCHS,
        True,
    )
    assert told["fidelities"] == [12, 200]
    assert told["costs"]["recorded"] == "cifar10 at 12 epochs"  # type: ignore[index]
    assert {s["file"] for s in told["sources"]} == set(compact.FILES)  # type: ignore[attr-defined]
    verify(table())


def test_importing_twice_gives_one_digest(tmp_path: Path) -> None:
    again = import_table("nb201-compact", data_file("nb201"), to=tmp_path)
    assert again.digest == table().digest


# --- files that are wrong: one is changed, and read as the import reads it


@cache
def raw_full() -> dict[str, dict[str, dict[str, list[float]]]]:
    return _parsed("nb201_cifar10-valid_val_test_v1_0.pickle")  # type: ignore[return-value]


@cache
def _parsed(name: str) -> object:
    with data_file(f"nb201/{name}").open("rb") as stream:
        return read_pickle(stream, source=name)


def written(tmp_path: Path, what: object) -> Path:
    path = tmp_path / "file.pickle"
    path.write_bytes(pickle.dumps(what, protocol=4))
    return path


def with_value(spec: str, value: object) -> dict[str, object]:
    return raw_full() | {spec: value}


def with_pair(value: object) -> dict[str, object]:
    return with_value(CONV3, {"cifar10-valid": {"eval_acc1es": value}})


def without(spec: str) -> dict[str, object]:
    return {s: v for s, v in raw_full().items() if s != spec}


def in_fractions(which: slice) -> dict[str, object]:
    """Return the accuracies with validation, test or both divided by 100."""
    found: dict[str, object] = {}
    for spec, of in raw_full().items():
        both = list(of["cifar10-valid"]["eval_acc1es"])
        both[which] = [value / 100 for value in both[which]]
        found[spec] = {"cifar10-valid": {"eval_acc1es": both}}
    return found


FULL_FAULTS: dict[str, tuple[Callable[[], object], str]] = {
    "15,624 architectures": (
        lambda: without(CONV3),
        f"15,624 of 15,625 architectures, the first missing one is {CONV3}",
    ),
    "an unknown operation": (
        lambda: without(CONV3) | {CONV3.replace("conv_3x3~2", "conv_5x5~2"): raw_full()[CONV3]},
        "unknown operation 'nor_conv_5x5'",
    ),
    "another string form": (lambda: raw_full() | {"|none~0|": raw_full()[CONV3]}, "'|none~0|' is not of the form"),
    "a key that is no string": (lambda: raw_full() | {7: raw_full()[CONV3]}, "string form, found a int"),
    "a NaN": (lambda: with_pair([math.nan, 90.0]), f"{CONV3}: val is nan, allowed are accuracies of 0..100 %"),
    "over 100": (lambda: with_pair([90.0, 100.001]), f"{CONV3}: test is 100.001, allowed"),
    "below 0": (lambda: with_pair([-0.1, 90.0]), f"{CONV3}: val is -0.1, allowed"),
    "a text": (lambda: with_pair(["90", 90.0]), f"{CONV3}: val is a str, not a number"),
    "a truth value": (lambda: with_pair([True, 90.0]), f"{CONV3}: val is a bool, not a number"),
    "three values": (lambda: with_pair([1.0, 2.0, 3.0]), f"{CONV3}: eval_acc1es is not a pair"),
    "a missing data set": (
        lambda: with_value(CONV3, {"cifar100": {"eval_acc1es": [1.0, 2.0]}}),
        f"{CONV3} has no 'cifar10-valid', but keys cifar100",
    ),
    "another key": (
        lambda: with_value(CONV3, {"cifar10-valid": {"accuracy": [1.0, 2.0]}}),
        f"{CONV3} has no 'eval_acc1es', but keys accuracy",
    ),
    "a flat value": (lambda: with_value(CONV3, 93.0), f"{CONV3} has no 'cifar10-valid', but a float"),
    "a list": (lambda: [1, 2], "holds a list, not architectures"),
    "fractions": (lambda: in_fractions(slice(0, 2)), "val: the best accuracy of all is 0.91606"),
    "fractions in one column": (lambda: in_fractions(slice(1, 2)), "test: the best accuracy of all is 0.943"),
}


@pytest.mark.parametrize("fault", FULL_FAULTS)
def test_a_wrong_200_epoch_file_is_refused_with_file_architecture_and_key(tmp_path: Path, fault: str) -> None:
    make, message = FULL_FAULTS[fault]
    path = written(tmp_path, make())
    refused(lambda: compact.read_full(path, "cifar10-valid"), path, message)


def costs() -> list[dict[str, object]]:
    return list(_parsed(compact.COST))  # type: ignore[call-overload, no-any-return]


COST_FAULTS: dict[str, tuple[Callable[[], object], str]] = {
    "a duplicate": (lambda: [*costs()[:-1], costs()[0]], f"{FIRST} is there twice"),
    "one too many": (lambda: [*costs(), costs()[0]], f"{FIRST} is there twice"),
    "15,624 architectures": (lambda: costs()[1:], f"first missing one is {FIRST}"),
    "no cost at all": (
        lambda: [costs()[0] | {"cost": 0.0}, *costs()[1:]],
        "cost is 0.0 s, allowed are seconds above 0",
    ),
    "an endless cost": (lambda: [costs()[0] | {"cost": math.inf}, *costs()[1:]], "cost is inf s"),
    "a NaN": (lambda: [costs()[0] | {"valacc": math.nan}, *costs()[1:]], f"{FIRST}: valacc is nan"),
    "a lacking key": (lambda: [{"arch": CONV3, "valacc": 1.0}], f"{CONV3} has no 'cost', but keys arch, valacc"),
    "no architecture": (lambda: [{"valacc": 1.0}], "entry 0 has no 'arch', but keys valacc"),
    "a mapping": (lambda: {"arch": 1}, "holds a dict, not a list"),
    "fractions": (
        lambda: [of | {"valacc": of["valacc"] / 100} for of in costs()],  # type: ignore[operator]
        "valacc: the best accuracy of all is 0.8",
    ),
}


@pytest.mark.parametrize("fault", COST_FAULTS)
def test_a_wrong_cost_file_is_refused_with_file_architecture_and_key(tmp_path: Path, fault: str) -> None:
    data_file("nb201")
    make, message = COST_FAULTS[fault]
    path = written(tmp_path, make())
    refused(lambda: compact.read_cost(path), path, message)


def short_bytes() -> bytes:
    return data_file(f"nb201/{compact.SHORT}").read_bytes()


def with_number(column: str, value: float) -> bytes:
    """Return the data frame's file with the first row's number of a column replaced."""
    with data_file(f"nb201/{compact.SHORT}").open("rb") as stream:
        before = np.float64(read_frame(stream, compact.SHORT)[column][0]).tobytes()  # type: ignore[arg-type]
    return short_bytes().replace(before, np.float64(value).tobytes(), 1)


def short_in_fractions(column: str) -> bytes:
    """Return the data frame's file with a whole column divided by 100."""
    with data_file(f"nb201/{compact.SHORT}").open("rb") as stream:
        numbers = read_frame(stream, compact.SHORT)[column]
    before = np.array(numbers, dtype=np.float64)
    content = short_bytes()
    assert content.count(before.tobytes()) == 1
    return content.replace(before.tobytes(), (before / 100).tobytes())


SHORT_FAULTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a NaN": (lambda: with_number("cifar100-test", math.nan), f"{FIRST}: cifar100-test is nan"),
    "over 100": (lambda: with_number("cifar10-val", 163.4), f"{FIRST}: cifar10-val is 163.4, allowed"),
    "a missing data set": (
        lambda: short_bytes().replace(b"imagenet-val", b"imagenet-vax"),
        "the data frame has no column 'imagenet-val', but",
    ),
    "a duplicate": (  # another architecture takes the place of the first
        lambda: short_bytes().replace(FIRST.encode(), OTHER.encode()),
        f"{OTHER} is there twice",
    ),
    "fractions": (lambda: short_in_fractions("imagenet-test"), "imagenet-test: the best accuracy of all is 0.3"),
}


@pytest.mark.parametrize("fault", SHORT_FAULTS)
def test_a_wrong_12_epoch_file_is_refused_with_file_architecture_and_key(tmp_path: Path, fault: str) -> None:
    make, message = SHORT_FAULTS[fault]
    path = tmp_path / compact.SHORT
    path.write_bytes(make())
    refused(lambda: compact.read_short(path), path, message)


def refused(call: Callable[[], object], path: Path, message: str) -> None:
    with pytest.raises(TableError) as caught:
        call()
    told = str(caught.value)
    assert message in told
    assert str(path) in told
    assert "nasboard data fetch nb201-compact" in told


# --- the folder as a whole


def folder_with(tmp_path: Path, name: str, content: bytes) -> Path:
    """Return a folder of links to the public files, but for one."""
    folder = tmp_path / "files"
    folder.mkdir()
    for file in compact.FILES:
        (folder / file).symlink_to(data_file(f"nb201/{file}"))
    (folder / name).unlink()
    (folder / name).write_bytes(content)
    return folder


def test_sources_that_disagree_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    other = [costs()[0] | {"valacc": 50.0}, *costs()[1:]]
    content = pickle.dumps(other, protocol=4)
    folder = folder_with(tmp_path, compact.COST, content)
    with pytest.raises(TableError, match=rf"is 63\.36\d* in {compact.SHORT} .* and 50\.0 in {compact.COST}"):
        import_table("nb201-compact", folder, to=tmp_path / "home", sha256=sha256(content).hexdigest())
    assert [p for p in (tmp_path / "home").rglob("*") if p.is_file()] == []


def test_a_changed_byte_is_never_imported(tmp_path: Path) -> None:
    content = bytearray(data_file(f"nb201/{compact.COST}").read_bytes())
    content[len(content) // 2] ^= 1
    folder = folder_with(tmp_path, compact.COST, bytes(content))
    with pytest.raises(TableError, match=compact.COST):
        import_table("nb201-compact", folder, to=tmp_path / "home")
    assert [p for p in (tmp_path / "home").rglob("*") if p.is_file()] == []


def test_a_lacking_file_and_a_file_for_a_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / compact.SHORT).touch()
    with pytest.raises(
        TableError, match=f"has no nb201_cifar10-valid_val_test_v1_0.pickle, .*{compact.COST}"
    ) as caught:
        compact.sources(tmp_path)
    assert caught.value.missing
    with pytest.raises(TableError, match="is no folder; kind nb201-compact takes the folder"):
        compact.sources(tmp_path / compact.SHORT)


def test_a_stranger_with_the_same_numbers_is_another_version_and_never_on_the_same_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = pickle.dumps(costs(), protocol=5)
    folder = folder_with(tmp_path, compact.COST, content)
    vouched = sha256(content).hexdigest()
    stranger = import_table("nb201-compact", folder, to=tmp_path / "home", sha256=vouched)
    assert str(stranger.manifest["version"]).startswith("v1.0-compact+sha256.")
    assert stranger.digest == table().digest
    (tmp_path / "home" / "tables" / table().folder.name).symlink_to(table().folder)
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path / "home"))
    catalogue = import_module("nasboard.harness.registry.catalogue")
    monkeypatch.setattr(catalogue, "_opened", cache(catalogue._opened.__wrapped__))  # as a process that opened nothing
    with pytest.raises(UsageError, match=r"several tables .*\(v1\.0-compact, v1\.0-compact\+sha256\.\w{8}\)"):
        registry.benchmark("nb201-cifar10")
    versions = [str(one.manifest["version"]) for one in (table(), stranger)]
    both = [registry.benchmark(f"nb201-cifar10@{version}") for version in versions]
    assert [registry.split_name(one.name)[1] for one in both] == versions
    with open_store(f"sqlite:///{tmp_path / 'runs.db'}") as store:
        store.insert([one_run(benchmark) for benchmark in both], [])
        assert [contexts.version(each) for each in load(store, registry.benchmark)] == versions


def one_run(benchmark: Benchmark) -> Moved:
    """Return a run that queried nothing and ended with the cell of convolutions."""
    key = RunKey("random_search", {}, benchmark.name, "cifar10", "nb201", benchmark.digest, 0, 1.0, None)
    run = RunRecord(key.run_id, key, "random_search", "budget", None, "simulated", 1.0, 0.1, 1, {})
    return Moved(run, [StepRecord(1, 1.0, 0.1, CONV3)])
