"""Where the public benchmark files are: in the folder NASBOARD_DATA, or in one beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def data_file(name: str) -> Path:
    """Return the path of a public file, or skip the test and say how to have it run."""
    path = Path(os.environ.get("NASBOARD_DATA", BESIDE)) / name
    if not path.exists():
        pytest.skip(
            f"no {name} under {path.parents[name.count('/')]}; set NASBOARD_DATA to the folder of public tables"
        )
    return path
