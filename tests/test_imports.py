"""The arrows of the house: who may import whom, read from the source, and what importing really brings along."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.places import ROOT

FOLDERS = ("benchmarks", "harness", "methods", "tabular")
TORCH = ("torch", "torchvision")

# package -> prefixes of ours that it may import anywhere; a deeper package goes before the one around it
MAY_IMPORT = {
    "nasboard.benchmarks.live": ("nasboard.benchmarks", "nasboard.harness", "nasboard.tabular"),
    "nasboard.benchmarks": ("nasboard.benchmarks", "nasboard.harness", "nasboard.tabular"),
    "nasboard.harness": ("nasboard.harness",),
    "nasboard.methods": ("nasboard.methods", "nasboard.harness", "nasboard.benchmarks.live"),
    "nasboard.tabular": ("nasboard.tabular",),
}
TORCH_AT_TOP = ("nasboard.benchmarks.live", "nasboard.methods")  # black-box methods stay free, see the subprocess below
TORCH_INSIDE_FUNCTIONS = ("nasboard.tabular",)  # a converter that must read a .pth


@dataclass(frozen=True)
class Import:
    """One imported module."""

    importer: str
    imported: str
    line: int
    at_top: bool  # outside every function, so that importing the module runs it


def imports(root: Path) -> Iterator[Import]:
    """Yield every import of our packages under `root`."""
    for package in FOLDERS:
        for path in sorted((root / package).rglob("*.py")):
            module = ".".join(["nasboard", *path.relative_to(root).with_suffix("").parts]).removesuffix(".__init__")
            tree = ast.parse(path.read_text(encoding="utf-8"))
            inside = {id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.Lambda) for n in ast.walk(f)}
            for node in ast.walk(tree):
                for name in _names(node, module if path.name == "__init__.py" else module.rpartition(".")[0]):
                    yield Import(module, name, node.lineno, id(node) not in inside)  # type: ignore[attr-defined]


def violations(root: Path) -> list[str]:
    """Return every import that goes against the table, as `importer:line imports imported`."""
    return [f"{i.importer}:{i.line} imports {i.imported}" for i in imports(root) if not _allowed(i)]


def _names(node: ast.AST, package: str) -> Iterator[str]:
    """Yield the full names of the modules that a statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parents = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
        base = ".".join([*parents, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called in ("import_module", "__import__"):
            yield str(node.args[0].value)


def _within(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def _allowed(found: Import) -> bool:
    home = next(package for package in MAY_IMPORT if _within(found.importer, (package,)))
    if _within(found.imported, TORCH):
        return home in TORCH_AT_TOP or (home in TORCH_INSIDE_FUNCTIONS and not found.at_top)
    if not _within(found.imported, ("nasboard",)):
        return True
    brings_torch = _within(found.imported, ("nasboard.benchmarks.live",)) and home == "nasboard.benchmarks"
    return _within(found.imported, MAY_IMPORT[home]) and not (brings_torch and found.at_top)


def test_no_import_goes_against_the_table() -> None:
    assert violations(ROOT) == []


def test_the_walk_sees_the_imports_there_are() -> None:
    seen = {(i.importer, i.imported) for i in imports(ROOT)}
    assert ("nasboard.methods.black_box.reinforce", "nasboard.harness.asktell.play") in seen
    assert ("nasboard.benchmarks.tabulated.planted", "numpy") in seen
    assert {importer.split(".")[1] for importer, _ in seen} == set(FOLDERS)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("harness/planted.py", "import nasboard.benchmarks.tabulated.digits201"),
        ("harness/planted.py", "def f():\n    from nasboard.methods import darts"),
        ("harness/planted.py", "from importlib import import_module\nimport_module('nasboard.tabular.tables.table')"),
        ("harness/planted.py", "def f():\n    import torch"),
        ("harness/deep/__init__.py", "from ...tabular import table"),
        ("tabular/planted.py", "from nasboard.harness import space"),
        ("tabular/planted.py", "import torch.nn"),
        ("tabular/planted.py", "class A:\n    import torch"),
        ("benchmarks/planted.py", "import nasboard.methods.differentiable.darts"),
        ("benchmarks/planted.py", "import torch"),
        ("benchmarks/planted.py", "def f():\n    from torch import Tensor"),
        ("benchmarks/planted.py", "from nasboard.benchmarks.live import supernet"),
        ("benchmarks/planted.py", "from .live.supernet import Supernet"),
        ("benchmarks/live/planted.py", "from nasboard.methods import darts"),
        ("methods/planted.py", "import nasboard.benchmarks.tabulated.digits201"),
        ("methods/planted.py", "from nasboard.benchmarks.spaces.nb201 import OPS"),
        ("methods/planted.py", "from nasboard.tabular.tables.table import Table"),
    ],
)
def test_a_planted_arrow_is_found(tmp_path: Path, path: str, line: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(line + "\n")
    assert len(violations(tmp_path)) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (
            "harness/fine.py",
            "import numpy\nfrom nasboard.harness.space import Arch\nNAME = 'nasboard.methods.differentiable.darts:Darts'",
        ),
        ("tabular/fine.py", "def f():\n    import torch"),
        (
            "benchmarks/fine.py",
            "from nasboard.harness import space\nfrom nasboard.tabular import table\nfrom .nb201_space import OPS",
        ),
        ("benchmarks/fine.py", "def f():\n    from nasboard.benchmarks.live.data import digits_data"),
        ("benchmarks/live/fine.py", "import torch\nfrom nasboard.benchmarks import digits"),
        (
            "methods/fine.py",
            "import torch\nfrom nasboard.benchmarks.live import supernet\nfrom nasboard.methods.differentiable.darts import Darts",
        ),
    ],
)
def test_what_is_allowed_is_not_found(tmp_path: Path, path: str, line: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(line + "\n")
    assert violations(tmp_path) == []


def test_everything_but_training_imports_without_torch() -> None:
    free = [
        module
        for module in sorted({i.importer for i in imports(ROOT)})
        if not _within(module, ("nasboard.benchmarks.live", "nasboard.methods")) and not module.endswith("__main__")
    ]
    free += [f"nasboard.methods.{n}" for n in ("random_search", "regularized_evolution", "reinforce")]
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'torch': raise ImportError('torch was asked for')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        f"for name in {free!r}: __import__(name)\n"
        "print('torch' in sys.modules, len(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("False ")
