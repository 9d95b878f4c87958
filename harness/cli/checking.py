"""`nasboard gate` and `nasboard compare`: is it still as good as it was; for people, pull requests and test reports.

Statistics take a second to import, so the functions that need them import them.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from nasboard.harness import shipped
from nasboard.harness.cli import completing, showing
from nasboard.harness.cli.console import DEFAULT_STORE, JsonOption, StoreOption, out, print_json, shown_store
from nasboard.harness.cli.reading import comparisons_of, read, tell_of_aside
from nasboard.harness.errors import NothingComparableError, UsageError

if TYPE_CHECKING:
    from nasboard.harness.gate.baseline import Baseline
    from nasboard.harness.gate.told import Told
    from nasboard.harness.gate.verdict import Verdict
    from nasboard.harness.outcomes.outcome import Comparison


class Form(StrEnum):
    """How the verdicts of the gate can be printed."""

    table = "table"
    md = "md"
    junit = "junit"
    github = "github"
    json = "json"


class CompareForm(StrEnum):
    """How a comparison can be printed: as verdicts on values, or as boards."""

    table = "table"
    md = "md"
    junit = "junit"
    github = "github"
    csv = "csv"
    json = "json"
    latex = "latex"


FORMS: Mapping[str, Form] = MappingProxyType({".md": Form.md, ".xml": Form.junit, ".json": Form.json})
FilesOption = Annotated[
    list[Path] | None,
    typer.Option("-o", "--output", help=f"Also write to this file, as its name ends: {', '.join(FORMS)}. Repeatable."),
]


def gate(
    baseline: Annotated[
        str,
        typer.Argument(
            help="Reference values: a file, or the name of a baseline that ships, such as quick.",
            autocompletion=completing.baselines,
        ),
    ],
    store: StoreOption = DEFAULT_STORE,
    write: Annotated[
        bool,
        typer.Option("--write", help="Write the reference from this store into the file, with the settings below."),
    ] = False,
    label: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Judge the labels that match, and no others.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Do not judge the labels that match.")
    ] = None,
    quantity: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Judge only this: tau, drop or accuracy.")
    ] = None,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[LABEL:]QUANTITY=VALUE", help="Allow so much, in place of the test; accuracies are fractions."
        ),
    ] = None,
    output: FilesOption = None,
    format: Annotated[Form, typer.Option(help="What to print; github are annotations.")] = Form.table,
    json: JsonOption = False,
) -> None:
    """Fail when a method is worse than its reference: exit code 1; 5 when a value cannot be judged, 3 when none can."""
    from nasboard.harness.gate import settings  # statistics take a second to import; doctor needs none
    from nasboard.harness.gate import told as documents
    from nasboard.harness.gate import verdict as gates

    def chosen(made: Baseline) -> Baseline:
        return settings.with_settings(
            made, labels=label or (), ignored=ignore or (), quantities=quantity or (), tolerances=tolerance or ()
        )

    files = {path: _form(path) for path in output or ()}
    reference = Path(baseline) if write else shipped.find("baselines", baseline)
    found, lost = read(store)
    tell_of_aside(found)
    if write:
        if lost:
            raise lost[0].error
        gates.write_baseline(found, reference, chosen)
        out().print(f"wrote {baseline}")
        return
    expected = chosen(gates.read_baseline(reference))
    gates.check_readable(expected, found, lost)
    verdicts = gates.judge(found, expected)
    told = documents.of_gate(verdicts, expected, found, (baseline, shown_store(store)))
    _print(told, verdicts, Form.json if json else format)
    for path, form in files.items():
        showing.write(_text(told, verdicts, form), path, quiet=json or format is not Form.table)
    gates.raise_if_closed(verdicts, told.headline)
    if not json and format is Form.table:
        out().print(Text(told.headline))


def compare(
    store_a: Annotated[str, typer.Argument(help="The store to compare with.")],
    store_b: Annotated[str, typer.Argument(help="The store that is new.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help=f"Write to this file: NAME{', '.join(showing.SUFFIXES)} or .xml."),
    ] = None,
    format: Annotated[
        CompareForm | None, typer.Option(help="How to print it; md, junit and github are verdicts on each value.")
    ] = None,
    wide: showing.WideOption = False,
    notes: showing.NotesOption = False,
    json: JsonOption = False,
) -> None:
    """Show how the methods in STORE_B differ from those in STORE_A; exit code 3 when nothing can be compared."""
    from nasboard.harness.gate import compare as comparing

    a, b = comparisons_of(store_a), comparisons_of(store_b)
    boards = comparing.compare(a, b)
    told = comparing.tell(a, b, (shown_store(store_a), shown_store(store_b)), boards)
    form = _compare_form(format, output, json=json)
    if form in (CompareForm.md, CompareForm.junit, CompareForm.github):
        text = _text(told, (), Form(form.value))
        if output is None:
            sys.stdout.write(text)
        else:
            showing.write(text, output)
    else:
        showing.show(boards, showing.Format(form.value), output, wide=wide, notes=notes, measured=True)
    if form is CompareForm.table and output is None:
        for line in told.changed:
            out().print(Text(f"changed: {line}"))
    if all(line.state == "undefined" for line in told.lines):
        raise NothingComparableError(f"nothing can be compared: {_why_nothing(a, b, told)}")


def _why_nothing(a: Sequence[Comparison], b: Sequence[Comparison], told: Told) -> str:
    in_a, in_b = ({label for found in side for label in found.outcomes} for side in (a, b))
    if in_a & in_b:
        return "; ".join(
            dict.fromkeys(f"{each.label}: {each.reason}" for each in told.lines if each.label in in_a & in_b)
        )
    labels = (", ".join(sorted(found)) or "none" for found in (in_a, in_b))
    return "A has the labels {}, B has {}; give both the same methods, data set and panel".format(*labels)


def _compare_form(format: CompareForm | None, output: Path | None, *, json: bool) -> CompareForm:
    if format is None and output is not None and output.suffix == ".xml" and not json:
        return CompareForm.junit
    given = None if format is None else format
    if json or given is not None:
        return CompareForm.json if json else given or CompareForm.table
    return CompareForm(showing.chosen_format(None, output, json).value)


def _form(path: Path) -> Form:
    if path.suffix not in FORMS:
        raise UsageError(f"{path} does not say its format; end it in {', '.join(FORMS)}")
    return FORMS[path.suffix]


def _text(told: Told, verdicts: Sequence[Verdict], form: Form) -> str:
    """Return the verdicts as a file or a log has them."""
    from nasboard.harness.gate.annotations import annotate
    from nasboard.harness.gate.junit import junit
    from nasboard.harness.gate.markdown import markdown
    from nasboard.harness.gate.verdict import json_text

    if form is Form.json:
        return json_text(verdicts)
    write: Mapping[Form, Callable[[Told], str]] = {Form.md: markdown, Form.junit: junit, Form.github: annotate}
    return write[form](told)


def _print(told: Told, verdicts: Sequence[Verdict], form: Form) -> None:
    from nasboard.harness.gate import verdict as gates

    if form is Form.json:
        print_json([gates.as_json(v) for v in verdicts])
    elif form is not Form.table:
        sys.stdout.write(_text(told, verdicts, form))
    else:
        out().print(_verdicts(verdicts))
        out().print(Text(gates.STATEMENT, style="dim"))
        for line in told.changed:
            out().print(Text(f"changed: {line}"))


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    from nasboard.harness.gate.told import WORST_FIRST, number, weight

    table = Table(box=None, pad_edge=False)
    for heading in ("method", "quantity", "reference", "now", "worse by", "allowed", "resolves", "seeds", "verdict"):
        table.add_column(heading, justify="left" if heading in ("method", "quantity", "verdict") else "right")
    places = Counter(label for label, _ in {(v.label, v.dataset) for v in verdicts})
    for v in sorted(verdicts, key=lambda v: (WORST_FIRST.index(v.outcome), -weight(v))):
        style = {"regression": "bold red", "refused": "bold red", "not judged": "dim"}.get(v.outcome, "")
        shown = map(number, (v.reference, v.value, v.worse, v.tolerance, v.resolves))
        label = f"{v.label} ({v.dataset})" if places[v.label] > 1 else v.label
        table.add_row(Text(label), v.quantity, *shown, str(v.seeds), v.outcome, style=style)
    return table
