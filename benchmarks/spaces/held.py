"""The part of a relaxed space that a sub-supernet holds: the same rows, groups and mixtures, fewer architectures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasboard.benchmarks.spaces.relaxation import Allowed, Group, RelaxedSpace, cuts, everything
from nasboard.harness.space import Arch, Archs, Bools, Floats, Ints

Held = tuple[tuple[str, tuple[int, ...]], ...]  # name of a group and the options held of it; of others all are


@dataclass(frozen=True, slots=True)
class HeldSpace:
    """A relaxed space whose architectures take nothing but what is held.

    Groups keep all their options, so that mixtures and numbers of options are those of the whole; what is not held is
    against the rules. An architecture that leaves a group out, where groups compete, takes nothing of it and stays.

    Attributes:
        whole: the space.
        held: options held of some groups, by the groups' names.
    """

    whole: RelaxedSpace
    held: Held

    @property
    def name(self) -> str:
        """Return the name of the whole."""
        return self.whole.name

    @property
    def choices(self) -> tuple[int, ...]:
        """Return the number of options in each slot of the whole."""
        return self.whole.choices

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups of the whole."""
        return self.whole.groups

    def encode(self, spec: str) -> Arch:
        """Return the architecture `(d,)` of a string form, as the whole does."""
        return self.whole.encode(spec)

    def decode(self, arch: Arch) -> str:
        """Return the string form, as the whole does."""
        return self.whole.decode(arch)

    def canonical(self, archs: Archs) -> Ints:
        """Return `(n,)` integers, equal exactly when two architectures are isomorphic, as the whole does."""
        return self.whole.canonical(archs)

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)`: which rows `(n, d)` keep the rules of the whole and take nothing but what is held."""
        found = self.whole.valid(archs)
        if found.any():
            found = found.copy()
            found[found] = ~(self.whole.relax(archs[found])[:, self._foreign] > 0).any(axis=1)
        return found

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, m)` that are the architectures `(n, d)`, as the whole does."""
        return self.whole.relax(archs)

    def derive(self, mix: Floats) -> Arch:
        """Return the architecture `(d,)` of a mixture `(m,)`, as the whole does."""
        return self.whole.derive(mix)

    @property
    def _foreign(self) -> Bools:
        """Return `(m,)`: which options an architecture can take, but are not held."""
        found = np.zeros(sum(len(group.options) for group in self.groups), dtype=np.bool_)
        mine = dict(self.held)
        for group, at in zip(self.groups, cuts(self.groups), strict=True):
            for option in group.takeable:
                found[at.start + option] = option not in mine.get(group.name, group.takeable)
        return found


def within(groups: tuple[Group, ...], held: Held, allowed: Allowed | None) -> Allowed:
    """Return which of the options `allowed` (None: all) of each group are held."""
    mine = dict(held)
    given = everything(groups) if allowed is None else allowed
    return tuple(
        tuple(option for option in options if option in mine.get(group.name, options))
        for group, options in zip(groups, given, strict=True)
    )
