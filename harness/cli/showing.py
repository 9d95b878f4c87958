"""The command that shows leaderboards, and how boards are shown: on the terminal, or as a file of another format.

Statistics take a second to import, so the functions that need them import them; the other commands start at once.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from nasboard.harness.cli.console import DEFAULT_STORE, JsonOption, StoreOption, out
from nasboard.harness.cli.reading import AllOption, told_apart
from nasboard.harness.errors import UsageError

if TYPE_CHECKING:
    from nasboard.harness.boards.board import Board


class BoardName(StrEnum):
    """The leaderboards, cost, accuracy against a second objective, trainings behind a truth, what was looked at."""

    tau = "tau"
    stability = "stability"
    accuracy = "accuracy"
    cost = "cost"
    pareto = "pareto"
    trainings = "trainings"
    samples = "samples"
    transformation = "transformation"
    became = "became"


class Format(StrEnum):
    """How a board can be printed."""

    table = "table"
    md = "md"
    csv = "csv"
    json = "json"
    latex = "latex"


SUFFIXES: Mapping[str, Format] = MappingProxyType(
    {".csv": Format.csv, ".md": Format.md, ".json": Format.json, ".tex": Format.latex, ".txt": Format.table}
)

FormatOption = Annotated[
    Format | None,
    typer.Option(help="How to print it: by default a table, or what the name of the output file ends in."),
]
OutputOption = Annotated[
    Path | None, typer.Option("-o", "--output", help=f"Write to this file: NAME{', '.join(SUFFIXES)}.")
]
WideOption = Annotated[bool, typer.Option("--wide", help="All columns of a table, not only the ones that matter most.")]
NotesOption = Annotated[bool, typer.Option("--notes", help="Print below a table how its numbers were made.")]
MeasuredOption = Annotated[bool, typer.Option(help="Show measured seconds, which no two runs share.")]


def leaderboard(
    store: StoreOption = DEFAULT_STORE,
    board: Annotated[BoardName | None, typer.Option(help="Only this board; CSV holds one.")] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Only rows whose label matches; tiers and p stay over every method."),
    ] = None,
    dataset: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Only boards of this data set.")] = None,
    objective: Annotated[
        str | None, typer.Option(help="Of the board pareto, for example edgegpu_latency; by default the first.")
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Tau of rows that differ in this hyper-parameter alone, as one row."),
    ] = None,
    pairs: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="PATTERN PATTERN",
            help="In place of boards: labels against their like, the star being the pair: 'one-shot: *' 'few-shot: *'.",
        ),
    ] = None,
    output: OutputOption = None,
    format: FormatOption = None,
    wide: WideOption = False,
    notes: NotesOption = False,
    measured: MeasuredOption = True,
    all_identities: AllOption = False,
    json: JsonOption = False,
) -> None:
    """Print the leaderboards: rank correlation, stability, final accuracy, and transformation where there is any."""
    from nasboard.harness.boards import kinds, selection
    from nasboard.harness.boards.fronts import pareto as board_pareto
    from nasboard.harness.boards.kinds import pairs as board_pairs
    from nasboard.harness.outcomes.load import with_all_visits, with_visits

    if objective is not None and board is not BoardName.pareto:
        raise UsageError(f"--objective {objective} is for the board pareto; add --board pareto")
    if over is not None and board is not None:
        raise UsageError(f"--over {over} is a board of its own; leave --board {board.value} out")
    if pairs is not None and board is not None:
        raise UsageError(f"--pairs are a board of their own; leave --board {board.value} out")
    if pairs is not None and over is not None:
        raise UsageError(f"--pairs and --over {over} are a board each; leave one of them out")
    chosen = chosen_format(format, output, json)
    looking = {BoardName.pareto: with_visits, BoardName.samples: with_all_visits}
    visits = with_all_visits if pairs is not None else looking.get(board) if board is not None else None
    comparisons = told_apart(store, visits=visits, all_identities=all_identities)
    found = selection.of_datasets(comparisons, dataset or ())
    if over is not None:
        made = kinds.over(found, over)
    elif pairs is not None:
        made = board_pairs.pairs(found, pairs)
    elif board is BoardName.pareto:
        made = board_pareto.make(found, objective)
    else:
        made = kinds.make(found, only=None if board is None else board.value)
    show(selection.of_methods(made, method or ()), chosen, output, wide=wide, notes=notes, measured=measured)


def chosen_format(format: Format | None, output: Path | None, json: bool) -> Format:
    """Return the format that was asked for, by option or by the name of the output file."""
    if json or format is not None or output is None:
        return Format.json if json else format or Format.table
    if output.suffix not in SUFFIXES:
        raise UsageError(f"{output} does not say its format; end it in {', '.join(SUFFIXES)}, or add --format")
    return SUFFIXES[output.suffix]


def show(
    boards: Sequence[Board], chosen: Format, output: Path | None, *, wide: bool, notes: bool, measured: bool
) -> None:
    """Print boards, or write them to a file."""
    from nasboard.harness.boards import render

    if chosen is Format.table and output is None:
        render.print_tables(boards, out(), measured=measured, wide=wide, notes=notes)
        return
    if chosen is Format.table:
        console = Console(file=io.StringIO(), width=out().width)
        render.print_tables(boards, console, measured=measured, wide=wide, notes=notes)
        text = console.file.getvalue()  # type: ignore[attr-defined]
    else:
        text = render.to_text(boards, chosen.value, measured=measured)
    if output is None:
        sys.stdout.write(text)
    else:
        write(text, output)


def write(text: str, output: Path, *, quiet: bool = False) -> None:
    """Write a file and say so, unless `quiet` because something else has standard output.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}; name a file in a writable folder") from error
    if not quiet:
        out().print(f"wrote {output}", markup=False)
