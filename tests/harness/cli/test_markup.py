"""Names and paths are printed as they are, whatever a terminal's markup would make of them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nasboard.harness.cli import main, progress
from tests.local_server import Answer, Server, serving
from tests.tabular.nb201.hw_format import hw_name, hw_vouched, write_hw

NAME = hw_name(100)
ODD = "we[red]ir:smile:d[/bold]"  # of two folders

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / ODD


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path) -> Run:
    """Runs `nasboard` in this process; returns exit code and output, with every error but its own let through."""
    monkeypatch.setenv("NASBOARD_DATA", str(home))
    monkeypatch.setenv("COLUMNS", "300")

    def command(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["nasboard", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return command


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return write_hw(tmp_path / "so[/red]urce", 100)


@pytest.fixture
def imported(run: Run, made: Path, home: Path) -> Path:
    vouched = [part for digest in hw_vouched(made).split(",") for part in ("--sha256", digest)]
    code, shown = run("data", "import", "hw-nas-bench", made, "--partial", *vouched)
    assert (code, shown) == (0, f"{NAME}, 100 architectures (partial), 3.66 MB in {home}/tables/{NAME}\n")
    return home / "tables" / NAME


def test_a_source_in_brackets_is_named_in_the_error(run: Run, made: Path) -> None:
    code, shown = run("data", "import", "nb101", made)
    assert code == 2
    assert str(made) in shown


def test_every_command_names_a_table_and_a_folder_in_brackets(run: Run, imported: Path, home: Path) -> None:
    assert run("data", "verify", NAME)[1].startswith(f"{NAME}: whole")
    assert f"folder: {imported}" in run("data", "info", NAME)[1]
    assert f"{home}, " in run("doctor")[1]
    assert run("data", "kinds")[0] == 0
    odd = "we[red]ird:smile:"
    shutil.copytree(imported, imported.parent / odd)
    for arguments in (["data", "ls"], ["data", "verify"], ["doctor"], ["data", "verify", odd], ["data", "info", odd]):
        assert odd in run(*arguments)[1], arguments
    assert run("data", "rm", odd, "--yes")[1].startswith(f"removed {imported.parent / odd} (")
    assert run("data", "rm", NAME, "--yes")[1].startswith(f"removed {imported} (")
    assert f"no tables in {home}" in run("data", "ls")[1]
    assert f"no table '{odd}' in {home}/tables" in run("data", "rm", odd)[1]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    with serving() as running:
        yield running


def test_what_a_registry_says_is_printed_as_it_is(run: Run, server: Server, tmp_path: Path, home: Path) -> None:
    server.put("/%5Bred%5Da%5B/%5D", Answer(b"body"))  # as the server is asked for the address
    url = f"{server.address}/[red]a[/]"
    entry = {"group": "data", "size_bytes": 4, "md5": "841a2d689ad86bd1611447453c22c6fc", "licence": "[/bold]",
             "origin": "[blink]o[/]", "urls": [url]}  # fmt: skip
    group = {"summary": "[link]s[/]", "kind": None}
    files = tmp_path / "files[/].json"
    files.parent.mkdir(exist_ok=True)
    files.write_text(json.dumps({"format": 1, "groups": {"data": group}, "files": {"a.bin": entry}}))
    shown = run("data", "info", "data", "--files", files)[1]
    for part in ("summary: [link]s[/]", "licence [/bold]", "from [blink]o[/]", url):
        assert part in shown
    assert run("data", "fetch", "data", "--files", files) == (0, f"data, 0.0 MB in {home}/downloads/data\n")


def test_progress_names_a_file_in_brackets(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", -1.0)
    with progress.Steps() as steps:
        steps.told("reading a[/red].tfrecord", 1, 2)
    assert capsys.readouterr().err.startswith("reading a[/red].tfrecord: 50 %")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress.Steps() as steps:
        steps.told("reading a[/red].tfrecord", 1, 2)
    assert "reading a[/red].tfrecord" in capsys.readouterr().err
