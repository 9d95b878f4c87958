"""What the documents show is run: the methods, the live method and the benchmark keep every contract."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from nasboard.harness.testing.checking import check
from tests.packaging.documented import PAGES, blocks, entries, page, register, trains
from tests.places import ROOT


@pytest.fixture
def documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = register(tmp_path)
    monkeypatch.syspath_prepend(folder)
    return folder


def test_the_methods_keep_what_they_say(documented: Path) -> None:
    patient = {f.contract: f.outcome for f in check("hill_climb_patient")}
    assert set(patient.values()) == {"ok"}
    plain = {f.contract: f.outcome for f in check("hill_climb")}
    assert plain.pop("resume ends like uninterrupted") == "not applicable"
    assert set(plain.values()) == {"ok"}


def test_the_benchmark_keeps_every_law(documented: Path) -> None:
    assert {f.contract for f in check("toy") if f.outcome != "ok"} == {  # which are of live benchmarks
        "data are images and labels",
        "test images are none of the search data",
        "trainings cost more the longer",
    }


def test_the_benchmark_takes_about_fifteen_lines() -> None:
    lines = [line for line in blocks("benchmark")["toy.py"].splitlines() if line]
    assert len(lines) <= 15


@pytest.mark.slow
def test_the_live_method_keeps_every_contract(documented: Path) -> None:
    pytest.importorskip("torch")
    found = {f.contract: (f.outcome, f.why) for f in check("duel")}
    assert {outcome for outcome, _ in found.values()} <= {"ok", "not applicable"}, found
    assert [name for name, (outcome, _) in found.items() if outcome == "ok"] == [
        "well formed checkpoints",
        "same seed same record",
        "same record in another process",
        "abilities change nothing",
        "resume ends like uninterrupted",
        "no path to a test value",
    ]


def test_every_public_function_of_the_live_side_is_there_and_the_example_uses_no_other() -> None:
    pytest.importorskip("torch")
    rows = re.findall(r"^\| `([\w.]+)` \| (.*?) \|", page("live-method"), re.MULTILINE)
    public = {(module, name) for module, cell in rows for name in re.findall(r"`(\w+)", cell)}
    assert len(public) > 12
    for module, name in public:
        assert hasattr(import_module(f"nasboard.benchmarks.live.{module}"), name), name
    used = {
        (str(node.module).removeprefix("nasboard.benchmarks.live."), alias.name)
        for node in ast.walk(ast.parse(blocks("live-method")["duel.py"]))
        if isinstance(node, ast.ImportFrom) and "nasboard.benchmarks.live" in str(node.module)
        for alias in node.names
    }
    assert used <= public


def test_the_pages_link_to_what_is_there_and_name_what_they_run() -> None:
    for name in PAGES:
        links = re.findall(r"\]\(([^)#]+)\)", page(name))
        assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    assert set(entries("methods")) >= set(re.findall(r'method = "(\w+)"', page("rank-regression")))
    checked = {name for each in PAGES for name in re.findall(r"nasboard check (\w+)", page(each))}
    assert checked == {"hill_climb_patient", "duel", "toy"}
    assert checked <= {*entries("methods"), *entries("benchmarks")}


def test_the_pages_that_train_name_the_extra_that_brings_torch() -> None:
    assert [name for name in PAGES if trains(name)] == ["live-method", "rank-regression"]
    assert re.findall(r"^    (nasboard.*)$", blocks("rank-regression")["tox.ini"], re.MULTILINE)[0] == "nasboard[live]"
    assert tomllib.loads(blocks("live-method")["pyproject.toml"])["project"]["dependencies"] == ["nasboard[live]"]
