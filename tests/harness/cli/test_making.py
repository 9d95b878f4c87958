"""`nasboard run` as a user meets it: exit codes, hints that can be copied, suites by name, settings, dry runs."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nasboard.harness.store import open_store
from tests.plugin import write_distribution

BODY = """
@dataclass(frozen=True)
class Failing:
    needs = frozenset({"query"})
    def search(self, task):
        yield Checkpoint(1, sample(task.space, task.rng, 1)[0], logs={"loss": 0.5})
        raise ZeroDivisionError("on [red]purpose")
"""
ENTRY = '[[runs]]\nmethod = "{}"\nbenchmark = "planted"\nseeds = 2\nbudget_s = 50\n'
GOOD, BAD = ENTRY.format("random_search"), ENTRY.format("failing")
LIVE = '[[runs]]\nmethod = "{}"\nbenchmark = "digits201-live"\nseeds = 1\n'
HIDE = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Hide())
"""

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def nasboard(tmp_path: Path) -> Command:
    """Return what runs `nasboard` in a folder of its own, where the method `failing` is installed."""
    site = write_distribution(tmp_path / "site", "failing", BODY, {"failing": "failing:Failing"})
    (folder := tmp_path / "here").mkdir()

    def run(*arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
        (site / "sitecustomize.py").write_text(HIDE if without else "")
        environment = os.environ | {"PYTHONPATH": str(site), "COLUMNS": "100"}
        command = [sys.executable, "-m", "nasboard.harness.cli", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, text=True, capture_output=True, timeout=120, check=False
        )

    return run


def written(tmp_path: Path, *entries: str) -> None:
    (tmp_path / "here" / "tiny.toml").write_text('name = "tiny"\n' + "".join(entries))


@pytest.mark.parametrize("store", [None, "sqlite:///my runs.db"])
def test_failed_runs_are_exit_code_4_with_commands_that_show_why(
    nasboard: Command, tmp_path: Path, store: str | None
) -> None:
    written(tmp_path, BAD, GOOD)
    where = [] if store is None else ["--store", store]
    made = nasboard("run", "tiny.toml", *where)
    assert made.returncode == 4, made.stderr
    assert "4 runs: 2 done (0 of them before), 2 failed, 0 left" in made.stdout
    assert "error: 2 of 4 runs failed. Why: nasboard ls runs --failed" in made.stderr
    hints = [line.partition("nasboard ")[2] for line in made.stderr.splitlines() if "nasboard " in line]
    listed, shown = (nasboard(*shlex.split(hint)) for hint in hints)  # as they would be copied
    assert (listed.returncode, shown.returncode) == (0, 0), listed.stderr + shown.stderr
    assert " ".join(listed.stdout.split()).count("ZeroDivisionError: on [red]purpose") == 2
    assert "random_search" not in listed.stdout
    assert "Traceback (most recent call last)" in shown.stdout
    assert "ZeroDivisionError: on [red]purpose" in shown.stdout
    assert "loss 0.5" in shown.stdout
    assert ("--store" in made.stderr) == (store is not None)
    again = nasboard("run", "tiny.toml", *where)
    assert again.returncode == 4  # failed before, and not made again
    assert nasboard("run", "tiny.toml", "--only", "random*", *where).returncode == 0
    retried = nasboard("run", "tiny.toml", "--retry-failed", *where)
    assert (retried.returncode, "2 of 4 runs failed" in retried.stderr) == (4, True)


def test_a_run_is_shown_by_the_first_digits_of_its_id(nasboard: Command, tmp_path: Path) -> None:
    written(tmp_path, BAD, GOOD.replace("seeds = 2", "seeds = 20"))
    nasboard("run", "tiny.toml")
    rows = json.loads(nasboard("ls", "runs", "--json").stdout)
    failed = json.loads(nasboard("ls", "runs", "--failed", "--json").stdout)
    assert [row["run"] for row in failed] == [row["run"] for row in rows if row["status"] == "failed"]
    shown = json.loads(nasboard("show", failed[0]["run"], "--json").stdout)
    assert shown["key"]["method"] == "failing"
    assert shown["status"] == "failed"
    assert "ZeroDivisionError" in shown["error"]
    assert shown["provenance"]["device"] == "cpu"
    assert [step["logs"] for step in shown["last_steps"]] == [{"loss": 0.5}]
    missing = nasboard("show", "xyz")
    assert missing.returncode == 2
    assert "no run in sqlite:///runs.db has an id that starts with 'xyz'" in missing.stderr
    starts = [row["run"][0] for row in rows]  # 22 runs, 16 digits
    digit = max(starts, key=starts.count)
    several = nasboard("show", digit)
    assert several.returncode == 2
    assert f"runs have an id that starts with '{digit}'" in several.stderr
    assert "give more of its digits" in several.stderr
    assert nasboard("ls", "methods", "--failed").returncode == 2


def test_an_entry_whose_extra_is_missing_does_not_stop_the_others(nasboard: Command, tmp_path: Path) -> None:
    written(tmp_path, LIVE.format("darts"), GOOD, LIVE.format("one_shot"))
    made = nasboard("run", "tiny.toml", without="torch")
    assert made.returncode == 3, made.stderr
    assert "2 runs: 2 done" in made.stdout
    last = made.stderr.splitlines()[-1]
    assert last.startswith("error: left out: darts: 'darts' of nasboard needs torch: pip install 'nasboard[live]'; ")
    assert "left out: one_shot" in last
    written(tmp_path, LIVE.format("darts"), GOOD, BAD)
    worse = nasboard("run", "tiny.toml", without="torch")
    assert worse.returncode == 4  # a failed run is worse than one that cannot be made here
    assert "left out: darts" in worse.stderr
    written(tmp_path, LIVE.format("darts"))
    nothing = nasboard("run", "tiny.toml", without="torch")
    assert (nothing.returncode, nothing.stdout) == (3, "")
    assert "pip install 'nasboard[live]'" in nothing.stderr


def test_a_dry_run_tells_what_would_be_run_and_writes_nothing(nasboard: Command, tmp_path: Path) -> None:
    written(tmp_path, BAD, GOOD)
    told = nasboard("run", "tiny.toml", "--dry-run")
    assert told.returncode == 0, told.stderr
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["tiny.toml"]
    assert [line.split() for line in told.stdout.splitlines()[:3]] == [
        ["label", "benchmark", "seeds", "done", "pending", "failed"],
        ["failing", "planted", "2", "0", "2", "0"],
        ["random_search", "planted", "2", "0", "2", "0"],
    ]
    assert "4 of 4 runs would be made" in told.stdout
    nasboard("run", "tiny.toml")
    before = (tmp_path / "here" / "runs.db").read_bytes()
    more = nasboard("run", "tiny.toml", "--seeds", "3", "--dry-run")
    assert more.returncode == 0
    assert [line.split() for line in more.stdout.splitlines()[1:3]] == [
        ["failing", "planted", "3", "0", "1", "2"],
        ["random_search", "planted", "3", "2", "1", "0"],
    ]
    assert (tmp_path / "here" / "runs.db").read_bytes() == before


def test_one_method_on_one_benchmark_needs_no_file(nasboard: Command, tmp_path: Path) -> None:
    told = ["--method", "regularized_evolution", "--benchmark", "planted", "--budget", "40", "--seeds", "3"]
    made = nasboard("run", *told, "--set", "params.population=5", "--set", "label=small one")
    assert made.returncode == 0, made.stderr
    with open_store(f"sqlite:///{tmp_path / 'here' / 'runs.db'}", must_exist=True) as store:
        runs = store.runs()
    assert {(r.label, r.key.budget_s, r.key.params["population"]) for r in runs} == {("small one", 40.0, 5)}
    assert [r.key.seed for r in runs] == [0, 1, 2]
    written(tmp_path, GOOD.replace("random_search", "regularized_evolution").replace("50", "40"))
    same = nasboard("run", "tiny.toml", "--set", "params.population=5", "--seeds", "3")
    assert "3 done (3 of them before)" in same.stdout  # they are the runs that a suite would have


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run"],
            "run takes a suite (a file, or one that ships: digits-full, few-shot/autogan-digits, few-shot/darts",
        ),
        (["run", "--method", "random_search"], "--method M --benchmark B"),
        (["run", "quick", "--method", "random_search", "--benchmark", "planted"], "one of the two"),
        (["run", "qick"], "did you mean 'quick'"),
        (["gate", "qick"], "did you mean 'quick'"),
        (["run", "quick", "--set", "sedes=3"], "did you mean 'seeds'"),
        (["run", "quick", "--only", "random*", "--set", "params.lr=0.1"], "unknown hyper-parameter of random_search"),
        (["run", "quick", "--only", "darts", "--set", "params.lr=high"], "darts: lr is of type float, given 'high'"),
        (["run", "--method", "random_search", "--benchmark", "planted"], "set budget_s"),
        (["run", "quick", "--only", "random*", "--budget", "-3"], "runs.0.budget_s"),
    ],
)
def test_what_cannot_be_run_says_what_can(nasboard: Command, arguments: list[str], message: str) -> None:
    told = nasboard(*arguments)
    assert told.returncode == 2, told.stderr
    assert message in told.stderr
    assert "Traceback" not in told.stderr


