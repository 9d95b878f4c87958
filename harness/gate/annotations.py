"""What gate and compare say as annotations of GitHub Actions: lines of a log that the page of a change shows.

Source: GitHub's documentation of workflow commands, `::error title=...::...`, and the escapes of its toolkit.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nasboard.harness.gate.told import State, Told

KINDS: Mapping[State, str] = MappingProxyType({"regression": "error", "refused": "error", "worse": "warning"})
_DATA = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_PROPERTY = (*_DATA, (":", "%3A"), (",", "%2C"))


def annotate(told: Told) -> str:
    """Return one line for every value that is worse or cannot be judged, and a last one with the verdict."""
    out = [
        _command(KINDS[line.state], f"{line.label}, {line.quantity}: {line.state}", line.reason)
        for line in told.lines
        if line.state in KINDS
    ]
    changed = f" Changed: {'; '.join(told.changed)}." if told.changed else ""
    last = f"{told.headline}. Before: {told.sides[0]}. Now: {told.sides[1]}.{changed}"
    return "\n".join([*out, _command("notice", f"nasboard {told.command}", last)]) + "\n"


def _command(kind: str, title: str, message: str) -> str:
    return f"::{kind} title={_escaped(title, _PROPERTY)}::{_escaped(message, _DATA)}"


def _escaped(text: str, table: tuple[tuple[str, str], ...]) -> str:
    for sign, code in table:
        text = text.replace(sign, code)
    return text
