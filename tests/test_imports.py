"""The arrows of the house: who may import whom, read from the source, and what importing really brings along."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.places import ROOT

FOLDERS = ("benchmarks", "harness", "methods", "tabular")
TORCH = ("torch", "torchvision")
MOST_MODULES = 15  # in a folder

# package -> packages of ours that its modules may import; "harness" alone means the vocabulary in the folder itself
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "tabular": (),
    "tabular.tables": (),
    "tabular.pickles": ("tabular.tables",),
    "tabular.known": ("tabular.tables",),
    "tabular.imports": ("tabular.tables", "tabular.known"),
    "tabular.nb201": ("tabular.tables", "tabular.pickles"),
    "tabular.nb101": ("tabular.tables",),
    "tabular.images": ("tabular.tables", "tabular.pickles"),
    "harness": (),
    "harness.registry": ("harness",),
    "harness.statistics": ("harness",),
    "harness.store": ("harness",),
    "harness.running": ("harness", "harness.planning", "harness.registry", "harness.statistics", "harness.store"),
    "harness.outcomes": ("harness", "harness.registry"),
    "harness.planning": ("harness", "harness.outcomes", "harness.registry", "harness.store"),
    "harness.boards": ("harness", "harness.outcomes", "harness.statistics"),
    "harness.boards.kinds": ("harness", "harness.boards", "harness.outcomes", "harness.statistics"),
    "harness.boards.fronts": (
        "harness",
        "harness.boards",
        "harness.boards.kinds",
        "harness.outcomes",
        "harness.statistics",
    ),
    "harness.boards.render": ("harness", "harness.boards", "harness.statistics"),
    "harness.frames": (
        "harness",
        "harness.boards",
        "harness.outcomes",
        "harness.registry",
        "harness.statistics",
        "harness.store",
    ),
    "harness.gate": (
        "harness",
        "harness.boards",
        "harness.boards.kinds",
        "harness.boards.render",
        "harness.outcomes",
        "harness.statistics",
    ),
    "harness.report.pictures": (
        "harness",
        "harness.boards",
        "harness.boards.fronts",
        "harness.boards.kinds",
        "harness.outcomes",
        "harness.statistics",
    ),
    "harness.report": (
        "harness",
        "harness.boards",
        "harness.boards.kinds",
        "harness.boards.render",
        "harness.outcomes",
        "harness.report.pictures",
        "harness.statistics",
    ),
    "harness.testing": (
        "harness",
        "harness.gate",
        "harness.outcomes",
        "harness.planning",
        "harness.registry",
        "harness.running",
        "harness.store",
    ),
    "harness.cli": (
        "harness",
        "harness.boards",
        "harness.boards.fronts",
        "harness.boards.kinds",
        "harness.boards.render",
        "harness.gate",
        "harness.outcomes",
        "harness.planning",
        "harness.registry",
        "harness.report",
        "harness.running",
        "harness.statistics",
        "harness.store",
        "harness.testing",
    ),
    "benchmarks": ("harness", "harness.registry", "tabular.imports", "tabular.known", "tabular.tables"),
    "benchmarks.spaces": (
        "benchmarks.spaces.node_cells",
        "benchmarks.spaces.transitions",
        "harness",
        "tabular.nb101",
        "tabular.nb201",
    ),
    "benchmarks.spaces.node_cells": ("harness",),
    "benchmarks.spaces.transitions": ("benchmarks.spaces.node_cells", "harness"),
    "benchmarks.spaces.known": ("benchmarks.spaces", "harness"),
    "benchmarks.spaces.edge_cells": ("benchmarks.spaces", "benchmarks.spaces.transitions", "harness"),
    "benchmarks.spaces.handcrafted": ("benchmarks.spaces", "benchmarks.spaces.transitions", "harness"),
    "benchmarks.spaces.costs": (
        "benchmarks.spaces",
        "benchmarks.spaces.edge_cells",
        "benchmarks.spaces.handcrafted",
        "benchmarks.spaces.node_cells",
        "harness",
        "tabular.nb101",
    ),
    "benchmarks.tabulated": (
        "benchmarks.spaces",
        "benchmarks.spaces.costs",
        "benchmarks.spaces.edge_cells",
        "harness",
        "harness.registry",
        "tabular.imports",
        "tabular.nb101",
        "tabular.tables",
    ),
    "benchmarks.tabulated.nb201": (
        "benchmarks.spaces",
        "benchmarks.spaces.costs",
        "benchmarks.tabulated",
        "harness",
        "harness.registry",
        "tabular.nb201",
        "tabular.tables",
    ),
    "benchmarks.live.datasets": ("benchmarks.tabulated", "harness"),
    "benchmarks.live.supernets": ("benchmarks.live.datasets", "benchmarks.spaces", "harness"),
    "benchmarks.live.supernets.darts": (
        "benchmarks.live.supernets",
        "benchmarks.spaces",
        "benchmarks.spaces.node_cells",
        "harness",
    ),
    "benchmarks.live.supernets.nb201": (
        "benchmarks.live.supernets",
        "benchmarks.spaces",
        "benchmarks.spaces.edge_cells",
        "harness",
    ),
    "benchmarks.live.supernets.layers": (
        "benchmarks.live.supernets",
        "benchmarks.live.supernets.darts",
        "benchmarks.spaces",
        "benchmarks.spaces.costs",
        "harness",
    ),
    "benchmarks.live.supernets.handcrafted": (
        "benchmarks.live.supernets",
        "benchmarks.live.supernets.darts",
        "benchmarks.spaces",
        "benchmarks.spaces.handcrafted",
        "harness",
    ),
    "benchmarks.live.supernets.elastic": (
        "benchmarks.live.supernets",
        "benchmarks.spaces",
        "benchmarks.spaces.costs",
        "harness",
    ),
    "benchmarks.live.trainings": (
        "benchmarks.live.datasets",
        "benchmarks.live.supernets",
        "benchmarks.spaces",
        "benchmarks.spaces.costs",
        "benchmarks.spaces.edge_cells",
        "benchmarks.tabulated",
        "harness",
        "harness.statistics",
        "tabular.tables",
    ),
    "benchmarks.live.gans": (
        "benchmarks.live",
        "benchmarks.live.datasets",
        "benchmarks.live.supernets",
        "benchmarks.live.trainings",
        "benchmarks.spaces",
        "harness",
        "harness.registry",
    ),
    "benchmarks.live": (
        "benchmarks.live.datasets",
        "benchmarks.live.supernets",
        "benchmarks.live.supernets.darts",
        "benchmarks.live.supernets.handcrafted",
        "benchmarks.live.supernets.layers",
        "benchmarks.live.supernets.elastic",
        "benchmarks.live.supernets.nb201",
        "benchmarks.live.trainings",
        "benchmarks.spaces.known",
        "benchmarks.spaces",
        "benchmarks.spaces.costs",
        "benchmarks.spaces.edge_cells",
        "benchmarks.spaces.handcrafted",
        "benchmarks.tabulated",
        "benchmarks.tabulated.nb201",
        "harness",
        "harness.registry",
        "tabular.tables",
    ),
    "methods": (),
    "methods.black_box": ("harness",),
    "methods.composed": (
        "benchmarks.live",
        "benchmarks.spaces",
        "harness",
        "harness.registry",
    ),
    "methods.differentiable": (
        "benchmarks.live",
        "benchmarks.live.supernets",
        "benchmarks.spaces",
        "harness",
        "methods.differentiable.bilevel",
    ),
    "methods.differentiable.bilevel": (
        "benchmarks.live",
        "benchmarks.live.supernets",
        "benchmarks.live.trainings",
        "benchmarks.spaces",
        "harness",
    ),
    "methods.differentiable.proxyless": (
        "benchmarks.live",
        "benchmarks.live.supernets",
        "benchmarks.spaces",
        "benchmarks.spaces.costs",
        "harness",
        "methods.differentiable.bilevel",
    ),
    "methods.gans": (
        "benchmarks.live.gans",
        "benchmarks.live.supernets",
        "benchmarks.spaces",
        "harness",
        "methods.weight_sharing",
    ),
    "methods.transforming": (
        "benchmarks.live",
        "benchmarks.live.supernets",
        "harness",
        "methods.transforming.policies",
        "methods.weight_sharing",
    ),
    "methods.transforming.policies": ("harness",),
    "methods.weight_sharing": (
        "benchmarks.live",
        "benchmarks.live.supernets",
        "benchmarks.spaces",
        "benchmarks.spaces.costs",
        "harness",
        "methods",
    ),
    "methods.weight_sharing.ofa": (
        "benchmarks.live",
        "benchmarks.live.supernets",
        "benchmarks.live.supernets.elastic",
        "benchmarks.spaces",
        "harness",
        "harness.statistics",
        "methods.weight_sharing",
    ),
}
TORCH_AT_TOP = (
    "benchmarks.live",
    "benchmarks.live.datasets",
    "benchmarks.live.supernets",
    "benchmarks.live.supernets.darts",
    "benchmarks.live.supernets.handcrafted",
    "benchmarks.live.supernets.layers",
    "benchmarks.live.supernets.elastic",
    "benchmarks.live.supernets.nb201",
    "benchmarks.live.trainings",
    "benchmarks.live.gans",
    "methods",
    "methods.composed",
    "methods.gans",
    "methods.differentiable",
    "methods.differentiable.bilevel",
    "methods.differentiable.proxyless",
    "methods.transforming",
    "methods.transforming.policies",
    "methods.weight_sharing",
    "methods.weight_sharing.ofa",
)
TORCH_INSIDE_FUNCTIONS = ("tabular.nb201", "tabular.pickles")  # a converter that must read a .pth
WITHOUT_TORCH = (
    *(
        f"nasboard.benchmarks.live.{name}"
        for name in (
            "benchmark",
            "built_table",
            "catalogue",
            "datasets.digits",
            "datasets.opening",
            "datasets.spec",
            "shipped_table",
            "gans.benchmark",
            "gans.catalogue",
            "gans.recipe",
            "gans.scores",
            "trainings.recipe",
        )
    ),
    "nasboard.methods.transforming.identity",
    "nasboard.methods.transforming.uniform",
)


@dataclass(frozen=True)
class Import:
    """One imported module."""

    importer: str
    home: str  # the package that the importing module stands in, without "nasboard."
    imported: str
    line: int
    at_top: bool  # outside every function, so that importing the module runs it


def imports(root: Path) -> Iterator[Import]:
    """Yield every import of our packages under `root`."""
    for path in modules(root):
        module = ".".join(["nasboard", *path.relative_to(root).with_suffix("").parts]).removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.Lambda) for n in ast.walk(f)}
        for node in ast.walk(tree):
            for name in _names(node, module if path.name == "__init__.py" else module.rpartition(".")[0]):
                yield Import(module, _home(path, root), name, node.lineno, id(node) not in inside)  # type: ignore[attr-defined]


def modules(root: Path) -> list[Path]:
    """Return every file of our packages under `root`."""
    return sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))


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


def _home(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).parts[:-1])


def _within(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def _package(imported: str) -> str:
    """Return the package of ours in which `imported` (a module, or a name in one) stands, without "nasboard."."""
    name = imported.removeprefix("nasboard.")
    return max((package for package in MAY_IMPORT if _within(name, (package,))), key=len, default=name)


def _allowed(found: Import) -> bool:
    if _within(found.imported, TORCH):
        return found.home in TORCH_AT_TOP or (found.home in TORCH_INSIDE_FUNCTIONS and not found.at_top)
    if not _within(found.imported, ("nasboard",)):
        return True
    package = _package(found.imported)
    return package == found.home or package in MAY_IMPORT[found.home]


def test_no_import_goes_against_the_table() -> None:
    assert violations(ROOT) == []


def test_the_table_is_of_the_folders_there_are_and_has_no_cycle() -> None:
    assert {_home(path, ROOT) for path in modules(ROOT)} == set(MAY_IMPORT)
    assert set(graphlib.TopologicalSorter(MAY_IMPORT).static_order()) == set(MAY_IMPORT)


def test_every_allowed_arrow_is_drawn_by_somebody() -> None:
    drawn = {(i.home, _package(i.imported)) for i in imports(ROOT) if _within(i.imported, ("nasboard",))}
    idle = {(home, to) for home, allowed in MAY_IMPORT.items() for to in allowed} - drawn
    assert {to for _, to in idle} <= {"benchmarks.spaces", "methods"}  # for methods to come


def test_no_folder_holds_more_modules_than_a_head() -> None:
    folders = Counter(path.parent for top in (*FOLDERS, "tests") for path in (ROOT / top).rglob("*.py"))
    crowded = {str(folder.relative_to(ROOT)): n for folder, n in folders.items() if n > MOST_MODULES + 1}  # __init__.py
    assert crowded == {}


def test_tests_stand_in_folders_of_the_same_names() -> None:
    mirrored = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    astray = {str(folder) for folder in mirrored if folder.parts and folder.parts[0] in FOLDERS}
    assert {folder for folder in astray if not (ROOT / folder).is_dir()} == set()


def test_the_walk_sees_the_imports_there_are() -> None:
    seen = {(i.importer, i.imported) for i in imports(ROOT)}
    assert ("nasboard.methods.black_box.reinforce", "nasboard.harness.asktell.play") in seen
    assert ("nasboard.benchmarks.tabulated.planted", "numpy") in seen
    assert {importer.split(".")[1] for importer, _ in seen} == set(FOLDERS)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("harness/planted.py", "import nasboard.benchmarks.tabulated.digits201"),
        ("harness/planted.py", "def f():\n    from nasboard.methods.differentiable import darts"),
        ("harness/planted.py", "from importlib import import_module\nimport_module('nasboard.tabular.tables')"),
        ("harness/planted.py", "def f():\n    import torch"),
        ("harness/planted.py", "from nasboard.harness import registry"),
        ("harness/store/planted.py", "from nasboard.harness.running.state import dump"),
        ("harness/statistics/planted.py", "from ..boards import board"),
        ("harness/registry/__init__.py", "from ...tabular.tables import table"),
        ("tabular/tables/planted.py", "from nasboard.harness import space"),
        ("tabular/nb101/planted.py", "from nasboard.tabular.pickles.stream import read_pickle"),
        ("tabular/nb201/planted.py", "import torch.nn"),
        ("tabular/nb201/planted.py", "class A:\n    import torch"),
        ("benchmarks/tabulated/planted.py", "import nasboard.methods.black_box.lanas"),
        ("benchmarks/spaces/planted.py", "import torch"),
        ("benchmarks/spaces/planted.py", "def f():\n    from torch import Tensor"),
        ("benchmarks/spaces/planted.py", "from nasboard.benchmarks.live.supernets import nb201"),
        ("benchmarks/tabulated/planted.py", "def f():\n    from ..live.supernets.nb201 import Supernet"),
        ("benchmarks/live/planted.py", "from nasboard.methods.differentiable import darts"),
        ("methods/black_box/planted.py", "import nasboard.benchmarks.tabulated.digits201"),
        ("methods/black_box/planted.py", "import torch"),
        ("methods/differentiable/planted.py", "from nasboard.tabular.tables.table import Table"),
        ("methods/differentiable/planted.py", "from nasboard.methods.weight_sharing.one_shot import OneShot"),
    ],
)
def test_a_planted_arrow_is_found(tmp_path: Path, path: str, line: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(line + "\n")
    assert len(violations(tmp_path)) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("harness/fine.py", "import numpy\nfrom nasboard.harness.space import Arch\nNAME = 'nasboard.methods:Darts'"),
        ("tabular/nb201/fine.py", "def f():\n    import torch"),
        ("benchmarks/tabulated/fine.py", "from nasboard.harness import space\nfrom ..spaces.nb201 import OPS"),
        ("benchmarks/live/fine.py", "import torch\nfrom nasboard.benchmarks.live.datasets import digits"),
        ("methods/weight_sharing/fine.py", "import torch\nfrom nasboard.benchmarks.live.supernets import ops"),
    ],
)
def test_what_is_allowed_is_not_found(tmp_path: Path, path: str, line: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(line + "\n")
    assert violations(tmp_path) == []


def test_everything_but_training_imports_without_torch() -> None:
    found = {i.importer for i in imports(ROOT) if i.home not in TORCH_AT_TOP} | set(WITHOUT_TORCH)
    free = sorted(name for name in found if not name.endswith("__main__"))
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
