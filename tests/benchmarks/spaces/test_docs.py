"""The numbers in docs/spaces.md and docs/results/published.md are those of the spaces, and of what is quoted."""

from __future__ import annotations

from nasboard.benchmarks.spaces import darts_lists, layerwise
from nasboard.benchmarks.spaces.autogan import GanSpace
from nasboard.benchmarks.spaces.costs import darts
from nasboard.benchmarks.spaces.costs import handcrafted as handcrafted_costs
from nasboard.benchmarks.spaces.edge_cells.poc1296 import Poc1296Space
from nasboard.benchmarks.spaces.handcrafted import space as handcrafted
from nasboard.benchmarks.spaces.known import published_figures
from nasboard.benchmarks.spaces.known.found_cells import FOUND
from nasboard.benchmarks.spaces.known.published import PUBLISHED, home
from nasboard.benchmarks.spaces.known.published_figures import TABLE_1, Figure, relative_error_reduction, table_4
from nasboard.benchmarks.spaces.macros import HANDCRAFTED, DartsMacro
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace, size
from nasboard.harness import space as spaces
from tests.places import ROOT

SPACES: list[RelaxedSpace] = [
    NB201Space(),
    Poc1296Space(),
    *map(NB1Shot1Space.of, (1, 2, 3)),
    *darts_lists.SPACES.values(),
    *layerwise.SPACES.values(),
    *handcrafted.SPACES.values(),
    GanSpace(),
    GanSpace(2),
]


def rows(first: str, page: str = "spaces.md") -> list[list[str]]:
    """Return the cells of the table whose heading begins with `first`."""
    lines = [*(ROOT / "docs" / page).read_text(encoding="utf-8").splitlines(), ""]
    at = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |"))
    table = lines[at + 2 : lines.index("", at)]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table]


def test_the_table_of_spaces_is_counted() -> None:
    assert rows("space") == [
        [s.name, str(len(s.choices)), f"{spaces.size(s):,}", str(len(s.groups)), str(size(s.groups))] for s in SPACES
    ]


def test_the_table_of_published_cells_is_counted() -> None:
    cifar = DartsMacro(channels=36, cells=20)
    imagenet = DartsMacro(image=224, channels=48, cells=14, classes=1000, imagenet=True)
    expected = []
    for name, cell in PUBLISHED.items():
        space = home(darts_lists.SPACES.values(), name)
        cost = darts.count(space, space.encode(cell.spec)[None], imagenet if cell.imagenet else cifar)
        published = "-" if cell.millions is None else str(cell.millions)
        expected.append([name, f"{cost.parameters[0] / 1e6:.2f}", published, cell.source])
    assert rows("cell") == expected


def test_the_table_of_networks_that_people_made_is_counted() -> None:
    expected = []
    for name, space in handcrafted.SPACES.items():
        cost = handcrafted_costs.count(space, space.plain[None], HANDCRAFTED[name])
        expected.append([name, f"{cost.parameters[0]:,}", f"{cost.multiply_adds[0] / 1e6:.1f}"])
    assert rows("as made") == expected


def test_the_page_of_published_figures_has_those_that_are_kept() -> None:
    page = "results/published.md"
    assert rows("mark", page) == [[mark, told] for mark, told in published_figures.MARKS.items()]
    assert rows("method", page) == [[method, *told(figure)] for method, figure in TABLE_1.items()]
    columns = [table_4(method) for method in published_figures.COLUMNS]
    assert rows("data, space", page) == [
        [f"{data}, {space.upper()}", *(f"{column[data, space]:.2f}" for column in columns)]
        for data, space in columns[0]
    ]
    reduction = {m: relative_error_reduction(table_4("SDARTS-ADV"), table_4(m)) for m in published_figures.STATED}
    assert rows("rival", page) == [
        [method, f"{100 * reduction[method]:.2f}", str(stated)] for method, stated in published_figures.STATED.items()
    ]


def test_the_page_of_published_figures_counts_the_skip_connections_of_released_cells() -> None:
    assert rows("found on", "results/published.md") == [
        [
            f"{data}, {space.upper()}",
            *(str(FOUND[m, data, space].count("skip_connect")) for m in ("pc-darts", "sdarts-rs", "sdarts-adv")),
        ]
        for data, space in table_4("DARTS")
        if space != "s4"
    ]


def told(figure: Figure) -> list[str]:
    """Return the cells of a row of table 1."""
    spread = "" if figure.sd is None else f" ± {figure.sd:.2f}"
    mark = figure.mark if figure.rest is None else f"{figure.mark}, the rest {figure.rest}"
    size = "-" if figure.millions is None else str(figure.millions)
    return [f"{figure.error:.2f}{spread}", size, f"{figure.gpu_days:g}", mark]
