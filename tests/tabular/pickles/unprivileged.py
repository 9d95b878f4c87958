"""Runs code as somebody who may not do everything: in a child process, of another user where the tests are root's.

What the code needs from where only root may look is imported before that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

_NOBODY = 65534
_CODE = """
import os, sys
from pathlib import Path
from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.known.kinds import KINDS
from nasboard.tabular.tables.table import TableError
for kind in KINDS.values(): kind.load()
{first}
if os.geteuid() == 0:
    try:
        os.setgroups([]), os.setgid({nobody}), os.setuid({nobody})
    except PermissionError:
        sys.exit(77)
try:
    {code}
except TableError as error:
    print(error)
else:
    print("it was done")
"""


def refused(code: str, folder: Path, first: str = "") -> str:
    """Return what the `TableError` says that one line of code ends with, run in `folder` without root's rights.

    Args:
        code: names the files in `folder` by paths relative to it, as the folders around it may be closed.
        folder: becomes readable by everybody.
        first: a line to be run before rights are given up.
    """
    folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", _CODE.format(code=code, first=first, nobody=_NOBODY)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("root without the right to become another user: nobody here is refused anything")
    assert done.returncode == 0, done.stderr
    return done.stdout
