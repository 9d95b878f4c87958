"""The generator of AutoGAN, shared by all architectures or of one alone: the path is an argument of a pass.

A generator holds what the options of its tokens need: all of them where it is shared, some where it is a sub-generator
(few-shot), one of each where it is an architecture's own. A row that ends after s cells makes the images of that stage,
which are smaller; the layer that makes them images is the same for every stage.

Source: Gong et al., AutoGAN (ICCV 2019); VITA-Group/AutoGAN:models_search/building_blocks_search.py, shared_gan.py.
Differs: batch norm takes the statistics of the batch also where images are made to be looked at, where the release has
running averages, which a shared generator mixes over all architectures; and what an option has not is not built.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from numpy.random import Generator as Rng
from torch import Tensor, nn

from nasboard.benchmarks.live.gans.layers import Affine, Conv, Deconv, Linear
from nasboard.benchmarks.spaces.autogan import CellTokens, GanMacro, GanSpace
from nasboard.benchmarks.spaces.relaxation import Allowed, check_allowed, everything
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Arch

Held = dict[str, tuple[str, ...]]  # token of a cell -> options held

POLICY = "batch statistics, no running averages, also where the images that are scored are made"


def enlarged(x: Tensor, up: str, deconv: nn.Module | None) -> Tensor:
    """Return `x` `(b, c, h, w)` at twice the side."""
    if up != "deconv":
        return F.interpolate(x, scale_factor=2, mode=up)
    assert deconv is not None
    found: Tensor = deconv(x)
    return found


class Block(nn.Module):
    """One convolution of 3x3 with normalisation and ReLU: after it (`post`) or before (`pre`)."""

    def __init__(self, channels: int, order: str, norms: Sequence[str], ups: Sequence[str], rng: Rng) -> None:
        """Draw the weights; `ups` are the ways in which this one enlarges first, none where it does not."""
        super().__init__()
        self.order = order
        self.conv = Conv(channels, channels, 3, rng)
        self.batch = Affine(channels, rng) if "batch" in norms else None
        self.deconv = Deconv(channels, rng) if "deconv" in ups else None

    def forward(self, x: Tensor, norm: str, up: str | None = None) -> Tensor:
        """Return `(b, c, h, w)`, at twice the side where an `up` is given."""
        if self.order == "pre":
            x = F.relu(self._normed(x, norm))
        x = self.conv(x if up is None else enlarged(x, up, self.deconv))
        return x if self.order == "pre" else F.relu(self._normed(x, norm))

    def _normed(self, x: Tensor, norm: str) -> Tensor:
        if norm == "none":
            return x
        if norm == "instance":
            return F.instance_norm(x)
        assert self.batch is not None
        found: Tensor = self.batch(x)
        return found


class Cell(nn.Module):
    """Two blocks of which the first doubles the side, a way around them, and earlier cells taken in between."""

    def __init__(self, channels: int, number: int, held: Held, rng: Rng) -> None:
        """Draw the weights of cell `number`, counted from 0."""
        super().__init__()
        self.number = number
        norms, ups = held["norm"], held["up"]
        self.first = nn.ModuleDict({order: Block(channels, order, norms, ups, rng) for order in held["conv"]})
        self.second = nn.ModuleDict({order: Block(channels, order, norms, (), rng) for order in held["conv"]})
        self.around = Conv(channels, channels, 1, rng) if "yes" in held["shortcut"] else None
        self.around_up = Deconv(channels, rng) if self.around is not None and "deconv" in ups else None
        taken = sorted({cell for option in held.get("skips", ()) for cell in option.split("+")} - {"none"})
        self.taking = nn.ModuleDict({cell: Conv(channels, channels, 1, rng) for cell in taken})
        doublings = sorted({number + 1 - int(cell) for cell in taken}) if "deconv" in ups else []
        self.taking_up = nn.ModuleDict(
            {str(times): nn.Sequential(*(Deconv(channels, rng) for _ in range(times))) for times in doublings}
        )

    def forward(self, x: Tensor, earlier: Sequence[Tensor], tokens: CellTokens) -> tuple[Tensor, Tensor]:
        """Return what later cells may take in, and what goes on, both `(b, c, 2 h, 2 w)`.

        Args:
            x: `(b, c, h, w)`.
            earlier: what the cells before hand out to be taken in.
            tokens: of this cell.
        """
        y = self.first[tokens.conv](x, tokens.norm, tokens.up)
        for cell in tokens.skips:
            y = y + self.taking[str(cell + 1)](self._grown(earlier[cell], self.number - cell, tokens.up))
        out = self.second[tokens.conv](y, tokens.norm)
        if tokens.shortcut:
            assert self.around is not None
            out = out + self.around(enlarged(x, tokens.up, self.around_up))
        return y, out

    def _grown(self, x: Tensor, times: int, up: str) -> Tensor:
        """Return `x` at twice the side as often as said; weights are of the number of times, as in the release."""
        if up != "deconv":
            return F.interpolate(x, scale_factor=2**times, mode=up)
        found: Tensor = self.taking_up[str(times)](x)
        return found


class Generator(nn.Module):
    """Noise to images.

    Attributes:
        space: its architectures.
        macro: its sizes.
        allowed: options held of each token.
    """

    def __init__(self, space: GanSpace, macro: GanMacro, rng: Rng, allowed: Allowed | None = None) -> None:
        """Draw the weights.

        Raises:
            SpecError: `allowed` is not of the tokens.
        """
        super().__init__()
        self.space, self.macro = space, macro
        self.allowed = everything(space.groups) if allowed is None else check_allowed(space.groups, allowed)
        c = macro.channels
        self.begin = Linear(macro.latent, c * macro.base**2, rng)
        self.cells = nn.ModuleList(Cell(c, number, self._held(number), rng) for number in range(space.cells))
        self.norm = Affine(c, rng)
        self.end = Conv(c, macro.inputs, 3, rng)

    def forward(self, z: Tensor, arch: Arch) -> Tensor:
        """Return images `(b, inputs, side, side)` in [-1, 1] of noise `(b, latent)`.

        Args:
            z: the noise.
            arch: a row, or the beginning of one that ends with a cell.

        Raises:
            SpecError: it ends elsewhere, or takes an option that is not held here.
        """
        cells = self._checked(arch)
        x = self.begin(z).view(-1, self.macro.channels, self.macro.base, self.macro.base)
        earlier: list[Tensor] = []
        for number in range(cells):
            out, x = self.cells[number](x, earlier, self.space.tokens(arch, number))
            earlier.append(out)
        return torch.tanh(self.end(F.relu(self.norm(x))))

    def _held(self, cell: int) -> Held:
        at = range(*self.space.place(cell).indices(len(self.allowed)))
        groups = [(self.space.groups[place], self.allowed[place]) for place in at]
        return {group.name.split()[-1]: tuple(group.options[i] for i in held) for group, held in groups}

    def _checked(self, arch: Arch) -> int:
        """Return how many cells a row has."""
        ends = [self.space.place(cell).stop for cell in range(self.space.cells)]
        if len(arch) not in ends:
            raise SpecError(f"{self.space.name}: a row ends with a cell, after one of {ends} tokens, given {len(arch)}")
        for group, held, option in zip(self.space.groups, self.allowed, arch.tolist(), strict=False):
            if option not in held:
                raise SpecError(f"{group.name} of this generator holds options {list(held)}, the row takes {option}")
        return ends.index(len(arch)) + 1
