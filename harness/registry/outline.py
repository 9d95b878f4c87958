"""What a `"module:attr"` says of itself in its source: first docstring line and needs, read without importing it.

So `ls` can list methods that need torch where torch is not installed. It reads what is written in the module; what is
made at import time it cannot see.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

NEEDS = ("data", "query")

Documented = ast.ClassDef | ast.FunctionDef | ast.Module


@dataclass(frozen=True, slots=True)
class Outline:
    """A class, function or module in one line, and what a method needs of its task (empty for anything else)."""

    summary: str
    needs: tuple[str, ...]


def read(value: str) -> Outline | None:
    """Return the outline of `"module:attr"` (or of a module), None where the source does not show it."""
    module, _, attr = value.partition(":")
    tree = _parse(module)
    if tree is None:
        return None
    found = tree if not attr else _defined(tree, attr)
    return None if found is None else Outline(first_line(ast.get_docstring(found)), _needs(found, tree))


def first_line(docstring: str | None) -> str:
    """Return the first line of a docstring, empty without one."""
    return (docstring or "").strip().partition("\n")[0]


def _parse(module: str) -> ast.Module | None:
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    try:
        return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):  # importing it will say so
        return None


def _defined(tree: ast.Module, name: str) -> Documented | None:
    """Return what has the name; else what makes attributes of any name, and says what they are."""
    known = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}
    return known.get(name, known.get("__getattr__"))


def _needs(found: Documented, tree: ast.Module) -> tuple[str, ...]:
    """Return the strings on the class's line `needs = frozenset({...})`, or on that of its bases, sorted."""
    if not isinstance(found, ast.ClassDef):
        return ()
    for node in found.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "needs" for target in targets):
            written = {leaf.value for leaf in ast.walk(node) if isinstance(leaf, ast.Constant)}
            return tuple(need for need in NEEDS if need in written)
    inherited = [_needs_of_base(base.id, tree) for base in found.bases if isinstance(base, ast.Name)]
    return next((needs for needs in inherited if needs), ())


def _needs_of_base(name: str, tree: ast.Module) -> tuple[str, ...]:
    here = _defined(tree, name)
    if here is not None:
        return _needs(here, tree)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and name in [a.asname or a.name for a in node.names]:
            there = read(f"{node.module}:{name}")
            return there.needs if there is not None else ()
    return ()
