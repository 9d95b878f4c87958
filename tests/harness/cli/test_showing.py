"""What `leaderboard` and `compare` show of a store: formats, files, columns, notes, methods, data sets."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nasboard.harness import registry
from nasboard.harness.cli import main
from nasboard.harness.store import Planned, open_store
from tests.harness.stored_runs import key, noisy, ranked, searched, store_at

Command = Callable[..., tuple[int, str, str]]
LABELS = ("regularized_evolution", "random_search", "one_shot")


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Return a store of three methods on one data set, and of planned runs on another."""
    runs = [searched(label, s, [at + 9 * s]) for label, at in zip(LABELS, (3000, 2000), strict=False) for s in range(8)]
    url = store_at(tmp_path, runs + [ranked("one_shot", s, [noisy(s, 0.1)]) for s in range(3)])
    there = {"benchmark": "digits201", "dataset": "digits", "space": "nb201", "budget_s": 5.0}
    digest = registry.benchmark("digits201").digest
    with open_store(url) as opened:
        made = replace(key("reinforce", 0), table_digest=digest, **there)  # type: ignore[arg-type]
        opened.plan([Planned(made, "reinforce", "simulated")])
    return url


@pytest.fixture
def nasboard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: str) -> Command:
    """Return what runs a command on the store in this process."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NASBOARD_STORE", store)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["nasboard", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


def blocks(text: str) -> int:
    return text.count("──\n")


@pytest.mark.parametrize("arguments", [["leaderboard"], ["compare", "STORE", "STORE"]])
def test_a_board_is_one_block_at_a_hundred_columns(nasboard: Command, store: str, arguments: list[str]) -> None:
    given = [store if word == "STORE" else word for word in arguments]
    code, out, _ = nasboard(*given)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 100
    titles = [line for line in out.splitlines() if ", table " in line]
    assert blocks(out) == len(titles) - out.count("no method has a row here")
    assert out.endswith("more columns: --wide; notes: --notes\n")
    _, wide, _ = nasboard(*given, "--wide", "--notes")
    assert blocks(wide) > blocks(out)
    assert "that ended well" in wide
    assert "that ended well" not in out


def test_csv_without_a_board_names_the_option(nasboard: Command) -> None:
    code, out, err = nasboard("leaderboard", "--format", "csv")
    assert (code, out) == (2, "")
    assert "choose one, for example --board tau" in err


@pytest.mark.parametrize("board", ["tau", "stability", "accuracy", "cost"])
def test_every_board_is_a_table_that_pandas_reads(nasboard: Command, tmp_path: Path, board: str) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / f"{board}.csv"
    assert nasboard("leaderboard", "--board", board, "-o", str(path))[:2] == (0, f"wrote {path}\n")
    frame = pandas.read_csv(path)
    assert set(frame["board"]) == {board}
    assert {"planted", "digits"} >= set(frame["dataset"])
    assert pandas.api.types.is_numeric_dtype(frame["seeds"])
    assert "undefined" in frame.columns
    assert not (frame.drop(columns=["undefined", "label"]) == "undefined").any(axis=None)


@pytest.mark.parametrize(
    ("name", "start"),
    [("b.md", "### Final accuracy"), ("b.json", "[\n"), ("b.tex", "\\begin{table*}"), ("b.txt", "Final accuracy")],
)
def test_a_file_has_the_format_that_its_name_says(nasboard: Command, tmp_path: Path, name: str, start: str) -> None:
    path = tmp_path / name
    code, out, _ = nasboard("leaderboard", "--board", "accuracy", "-o", str(path))
    assert (code, out) == (0, f"wrote {path}\n")
    assert path.read_text(encoding="utf-8").startswith(start)


def test_a_format_that_is_named_goes_before_what_the_name_says(nasboard: Command, tmp_path: Path) -> None:
    path = tmp_path / "boards.data"
    assert nasboard("leaderboard", "--format", "json", "-o", str(path))[0] == 0
    assert json.loads(path.read_text())
    code, _, err = nasboard("leaderboard", "-o", str(path))
    assert (code, "end it in .csv, .md, .json, .tex, .txt, or add --format" in err) == (2, True)
    code, _, err = nasboard("leaderboard", "-o", str(tmp_path / "nowhere" / "b.json"))
    assert (code, "name a file in a writable folder" in err) == (2, True)


def test_compare_writes_files_too(nasboard: Command, store: str, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    assert nasboard("compare", store, store, "-o", str(path))[0] == 0
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert {row["label"]: row["accuracy_difference"] for row in rows if row["dataset"] == "planted"} == {
        "one_shot": "", "random_search": "0.0", "regularized_evolution": "0.0"
    }  # fmt: skip


def test_methods_are_filtered_by_pattern_and_keep_tier_and_p(nasboard: Command) -> None:
    def rows(*options: str) -> dict[str, dict[str, object]]:
        shown = json.loads(nasboard("leaderboard", "--board", "accuracy", "--json", *options)[1])
        return {row["label"]: row for board in shown if board["dataset"] == "planted" for row in board["rows"]}

    every, some = rows(), rows("--method", "random*", "--method", "one_*")
    assert set(every) == set(LABELS)
    assert some == {label: every[label] for label in ("random_search", "one_shot")}
    assert some["random_search"]["tier"] == 2
    assert "computed over every method" in nasboard("leaderboard", "--method", "random*", "--notes")[1]


def test_data_sets_are_filtered(nasboard: Command) -> None:
    _, out, _ = nasboard("leaderboard", "--dataset", "plan*")
    assert "planted, space planted" in out
    assert "digits" not in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--method", "darts"], "no method matches 'darts'; there are: one_shot, random_search, regularized"),
        (["--dataset", "cifar10"], "no data set matches 'cifar10'; there are: digits, planted"),
    ],
)
def test_a_filter_that_nothing_matches_names_what_there_is(nasboard: Command, arguments: list[str], told: str) -> None:
    code, out, err = nasboard("leaderboard", *arguments)
    assert (code, out) == (2, "")
    assert told in err
