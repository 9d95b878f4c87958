"""Puts methods of a test's own on the path as an installed distribution, without installing anything."""

from __future__ import annotations

from pathlib import Path

HEAD = """
import os, signal, time
from dataclasses import dataclass
import numpy as np
from nasboard.harness.api import Checkpoint
from nasboard.harness.space import sample
"""


def write_distribution(
    folder: Path, name: str, body: str, entries: dict[str, str], group: str = "nasboard.methods"
) -> Path:
    """Write module `name` and its distribution into `folder`, which then goes on `sys.path`; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(HEAD + body)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{key} = {value}\n" for key, value in entries.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{lines}")
    return folder
