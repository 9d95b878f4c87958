"""The string form of DARTS cells, `Genotype(normal=[...], normal_concat=..., reduce=[...], reduce_concat=...)`.

Read from what the releases of the field write and print: pairs of operation and source in either order within a node,
NAT's with the node as third; the nodes joined at the end as a list, a tuple or a range, and a module in front of the
name. It is parsed, never run.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Sequence

from nasboard.benchmarks.spaces.node_cells.wiring import FOUR, INPUTS, Frame
from nasboard.harness.errors import SpecError

Pair = tuple[str, int]  # operation and source: 0 and 1 are the outputs of the two cells before, from 2 on the nodes
Pairs = tuple[Pair, ...]  # two for each node, in the order of the nodes
Joins = Callable[[Pairs], tuple[int, ...]]  # cell -> nodes whose outputs are its own

FORM = "Genotype(normal=[('OP', SOURCE), ... two of each node], normal_concat=range(2, 6), reduce=[...], ...)"
SHORT = {
    "max": "max_pool_3x3",
    "avg": "avg_pool_3x3",
    "skip": "skip_connect",
    "sep3": "sep_conv_3x3",
    "sep5": "sep_conv_5x5",
    "dil3": "dil_conv_3x3",
    "dil5": "dil_conv_5x5",
    "noise": "noise",
    "conv1": "conv_1x1",
    "conv3": "conv_3x3",
    "conv5": "conv_5x5",
    "null": "null",
}
_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")


def all_nodes(pairs: Pairs) -> tuple[int, ...]:
    """Return all nodes of a cell."""
    return tuple(range(INPUTS, INPUTS + len(pairs) // 2))


def loose_ends(pairs: Pairs) -> tuple[int, ...]:
    """Return the nodes of a cell that are no other's source."""
    return tuple(node for node in all_nodes(pairs) if all(source != node for _, source in pairs))


def read_genotype(spec: str, name: str, frame: Frame = FOUR, joins: Joins = all_nodes) -> tuple[Pairs, Pairs]:
    """Return the pairs of the normal and of the reduction cell, two for each node, in the order of the frame's.

    Raises:
        SpecError: another form, other numbers of nodes, a pair of sources that the frame does not have, such as one
            that does not come before its node, or another concatenation; it begins with `name`, the space's.
    """
    fields = _fields(spec, name)
    found = []
    for field in ("normal", "reduce"):
        cell = _cell(fields[field], field, name, frame)
        joined, told = _numbers(fields[f"{field}_concat"], frame.nodes), fields[f"{field}_concat"]
        if joined is None or tuple(sorted(joined)) != joins(cell):
            raise SpecError(f"{name}: {field}_concat is {ast.unparse(told)}; a cell joins nodes {list(joins(cell))}")
        found.append(cell)
    return found[0], found[1]


def write_genotype(normal: Pairs, reduction: Pairs, joins: Joins = all_nodes) -> str:
    """Return the string form; inverse of `read_genotype` for pairs in the order of its frame."""
    normally, reducing = (_told(joins(cell), all_nodes(cell)) for cell in (normal, reduction))
    return (
        f"Genotype(normal={list(normal)!r}, normal_concat={normally}, "
        f"reduce={list(reduction)!r}, reduce_concat={reducing})"
    )


def short_form(normal: str, reduction: str, joins: Joins = all_nodes) -> str:
    """Return the string form of two cells told as `sep3 1, skip 0, ...`, in any order within a node."""
    return write_genotype(_short(normal), _short(reduction), joins)


def _told(joined: tuple[int, ...], every: tuple[int, ...]) -> str:
    return f"range({every[0]}, {every[-1] + 1})" if joined == every else str(list(joined))


def _short(told: str) -> Pairs:
    pairs = [pair.split() for pair in told.split(",")]
    return tuple((SHORT[op], int(source)) for op, source in pairs)


def _fields(spec: str, name: str) -> dict[str, ast.expr]:
    wrong = SpecError(f"{name}: {spec!r} is not of the form {FORM}")
    if spec != spec.strip():
        raise wrong
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python, about odd literals: what is not the form is refused anyway
            call = ast.parse(spec, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise wrong from error
    if not isinstance(call, ast.Call) or ast.unparse(call.func).rpartition(".")[2] != "Genotype":
        raise wrong
    given = dict(zip(_FIELDS, call.args, strict=False)) | {str(word.arg): word.value for word in call.keywords}
    if set(given) != set(_FIELDS) or len(call.args) + len(call.keywords) != len(_FIELDS):
        raise wrong
    return given


def _numbers(node: ast.expr, most: int) -> Sequence[int] | None:
    """Return what a list, a tuple or a range of integers holds, None for anything else."""
    parts = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.List | ast.Tuple) else None
    if parts is None or not all(isinstance(part, ast.Constant) and type(part.value) is int for part in parts):
        return None
    values = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, int)]
    if not isinstance(node, ast.Call):
        return values
    if not isinstance(node.func, ast.Name) or node.func.id != "range" or len(values) != 2 or node.keywords:
        return None
    return range(*values)[: most + 1]


def _cell(node: ast.expr, field: str, name: str, frame: Frame) -> Pairs:
    parts = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    pairs = [_pair(part, INPUTS + at // 2) for at, part in enumerate(parts)]
    told = [pair for pair in pairs if pair is not None]
    if len(pairs) != 2 * frame.nodes or len(told) != len(pairs):
        raise SpecError(f"{name}: {field} is {ast.unparse(node)}; allowed are {2 * frame.nodes} pairs ('OP', SOURCE)")
    ordered: list[Pair] = []
    for i, allowed in enumerate(frame.pairs):
        both = told[2 * i : 2 * i + 2]
        if (both[0][1], both[1][1]) not in allowed:
            both.reverse()
        if (both[0][1], both[1][1]) not in allowed:
            low, high = sorted((both[0][1], both[1][1]))
            which = "two different ones of" if (0, 0) not in allowed else "those of"
            raise SpecError(
                f"{name}: node {i + INPUTS} of {field} takes sources {low} and {high}; allowed are {which} 0..{i + 1}"
            )
        ordered += both
    return tuple(ordered)


def _pair(node: ast.expr, target: int) -> Pair | None:
    if not isinstance(node, ast.Tuple | ast.List) or not 2 <= len(node.elts) <= 3:
        return None
    op, source, *at = node.elts
    if not isinstance(op, ast.Constant) or not isinstance(source, ast.Constant):
        return None
    if any(not isinstance(part, ast.Constant) or part.value != target for part in at):
        return None
    if not isinstance(op.value, str) or type(source.value) is not int:
        return None
    return op.value, source.value
