"""Wheels of ours, and environments where nothing else of ours is; nothing is downloaded.

The environments see the packages that ours needs. pip and setuptools have to be there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.places import ROOT

FOLDERS = ("nasboard", "harness", "tabular", "benchmarks", "methods", "suites", "baselines")
SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", *FOLDERS)
PIP = ("install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed")


def copy_source(folder: Path) -> Path:
    """Copy what a package is made of into a folder, and leave there what an older build might have; returns it."""
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    stale = folder / "build" / "lib" / "nasboard" / "harness" / "gone.py"
    stale.parent.mkdir(parents=True)
    stale.write_text("raise RuntimeError('a module that is gone was installed')\n")
    return folder


def build(source: Path, to: Path) -> Path:
    """Build the wheel of a project into a folder; return it."""
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(to), str(source))
    [built] = to.glob("*.whl")
    return built


def empty(environment: Path) -> Path:
    """Make an environment that sees the packages around us but ours; return its folder of packages.

    A folder that a `.pth` names has its own `.pth` files left alone, so an editable install of ours there is not seen.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    [site] = environment.glob("lib/python*/site-packages")
    around = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "around.pth").write_text("\n".join(around))
    return site


def install(environment: Path, *what: str) -> None:
    pip("--python", str(environment / "bin" / "python"), *PIP, *what)


def pip(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"pip and setuptools are needed in this environment: {done.stdout}{done.stderr}"
