"""What is installed: a wheel and an editable install, each in an environment where nothing else of ours is.

The environments see the packages that ours needs, and nothing is downloaded. Every command stands in a folder that has
packages named like our folders, which raise when they are imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.packaging.packages import FOLDERS, build, copy_source, empty, install
from tests.places import ROOT

SUITE = """
name = "small"
[panel]
size = 50

[[runs]]
method = "random_search"
benchmark = "planted"
seeds = 3
budget_s = 100.0

[[runs]]
method = "regularized_evolution"
benchmark = "planted"
seeds = 3
budget_s = 100.0

[[runs]]
method = "local_search"
benchmark = "digits201"
seeds = 3
budget_s = 2.0
"""


@dataclass(frozen=True)
class Installed:
    """An environment with nasboard in it, and the folder with strangers that commands stand in."""

    environment: Path
    folder: Path

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command of the environment among the strangers; return what it prints."""
        program = self.environment / "bin" / command[0]
        told = os.environ | {"PYTHONPATH": str(self.folder)}
        done = subprocess.run(
            [program, *command[1:]], capture_output=True, text=True, env=told, cwd=self.folder, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def python(self, code: str) -> object:
        """Run `code`, which sets `found`; return `found`."""
        return json.loads(self.run("python", "-c", f"import json\n{code}\nprint(json.dumps(found))"))


def files(root: Path) -> Iterator[str]:
    """Yield every file below a folder, but for compiled modules."""
    for path in root.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module", params=["wheel", "editable"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    environment, folder = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("folder")
    site = empty(environment)
    before = set(site.iterdir())
    if request.param == "wheel":
        install(environment, str(request.getfixturevalue("wheel")))
        new = {path.name for path in set(site.iterdir()) - before}
        assert {name for name in new if not name.endswith(".dist-info")} == {"nasboard"}
    else:
        install(environment, "--editable", str(request.getfixturevalue("source")))
    for name in (*FOLDERS[1:], "tests"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise RuntimeError('the stranger {name} was imported')\n")
    return Installed(environment, folder)


def test_the_wheel_holds_every_file_of_the_tree_and_nothing_else(wheel: Path, source: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    there = {f"nasboard/{name}" for name in files(source / "nasboard")}
    there |= {f"nasboard/{folder}/{name}" for folder in FOLDERS[1:] for name in files(source / folder)}
    assert held == there
    kinds = {Path(name).suffix or Path(name).name for name in held}
    assert {".py", ".npy", ".json", ".toml", ".j2", ".css", ".js", ".typed"} == kinds


def test_it_is_the_installed_one_that_is_imported(installed: Installed) -> None:
    names = ["nasboard", *(f"nasboard.{name}" for name in FOLDERS[1:])]
    code = f"import importlib\nfound = [importlib.import_module(n).__file__ for n in {names!r}]"
    found = installed.python(code)
    assert isinstance(found, list)
    assert len(found) == len(FOLDERS)
    assert all(str(ROOT) not in path and str(installed.folder) not in path for path in found)


def test_a_suite_runs_among_strangers(installed: Installed) -> None:
    (installed.folder / "small.toml").write_text(SUITE)
    installed.run("nasboard", "run", "small.toml", "--jobs", "2")
    runs = json.loads(installed.run("nasboard", "ls", "runs", "--json"))
    assert [run["status"] for run in runs] == ["budget"] * 9
    board = installed.run("nasboard", "leaderboard", "--board", "accuracy")
    assert "regularized_evolution" in board
    assert "local_search" in board
    installed.run("nasboard", "gate", "reference.json", "--write")
    assert "the gate is open" in installed.run("nasboard", "gate", "reference.json")
    installed.run("nasboard", "report")
    assert "regularized_evolution" in (installed.folder / "report.html").read_text(encoding="utf-8")


def test_suites_and_baselines_are_found_as_data(installed: Installed) -> None:
    code = (
        "from importlib.resources import files\n"
        "found = {p: {str(f.relative_to(files(p))): len(f.read_bytes()) for f in files(p).rglob('*.[tj]*')}"
        " for p in ('nasboard.suites', 'nasboard.baselines')}"
    )
    expected = {
        f"nasboard.{folder}": {
            str(path.relative_to(ROOT / folder)): path.stat().st_size for path in (ROOT / folder).rglob(f"*.{kind}")
        }
        for folder, kind in (("suites", "toml"), ("baselines", "json"))
    }
    assert installed.python(code) == expected


def test_a_stack_trace_shows_the_new_names(installed: Installed) -> None:
    told = installed.run("python", "-c", "import nasboard; nasboard.method('nobody')", code=1)
    assert "nasboard.harness.errors.UnknownNameError: unknown method 'nobody'" in told
    assert str(installed.folder) not in told
