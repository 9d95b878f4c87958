"""Somebody else's project: a method, a live method and a benchmark of its own, made of what the documents show.

nasboard is there as the wheel that is shipped. The project's own tox runs `nasboard check` on its method and its
benchmark, and its three-line rank-regression test. Nothing is downloaded: the installer that tox calls here puts the
packages around us on the environment's path first, and so finds what has to be there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.documented import blocks, entries, write
from tests.packaging.packages import build, copy_source

RAISED = 0.3  # by how much the reference's taus are
INSTALLER = """
import subprocess, sys
from pathlib import Path

python, wheel, around, *arguments = sys.argv[1:]
[site] = Path(python).parent.parent.glob("lib/python*/site-packages")
pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps"]
if not (site / "around.pth").exists():
    (site / "around.pth").write_text(around.replace("|", chr(10)))
    subprocess.run([*pip, "--ignore-installed", wheel], check=True)
    script = Path(python).parent / "pytest"  # which an install from elsewhere would have put there
    script.write_text(f"#!{python}\\nimport sys, pytest\\nif __name__ == '__main__':\\n    sys.exit(pytest.main())\\n")
    script.chmod(0o755)
subprocess.run([*pip, *arguments], check=True)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(copy_source(tmp_path_factory.mktemp("ours")), tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the files of the documents, and a `pyproject.toml` that has the entry points of all of them."""
    folder = write(tmp_path_factory.mktemp("project"))
    shown = blocks("method")["pyproject.toml"].partition('[project.entry-points."nasboard.methods"]')[0]
    points = {kind: entries(kind) for kind in ("methods", "benchmarks")}
    told = "".join(
        f'[project.entry-points."nasboard.{kind}"]\n'
        + "".join(f'{name} = "{value}"\n' for name, value in those.items())
        for kind, those in points.items()
    )
    modules = sorted({value.partition(":")[0] for those in points.values() for value in those.values()})
    (folder / "pyproject.toml").write_text(f"{shown}{told}[tool.setuptools]\npy-modules = {json.dumps(modules)}\n")
    return folder


@pytest.fixture(scope="module")
def tox(wheel: Path, project: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the command that runs the project's tox, with packages from here."""
    pytest.importorskip("tox", reason="the project is tested by tox: pip install tox")
    pytest.importorskip("torch", reason="its live method trains: pip install 'nasboard[live]'")
    theirs = build(project, tmp_path_factory.mktemp("theirs"))
    installer = tmp_path_factory.mktemp("installer") / "install.py"
    installer.write_text(INSTALLER)
    around = "|".join(path for path in sys.path if Path(path).name in ("site-packages", "dist-packages"))
    command = f"{sys.executable} {installer} {{env_python}} {wheel} {around} {{opts}} {{packages}}"
    override = ["-x", f"testenv.install_command={command}", "-x", f"testenv.allowlist_externals={sys.executable}"]
    return [sys.executable, "-m", "tox", "run", "--installpkg", str(theirs), *override]


def run(tox: list[str], project: Path, *posargs: str, code: int = 0) -> str:
    told = {k: v for k, v in os.environ.items() if not k.startswith(("TOX", "PYTEST", "PYTHONPATH"))}
    done = subprocess.run([*tox, "--", *posargs], cwd=project, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_its_tox_checks_its_contracts_and_its_ranks(tox: list[str], project: Path) -> None:
    written = run(
        tox,
        project,
        "--nasboard-store",
        "sqlite:///runs.db",
        "--nasboard-write-baseline",
        "test_rank.py",
        "test_toy.py",
    )
    assert "resume ends like uninterrupted" in written  # nasboard check hill_climb_patient
    assert "truth is the mean of its seeds" in written  # nasboard check toy
    assert "1 passed, 1 skipped" in written
    again = [*tox, "--skip-pkg-install", "-x", "testenv:rank.commands=pytest {posargs}"]
    judged = run(again, project, "--nasboard-store", "sqlite:///runs.db", "test_rank.py")
    assert "1 passed" in judged
    regress(project / "baseline.json")
    closed = run(again, project, "--nasboard-store", "sqlite:///runs.db", "test_rank.py", code=1)
    assert f"values are not those of baseline.json: duel tau: worse by {RAISED:.4f}" in closed


def regress(baseline: Path) -> None:
    """Let the reference have ranked better than the runs did."""
    stored = json.loads(baseline.read_text())
    [entry] = stored["comparisons"][0]["entries"]
    entry["values"]["tau"] = {seed: value + RAISED for seed, value in entry["values"]["tau"].items()}
    baseline.write_text(json.dumps(stored))
