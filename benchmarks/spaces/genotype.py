"""The string form of DARTS cells, `Genotype(normal=[...], normal_concat=..., reduce=[...], reduce_concat=...)`.

Read from what the releases of the field write and print: pairs of operation and source in either order within a node,
the nodes joined at the end as a list, a tuple or a range, and a module in front of the name. It is parsed, never run.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence

from nasboard.harness.errors import SpecError

Pair = tuple[str, int]  # operation and source: 0 and 1 are the outputs of the two cells before, 2..5 the nodes
Pairs = tuple[Pair, ...]  # two for each node, in the order of the nodes

NODES = 4  # between the two inputs and the output of a cell
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
}
_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_JOINED = tuple(range(2, 2 + NODES))


def read_genotype(spec: str, name: str) -> tuple[Pairs, Pairs]:
    """Return the pairs of the normal and of the reduction cell, two for each node, ascending by source.

    Raises:
        SpecError: another form, other numbers of nodes, a source that does not come before its node, a node that takes
            the same source twice, or another concatenation than of the four nodes; it begins with `name`, the space's.
    """
    fields = _fields(spec, name)
    for field in ("normal_concat", "reduce_concat"):
        joined = _numbers(fields[field])
        if joined is None or tuple(sorted(joined)) != _JOINED:
            raise SpecError(f"{name}: {field} is {ast.unparse(fields[field])}; a cell joins nodes {list(_JOINED)}")
    return _cell(fields["normal"], "normal", name), _cell(fields["reduce"], "reduce", name)


def write_genotype(normal: Pairs, reduction: Pairs) -> str:
    """Return the string form; inverse of `read_genotype` for pairs ascending by source."""
    joined = f"range({_JOINED[0]}, {_JOINED[-1] + 1})"
    return (
        f"Genotype(normal={list(normal)!r}, normal_concat={joined}, reduce={list(reduction)!r}, reduce_concat={joined})"
    )


def short_form(normal: str, reduction: str) -> str:
    """Return the string form of two cells told as `sep3 1, skip 0, ...`, in any order within a node."""
    return write_genotype(_short(normal), _short(reduction))


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


def _numbers(node: ast.expr) -> Sequence[int] | None:
    """Return what a list, a tuple or a range of integers holds, None for anything else."""
    parts = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.List | ast.Tuple) else None
    if parts is None or not all(isinstance(part, ast.Constant) and type(part.value) is int for part in parts):
        return None
    values = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, int)]
    if not isinstance(node, ast.Call):
        return values
    if not isinstance(node.func, ast.Name) or node.func.id != "range" or len(values) != 2 or node.keywords:
        return None
    return range(*values)[: NODES + 1]


def _cell(node: ast.expr, field: str, name: str) -> Pairs:
    pairs = [_pair(part) for part in node.elts] if isinstance(node, ast.List | ast.Tuple) else []
    told = [pair for pair in pairs if pair is not None]
    if len(pairs) != 2 * NODES or len(told) != len(pairs):
        raise SpecError(f"{name}: {field} is {ast.unparse(node)}; allowed are {2 * NODES} pairs ('OP', SOURCE)")
    ordered: list[Pair] = []
    for i in range(NODES):
        first, second = sorted(told[2 * i : 2 * i + 2], key=lambda pair: pair[1])
        if not 0 <= first[1] < second[1] < i + 2:
            raise SpecError(
                f"{name}: node {i + 2} of {field} takes sources {first[1]} and {second[1]}; "
                f"allowed are two different ones of 0..{i + 1}"
            )
        ordered += [first, second]
    return tuple(ordered)


def _pair(node: ast.expr) -> Pair | None:
    if not isinstance(node, ast.Tuple | ast.List) or len(node.elts) != 2:
        return None
    op, source = node.elts
    if not isinstance(op, ast.Constant) or not isinstance(source, ast.Constant):
        return None
    if not isinstance(op.value, str) or type(source.value) is not int:
        return None
    return op.value, source.value
