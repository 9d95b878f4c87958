"""`nasboard gate`: is it still as good as it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from nasboard.harness import shipped
from nasboard.harness.cli import completing
from nasboard.harness.cli.console import DEFAULT_STORE, JsonOption, StoreOption, out, print_json
from nasboard.harness.cli.reading import read, tell_of_aside
from nasboard.harness.errors import RegressionError

if TYPE_CHECKING:
    from nasboard.harness.gate.verdict import Verdict


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
        bool, typer.Option("--write", help="Write the reference from this store into the file instead of judging.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Fail (exit code 1) when a method is worse than its reference by more than the tolerance."""
    from nasboard.harness.gate import verdict as gates  # statistics take a second to import; doctor needs none

    reference = Path(baseline) if write else shipped.find("baselines", baseline)
    found, lost = read(store)
    tell_of_aside(found)
    if write:
        if lost:
            raise lost[0].error
        gates.write_baseline(found, reference)
        out().print(f"wrote {baseline}")
        return
    expected = gates.read_baseline(reference)
    gates.check_readable(expected, found, lost)
    verdicts = gates.judge(found, expected)
    if json:
        print_json([gates.as_json(v) for v in verdicts])
    else:
        out().print(_verdicts(verdicts))
        out().print(gates.STATEMENT)
    bad = [v for v in verdicts if v.outcome != "ok"]
    if bad:
        raise RegressionError("the gate is closed: " + "; ".join(f"{v.label} {v.quantity}: {v.reason}" for v in bad))
    if not json:
        out().print(f"the gate is open: {len(verdicts)} values within tolerance of {baseline}")


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("method", "quantity", "reference", "tolerance", "now", "seeds", "verdict"):
        table.add_column(heading, justify="left" if heading in ("method", "quantity", "verdict") else "right")
    for v in verdicts:
        now = "-" if v.value is None else f"{v.value:.4f}"
        style = "" if v.outcome == "ok" else "bold red"
        limit = "-" if v.tolerance is None else f"{v.tolerance:.4f}"
        table.add_row(v.label, v.quantity, f"{v.reference:.4f}", limit, now, str(v.seeds), v.outcome, style=style)
    return table
