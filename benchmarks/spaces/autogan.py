"""The generators of AutoGAN: cells that each double the image's side, and the tokens that say what is in them.

A cell has four tokens: whether convolutions come before normalisation and ReLU (`post`) or after (`pre`), which
normalisation, how it enlarges, whether its input goes around it; and a fifth from the second cell on: which of the
earlier cells it takes in between its two convolutions. Three cells are the published space of 14 tokens; fewer are the
beginning of it, for images that are doubled less often.

The string form is that of the release, the tokens one after the other: `1 0 1 1 1 0 0 1 1 1 0 1 0 3`.

Source: Gong et al., AutoGAN (ICCV 2019); VITA-Group/AutoGAN:models_search/building_blocks_search.py, shared_gan.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from nasboard.benchmarks.spaces.relaxation import Group, cuts
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import Arch, Archs, Bools, Choice, Floats, Ints, check_row, no_text, one_hot, to_index

CELLS = 3  # of the published space
CONV = ("post", "pre")
NORM = ("none", "batch", "instance")
UP = ("bilinear", "nearest", "deconv")
SHORTCUT = ("no", "yes")
TOKENS = 4  # of the first cell; the others have one more


@dataclass(frozen=True, slots=True)
class CellTokens:
    """What the tokens of a cell say; `skips` are the earlier cells, counted from 0, that it takes in."""

    conv: str
    norm: str
    up: str
    shortcut: bool
    skips: tuple[int, ...]


@dataclass(frozen=True)
class GanSpace:
    """Rows of tokens, cell by cell.

    Attributes:
        cells: how many there are.
        first: cells before this one, counted from 0, are left out of the rows: what follows on cells that are decided.
    """

    cells: int = CELLS
    first: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.cells:
            raise UsageError(f"a generator has one cell or more, given cells {self.first}..{self.cells - 1}")

    @property
    def name(self) -> str:
        """Return `autogan`, with what it departs in from the published space."""
        whole = "autogan" if self.cells == CELLS else f"autogan-{self.cells}"
        return whole if not self.first else f"{whole}-from-{self.first + 1}"

    @cached_property
    def choices(self) -> tuple[int, ...]:
        """Return the number of options of each token."""
        return tuple(len(group.options) for group in self.groups)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Return a group a token."""
        found: list[Group] = []
        for cell in range(self.first, self.cells):
            named = {"conv": CONV, "norm": NORM, "up": UP, "shortcut": SHORTCUT}
            if cell:
                named["skips"] = tuple(_told(_skips(token, cell)) for token in range(2**cell))
            found += [Group(f"cell {cell + 1} {what}", options) for what, options in named.items()]
        return tuple(found)

    def place(self, cell: int) -> slice:
        """Return where the tokens of a cell, counted from 0, lie in a row."""
        starts = [0, *(TOKENS + (number > 0) for number in range(self.first, self.cells))]
        ends = np.cumsum(starts).tolist()
        return [slice(*ends_of) for ends_of in pairwise(ends)][cell - self.first]

    def tokens(self, arch: Arch, cell: int) -> CellTokens:
        """Return what a row `(d,)`, or the beginning of one that has this cell, says of a cell counted from 0."""
        conv, norm, up, shortcut, *skips = arch[self.place(cell)].tolist()
        return CellTokens(CONV[conv], NORM[norm], UP[up], bool(shortcut), _skips(skips[0] if skips else 0, cell))

    def encode(self, spec: str) -> Arch:
        """Return the architecture `(d,)` of tokens with blanks between them.

        Raises:
            SpecError: no text, another number of tokens, or one that is out of range.
        """
        if not isinstance(spec, str):
            raise no_text(self, spec, self.decode(np.zeros(len(self.choices), dtype=Choice)))
        told = spec.split(" ")
        if len(told) != len(self.choices) or not all(token.isascii() and token.isdigit() for token in told):
            raise SpecError(
                f"{self.name}: {spec!r} is not {len(self.choices)} tokens with one blank between two, such as "
                f"{self.decode(np.zeros(len(self.choices), dtype=Choice))!r}"
            )
        for group, token in zip(self.groups, told, strict=True):
            if token not in map(str, range(len(group.options))):
                raise SpecError(f"{self.name}: {group.name} is 0..{len(group.options) - 1}, given {token} in {spec!r}")
        return np.array([int(token) for token in told], dtype=Choice)

    def decode(self, arch: Arch) -> str:
        """Return the tokens of an architecture `(d,)` with blanks between them.

        Raises:
            SpecError: it is not in the space.
        """
        return " ".join(map(str, check_row(self, arch)))

    def canonical(self, archs: Archs) -> Ints:
        """Return the lexicographic index `(n,)` of each architecture `(n, d)`: no two of them are one network."""
        return to_index(self, archs)

    def valid(self, archs: Archs) -> Bools:
        """Return all true: every row is an architecture."""
        return np.ones(len(archs), dtype=np.bool_)

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, m)` that are the architectures `(n, d)`."""
        return one_hot(self, archs)

    def derive(self, mix: Floats) -> Arch:
        """Return the architecture `(d,)` of the largest number of each group of a mixture `(m,)`."""
        return np.array([int(np.argmax(mix[at])) for at in cuts(self.groups)], dtype=Choice)


def _skips(token: int, cell: int) -> tuple[int, ...]:
    """Return the earlier cells that a token means: its lowest bit is the cell just before, as in the release."""
    return tuple(earlier for earlier in range(cell) if token >> (cell - 1 - earlier) & 1)


def _told(skips: tuple[int, ...]) -> str:
    return "+".join(str(cell + 1) for cell in skips) or "none"


# Published generators on CIFAR-10, as VITA-Group/AutoGAN:exps/derive.sh and models/autogan_cifar10_a.py have them
PUBLISHED = {"autogan-cifar10-a": "1 0 1 1 1 0 0 1 1 1 0 1 0 3"}


@dataclass(frozen=True, slots=True)
class GanMacro:
    """The sizes of generator and discriminator.

    Source: VITA-Group/AutoGAN:exps/autogan_search.sh; the defaults are its search on CIFAR-10.

    Attributes:
        image: pixels a side.
        inputs: channels of an image.
        cells: of the generator, each of which doubles the side.
        channels: of all cells of the generator.
        critic: channels of the discriminator.
        latent: numbers of noise that an image is made from.
    """

    image: int = 32
    inputs: int = 3
    cells: int = CELLS
    channels: int = 128
    critic: int = 64
    latent: int = 128

    @property
    def base(self) -> int:
        """Return the side in pixels that the first cell begins with."""
        return self.image >> self.cells

    def side(self, cells: int) -> int:
        """Return the side of what comes out of the first `cells` cells."""
        return self.base << cells
