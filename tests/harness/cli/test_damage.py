"""What `nasboard data` and `nasboard doctor` say of a data folder that is not in order."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.cli import main
from nasboard.tabular.tables.scratch import PREFIX
from nasboard.tabular.tables.writing import TableWriter
from tests.tabular.imports.modes import bound_by_modes

NAMES = ("hw-nas-bench-v1", "nb101-v1")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `nasboard` in this process and returns exit code, output and errors."""
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nasboard", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code if isinstance(ended.value.code, int) else 0, printed.out, printed.err

    return command


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A folder with two tables of 24 bytes."""
    for name in NAMES:
        with TableWriter(tmp_path / "home" / "tables" / name) as writer:
            writer.put("value", np.arange(3))
            kind, version = name.rsplit("-", 1)
            writer.commit({"name": name, "kind": kind, "version": version, "archs": 3, "complete": True})
    return tmp_path / "home" / "tables"


def change(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def findings(run: Run) -> dict[str, dict[str, str]]:
    return {f["what"]: f for f in json.loads(run("doctor", "--json")[1])}


def test_the_doctor_calls_whole_what_it_read(run: Run, tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(run)["table nb101-v1"]["detail"].endswith("imported; whole")
    monkeypatch.setattr("nasboard.tabular.tables.table.SMALL_BYTES", 0)
    assert findings(run)["table nb101-v1"]["detail"].endswith("too large to read here: nasboard data verify nb101-v1")


@pytest.mark.parametrize(("at", "said"), [(-8, "was changed after the table was written"), (9, "cannot be read")])
def test_one_changed_byte_is_bad_for_every_command_and_the_table_can_go(
    run: Run, tables: Path, at: int, said: str
) -> None:
    change(tables / "nb101-v1" / "value.npy", at)
    remedy = "remove it with `nasboard data rm nb101-v1` and get it again: nasboard data import nb101 PATH"
    code, shown, _ = run("data", "ls")
    assert (code, said in shown, remedy in shown) == (0, True, True)
    assert run("doctor")[0] == 3
    finding = findings(run)["table nb101-v1"]
    assert finding["state"] == "bad"
    assert said in finding["detail"]
    for arguments in (["verify"], ["verify", "nb101-v1"], ["info", "nb101-v1"]):
        code, shown, told = run("data", *arguments)
        assert (code, said in told) == (3, True)
        assert told.endswith(f"{remedy}\n")
        assert shown.startswith(f"{NAMES[0]}: whole") or len(arguments) == 2
    assert run("data", "verify", NAMES[0])[0] == 0
    assert run("data", "rm", "nb101-v1", "-y")[0] == 0
    assert run("doctor")[0] == 0


def test_verify_tells_in_json_what_is_whole_and_what_is_not(run: Run, tables: Path) -> None:
    code, shown, _ = run("data", "verify", "--json")
    assert code == 0
    assert [(row["name"], row["trouble"], len(row["digest"])) for row in json.loads(shown)] == [
        (name, None, 64) for name in NAMES
    ]
    change(tables / "nb101-v1" / "value.npy", -1)
    code, shown, told = run("data", "verify", "--json")
    good, bad = json.loads(shown)
    assert (code, good["trouble"], bad["name"]) == (3, None, "nb101-v1")
    assert bad["trouble"] in told
    assert run("data", "verify", "absent", "--json")[:2] == (3, "")


def test_what_is_no_table_is_bad_and_left_alone(run: Run, tables: Path) -> None:
    (tables / "thesis").mkdir()
    code, _, told = run("data", "verify")
    assert (code, "thesis is no table, it has no manifest.json; move it away" in told) == (3, True)
    assert "rm -r" in findings(run)["table thesis"]["detail"]
    code, _, told = run("data", "rm", "thesis", "-y")
    assert (code, "thesis is not what an import made" in told) == (2, True)
    assert (tables / "thesis").is_dir()


def test_a_folder_that_may_not_be_read_is_bad_and_in_nobodys_way(run: Run, tables: Path) -> None:
    (tables / "theirs").mkdir(mode=0)
    with bound_by_modes():
        for arguments in (["ls"], ["verify", "nb101-v1"], ["info", "nb101-v1"], ["kinds"]):
            assert run("data", *arguments)[0] == 0
        assert findings(run)["table theirs"]["state"] == "bad"
        assert findings(run)["table nb101-v1"]["state"] == "ok"


def test_a_data_folder_that_is_a_file_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    said = f"the data folder is {tmp_path}/home, but {tmp_path}/home is no folder; set NASBOARD_DATA"
    for arguments in (["ls"], ["verify"], ["kinds"], ["rm", "x", "-y"]):
        code, shown, told = run("data", *arguments)
        assert (code, shown, said in told) == (3, "", True)
    found = findings(run)
    for what in ("data folder", "imported tables"):
        assert (found[what]["state"], said in found[what]["detail"]) == ("bad", True)


@pytest.mark.parametrize("command", [["import", "nb101", "absent"], ["fetch", "absent"]])
def test_a_folder_given_with_to_is_swept(run: Run, tmp_path: Path, command: list[str]) -> None:
    left = tmp_path / "other" / "tables" / f"{PREFIX}x"
    left.mkdir(parents=True)
    assert run("data", *command, "--to", tmp_path / "other")[0] != 0
    assert not left.exists()


def test_a_registry_of_files_nested_without_end_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "files.json").write_text("[" * 200_000)
    code, _, told = run("data", "info", "cifar10", "--files", tmp_path / "files.json")
    assert (code, "files.json cannot be read" in told) == (3, True)
