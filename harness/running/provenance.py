"""Where a run came from: code revision, versions, device, policies. Facts for the record, never for a decision."""

from __future__ import annotations

import json
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path

from nasboard.harness.record import Json

PACKAGES = ("nasboard", "numpy", "scipy", "sqlalchemy", "torch", "scikit-learn")
SEED_POLICY = "method and oracle generators are spawned from SeedSequence(seed)"


def now_utc() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def collect(device: str, threads: int) -> dict[str, Json]:
    """Return the provenance of a run that starts now on `device` with `threads` threads."""
    return {
        "git": dict(_git()),
        "release": _release(),
        "versions": dict(_versions()),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "device": device,
        "threads": threads,
        "seed_policy": SEED_POLICY,
        "started_utc": now_utc(),
    }


@cache
def _git() -> dict[str, Json]:
    """Return revision and dirtiness of the checkout the code runs from; None each outside a checkout."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return {"revision": None, "dirty": None}
    try:
        revision = _git_says(here, "rev-parse", "HEAD")
        dirty = bool(_git_says(here, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return {"revision": None, "dirty": None}
    return {"revision": revision, "dirty": dirty}


def _git_says(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


@cache
def _release() -> str | None:
    """Return the version of nasboard that was installed ready-made; None where it came from a folder or a repository.

    What an installer notes of that is PEP 610's: nothing where the package came from an index.
    """
    try:
        installed = metadata.distribution("nasboard")
    except metadata.PackageNotFoundError:
        return None
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    return None if origin.keys() & {"dir_info", "vcs_info"} else installed.version


@cache
def _versions() -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found
