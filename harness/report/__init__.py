"""The report: one HTML file with boards, figures, found cells, failures, provenance and fairness, readable offline.

Needs the packages of the extra `report`; importing this module does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nasboard.harness.boards.board import Board
from nasboard.harness.errors import MissingDataError
from nasboard.harness.outcomes.outcome import Comparison

__all__ = ["write_report"]


def write_report(comparisons: Sequence[Comparison], boards: Sequence[Board], path: Path, *, title: str) -> None:
    """Write the report of comparisons and their boards to `path`, all of it or nothing.

    Raises:
        MissingDataError: jinja2 or plotly is not installed.
        UsageError: the file cannot be written.
    """
    try:
        from nasboard.harness.report import page
    except ModuleNotFoundError as err:
        package = (err.name or "").partition(".")[0]
        if package not in ("jinja2", "markupsafe", "plotly"):
            raise
        raise MissingDataError(f"the report needs {package}; pip install 'nasboard[report]'") from err
    page.write(page.html(comparisons, boards, title), path)
