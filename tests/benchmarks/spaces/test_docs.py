"""The numbers in docs/spaces.md are those of the spaces."""

from __future__ import annotations

from nasboard.benchmarks.spaces import darts_lists, layerwise
from nasboard.benchmarks.spaces.costs import darts
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.published import PUBLISHED
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace, size
from nasboard.harness import space as spaces
from tests.places import ROOT

SPACES: list[RelaxedSpace] = [
    NB201Space(),
    *map(NB1Shot1Space.of, (1, 2, 3)),
    *darts_lists.SPACES.values(),
    *layerwise.SPACES.values(),
]


def rows(first: str) -> list[list[str]]:
    """Return the cells of the table whose heading begins with `first`."""
    lines = (ROOT / "docs" / "spaces.md").read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |"))
    table = lines[at + 2 : lines.index("", at)]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table]


def test_the_table_of_spaces_is_counted() -> None:
    assert rows("space") == [
        [s.name, str(len(s.choices)), f"{spaces.size(s):,}", str(len(s.groups)), str(size(s.groups))] for s in SPACES
    ]


def test_the_table_of_published_cells_is_counted() -> None:
    space = darts_lists.SPACES["darts"]
    cifar = DartsMacro(channels=36, cells=20)
    imagenet = DartsMacro(image=224, channels=48, cells=14, classes=1000, imagenet=True)
    expected = []
    for name, cell in PUBLISHED.items():
        cost = darts.count(space, space.encode(cell.spec)[None], imagenet if cell.imagenet else cifar)
        expected.append([name, f"{cost.parameters[0] / 1e6:.2f}", str(cell.millions), cell.source])
    assert rows("cell") == expected
