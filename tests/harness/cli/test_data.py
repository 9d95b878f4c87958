from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nasboard.harness.cli import main
from tests.local_server import Answer, Server, serving
from tests.places import ROOT
from tests.tabular.nb201.hw_format import DATASETS, hw_name, hw_vouched, write_hw

NAME = hw_name(200)


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `nasboard` in this process, with a data folder of the test's own and a terminal 100 columns wide."""
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["nasboard", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, printed.out, printed.err)

    return command


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hw(tmp_path_factory.mktemp("hw"), 200)


def vouching(source: Path) -> list[str]:
    return [part for digest in hw_vouched(source).split(",") for part in ("--sha256", digest)]


@pytest.fixture
def imported(run: Run, made: Path, tmp_path: Path) -> Path:
    done = run("data", "import", "hw-nas-bench", made, "--partial", *vouching(made))
    assert done.code == 0, done.err
    return tmp_path / "home" / "tables" / NAME


def test_nothing_is_there_at_first_and_everything_says_how_it_is_got(run: Run, tmp_path: Path) -> None:
    assert "no tables in" in run("data", "ls").out
    shown = run("data", "kinds").out
    for command in ("fetch nb201-compact", "import nb101 PATH", "import nb201 PATH", "fetch cifar10", "import nb101-c"):
        assert f"nasboard data {command}" in shown
    assert json.loads(run("data", "ls", "--json").out) == []
    assert "no tables to check" in run("data", "verify").out
    assert not (tmp_path / "home").exists()


def test_an_import_is_listed_shown_verified_and_removed(run: Run, imported: Path, made: Path) -> None:
    listed = run("data", "ls").out
    assert [line.split() for line in listed.splitlines()] == [
        ["name", "kind", "version", "archs", "MB", "state"],
        [NAME, "hw-nas-bench", NAME.removeprefix("hw-nas-bench-"), "200", "3.66", "partial"],
    ]
    (row,) = json.loads(run("data", "ls", "--json").out)
    assert (row["name"], row["archs"], row["complete"], row["trouble"]) == (NAME, 200, False, None)
    told = json.loads(run("data", "info", NAME, "--json").out)
    assert told["digest"] == json.loads((imported / "manifest.json").read_text())["digest"]
    shown = run("data", "info", NAME).out
    for part in (
        "licence: MIT",
        "units: energy mJ, latency ms",
        "fpga_energy_mj <f8 [3, 15625]",
        "file hw_cifar10.csv",
    ):
        assert part in shown
    assert f"{NAME}: whole, 3.66 MB" in run("data", "verify").out
    gone = run("data", "rm", NAME, "--yes")
    assert gone.out.startswith(f"removed {imported}")
    assert list(imported.parent.iterdir()) == []


def test_an_import_can_go_to_another_folder_under_another_version(run: Run, made: Path, tmp_path: Path) -> None:
    done = run(
        "data", "import", "hw-nas-bench", made, "--partial", *vouching(made), "--to", tmp_path / "o", "--version", "v2"
    )
    name = hw_name(200, "v2")
    assert done.out == f"{name}, 200 architectures (partial), 3.66 MB in {tmp_path}/o/tables/{name}\n"
    assert not (tmp_path / "home").exists()


