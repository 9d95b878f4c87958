"""The README's promises that a test can hold it to."""

from __future__ import annotations

import re
import tomllib

from tests.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_method_shown_is_the_one_that_the_plug_in_test_installs() -> None:
    (block,) = re.findall(r"```python\n.*?```", README, re.DOTALL)
    assert block in (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")


def test_what_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_commands_it_names_exist_in_tox_and_suites() -> None:
    told = (ROOT / "tox.ini").read_text(encoding="utf-8")
    assert "env_list = py311, lint, types" in told
    for environment in ("leaderboard", "bench", "gpu", "golden"):
        assert f"[testenv:{environment}]\ndescription = " in told
    for suite in re.findall(r"suites/[\w-]+\.toml", README):
        assert (ROOT / suite).exists()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {"live", "report", "postgres", "optuna", "all"} <= extras.keys()
