"""Where the public benchmark files are: in the folder `$NASBOARD_DATA` of the command line, or beside the checkout.

`conftest` keeps that folder as `$NASBOARD_PUBLIC_FILES`, because tests have a `$NASBOARD_DATA` of their own.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.places import ROOT

VARIABLE = "NASBOARD_PUBLIC_FILES"
BESIDE = ROOT.parent / "shared" / "data"


def data_file(name: str) -> Path:
    """Return the path of a public file, or skip the test and say how to have it run."""
    folders = [Path(os.environ[VARIABLE])] if VARIABLE in os.environ else []
    for folder in (*folders, BESIDE):
        if (folder / name).exists():
            return folder / name
    looked = " or ".join(map(str, (*folders, BESIDE)))
    pytest.skip(f"no {name} under {looked}; set NASBOARD_DATA to the folder of public files")
