"""The files that the documents show, and a package made of them that is found without being installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.places import ROOT
from tests.plugin import write_distribution

PAGES = ("method", "live-method", "benchmark", "rank-regression")
BLOCK = re.compile(r"```\w+\n# (?P<file>[\w.]+)\n(?P<text>.*?)```", re.DOTALL)


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def blocks(name: str) -> dict[str, str]:
    """Return the files that a page shows, by name."""
    return {m["file"]: m["text"] for m in BLOCK.finditer(page(name))}


def entries(kind: str) -> dict[str, str]:
    """Return the entry points that the pages show for `methods` or `benchmarks`, name -> what is meant."""
    shown = [tomllib.loads(blocks(name).get("pyproject.toml", "")) for name in PAGES]
    points = [each.get("project", {}).get("entry-points", {}).get(f"nasboard.{kind}", {}) for each in shown]
    return {name: value for those in points for name, value in those.items()}


def trains(name: str) -> bool:
    """Return whether a page shows what needs torch."""
    return any("digits201-live" in text or "import torch" in text for text in blocks(name).values())


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
    write_distribution(folder, "documented_methods", "", entries("methods"))
    return write_distribution(folder, "documented_benchmarks", "", entries("benchmarks"), "nasboard.benchmarks")
