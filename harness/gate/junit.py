"""What gate and compare say as JUnit XML, which continuous integration shows as tests: one case a value.

A regression is a `failure`, what cannot be judged an `error`, what is not judged `skipped`.
Source: the schema of Apache Ant's JUnit task as Jenkins, GitLab and GitHub's reporters read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from xml.etree import ElementTree as Tree

from nasboard.harness.gate.told import Line, State, Told

ELEMENTS: Mapping[State, str] = MappingProxyType(
    {"regression": "failure", "worse": "failure", "refused": "error", "undefined": "skipped", "not judged": "skipped"}
)


def junit(told: Told) -> str:
    """Return the document: a suite a data set, its counts over the cases in it."""
    root = Tree.Element("testsuites", _counts(told.lines) | {"name": f"nasboard {told.command}", "time": "0"})
    for dataset in dict.fromkeys(line.dataset for line in told.lines):
        mine = tuple(line for line in told.lines if line.dataset == dataset)
        named = {"name": _clean(dataset), "time": "0", "skipped": str(_kinds(mine).count("skipped"))}
        suite = Tree.SubElement(root, "testsuite", _counts(mine) | named)
        properties = Tree.SubElement(suite, "properties")
        for name, value in [("verdict", told.headline), *zip(("before", "now"), told.sides, strict=True)]:
            Tree.SubElement(properties, "property", {"name": name, "value": _clean(value)})
        for change in told.changed:
            Tree.SubElement(properties, "property", {"name": "changed", "value": _clean(change)})
        for line in mine:
            _case(suite, line, told.command)
    Tree.indent(root)
    return Tree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: Tree.Element, line: Line, command: str) -> None:
    named = {"classname": _clean(f"nasboard.{command}.{line.dataset}"), "name": _clean(f"{line.label} {line.quantity}")}
    case = Tree.SubElement(suite, "testcase", named | {"time": "0"})
    text = f"{line.before} -> {line.now}: {line.reason}"
    if line.state in ELEMENTS:
        told = Tree.SubElement(case, ELEMENTS[line.state], {"message": _clean(line.reason)})
        if ELEMENTS[line.state] != "skipped":
            told.set("type", line.state)
            told.text = _clean(text)
    else:
        Tree.SubElement(case, "system-out").text = _clean(f"{line.state}: {text}")


def _counts(lines: tuple[Line, ...]) -> dict[str, str]:
    kinds = _kinds(lines)
    return {"tests": str(len(lines)), "failures": str(kinds.count("failure")), "errors": str(kinds.count("error"))}


def _kinds(lines: tuple[Line, ...]) -> list[str | None]:
    return [ELEMENTS.get(line.state) for line in lines]


def _clean(text: str) -> str:
    """Return text without the characters that XML has no place for."""
    return "".join(c if c in "\t\n" or c.isprintable() else " " for c in text)
