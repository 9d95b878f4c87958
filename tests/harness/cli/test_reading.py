"""The reading commands where some runs cannot be scored, and on benchmarks that know of more than their truth."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from nasboard.harness import registry
from nasboard.harness.api import Benchmark
from nasboard.harness.cli import main
from nasboard.harness.context import Objective
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.store import Moved, Planned, open_store
from tests.harness import devices
from tests.harness.devices import visiting
from tests.harness.stored_runs import key, searched
from tests.harness.trained_runs import training

RUNS = [visiting("random_search", seed, [5, 100 * seed + 9, 2000]) for seed in range(3)]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def nasboard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return what runs a command in this process, where benchmarks of the name `planted@...` are the devices'."""
    known = registry.benchmark

    def resolve(name: str) -> Benchmark:
        base, version, _ = registry.split_name(name)
        if base == "gone":
            raise MissingDataError("no table of kind gone is imported; get one: nasboard data import gone PATH")
        return replace(devices.BENCHMARK, name=name) if version == "v1" else known(name)

    monkeypatch.setattr(registry, "benchmark", resolve)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["nasboard", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def store_of(folder: Path, name: str, runs: list[Moved], lost: int = 0) -> str:
    with open_store(f"sqlite:///{folder / name}") as store:
        store.insert(runs, [])
        keys = [replace(key("re", seed), benchmark="gone@v2", dataset="dots") for seed in range(lost)]
        store.plan([Planned(k, "re", "simulated") for k in keys])
    return str(folder / name)


def test_runs_without_a_table_do_not_hide_the_others(nasboard: Command, tmp_path: Path) -> None:
    store = store_of(tmp_path, "runs.db", RUNS, lost=2)
    for command in (["leaderboard"], ["report", "-o", str(tmp_path / "r.html")], ["leaderboard", "--json"]):
        code, out, err = nasboard(*command, "--store", store)
        assert code == 0
        told = "not shown: 2 runs on dots, space planted (gone@v2): no table of kind gone is imported; get one: "
        assert err == f"{told}nasboard data import gone PATH\n"
        assert "random_search" in out or command[0] == "report"
    assert json.loads(out)  # standard output stays JSON


def test_nothing_that_can_be_scored_is_an_error_as_before(nasboard: Command, tmp_path: Path) -> None:
    store = store_of(tmp_path, "runs.db", [], lost=2)
    code, out, err = nasboard("leaderboard", "--store", store)
    assert (code, out) == (3, "")
    assert err == "error: no table of kind gone is imported; get one: nasboard data import gone PATH\n"


def test_the_gate_is_strict_about_what_it_judges_and_nothing_else(nasboard: Command, tmp_path: Path) -> None:
    baseline = str(tmp_path / "b.json")
    whole = store_of(tmp_path, "runs.db", RUNS)
    assert nasboard("gate", baseline, "--write", "--label", "random_search", "--store", whole)[0] == 0
    more = store_of(tmp_path, "more.db", RUNS, lost=2)
    code, out, _ = nasboard("gate", baseline, "--store", more)
    assert (code, "the gate is open" in out) == (0, True)
    assert nasboard("gate", baseline, "--write", "--store", more)[0] == 3
    stored = json.loads(Path(baseline).read_text())
    stored["comparisons"][0]["dataset"] = "dots"
    Path(baseline).write_text(json.dumps(stored))
    code, _, err = nasboard("gate", baseline, "--store", more)
    assert (code, "no table of kind gone is imported" in err) == (3, True)


def test_the_pareto_board_is_printed_within_a_hundred_columns(nasboard: Command, tmp_path: Path) -> None:
    store = store_of(tmp_path, "runs.db", RUNS)
    code, out, err = nasboard("leaderboard", "--board", "pareto", "--objective", "watch_latency", "--store", store)
    assert (code, err) == (0, "")
    assert "Accuracy against watch_latency (ms)" in out
    assert max(map(len, out.splitlines())) <= 100
    for form in ("md", "csv", "json", "latex"):
        code, out, _ = nasboard("leaderboard", "--board", "pareto", "--format", form, "--store", store)
        assert (code, "watch" in out) == (0, True)


def test_the_accuracy_board_stays_within_a_hundred_columns(nasboard: Command, tmp_path: Path) -> None:
    store = store_of(tmp_path, "runs.db", RUNS)
    code, out, _ = nasboard("leaderboard", "--board", "accuracy", "--wide", "--store", store)
    assert code == 0
    assert "93.70 ± 0.36 [M]" in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--objective", "watch_latency"], 2, "--objective watch_latency is for the board pareto"),
        (["--board", "tau", "--objective", "watch_latency"], 2, "add --board pareto"),
        (["--board", "pareto", "--objective", "wach_energy"], 2, "did you mean 'watch_energy'"),
    ],
)
def test_an_objective_that_cannot_be_shown_says_why(
    nasboard: Command, tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    found, _, err = nasboard("leaderboard", *arguments, "--store", store_of(tmp_path, "runs.db", RUNS))
    assert found == code
    assert told in err


def test_without_objectives_the_import_is_named(nasboard: Command, tmp_path: Path) -> None:
    store = store_of(tmp_path, "runs.db", [Moved(*searched("random_search", 0, [7]))])
    code, _, err = nasboard("leaderboard", "--board", "pareto", "--store", store)
    assert code == 3
    assert "nasboard data import hw-nas-bench PATH" in err


class Unreadable(dict[str, Objective]):
    def __iter__(self) -> Iterator[str]:
        raise UsageError("2 tables are imported (a, b); remove all but one: nasboard data rm NAME")

    def items(self) -> NoReturn:  # type: ignore[override]
        iter(self)
        raise AssertionError


def test_objectives_that_cannot_be_read_hide_nothing_but_the_front(
    nasboard: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("plotly")
    context = replace(devices.CONTEXT, objectives=Unreadable())
    monkeypatch.setattr(devices, "BENCHMARK", replace(devices.BENCHMARK, context=context))
    store, page = store_of(tmp_path, "runs.db", RUNS), tmp_path / "page.html"
    assert nasboard("leaderboard", "--store", store)[::2] == (0, "")
    code, _, err = nasboard("leaderboard", "--board", "pareto", "--store", store)
    assert (code, err) == (2, "error: 2 tables are imported (a, b); remove all but one: nasboard data rm NAME\n")
    code, _, err = nasboard("report", "-o", str(page), "--store", store)
    assert (code, err.startswith("no front of planted, space planted: 2 tables are imported")) == (0, True)
    assert "Final accuracy" in page.read_text()


def test_tables_that_share_no_board_are_told_apart(nasboard: Command, tmp_path: Path) -> None:
    other = Moved(*searched("random_search", 0, [7]))
    both = store_of(tmp_path, "both.db", [*RUNS, other])
    for command in (["leaderboard", "--json"], ["report", "-o", str(tmp_path / "page.html")]):
        code, _, err = nasboard(*command, "--store", both)
        assert code == 0
        assert err.startswith("planted on planted: tables ")
        assert "v1 (" in err
        assert "of no version (" in err
        assert err.endswith(
            "boards of their own; their runs are never mixed, and compare and gate refuse one against the other\n"
        )
    assert nasboard("leaderboard", "--store", store_of(tmp_path, "one.db", RUNS))[2] == ""


def test_stores_of_two_versions_are_not_compared(nasboard: Command, tmp_path: Path) -> None:
    ours = store_of(tmp_path, "a.db", RUNS)
    theirs = store_of(tmp_path, "b.db", [Moved(*searched("random_search", 0, [7]))])
    code, out, err = nasboard("compare", ours, theirs)
    assert (code, out) == (3, "")
    assert "A has runs of version v1 (table" in err
    twice = [visiting("random_search", seed, [5], budget_s=2 * devices.BUDGET_S) for seed in range(2)]
    code, _, err = nasboard("compare", ours, store_of(tmp_path, "c.db", twice))
    assert code == 3
    assert "nothing can be compared: random_search: budgets differ: 300 s and 600 s" in err


def test_the_report_has_a_section_of_fronts(nasboard: Command, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    store, page = store_of(tmp_path, "runs.db", RUNS), tmp_path / "page.html"
    assert nasboard("report", "-o", str(page), "--store", store)[0] == 0
    text = page.read_text()
    assert "Pareto fronts: planted on planted, v1" in text
    assert "Accuracy against watch_energy (mJ)" in text  # the board of the first objective
    assert "93.70 ± 0.36 [M]" in text


def test_a_store_that_holds_trainings_alone_says_so(nasboard: Command, tmp_path: Path) -> None:
    store = store_of(tmp_path, "runs.db", [Moved(*training(7)), Moved(*training(9))])
    code, out, err = nasboard("leaderboard", "--store", store)
    assert (code, out) == (3, "")
    assert "holds no searches, only 2 trainings (nasboard ls runs)" in err
