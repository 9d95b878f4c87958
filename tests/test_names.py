"""Names in text: what a document, a message or a docstring calls a module is the name that it is imported by now."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.places import ROOT

FOLDERS = ("harness", "tabular", "benchmarks", "methods")
SEARCHED = (*FOLDERS, "nasboard", "tests", "docs", "suites", "baselines", ".ci")
KINDS = (".py", ".md", ".toml", ".json", ".ini", ".txt", ".j2", ".js", ".css", "")
SPARED = {
    "CHANGELOG.md",  # tells what was renamed
    "tests/test_imports.py",  # its table leaves the namespace out
    "tests/test_names.py",
}
TOP = "|".join(FOLDERS)
# `harness.api`, but neither `nasboard.harness.api` nor a method call on a variable such as `benchmarks.values()`
NAMED = rf"(?<![\w./-])(?:{TOP})\.(?!md\b|\w+\()[a-z]\w*"
IMPORTED = rf"^\s*(?:from|import) (?:{TOP})\b.*"
PREFIX = rf"(?<=['\"])(?:{TOP})\.(?=['\"{{])"  # "methods." that something begins with
OLD = re.compile("|".join((NAMED, IMPORTED, PREFIX)), re.MULTILINE)
NEW = re.compile(r"(?<![\w./@-])nasboard(?:\.\w+)+")
QUOTED = re.compile(r"`(\w+)[.`]")
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(SEARCHED)})/[\w./-]+\.\w+")


def texts() -> Iterator[tuple[str, str]]:
    """Yield path and text of every file of the repository that people or Python read."""
    below = [path for folder in SEARCHED for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    for path in sorted([*below, *ROOT.glob("*")]):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and path.suffix in KINDS and name not in SPARED:
            yield name, path.read_text(encoding="utf-8")


def found(pattern: re.Pattern[str], text: str) -> list[str]:
    return [match[0].strip() for match in pattern.finditer(text)]


@cache
def file_of(module: str) -> Path | None:
    """Return the file of a module of ours, without importing it."""
    parts = module.split(".")
    folder = ROOT / "/".join(parts[:1] if len(parts) == 1 else parts[1:])
    return next((p for p in (folder / "__init__.py", folder.with_suffix(".py")) if p.is_file()), None)


@cache
def bound(path: Path) -> frozenset[str]:
    """Return the names that the top level of a module binds."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return frozenset(names)


def exists(name: str) -> bool:
    """Return whether a full name is that of a module, of something in one, or of an attribute of that."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        if (path := file_of(".".join(parts[:n]))) is not None:
            return n == len(parts) or parts[n] in bound(path)
    return False


def before_the_move() -> set[str]:
    """Return what a module was called that is a folder's now: `store_read` for `store/read.py`, and the like."""
    inside = [path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).glob("*/**/*.py")]
    homes = [(path.parent.name, path.stem) for path in inside]
    return {f"{prefix}_{stem}" for home, stem in homes for prefix in (home, home.removesuffix("s"))}


def test_the_search_reads_every_kind_of_text() -> None:
    read = {name for name, _ in texts()}
    assert {"README.md", "docs/nb201.md", "suites/quick.toml", "tox.ini", ".ci/run", "pyproject.toml"} <= read
    assert {"harness/api.py", "harness/report/page.html.j2", "tests/packaging/test_plugin.py"} <= read


def test_no_text_names_an_import_path_without_the_namespace() -> None:
    assert {name: old for name, text in texts() if (old := found(OLD, text))} == {}


def test_every_full_name_in_a_text_is_of_something_there() -> None:
    told = {(name, full) for name, text in texts() for full in found(NEW, text)}
    assert len(told) > 500
    assert {(name, full) for name, full in told if not exists(full)} == set()


def test_no_text_calls_a_module_by_the_prefix_that_is_a_folder_now() -> None:
    moved = before_the_move()
    assert {(name, word) for name, text in texts() for word in QUOTED.findall(text) if word in moved} == set()


def test_every_path_that_a_document_names_is_there() -> None:
    told = {(name, path) for name, text in texts() if name.endswith(".md") for path in found(PATH, text)}
    assert told
    assert {(name, path) for name, path in told if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize(
    "line",
    [
        "see `harness.api`",
        "from methods import x",
        "  from harness.space import sample",
        "import tabular",
        "methods.live",
        "name.startswith('methods.')",
        'f"methods.{name}"',
    ],
)
def test_an_old_name_is_found(line: str) -> None:
    assert found(OLD, f"a\n{line}\n")


@pytest.mark.parametrize(
    "line",
    ["nasboard.harness.api", "docs/methods.md", "[methods.md](methods.md)", "in benchmarks.values()", "harness/api.py"],
)
def test_what_is_no_old_name_is_not_found(line: str) -> None:
    assert not found(OLD, f"a\n{line}\n")


def test_a_full_name_of_nothing_is_found() -> None:
    assert exists("nasboard.harness.asktell.play")
    assert exists("nasboard.load_runs")
    assert not exists("nasboard.harness.metrics")
    assert not exists("nasboard.harness.space.draw_many")