def test_suites_and_baselines_that_ship_go_by_name(nasboard: Command, tmp_path: Path) -> None:
    told = nasboard("run", "quick", "--dry-run", "--only", "r*", "--seeds", "2", "--budget", "3")
    assert told.returncode == 0, told.stderr
    assert "8 of 8 runs would be made" in told.stdout  # random_search on two benchmarks
    nasboard("run", "quick", "--only", "random*", "--seeds", "2", "--budget", "3")
    judged = nasboard("gate", "quick")
    assert judged.returncode == 3, judged.stderr  # none of the labels that it judges is there
    assert "the gate is closed" in judged.stderr
    (tmp_path / "here" / "quick").write_text('name = "mine"\n' + GOOD)
    assert "2 of 2 runs would be made" in nasboard("run", "quick", "--dry-run").stdout


def test_the_schema_knows_every_field_and_the_hyper_parameters_of_what_is_installed(nasboard: Command) -> None:
    printed = nasboard("schema")
    assert printed.returncode == 0, printed.stderr
    schema = json.loads(printed.stdout)
    entry = schema["$defs"]["RunEntry"]
    parts = [schema, entry, schema["$defs"]["PanelEntry"]]
    assert all(field["description"] for part in parts for field in part["properties"].values())
    assert {"failing", "darts"} <= set(entry["properties"]["method"]["enum"])
    params = {method_of(rule): rule["then"]["properties"]["params"] for rule in entry["allOf"]}
    assert params["regularized_evolution"]["properties"]["population"] == {
        "default": 10,
        "title": "Population",
        "type": "integer",
    }
    assert params["failing"]["properties"] == {}
    without = json.loads(nasboard("schema", without="torch").stdout)["$defs"]["RunEntry"]
    assert "darts" in without["properties"]["method"]["enum"]
    assert "darts" not in {method_of(rule) for rule in without["allOf"]}


def test_a_suite_whose_time_is_up_ends_well_goes_on_and_is_exported(nasboard: Command, tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    cut_off = nasboard("run", "tiny.toml", "--for", "0.001")
    assert cut_off.returncode == 0, cut_off.stderr
    assert "2 runs: 0 done (0 of them before), 0 failed, 2 left (time is up; " in cut_off.stdout
    ended = nasboard("run", "tiny.toml", "--for", "100")
    assert "2 runs: 2 done (0 of them before), 0 failed, 0 left\n" in ended.stdout
    assert nasboard("export", "ended.json").returncode == 0
    assert "random_search" in (tmp_path / "here" / "ended.json").read_text()


def method_of(rule: dict[str, Any]) -> str:
    return str(rule["if"]["properties"]["method"]["const"])


def test_help_tells_the_exit_codes(nasboard: Command) -> None:
    assert "4 failed runs" in nasboard("--help").stdout
    told = " ".join(nasboard("run", "--help").stdout.split())
    assert "Exit codes: 4 where a run failed" in told
    assert "Ctrl-C ends the current step" in told
    assert "#:schema ./suite.schema.json" in " ".join(nasboard("schema", "--help").stdout.split())
