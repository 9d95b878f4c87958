"""What gate and compare say as Markdown: a comment below a pull request, verdict first, worst first, six columns."""

from __future__ import annotations

from nasboard.harness.boards.render.markdown import escaped
from nasboard.harness.gate.told import Line, Told

HEADINGS = {"gate": ("reference", "now", "worse by"), "compare": ("A", "B", "B - A, 95 %")}
REASONS = ("regression", "refused", "undefined")  # said below the table, one line each


def markdown(told: Told) -> str:
    """Return the document; labels from outside are shown as they are."""
    before, now, change = HEADINGS[told.command]
    out = [f"### {escaped(told.headline[0].upper() + told.headline[1:])}", ""]
    out += [f"- {name}: {escaped(side)}" for name, side in zip((before, now), told.sides, strict=True)]
    out += [f"- changed: {escaped(line)}" for line in told.changed] or ["- changed: nothing that is recorded"]
    out += ["", f"| method | quantity | {before} | {now} | {change} | verdict |", "|---|---|---:|---:|---:|---|"]
    names = {line.dataset for line in told.lines}
    out += [_line(line, with_dataset=len(names) > 1) for line in told.lines]
    reasons = [f"- {escaped(f'{line.label}, {line.quantity}: {line.reason}')}" for line in told.lines if _is_told(line)]
    out += ["", *reasons, *([""] * bool(reasons)), *(f"<sub>{escaped(note)}</sub>" for note in told.notes)]
    return "\n".join(out) + "\n"


def _is_told(line: Line) -> bool:
    return line.state in REASONS


def _line(line: Line, *, with_dataset: bool) -> str:
    label = f"{line.label} ({line.dataset})" if with_dataset else line.label
    verdict = f"**{line.state}**" if line.state in ("regression", "refused", "worse") else line.state
    cells = (escaped(text) for text in (label, line.quantity, line.before, line.now, line.change))
    return "| " + " | ".join([*cells, verdict]) + " |"
