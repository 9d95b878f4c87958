"""Markdown, JUnit XML and annotations of verdicts, with names from outside in them that each format must escape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest

from nasboard.harness.gate.annotations import annotate
from nasboard.harness.gate.baseline import take
from nasboard.harness.gate.junit import junit
from nasboard.harness.gate.markdown import markdown
from nasboard.harness.gate.told import WORST_FIRST, Line, Told, headline, number, of_gate, ordered
from nasboard.harness.gate.verdict import judge
from tests.harness.stored_runs import BENCHMARK, loaded, noisy, ranked, searched

HOSTILE = "a|b <&> 50%:\n,\x07*x*"
LINES = (
    Line("digits", HOSTILE, "tau", "0.5000", "0.3000", "0.2000 (allowed 0.0500)", "regression", "worse, 50% \nof it"),
    Line("digits", "gone", "accuracy", "0.9000", "-", "-", "refused", "not in the store"),
    Line("digits", "fine", "tau", "0.5000", "0.5000", "0.0000", "ok", "better"),
    Line("cifar", "fine", "tau", "0.5000", "0.5000", "0.0000", "unchanged", "bit for bit"),
    Line("cifar", "random", "drop", "0.5000", "0.5000", "0.0000", "not judged", "left out"),
)
TOLD = Told(
    "gate", "the gate is closed: 1 of 4", ("b.json, written", "runs.db, now"), ("k 1 -> 2 (a)",), LINES, ("how",)
)
OPEN = replace(TOLD, headline="the gate is open", lines=LINES[2:], changed=())


def gate_of(folder: Path) -> Told:
    runs = [ranked("one_shot", s, [noisy(s, 0.05)]) for s in range(4)]
    runs += [searched("re", s, [10, 3000 + s], params={"k": 1}) for s in range(4)]
    now = [ranked("one_shot", s, [noisy(s, 0.3)]) for s in range(4)]
    now += [searched("re", s, [10, 3000 + s], params={"k": 2}) for s in range(4)]
    found = loaded(folder / "now", now)
    baseline = take(loaded(folder / "reference", runs))
    return of_gate(judge(found, baseline), baseline, found, ("b.json", "runs.db"))


def test_the_gate_is_told_worst_first_with_both_sides_and_what_changed(tmp_path: Path) -> None:
    told = gate_of(tmp_path)
    assert [line.state for line in told.lines] == ["regression", "unchanged", "unchanged"]
    assert told.headline == "the gate is closed: 1 of 3 values worse than the reference"
    assert told.changed == ("k 1 -> 2 (re)",)
    digest = f"table {str(BENCHMARK.digest)[:12]}, identity "
    assert told.sides[0].startswith("b.json, written 20")
    assert told.sides[1].startswith(f"runs.db, {digest}")
    assert told.sides[0].rpartition(" ")[2] == told.sides[1].rpartition(" ")[2]  # the same code made both


def test_the_side_of_a_store_says_when_its_runs_were_made_and_by_which_version(tmp_path: Path) -> None:
    runs = []
    for seed, day in enumerate(("2026-01-02", "2026-01-05")):
        made, steps = searched("re", seed, [5])
        provenance = {"started_utc": f"{day}T10:00:00+00:00", "versions": {"nasboard": "9.1", "torch": None}}
        runs.append((replace(made, provenance=provenance), steps))
    found = loaded(tmp_path, runs)
    told = of_gate([], take(loaded(tmp_path / "r", [searched("re", s, [5]) for s in range(3)])), found, ("b", "s.db"))
    assert told.sides[1].startswith("s.db, runs of 2026-01-02 to 2026-01-05, nasboard 9.1, table")


def test_markdown_has_the_verdict_first_the_worst_next_and_six_columns(tmp_path: Path) -> None:
    text = markdown(TOLD)
    lines = text.splitlines()
    assert lines[0] == "### The gate is closed: 1 of 4"
    assert lines[2:5] == ["- reference: b.json, written", "- now: runs.db, now", "- changed: k 1 -&#62; 2 (a)"]
    table = [line for line in lines if line.startswith("|")]
    assert table[0] == "| method | quantity | reference | now | worse by | verdict |"
    assert {line.replace("\\|", "").count("|") for line in table} == {7}
    assert table[2].startswith("| a\\|b &#60;&&#62; 50%: ,")
    assert "\\*x\\*" in table[2]
    assert table[2].endswith("| **regression** |")
    assert "- gone, accuracy: not in the store" in lines
    assert "- changed: nothing that is recorded" in markdown(OPEN)
    assert (
        markdown(replace(TOLD, command="compare")).count("| method | quantity | A | B | B - A, 95 % | verdict |") == 1
    )
    assert markdown(gate_of(tmp_path)).startswith("### The gate is closed")


def test_several_data_sets_are_told_apart_in_markdown() -> None:
    assert "| fine (cifar) |" in markdown(TOLD)
    assert "| fine |" in markdown(replace(TOLD, lines=LINES[:3]))


@pytest.mark.parametrize("told", [TOLD, OPEN])
def test_junit_is_xml_of_suites_and_cases_whose_counts_are_right(told: Told) -> None:
    root = Tree.fromstring(junit(told))
    assert root.tag == "testsuites"
    assert {suite.tag for suite in root} == {"testsuite"}
    allowed = {"testsuites": {"name", "time", "tests", "failures", "errors"}}
    allowed["testsuite"] = allowed["testsuites"] | {"skipped"}
    allowed |= {"testcase": {"name", "classname", "time"}, "failure": {"message", "type"}, "error": {"message", "type"}}
    allowed |= {"skipped": {"message"}, "properties": set(), "property": {"name", "value"}, "system-out": set()}
    for element in root.iter():
        assert set(element.attrib) <= allowed[element.tag]
    for element in (root, *root):
        for tag, count in (("testcase", "tests"), ("failure", "failures"), ("error", "errors")):
            assert int(element.attrib[count]) == len(element.findall(f".//{tag}"))
    for suite in root:
        assert next(child.tag for child in suite) == "properties"
        assert int(suite.attrib["skipped"]) == len(suite.findall(".//skipped"))
    assert int(root.attrib["tests"]) == len(told.lines)


def test_junit_calls_a_regression_a_failure_and_what_is_refused_an_error() -> None:
    root = Tree.fromstring(junit(TOLD))
    kinds = {str(c.get("name")): [child.tag for child in c] for c in root.iter("testcase")}
    assert kinds["gone accuracy"] == ["error"]
    assert kinds["fine tau"] == ["system-out"]
    assert kinds["random drop"] == ["skipped"]
    [failure] = root.iter("failure")
    assert failure.get("type") == "regression"
    assert "0.5000 -> 0.3000: worse, 50%" in str(failure.text)
    assert "k 1 -> 2 (a)" in {p.get("value") for p in root.iter("property")}


def test_annotations_are_one_escaped_line_each() -> None:
    lines = annotate(TOLD).splitlines()
    assert lines[0] == "::error title=a|b <&> 50%25%3A%0A%2C\x07*x*%2C tau%3A regression::worse, 50%25 %0Aof it"
    assert lines[1].startswith("::error title=gone%2C accuracy%3A refused::not in the store")
    assert lines[2].startswith("::notice title=nasboard gate::the gate is closed: 1 of 4. Before: b.json, written.")
    assert lines[2].endswith("Changed: k 1 -> 2 (a).")
    assert len(lines) == 3
    assert annotate(replace(TOLD, lines=(replace(LINES[0], state="worse"),))).startswith("::warning ")
    assert len(annotate(OPEN).splitlines()) == 1


def test_lines_are_ordered_by_state_and_weight() -> None:
    lines = [replace(LINES[0], state=state, weight=w) for state in reversed(WORST_FIRST) for w in (0.1, 0.9)]
    found = ordered(lines)
    assert [line.state for line in found[::2]] == list(WORST_FIRST)
    assert [line.weight for line in found[:2]] == [0.9, 0.1]


def test_an_open_gate_says_what_it_rests_on(tmp_path: Path) -> None:
    runs = [searched("re", s, [10, 3000 + s]) for s in range(4)]
    found = loaded(tmp_path, runs)
    assert headline(judge(found, take(found))) == (
        "the gate is open: 2 values as good as the reference, 2 of them bit for bit the same"
    )


def test_nothing_has_no_minus_before_it() -> None:
    assert [number(value) for value in (-0.00001, -0.1, 0.0, None)] == ["0.0000", "-0.1000", "0.0000", "-"]