def test_columns_that_not_every_architecture_has_are_told_with_how_many(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    source = write_hw(tmp_path / "whole")
    assert run("data", "import", "hw-nas-bench", source, *vouching(source)).code == 0
    told = "edgetpu_latency_ms of 12,500 of 15,625"
    (row,) = json.loads(run("data", "ls", "--json").out)
    assert (row["complete"], row["gaps"]) == (True, [told])
    assert f"complete; {told}" in run("data", "ls").out
    assert f"imported, {told}; whole" in run("doctor").out
    assert (
        "partial_columns: edgetpu_latency_ms {'ImageNet16-120': 12500, 'cifar10': 12500"
        in run("data", "info", row["name"]).out
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["import", "nb-201", "x"], 2, "unknown kind of table 'nb-201'; did you mean 'nb201'?"),
        (["import", "nb101", "absent"], 3, "no file or folder absent; kind nb101 takes"),
        (["import", "nb101", "{made}"], 2, "this looks like hw-nas-bench: nasboard data import hw-nas-bench"),
        (["import", "hw-nas-bench", "{made}"], 2, "vouch for it yourself with --sha256"),
        (["import", "hw-nas-bench", "{made}", "--version", "../../x"], 2, "cannot be part of a folder's name"),
        (["import", "hw-nas-bench", "{made}", "--to", "{made}"], 2, "written into its own source"),
        (["fetch", "nb101-compact"], 3, "nasboard data import nb101-compact PATH"),
        (["fetch", "cifar"], 2, "did you mean 'cifar10'?"),
        (["fetch", "cifar10", "--files", "absent.json"], 3, "no registry of files at absent.json"),
        (["info", "nb201-compat"], 2, "unknown table or public data 'nb201-compat'; did you mean 'nb201-compact'"),
        (["verify", "nothing"], 3, "no table 'nothing' in"),
        (["rm", "nothing"], 3, "no table 'nothing' in"),
        (["rm", "../home", "--yes"], 3, "no table '../home' in"),
    ],
)
def test_what_cannot_be_done_has_its_code_and_reason(
    run: Run, made: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = run("data", *(a.format(made=made) for a in arguments))
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")
    assert message in done.err
    assert not (tmp_path / "home").exists()


def test_a_table_changed_on_disk_is_told_with_column_and_remedy(run: Run, imported: Path) -> None:
    path = imported / "fpga_latency_ms.npy"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    for arguments in (["data", "verify", NAME], ["data", "verify"]):
        done = run(*arguments)
        assert done.code == 3
        assert f"{path} was changed after the table was written" in done.err
        assert f"nasboard data rm {NAME}" in done.err


def test_rm_asks_and_takes_no_for_an_answer(run: Run, imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = run("data", "rm", NAME)  # standard input is no terminal
    assert (refused.code, "say so with --yes" in refused.err) == (2, True)
    monkeypatch.setattr("nasboard.harness.cli.data.sys.stdin.isatty", lambda: True)
    asked: list[str] = []

    def confirm(question: str, *, abort: bool) -> bool:
        asked.append(question)
        if abort:
            raise SystemExit(1)
        return False

    monkeypatch.setattr("typer.confirm", confirm)
    assert run("data", "rm", NAME).code == 1
    assert asked == [f"remove table {NAME}, 3.66 MB?"]
    assert imported.exists()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    with serving() as running:
        yield running


@pytest.fixture
def files(server: Server, tmp_path: Path, made: Path) -> Path:
    """A registry like the shipped one, but with addresses on the test's own server, and CIFAR-10 stays a file."""
    told = json.loads((ROOT / "tabular" / "known" / "files.json").read_text())
    for name, entry in told["files"].items():
        entry["urls"] = [f"{server.address}/{name}"]
    told["groups"]["cifar10"]["kind"] = None
    body = b"an archive"
    told["files"]["cifar-10-binary.tar.gz"] |= {"size_bytes": len(body), "md5": hashlib.md5(body).hexdigest()}
    server.put("/cifar-10-binary.tar.gz", Answer(body))
    path = tmp_path / "files.json"
    path.write_text(json.dumps(told))
    return path


def test_files_that_make_no_table_are_fetched_into_downloads(run: Run, files: Path, tmp_path: Path) -> None:
    before = run("data", "info", "cifar10", "--files", files).out
    assert "downloaded: no" in before
    done = run("data", "fetch", "cifar10", "--files", files)
    assert done.out == f"cifar10, 0.0 MB in {tmp_path}/home/downloads/cifar10\n"
    assert (tmp_path / "home" / "downloads" / "cifar10" / "cifar-10-binary.tar.gz").read_bytes() == b"an archive"
    assert "downloaded: /" in run("data", "info", "cifar10", "--files", files).out


def test_a_failed_fetch_has_code_3_and_leaves_nothing(run: Run, files: Path, server: Server, tmp_path: Path) -> None:
    server.put("/cifar-10-binary.tar.gz", Answer(b"an Archive"))
    done = run("data", "fetch", "cifar10", "--files", files)
    assert done.code == 3
    assert "what came has another checksum than md5:" in done.err
    assert not (tmp_path / "home").exists()


def test_info_of_public_data_has_checksum_licence_and_what_was_never_checked(run: Run) -> None:
    shown = run("data", "info", "cifar10").out
    assert "170,052,171 bytes, licence none stated" in shown
    assert "MD5 c32a1d4ab5d03f1284b67883e8d87530 (as published, no copy was checked)" in shown
    assert "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz (never tried by us)" in shown
    shown = run("data", "info", "hw-nas-bench").out
    assert shown.count("(computed from a copy in hand)") == 3
    assert all(f"hw_{dataset}.csv: " in shown for dataset in DATASETS)


def test_the_doctor_knows_what_is_missing_and_the_command_that_gets_it(run: Run, imported: Path) -> None:
    findings = {f["what"]: f for f in json.loads(run("doctor", "--json").out)}
    assert findings[f"table {NAME}"]["state"] == "ok"
    assert "table hw-nas-bench" not in findings
    assert findings["table nb201-compact"] == {
        "what": "table nb201-compact",
        "state": "absent",
        "detail": "nasboard data fetch nb201-compact",
    }
    assert findings["table nb101"]["detail"].startswith("nasboard data import nb101 PATH")
    assert findings["table cifar10"]["detail"] == "nasboard data fetch cifar10"
    assert findings["data folder"]["state"] == "ok"
    assert "GB free" in findings["data folder"]["detail"]


def test_the_doctor_finds_a_damaged_manifest(run: Run, imported: Path) -> None:
    (imported / "manifest.json").write_text('{"format": 1')
    done = run("doctor")
    assert done.code == 3
    assert f"not in order: table {NAME}" in done.err
    assert f"nasboard data rm {NAME}".replace(" ", "") in "".join(done.out.split())
    assert run("data", "ls").code == 0
    assert run("data", "info", NAME).code == 3
    assert run("data", "rm", NAME, "--yes").code == 0
    assert run("doctor").code == 0


def test_everything_fits_a_hundred_columns(run: Run, imported: Path) -> None:
    for arguments in (["data", "ls"], ["doctor"], ["data", "--help"], ["data", "import", "--help"]):
        done = run(*arguments)
        assert done.code == 0
        assert max(map(len, done.out.splitlines())) <= 100


INTERRUPTED = """
import os, sys
from nasboard.harness.cli import main, progress
def told(self, label, done, total):
    if label == "cells" and done > 15_000: os.kill(os.getpid(), NUMBER)
progress.Steps.told = told
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_an_import_and_leaves_nothing(tmp_path: Path, made: Path, number: signal.Signals) -> None:
    code = INTERRUPTED.replace("NUMBER", str(number.value))
    arguments = ["data", "import", "hw-nas-bench", str(made), "--partial", *vouching(made)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=os.environ | {"NASBOARD_DATA": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 128 + number
    assert done.stderr == "interrupted; nothing was imported\n"
    assert not (tmp_path / "home").exists()


def test_what_a_killed_import_left_is_swept_by_the_next_data_command(run: Run, made: Path, tmp_path: Path) -> None:
    code = INTERRUPTED.replace("NUMBER", "9")
    arguments = ["data", "import", "hw-nas-bench", str(made), "--partial", *vouching(made)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert [path.name[:1] for path in (tmp_path / "home" / "tables").iterdir()] == ["."]
    assert "no tables in" in run("data", "ls").out
    assert list((tmp_path / "home" / "tables").iterdir()) == []
