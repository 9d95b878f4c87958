"""`nasboard table` where an extra is not installed: what must be is said in a line, and looking needs none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

WITHOUT = """
import sys
refused = sys.argv.pop(1).split(",")
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
from nasboard.harness.cli import main
main()
"""


def without(modules: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `nasboard` where these modules are not installed."""
    command = [sys.executable, "-c", WITHOUT, modules, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(("modules", "named"), [("torch", "torch"), ("sklearn", "sklearn"), ("torch,sklearn", "torch")])
def test_a_build_without_what_it_needs_names_the_extra(tmp_path: Path, modules: str, named: str) -> None:
    done = without(modules, "table", "build", "digits201", "--to", tmp_path / "digits201", "--limit", 4)
    assert done.returncode == 3, done.stderr
    told = f"building digits201 trains networks and needs {named}: pip install 'nasboard[live]'"
    assert done.stderr.startswith(f"error: {told}")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_info_needs_neither() -> None:
    done = without("torch,sklearn", "table", "info", "digits201", "--verify", "--json")
    assert done.returncode == 0, done.stderr
    assert '"name": "digits201"' in done.stdout
