"""Another process, which says what a method or a benchmark comes to there: started once, asked again and again."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from pathlib import Path

from nasboard.harness.errors import ContractError

Surroundings = tuple[tuple[str, ...], Path, frozenset[tuple[str, str]]]
_running: dict[Surroundings, subprocess.Popen[str]] = {}  # one at most


def elsewhere(*arguments: str) -> str:
    """Return what `nasboard.harness.testing.elsewhere` says in another process, which sees the same packages.

    It hashes otherwise, and is another one as soon as the path, the folder or the environment has changed.

    Raises:
        ContractError: it fails there.
    """
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(arguments) + "\n")
        process.stdin.flush()
        told = process.stdout.readline()
    except BrokenPipeError:
        told = ""
    if not told:
        end()
        raise ContractError(f"it fails in another process, which ended with code {process.returncode}")
    fingerprint, error = json.loads(told)
    if error is not None:
        raise ContractError(f"it fails in another process: {error}")
    return str(fingerprint)


def _process() -> subprocess.Popen[str]:
    path = tuple(part or str(Path.cwd()) for part in sys.path)
    around = path, Path.cwd(), frozenset(told for told in os.environ.items() if not told[0].startswith("PYTEST_"))
    if around not in _running:
        end()
        _running[around] = subprocess.Popen(
            [sys.executable, "-m", "nasboard.harness.testing.elsewhere"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path), "PYTHONHASHSEED": "4711"},
        )
    return _running[around]


@atexit.register
def end() -> None:
    """End the process that is there, if any."""
    while _running:
        _, process = _running.popitem()
        process.communicate()
