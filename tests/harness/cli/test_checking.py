"""`nasboard gate` and `compare`: exit codes, settings, and what they print and write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest

from nasboard.harness.cli import main
from nasboard.harness.gate.baseline import read_baseline
from tests.harness.stored_runs import SMALL_PANEL, Stored, noisy, ranked, searched, store_at

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def nasboard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Return what runs a command in this process, in a folder of its own."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["nasboard", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


FAILED = [
    *(ranked("one_shot", s, [noisy(s, 0.05)], status="failed") for s in range(4)),
    *(searched("re", s, [10], status="failed") for s in range(4)),
]
OTHER_PANEL = [ranked("one_shot", s, [noisy(s, 0.05, SMALL_PANEL)], panel=SMALL_PANEL) for s in range(4)]


def runs(noise: float = 0.05, last: int = 3000, k: int = 1) -> list[Stored]:
    found = [ranked("one_shot", s, [noisy(s, noise)]) for s in range(4)]
    return found + [searched("re", s, [10, last + 20 * s], params={"k": k}) for s in range(4)]


def stored(folder: Path, name: str, made: list[Stored]) -> str:
    (folder / name).mkdir()
    return store_at(folder / name, made)


@pytest.fixture
def good(nasboard: Command, tmp_path: Path) -> str:
    store = stored(tmp_path, "good", runs())
    assert nasboard("gate", "b.json", "--write", "--store", store)[0] == 0
    return store


def test_unchanged_runs_open_the_gate(nasboard: Command, good: str) -> None:
    code, out, err = nasboard("gate", "b.json", "--store", good)
    assert (code, err) == (0, "")
    assert "the gate is open: 3 values as good as the reference, 3 of them bit for bit the same" in out
    assert out.count("unchanged") == 3


@pytest.mark.parametrize(
    ("now", "code", "said"),
    [
        (runs(noise=0.3), 1, "the gate is closed: 1 of 3 values worse than the reference: one_shot tau: worse by 0."),
        (runs()[:4], 5, "the gate is closed: 2 of 3 values cannot be judged: re drop: not in the store"),
        (runs(noise=0.3)[:4], 1, "1 of 3 values worse than the reference, 2 of 3 values cannot be judged"),
        ([searched("new", s, [5]) for s in range(3)], 3, "3 of 3 values cannot be judged"),
        (FAILED, 5, "3 of 3 values cannot be judged: one_shot tau: no run ended well"),
        (OTHER_PANEL, 5, "3 of 3 values cannot be judged: one_shot tau: the reference ranks panel"),
    ],
    ids=["regression", "refused", "both", "nothing comparable", "all failed", "another panel"],
)
def test_a_closed_gate_has_the_exit_code_of_its_reason(
    nasboard: Command, good: str, tmp_path: Path, now: list[Stored], code: int, said: str
) -> None:
    found, _, err = nasboard("gate", "b.json", "--store", stored(tmp_path, "now", now))
    assert found == code
    assert said in err


def test_a_table_of_verdicts_fits_a_hundred_columns_and_names_what_changed(
    nasboard: Command, good: str, tmp_path: Path
) -> None:
    _, out, _ = nasboard("gate", "b.json", "--store", stored(tmp_path, "now", runs(noise=0.3, last=2990, k=2)))
    assert max(map(len, out.splitlines())) <= 100
    rows = out.splitlines()
    assert rows[1].split()[-1] == "regression"  # worst first
    assert "changed: k 1 -> 2 (re)" in rows


def test_one_command_prints_annotations_and_writes_a_comment_and_a_test_report(
    nasboard: Command, good: str, tmp_path: Path
) -> None:
    store = stored(tmp_path, "now", runs(noise=0.3))
    code, out, _ = nasboard("gate", "b.json", "--store", store, "--format", "github", "-o", "c.md", "-o", "j.xml")
    assert code == 1
    assert out.splitlines()[0].startswith("::error title=one_shot%2C tau%3A regression::worse by 0.")
    assert all(line.startswith("::") for line in out.splitlines())
    assert Path("c.md").read_text().startswith("### The gate is closed: 1 of 3 values worse")
    assert Tree.parse("j.xml").getroot().attrib["failures"] == "1"
    code, out, _ = nasboard("gate", "b.json", "--store", store, "--json", "-o", "v.json")
    assert json.loads(out) == json.loads(Path("v.json").read_text())
    assert {v["label"]: v["outcome"] for v in json.loads(out)}["one_shot"] == "regression"


def test_a_file_without_a_known_ending_is_refused_before_anything_is_judged(nasboard: Command, good: str) -> None:
    code, out, err = nasboard("gate", "b.json", "--store", good, "-o", "verdicts.doc")
    assert (code, out) == (2, "")
    assert "end it in .md, .xml, .json" in err


def test_settings_hold_for_once_or_are_written(nasboard: Command, good: str, tmp_path: Path) -> None:
    worse = stored(tmp_path, "now", runs(noise=0.3))
    assert nasboard("gate", "b.json", "--store", worse, "--tolerance", "one_shot:tau=0.9")[0] == 0
    assert nasboard("gate", "b.json", "--store", worse, "--ignore", "one_*")[0] == 0
    assert nasboard("gate", "b.json", "--store", worse, "--label", "re")[0] == 0
    assert nasboard("gate", "b.json", "--store", worse, "--quantity", "accuracy")[0] == 0
    assert nasboard("gate", "b.json", "--store", worse)[0] == 1  # nothing of that was kept
    assert nasboard("gate", "b.json", "--write", "--store", good, "--tolerance", "one_shot:tau=0.9")[0] == 0
    assert nasboard("gate", "b.json", "--write", "--store", good)[0] == 0
    kept = {entry.label: entry.settings for entry in read_baseline(Path("b.json")).entries()}
    assert kept["one_shot"].tolerance == {"tau": 0.9}
    assert nasboard("gate", "b.json", "--store", worse)[0] == 0
    code, _, err = nasboard("gate", "b.json", "--store", worse, "--label", "two_shot")
    assert (code, "it has one_shot, re" in err) == (2, True)


def test_a_gate_that_judges_nothing_is_not_open(nasboard: Command, good: str) -> None:
    code, _, err = nasboard("gate", "b.json", "--store", good, "--ignore", "*")
    assert (code, "leave nothing to judge" in err) == (3, True)


def test_a_baseline_of_version_one_says_how_to_write_it_anew(nasboard: Command, good: str) -> None:
    Path("old.json").write_text('{"version": 1, "comparisons": []}')
    code, _, err = nasboard("gate", "old.json", "--store", good)
    assert code == 2
    assert "write it anew from good runs: nasboard gate old.json --write" in " ".join(err.split())


def test_compare_names_what_changed_and_writes_what_a_pull_request_shows(
    nasboard: Command, good: str, tmp_path: Path
) -> None:
    new = stored(tmp_path, "now", runs(last=2500, k=2))
    code, out, _ = nasboard("compare", good, new)
    assert (code, out.splitlines()[-1]) == (0, "changed: k 1 -> 2 (re)")
    assert max(map(len, out.splitlines())) <= 100
    assert "does not rank" in out
    code, out, _ = nasboard("compare", good, new, "-o", "c.md")
    text = Path("c.md").read_text()
    assert (code, out) == (0, "wrote c.md\n")
    assert text.startswith("### B against A: 1 of 3 values worse, 0 better\n\n- A: sqlite:///")
    assert "- changed: k 1 -&#62; 2 (re)" in text
    assert nasboard("compare", good, new, "-o", "c.xml")[0] == 0
    assert Tree.parse("c.xml").getroot().attrib["failures"] == "1"
    code, out, _ = nasboard("compare", good, new, "--format", "github")
    assert out.startswith("::warning title=re%2C accuracy (%25)%3A worse::B - A is -")
    _, out, _ = nasboard("compare", good, new, "--json")
    assert {row["label"]: row["changed"] for row in json.loads(out)[0]["rows"]} == {
        "re": "k 1 -> 2",
        "one_shot": "nothing",
    }


def test_stores_with_nothing_in_common_have_an_exit_code_of_their_own(
    nasboard: Command, good: str, tmp_path: Path
) -> None:
    new = stored(tmp_path, "now", [searched("new", s, [5]) for s in range(3)])
    code, out, err = nasboard("compare", good, new)
    assert code == 3
    assert "not in both" in out
    assert "nothing can be compared" in err
    assert "has the labels one_shot, re" in " ".join(err.split())
