"""The files that the documents show, and a package made of them that is found without being installed."""

from __future__ import annotations

import re
from pathlib import Path

from tests.places import ROOT
from tests.plugin import write_distribution

PAGES = ("method", "live-method", "benchmark", "rank-regression")
BLOCK = re.compile(r"```\w+\n# (?P<file>[\w.]+)\n(?P<text>.*?)```", re.DOTALL)
METHODS = {"hill_climb": "hill:HillClimb", "hill_climb_patient": "climber:PatientClimb", "duel": "duel:Duel"}
BENCHMARKS = {"toy": "toy:toy"}


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def blocks(name: str) -> dict[str, str]:
    """Return the files that a page shows, by name."""
    return {m["file"]: m["text"] for m in BLOCK.finditer(page(name))}


def write(folder: Path) -> Path:
    """Write the files of every page but their `pyproject.toml` into a folder, which is returned."""
    for name in PAGES:
        for file, text in blocks(name).items():
            if file != "pyproject.toml":
                (folder / file).write_text(text, encoding="utf-8")
    return folder


def register(folder: Path) -> Path:
    """Write the files and what makes the registry find them, once the folder is on `sys.path`; returns the folder."""
    write(folder)
    write_distribution(folder, "documented_methods", "", METHODS)
    return write_distribution(folder, "documented_benchmarks", "", BENCHMARKS, "nasboard.benchmarks")
