"""Other people's packages, whole and broken: each is listed with its version, and the reason why it cannot be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nasboard.harness import registry
from nasboard.harness.errors import UsageError
from nasboard.harness.registry.plugins import plugins
from tests.plugin import write_distribution

METHOD = """
@dataclass(frozen=True)
class Made:
    width: int  # without a default, which is no fault
    needs = frozenset({"query"})
    def search(self, task): ...
"""
BROKEN = {
    "raising": ("raise ZeroDivisionError('at import')", "ZeroDivisionError: at import"),
    "misspelt": ("def (:", "cannot be imported (SyntaxError: invalid syntax"),
    # a module that is not even in a checkout on the path
    "outdated": ("from tabular" + ".moved import table", "was written for nasboard 0.1: it imports tabular"),
    "stranger": ("from nasboard.harness.api import Chekpoint", "cannot be imported (ImportError: cannot import name"),
    "leaving": ("os._exit(0)", "ended with exit code 0"),
    "crashing": ("os.kill(os.getpid(), signal.SIGKILL)", "ended with exit code -9"),
    "wordless": ("raise SystemExit(3)", "ended with exit code 3"),
    "empty": ("", "has no 'Made'; mend its entry point"),
    "alien": ("Made = 3", "which is no dataclass with `needs` and `search`"),
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_distribution(tmp_path / "site", "sound", METHOD, {"sound": "sound:Made", "again": "sound:Made"})
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.mark.usefixtures("site")
def test_a_sound_one_is_listed_with_its_version_and_names() -> None:
    (found,) = (p for p in plugins() if p.distribution == "sound")
    assert (found.version, found.names) == ("1.0", ("method again", "method sound"))
    assert (found.broken, found.lacking) == ({}, {})


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_listed_with_the_reason_and_harms_nobody(site: Path, name: str) -> None:
    body, reason = BROKEN[name]
    write_distribution(site, name, body, {f"{name}_method": f"{name}:Made"})
    found = {p.distribution: p for p in plugins()}
    troubles = found[name].broken | found[name].lacking
    assert reason in troubles[f"method {name}_method"]
    assert found["sound"].broken == {}


def test_what_lacks_a_package_is_told_from_what_is_broken(site: Path) -> None:
    write_distribution(site, "lacking", "import nothing_of_that_name", {"lacking": "lacking:Made"})
    (found,) = (p for p in plugins() if p.distribution == "lacking")
    assert found.broken == {}
    assert "pip install nothing_of_that_name" in found.lacking["method lacking"]


def test_two_that_bring_one_name_are_told(site: Path) -> None:
    write_distribution(site, "other", METHOD, {"sound": "other:Made"})
    found = {p.distribution: p for p in plugins()}
    assert "is provided by two distributions, other and sound" in found["sound"].broken["method sound"]


@pytest.mark.parametrize("name", ["misspelt", "outdated", "stranger"])
def test_using_a_broken_one_is_an_error_of_ours(site: Path, name: str) -> None:
    body, reason = BROKEN[name]
    write_distribution(site, name, body, {name: f"{name}:Made"})
    with pytest.raises(UsageError) as caught:
        registry.method(name)
    assert reason in str(caught.value)
    listed = {entry["name"]: entry["summary"] for entry in registry.describe("methods")}
    assert reason in str(listed[name])


def test_the_doctor_lists_them_and_does_not_die(site: Path, tmp_path: Path) -> None:
    for name in ("crashing", "raising"):
        write_distribution(site, name, BROKEN[name][0], {name: f"{name}:Made"})
    command = [sys.executable, "-m", "nasboard.harness.cli", "doctor", "--json"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3
    assert "not in order: plug-in crashing, plug-in raising" in done.stderr
    found = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert found["plug-in sound"]["state"] == "ok"
    assert found["plug-in sound"]["detail"] == "1.0: method again, method sound"
    assert found["plug-in raising"]["detail"] == "1.0: method raising; method raising: ZeroDivisionError: at import"
    assert {"table digits201", "store"} <= found.keys()
