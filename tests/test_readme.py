"""The README's promises that a test can hold it to."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.harness.stored_runs import noisy, ranked, searched, store_at
from tests.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(first: str) -> str:
    """Return the one block of Python that begins with a line."""
    [found] = re.findall(rf"```python\n{re.escape(first)}\n.*?```", README, re.DOTALL)
    return str(found)


def test_the_method_shown_is_the_one_that_the_plug_in_test_installs() -> None:
    assert block("# hill.py") in (ROOT / "docs" / "method.md").read_text(encoding="utf-8")


def test_the_notebook_shown_runs_on_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    runs = [searched("a", seed, [7]) for seed in (0, 1)]
    store_at(tmp_path, [*runs, *(ranked("darts", seed, [noisy(seed, 0.1)] * 3) for seed in (0, 1))])
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(block("from nasboard import kendall_tau, load_runs, load_steps").strip("`").removeprefix("python"), found)
    assert found["means"].loc[("planted", "a"), "count"] == 2
    assert found["along"].shape == (3, 2)
    assert found["along"].notna().all(axis=None)


def test_what_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_commands_it_names_exist_in_tox_and_suites() -> None:
    told = (ROOT / "tox.ini").read_text(encoding="utf-8")
    assert "env_list = py311, py312, py313, lint, types" in told
    for environment in ("leaderboard", "bench", "gpu", "golden"):
        assert f"[testenv:{environment}]\ndescription = " in told
    for suite in re.findall(r"suites/[\w-]+\.toml", README):
        assert (ROOT / suite).exists()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {"live", "report", "postgres", "optuna", "analysis", "all"} <= extras.keys()
