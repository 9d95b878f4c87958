"""What `ls` shows of the registry: one line an entry, read from the source so that nothing heavy is imported.

The class or function is found by parsing its module; only where that fails (an entry that points at something made at
import time) is the module imported.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from harness.errors import NasboardError
from harness.registry import Entry, Kind, catalogue, load

Definition = ast.ClassDef | ast.FunctionDef


@dataclass(frozen=True, slots=True)
class Description:
    """One line of a listing.

    Attributes:
        name: the registered name.
        distribution: the distribution that provides it.
        needs: what a method needs of its task; empty for benchmarks and tables.
        summary: the first line of its docstring, or why it cannot be used.
    """

    name: str
    distribution: str
    needs: tuple[str, ...]
    summary: str


def describe(kind: Kind) -> tuple[Description, ...]:
    """Return a description of every entry of a kind, sorted by name."""
    return tuple(_describe(found) for _, found in sorted(catalogue(kind).items()))


def _describe(found: Entry) -> Description:
    definition = _definition(found)
    if definition is not None:
        return Description(
            found.name, found.distribution, _needs(definition), _first_line(ast.get_docstring(definition))
        )
    try:
        made = load(found)
    except NasboardError as error:
        return Description(found.name, found.distribution, (), f"unusable: {error}")
    needs = tuple(sorted(getattr(made, "needs", ())))
    return Description(found.name, found.distribution, needs, _first_line(made.__doc__))


def _definition(found: Entry) -> Definition | None:
    """Return the class or function an entry points at, from its module's source; None where it is not there."""
    module, _, attr = found.value.partition(":")
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    body = ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body
    matching = (node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == attr)
    return next(matching, None)


def _needs(definition: Definition) -> tuple[str, ...]:
    """Return the strings of the class's line `needs = frozenset({...})`, sorted."""
    for node in definition.body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if any(isinstance(target, ast.Name) and target.id == "needs" for target in targets):
            found = (leaf.value for leaf in ast.walk(node) if isinstance(leaf, ast.Constant))
            return tuple(sorted(value for value in found if value in ("query", "data")))
    return ()


def _first_line(docstring: str | None) -> str:
    return (docstring or "").strip().partition("\n")[0]
