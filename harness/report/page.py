"""The report as one HTML file that opens offline: what it holds, in which order, and how it reaches the disk.

Everything that comes from outside is escaped by the template; besides, a content policy lets the page run no script but
the two written here, and load nothing. Equal input gives equal bytes.
"""

from __future__ import annotations

import os
import tempfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nasboard.harness.boards.board import Board
from nasboard.harness.boards.kinds import making
from nasboard.harness.errors import UsageError
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.report.failures import Failure, failures
from nasboard.harness.report.fairness import Check, checks
from nasboard.harness.report.pictures.cells import RADIUS, FoundCell, found
from nasboard.harness.report.pictures.clouds import prediction_figures, spread_figure
from nasboard.harness.report.pictures.figures import Figure, colours
from nasboard.harness.report.pictures.fronts import front_figures
from nasboard.harness.report.pictures.mixtures import alpha_figures, landscape_figures
from nasboard.harness.report.pictures.regret import regret_figures
from nasboard.harness.report.pictures.searches import search_figures
from nasboard.harness.report.pictures.sub_supernets import split_figures
from nasboard.harness.report.pictures.trained import along_figure, validation_figure
from nasboard.harness.report.pictures.training import tau_figures
from nasboard.harness.report.pictures.transformation import transformation_figures, transformed_cells
from nasboard.harness.report.provenance import Fact, Origin, origins, plug_ins
from nasboard.harness.report.tables import SortableTable, sortable

RUN_HEADINGS = ("run", "seed", "status", "cost (s)", "measured (s)", "queries")


@dataclass(frozen=True, slots=True)
class Part:
    """What the report shows of one comparison."""

    key: str
    name: str
    curves: tuple[Figure, ...]
    spread: Figure
    along: tuple[Figure, ...]
    landscapes: tuple[Figure, ...]
    alphas: tuple[Figure, ...]
    predictions: tuple[Figure, ...]
    fronts: tuple[Figure, ...]
    cells: Mapping[str, tuple[FoundCell, ...]]
    transformations: tuple[Figure, ...]
    transformed: Mapping[str, tuple[FoundCell, ...]]
    trainings: tuple[SortableTable, ...]
    validation: tuple[Figure, ...]
    failures: tuple[Failure, ...]
    common: tuple[Fact, ...]
    origins: tuple[Origin, ...]
    checks: tuple[Check, ...]

    def figures(self) -> tuple[Figure, ...]:
        """Return all its figures."""
        searches = (*self.along, *self.landscapes, *self.alphas)
        others = (*self.predictions, *self.fronts, *self.validation, *self.transformations)
        return (*self.curves, self.spread, *searches, *others)


def html(comparisons: Sequence[Comparison], boards: Sequence[Board], title: str) -> str:
    """Return the whole page."""
    parts = [_part(comparison, f"part-{i}") for i, comparison in enumerate(comparisons)]
    figures = [figure for part in parts for figure in part.figures()]
    environment = Environment(
        loader=PackageLoader("nasboard.harness.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    plotly, script = _lines(get_plotlyjs()), _source("page.js")
    return environment.get_template("page.html.j2").render(
        title=title,
        summary=_summary(comparisons),
        tables=[sortable(board, f"board-{i}") for i, board in enumerate(boards)],
        parts=parts,
        figures={figure.key: figure.spec for figure in figures if figure.spec is not None},
        run_headings=RUN_HEADINGS,
        radius=RADIUS,
        policy=_policy(plotly, script),
        style=Markup(_source("page.css")),
        plotly=Markup(plotly),
        script=Markup(script),
    )


def write(text: str, path: Path) -> None:
    """Write the page so that `path` holds either what it held before or the whole page.

    Raises:
        UsageError: the folder is not there or cannot be written to.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as err:
        raise UsageError(f"cannot write {path}: {err.strerror}; name a file in a writable folder") from err
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        part.chmod(0o644)
        part.replace(path)
    except OSError as err:
        raise UsageError(f"cannot write {path}: {err.strerror}; free some space or name another file") from err
    finally:
        part.unlink(missing_ok=True)


def _part(comparison: Comparison, key: str) -> Part:
    hue, trained = colours(comparison.outcomes), comparison.trained
    by_cost = regret_figures(comparison, key, hue) if trained is None else (along_figure(comparison, key, hue),)
    trainings = [] if trained is None else making.make([comparison], only="trainings")
    return Part(
        key,
        _name(comparison),
        (*by_cost, *tau_figures(comparison, key, hue), *split_figures(comparison, key, hue)),
        spread_figure(comparison, key, hue),
        search_figures(comparison, key, hue),
        landscape_figures(comparison, key),
        alpha_figures(comparison, key),
        prediction_figures(comparison, key, hue),
        front_figures(comparison, key, hue),
        found(comparison),
        transformation_figures(comparison, key, hue),
        transformed_cells(comparison),
        tuple(sortable(board, f"{key}-trainings-of") for board in trainings),
        () if trained is None else (validation_figure(comparison, trained, key, hue),),
        failures(comparison),
        *origins(comparison),
        checks(comparison),
    )


def _name(comparison: Comparison) -> str:
    """Return how the page calls a comparison; the version tells two tables of one benchmark apart."""
    version = contexts.version(comparison)
    return f"{comparison.space.name} on {comparison.dataset}" + ("" if version is None else f", {version}")


def _summary(comparisons: Sequence[Comparison]) -> str:
    groups = [runs for comparison in comparisons for runs in comparison.outcomes.values()]
    runs = [outcome.run for group in groups for outcome in group]
    failed = sum(run.status == "failed" for run in runs)
    told = f"Comparisons: {len(comparisons)}. Methods: {len(groups)}. Runs: {len(runs)}, of which {failed} failed."
    made = [len(each) for c in comparisons if c.trained is not None for each in c.trained.made.values()]
    trained = f" Trainings behind the truth: {sum(made)}." if made else ""
    return f"{told}{trained} {plug_ins(runs)}"


def _policy(*scripts: str) -> str:
    """Return a content policy that runs only these scripts and loads nothing; plotly sets styles and makes images."""
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:"


def _source(name: str) -> str:
    return _lines((Path(__file__).parent / name).read_text(encoding="utf-8"))


def _lines(text: str) -> str:
    """Return text with the line ends that a browser sees, so that its hash is the browser's."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
