"""Somebody else's package, word for word from docs/method.md, is built, installed into a folder of its own, and run.

Needs pip and setuptools in the environment of the tests; nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

BLOCK = re.compile(r"```\w+\n# (?P<file>[\w.]+)\n(?P<text>.*?)```", re.DOTALL)


def blocks() -> dict[str, str]:
    """Return the files that the document shows, by name."""
    return {m["file"]: m["text"] for m in BLOCK.finditer((ROOT / "docs" / "method.md").read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the package, install it, and return the folder it was installed into."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    for name, text in blocks().items():
        (source / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    done = subprocess.run([*command, "--target", target, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"pip and setuptools are needed in this environment: {done.stderr}"
    return target


def python(code: str, installed: Path) -> object:
    """Run `code`, which sets `found`, in a fresh interpreter that sees the folder; return `found`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)])}
    command = [sys.executable, "-c", f"import json\n{code}\nprint(json.dumps(found))"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


RUN = """
from numpy.random import default_rng
from nasboard import BudgetExhausted, MeteredOracle, Task, benchmark, method
from nasboard.harness import registry

def run(name, params=None, seed=0, budget_s=400.0):
    planted = benchmark("planted")
    oracle = MeteredOracle(planted.query, planted.space, planted.fidelities, budget_s, default_rng(seed))
    task = Task(planted.space, default_rng(seed), budget_s, query=oracle)
    last = None
    try:
        for last in method(name, params).search(task):
            pass
    except BudgetExhausted:
        pass
    return float(planted.truth(last.incumbent[None])[0]), oracle.queries
"""


def test_the_document_shows_a_whole_package_and_the_method_is_ten_lines() -> None:
    assert set(blocks()) == {"hill.py", "climber.py", "pyproject.toml", "test_hill.py"}
    lines = blocks()["hill.py"].partition("@dataclass")[2].strip().splitlines()
    assert len(lines) <= 11  # the decorator's line and ten more


def test_the_registry_lists_it_with_its_distribution(installed: Path) -> None:
    code = "from nasboard.harness import registry; found = [dict(d) for d in registry.describe('methods')]"
    found = python(code, installed)
    assert isinstance(found, list)
    mine = [d for d in found if d["distribution"] == "hill"]
    assert [(d["name"], d["needs"]) for d in mine] == [("hill_climb", "query"), ("hill_climb_patient", "query")]
    assert mine[0]["summary"] == "Change the best architecture seen in one place."


def test_it_is_not_there_where_it_is_not_installed() -> None:
    code = "from nasboard.harness import registry; found = list(registry.names('methods'))"
    assert "hill_climb" not in python(code, ROOT)  # type: ignore[operator]


def test_it_runs_repeats_and_climbs(installed: Path) -> None:
    code = RUN + "found = [[run(n, seed=s) for s in range(5)] for n in ('hill_climb', 'hill_climb', 'random_search')]"
    first, again, random = python(code, installed)  # type: ignore[misc]
    assert first == again
    assert all(queries > 10 for _, queries in first)
    assert sum(accuracy for accuracy, _ in first) > sum(accuracy for accuracy, _ in random)


def test_its_hyper_parameters_are_checked_like_ours(installed: Path) -> None:
    code = (
        RUN
        + """
found = [str(registry.resolved(registry.method("hill_climb_patient", {"patience": 5})))]
for params in ({"patienc": 5}, {"patience": "long"}):
    try:
        registry.method("hill_climb_patient", params)
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}")
"""
    )
    resolved, unknown, wrong = python(code, installed)  # type: ignore[misc]
    assert resolved == "{'patience': 5}"
    assert unknown.startswith("UnknownNameError: unknown hyper-parameter of hill_climb_patient 'patienc'; did you mean")
    assert wrong.startswith("UsageError: hill_climb_patient: patience is of type int, given 'long'")


def test_the_patient_one_keeps_every_contract(installed: Path, tmp_path: Path) -> None:
    found = json.loads(cli(["check", "hill_climb_patient", "--json"], installed, tmp_path))
    assert {each["outcome"] for each in found} == {"ok"}
    assert len(found) == 9


def test_the_command_line_lists_and_runs_it(installed: Path, tmp_path: Path) -> None:
    suite = tmp_path / "mine.toml"
    suite.write_text(
        'name = "mine"\n[[runs]]\nmethod = "hill_climb_patient"\nbenchmark = "planted"\nseeds = 2\nbudget_s = 100.0\n'
        "[runs.params]\npatience = 9\n"
    )
    listed = cli(["ls", "methods", "--json"], installed, tmp_path)
    assert {"hill_climb", "hill_climb_patient"} <= {entry["name"] for entry in json.loads(listed)}
    cli(["run", str(suite), "--store", "sqlite:///runs.db", "--jobs", "1"], installed, tmp_path)
    runs = json.loads(cli(["ls", "runs", "--store", "sqlite:///runs.db", "--json"], installed, tmp_path))
    assert [(run["label"], run["status"]) for run in runs] == [("hill_climb_patient", "budget")] * 2


def cli(arguments: list[str], installed: Path, folder: Path) -> str:
    """Return what the command line prints, as a user with the package installed would see it."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)])}
    command = [sys.executable, "-m", "nasboard.harness.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
