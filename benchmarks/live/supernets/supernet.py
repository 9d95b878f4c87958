"""What every supernet is: one set of weights for all architectures of a relaxed space, the mixture an argument.

`forward(x, mix)` takes a flat mixture `(m,)` over the groups of the space: softmax(alpha) for DARTS, a perturbed copy
for SDARTS, what `relax` gives for one architecture. There are no modes, no running statistics and nothing to restore. A
sub-supernet (few-shot) is the same class with fewer options allowed in some groups. How weights are trained is
`stepping`'s business, how many architectures are scored at once is `ranking`'s. What a forward pass
leaves out or drops beside is an argument too, a `Pass`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.spaces.relaxation import Allowed, RelaxedSpace, check_allowed, cuts, everything, size
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import Arch, Archs

Precision = Literal["fp32", "bf16"]  # of feature maps and convolutions; weights, statistics and logits are fp32
Term = tuple[int, Tensor | None]  # an option that is computed, and its weight, a scalar; None is a weight of exactly 1
Terms = tuple[Term, ...]  # of one group, ascending
IDENTITY = "skip_connect"


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """What a forward pass leaves out or drops; nothing by default.

    What is dropped is zero, and what is kept is divided by the probability of being kept. Rates at options that are no
    operations are not read.

    Attributes:
        sparse: whether an option whose weight is exactly 0 is not computed even where the mixture asks for a gradient,
            which for that option is 0 then.
        beside: options `(m,)` bool that are computed where a gradient is asked for, though their weight is 0, and no
            others of that weight; None: what `sparse` says.
        path_drop: rates `(m,)` in [0, 1) at which the output of an operation is dropped, drawn for every image and
            every cell; None for none.
        whole: whether the operations of a group are dropped together, by one draw for all of them.
        value_drop: rates `(m,)` in [0, 1) at which a number of that output is dropped, drawn for each; None for none.
        rng: draws both. It is not touched where no rate is above 0.
    """

    sparse: bool = False
    beside: Tensor | None = None
    path_drop: Tensor | None = None
    whole: bool = False
    value_drop: Tensor | None = None
    rng: Generator | None = None


PLAIN = Pass()


class Dropping:
    """Drops what the operations bring in one forward pass.

    Everything is drawn on the device of the images, from one seed that is drawn from the pass's generator.
    """

    def __init__(
        self, paths: list[float], values: list[float], generator: torch.Generator, owners: list[int] | None = None
    ) -> None:
        """Drop by rates; `owners` says of each place which group it belongs to, where groups are dropped together."""
        self._rates = list(zip(paths, values, strict=True))
        self._generator = generator
        self._owners = owners
        self._before, self._drawn = len(paths), torch.empty(0)

    def apply(self, at: int, y: Tensor) -> Tensor:
        """Return the output `(b, c, h, w)` of the option at place `at` of the mixture without what is dropped."""
        b, c, h, w = y.shape
        path, value = self._rates[at]
        if path:
            y = self._without(y, self._path(at, y), path)
        if value:
            y = self._without(y, torch.rand((b, h, w, c), generator=self._generator, device=y.device), value)
        return y

    def _path(self, at: int, y: Tensor) -> Tensor:
        """Return what is drawn for every image `(b, 1, 1, 1)`: anew, or what another of the group has in this cell."""
        before, self._before = self._before, at
        # the options of a group come one after the other, ascending, in each cell
        if self._owners is None or at <= before or self._owners[at] != self._owners[before]:
            self._drawn = torch.rand((len(y), 1, 1, 1), generator=self._generator, device=y.device)
        return self._drawn

    @staticmethod
    def _without(y: Tensor, drawn: Tensor, rate: float) -> Tensor:
        return y * ((drawn >= rate).to(y.dtype) / (1 - rate)).permute(0, 3, 1, 2)  # channels last


class Supernet(nn.Module):
    """The base of all supernets: which options are held, and what a mixture asks to be computed.

    A subclass builds its modules, and has `forward` and `network`; where its space allows a faster way of scoring many
    architectures than one after the other, it has its own `logits`.

    Attributes:
        space: the relaxed space.
        allowed: options held of each group.
        apart: how many cells can have a mixture each, `(apart, m)`; None where all share one.
    """

    apart: int | None = None

    def __init__(self, space: RelaxedSpace, allowed: Allowed | None = None) -> None:
        super().__init__()
        self.space = space
        self.allowed = everything(space.groups) if allowed is None else check_allowed(space.groups, allowed)
        self._cuts = cuts(space.groups)
        self._idle = [  # `none` of groups that compete, where it is not held
            at.start + option
            for group, held, at in zip(space.groups, self.allowed, self._cuts, strict=True)
            for option in range(len(group.options))
            if option not in held and option not in group.takeable
        ]

    def forward(self, x: Tensor, mix: Tensor, how: Pass = PLAIN) -> Tensor:
        """Return logits `(b, classes)` for images `(b, c, h, w)` under a mixture `(m,)`.

        An option whose weight is exactly 0 in a mixture that asks for no gradient is not computed.

        Raises:
            SpecError: the mixture has another length, or puts weight on an option that is not held here; or rates of
                `how` have another length.
            UsageError: something is to be dropped at a rate outside [0, 1), or without a generator.
        """
        raise NotImplementedError

    @property
    def identities(self) -> Tensor:
        """Return `(m,)` bool: which options are operations that hand on what comes in as it is."""
        options = [(group.kind, option) for group in self.space.groups for option in group.options]
        return torch.tensor([(kind, option) == ("operation", IDENTITY) for kind, option in options])

    def network(self, arch: Arch) -> nn.Module:
        """Return the architecture `(d,)` alone: a module images -> logits that shares the weights it has here."""
        raise NotImplementedError

    def distinct(self, archs: Archs) -> Archs:
        """Return, for each of architectures `(n, d)`, the one that stands here for all that have its logits."""
        return archs

    @torch.no_grad()
    def logits(self, archs: Archs, images: Tensor) -> Iterator[Tensor]:
        """Yield logits `(b, classes)` of each of architectures `(n, d)` on images `(b, c, h, w)`, one batch of them."""
        for mix in self.mixtures(archs, images.device):
            yield self(images, mix)

    def mixtures(self, archs: Archs, device: torch.device | str = "cpu") -> Tensor:
        """Return the mixtures `(n, m)` float32 that are architectures `(n, d)`.

        A group that is left out has nothing where its `none` is not held.
        """
        mixes = self.space.relax(archs).astype(np.float32)
        mixes[:, self._idle] = 0
        return torch.from_numpy(mixes).to(device)

    def dropping(self, how: Pass, device: torch.device) -> Dropping | None:
        """Return what drops as `how` says, on images on `device`; None where nothing is dropped.

        Raises:
            SpecError: rates of another length.
            UsageError: a rate outside [0, 1), or no generator.
        """
        paths, values = (self._rates(rates) for rates in (how.path_drop, how.value_drop))
        if not any(paths) and not any(values):
            return None
        if how.rng is None:
            raise UsageError("what is dropped is drawn: give the pass a generator, Pass(..., rng=rng)")
        seed = int(how.rng.integers(2**63))
        owners = [number for number, group in enumerate(self.space.groups) for _ in group.options]
        return Dropping(paths, values, torch.Generator(device).manual_seed(seed), owners if how.whole else None)

    def _rates(self, rates: Tensor | None) -> list[float]:
        m = size(self.space.groups)
        if rates is None:
            return [0.0] * m
        if rates.shape != (m,):
            raise SpecError(f"rates of dropping are {m} numbers, as a mixture, given shape {tuple(rates.shape)}")
        found: list[float] = rates.tolist()
        if not all(0 <= rate < 1 for rate in found):
            raise UsageError(f"rates of dropping are in [0, 1), given {min(found)} to {max(found)}")
        return found

    def terms(self, mix: Tensor, how: Pass = PLAIN) -> tuple[Terms, ...]:
        """Return what a mixture `(m,)` asks to be computed, group by group.

        An option of weight 0 is, where the mixture asks for a gradient, but not where the pass is sparse, unless it is
        one that the pass has computed beside.

        Raises:
            SpecError: it has another length, or puts weight on an option that is not held here.
        """
        if mix.shape != (size(self.space.groups),):
            raise SpecError(f"a mixture has {size(self.space.groups)} numbers, given shape {tuple(mix.shape)}")
        values, soft = mix.tolist(), mix.requires_grad
        beside = [not how.sparse] * len(values) if how.beside is None else how.beside.tolist()
        found = []
        for group, held, at in zip(self.space.groups, self.allowed, self._cuts, strict=True):
            row, asked = values[at], beside[at]
            foreign = [option for option, weight in enumerate(row) if weight != 0 and option not in held]
            if foreign:
                raise SpecError(
                    f"group {group.name} of this sub-supernet holds options {held}, the mixture uses {foreign}"
                )
            live = [option for option in held if (soft and asked[option]) or row[option] != 0]
            found.append(tuple((o, None if row[o] == 1 and not soft else mix[at.start + o]) for o in live))
        return tuple(found)


def times(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    """Return the product of two weights; None is a weight of exactly 1."""
    if one is None or other is None:
        return other if one is None else one
    return one * other


@torch.no_grad()
def transfer(parent: nn.Module, child: nn.Module) -> None:
    """Copy every tensor of `child` from the tensor of the same name in `parent`, those of the split groups included.

    Raises:
        UsageError: `child` holds a tensor that `parent` has not, or has in another shape.
    """
    source = dict(parent.named_parameters())
    for name, tensor in child.named_parameters():
        if name not in source:
            raise UsageError(f"the parent supernet has no tensor {name!r}; a sub-supernet holds a part of its parent")
        if source[name].shape != tensor.shape:
            shapes = f"{tuple(source[name].shape)} in the parent, {tuple(tensor.shape)} in the sub-supernet"
            raise UsageError(f"tensor {name!r} is {shapes}; a sub-supernet has the sizes of its parent")
        tensor.copy_(source[name])
