"""Where the public benchmark files are: in the folder NASBOARD_PUBLIC_FILES, or in one beside the checkout.

Not in `$NASBOARD_DATA`: that is where imported tables lie, and tests have one of their own, see `conftest`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "NASBOARD_PUBLIC_FILES"
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def data_file(name: str) -> Path:
    """Return the path of a public file, or skip the test and say how to have it run."""
    path = Path(os.environ.get(VARIABLE, BESIDE)) / name
    if not path.exists():
        pytest.skip(f"no {name} under {path.parents[name.count('/')]}; set {VARIABLE} to the folder of public files")
    return path
