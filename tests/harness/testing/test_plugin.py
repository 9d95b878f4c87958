"""The pytest plugin, in a pytest of its own: contracts, a baseline written and judged by, and what loading it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT
from tests.test_face import HEAVY, fresh

SUITE = """
name = "small"
[[runs]]
method = "regularized_evolution"
benchmark = "planted"
seeds = 3
budget_s = 200.0
"""
TESTS = """
def test_rank_does_not_regress(nasboard_gate):
    nasboard_gate("small.toml", "reference.json")

def test_verdicts_are_there(nasboard_verdicts):
    found = nasboard_verdicts("small.toml", "reference.json")
    assert {v.label for v in found} == {"regularized_evolution"}

def test_contracts(nasboard_check):
    nasboard_check("random_search")
    nasboard_check("hyperband", on="digits201", eta=4)
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder as a project of its own."""
    told = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "300", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    plugin = ("-p", "nasboard.harness.testing.plugin", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "--rootdir", ".", *arguments]
    return subprocess.run(command, cwd=folder, env=told, capture_output=True, text=True, check=False)


def test_a_baseline_is_written_then_kept_then_regressed_from(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SUITE)
    (tmp_path / "test_rank.py").write_text(TESTS)
    store = f"--nasboard-store=sqlite:///{tmp_path / 'runs.db'}"
    missing = run(tmp_path, store, "-k", "regress")
    assert "there is no baseline" in missing.stdout + missing.stderr
    written = run(tmp_path, store, "--nasboard-write-baseline", "-k", "regress")
    assert "1 skipped" in written.stdout, written.stdout
    kept = run(tmp_path, store)
    assert "3 passed" in kept.stdout, kept.stdout
    better = json.loads((tmp_path / "reference.json").read_text())
    values = better["comparisons"][0]["entries"][0]["values"]
    values["accuracy"] = {seed: value + 0.3 for seed, value in values["accuracy"].items()}
    (tmp_path / "reference.json").write_text(json.dumps(better))
    closed = run(tmp_path, store, "-k", "regress")
    assert closed.returncode == 1
    assert (
        "1 of 2 values are not those of reference.json: regularized_evolution accuracy: worse by 0.3" in closed.stdout
    )
    assert "Traceback" not in closed.stdout


def test_a_baseline_that_judges_nothing_fails_the_test(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SUITE.replace("regularized_evolution", "random_search"))
    (tmp_path / "test_rank.py").write_text(TESTS)
    store = f"--nasboard-store=sqlite:///{tmp_path / 'runs.db'}"
    run(tmp_path, store, "--nasboard-write-baseline", "-k", "regress")
    found = run(tmp_path, store, "-k", "regress")
    assert found.returncode == 1
    assert "the settings of the baseline leave nothing to judge" in found.stdout


def test_what_ships_is_not_written_over_nor_a_folder_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "quick").mkdir()
    (tmp_path / "test_rank.py").write_text("def test_it(nasboard_gate):\n    nasboard_gate('quick', 'quick')\n")
    found = run(tmp_path, "--nasboard-write-baseline")
    assert found.returncode == 1
    assert "'quick' names a baseline that ships" in found.stdout
    assert list((tmp_path / "quick").iterdir()) == []


def test_a_broken_contract_fails_the_test_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "def test_it(nasboard_check, monkeypatch):\n"
        "    from nasboard.methods.black_box.random_search import RandomSearch\n"
        "    from nasboard.harness.api import Checkpoint\n"
        "    monkeypatch.setattr(RandomSearch, 'search', lambda self, task: iter([Checkpoint(7)]))\n"
        "    nasboard_check('random_search')\n"
    )
    found = run(tmp_path)
    assert found.returncode == 1
    assert "step 7 came where 1 was due; number checkpoints 1, 2, 3" in found.stdout


def test_loading_it_brings_nothing_along() -> None:
    found = fresh(
        "import nasboard.harness.testing.plugin\n"
        f"found = [n for n in sys.modules if n in {(*HEAVY, 'hypothesis')!r} or n.startswith('nasboard.')]"
    )
    assert sorted(found) == ["nasboard.harness", "nasboard.harness.testing", "nasboard.harness.testing.plugin"]  # type: ignore[call-overload]


def test_it_is_an_entry_point_of_the_distribution() -> None:
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '[project.entry-points.pytest11]\nnasboard = "nasboard.harness.testing.plugin"' in declared


@pytest.mark.parametrize("name", ["suite.toml", "small.toml"])
def test_a_suite_that_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "reference.json").write_text("{}")
    (tmp_path / "test_rank.py").write_text(
        f"def test_it(nasboard_gate):\n    nasboard_gate('{name}', 'reference.json')\n"
    )
    found = run(tmp_path)
    assert found.returncode == 1
    assert "reference.json is not a baseline" in found.stdout
