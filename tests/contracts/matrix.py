"""Every method that trains supernets on every relaxed space: which pairs there are, at toy size, and one look at each.

`python -m tests.contracts.matrix` looks at all of them and prints the table.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import cast

from nasboard.benchmarks.live.catalogue import LIVE
from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.live.sizes import narrowed
from nasboard.benchmarks.spaces.macros import LayersMacro, sized
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace
from nasboard.harness import registry
from nasboard.harness.api import Benchmark, SearchMethod
from nasboard.harness.context import Context
from nasboard.harness.errors import ContractError, NasboardError
from nasboard.harness.registry import split_name
from nasboard.harness.testing.case import Case, first_difference
from nasboard.harness.transitions import TransformableSpace
from tests.contracts.catalogue import GENERATES, unmeasured
from tests.methods import live

METHODS = tuple(
    str(told["name"])
    for told in registry.describe("methods")
    if "data" in str(told["needs"])
    and not str(told["name"]).startswith("training")  # which search nothing
    and told["name"] not in GENERATES
)
SPACES = (
    "digits201-live",
    "digits201-live?none=mixed",
    "digits201-live?without=none",
    "digits1296-live",
    *(f"nb1shot1-{number}-live" for number in (1, 2, 3)),
    *(f"{space}-digits" for space in ("darts", "s1", "s2", "s3", "s4", "s5", "nat", "nat-enas")),
    *(f"{space}-digits" for space in ("proxyless", "ofa", "resnet20")),
)
KINDS = ("digits201-live", "nb1shot1-2-live", "s2-digits", "proxyless-digits")
# operations of edges; inputs to choose; edges that compete; layers
LAYERED = ("proxyless-digits", "ofa-digits")
CANNOT: Mapping[tuple[str, str], str] = MappingProxyType(  # (method, space) -> why not
    {
        **{
            ("p_darts", s): "it searches in networks of more and more cells, and layers are the space's"
            for s in LAYERED
        },
        **{("pc_darts", s): "partial channels go around the operations of cells" for s in LAYERED},
        ("pc_darts", "nat-enas-digits"): "partial channels go around edges that have weights",
        ("pc_darts", "resnet20-digits"): "partial channels go around the operations of cells",
        **{("ofa", space): "nothing is elastic there" for space in SPACES if space != "ofa-digits"},
        **{
            (method, space): "its space does not say what its operations may become"
            for method in ("nat", "transform_exhaustive", "transform_greedy")
            for space in SPACES
            if not isinstance(LIVE[split_name(space)[0]].space, TransformableSpace)
        },
    }
)
RANKED = 6  # architectures
NOTHING = Context()  # counts no networks, so that what becomes of architectures is held against its transitions alone


@dataclass(frozen=True)
class Toy:
    """As much of a live benchmark as a case asks: a few digits, and supernets of a few channels and cells of a space.

    Attributes:
        name: of the registered benchmark whose space it is, whatever its images are.
        context: what it can say beyond that.
    """

    name: str
    query: None = None
    context: Context = NOTHING

    @property
    def space(self) -> RelaxedSpace:
        base, _, options = split_name(self.name)
        space, _ = live.cut(LIVE[base].space, LIVE[base].macro)
        return narrowed(space, options.get("without"), mixes_none="none" in options) if options else space

    def data(self) -> LiveData:
        data, base = live.small_data(), split_name(self.name)[0]
        (x, y), (vx, vy) = data.train, data.val
        cells = 1 if base in ("digits201-live", "digits1296-live") else 3
        there = LIVE[base].macro
        cells = there.cells if isinstance(there, LayersMacro) and there.elastic else cells
        macro = sized(there, image=8, inputs=1, classes=10, channels=4, cells=cells)
        _, macro = live.cut(LIVE[base].space, macro)
        parts = replace(data.parts, space=self.space, macro=macro)
        return replace(data, train=(x[:64], y[:64]), val=(vx[:40], vy[:40]), parts=parts)


def case(method: str, space: str, **settings: object) -> Case:
    """Return a method at its length for tests on a toy of a space, but with those of `settings` that it has."""
    short: SearchMethod = registry.method_class(method).for_tests()  # type: ignore[attr-defined]
    has = {field.name for field in fields(short)}  # type: ignore[arg-type]
    short = replace(short, **{name: value for name, value in settings.items() if name in has})  # type: ignore[type-var]
    found = Case(method, short, cast("Benchmark", Toy(space)))
    found.panel = found.panel[:RANKED]
    return found


def brief(method: str, space: str) -> Case:
    """Return one of two epochs, without eigenvalues unless it stops by them."""
    return case(method, space, epochs=2, **unmeasured(method))


def look(found: Case) -> None:
    """Run once as a whole, and once in two parts, of which the first is meddled with and the second draws otherwise.

    Raises:
        ContractError: they differ, or an incumbent or a log is none.
    """
    whole = found.whole
    if len(whole.rows) < 2 or whole.dumped is None or whole.incumbents[-1] is None:
        raise ContractError(f"{found.name} made {len(whole.rows)} steps, or ended without a state or an incumbent")
    begun = found.play(steps=len(whole.rows) // 2, meddle=True)
    rest = found.play(seed=1, after=begun)
    if [*begun.rows, *rest.rows] != whole.rows:
        raise ContractError(f"it differs at {first_difference([*begun.rows, *rest.rows], whole.rows)}")
    if rest.fingerprint != replace(whole, rows=rest.rows).fingerprint or rest.dumped != whole.dumped:
        raise ContractError("scores or state at the end differ")


def main(methods: Sequence[str] = METHODS) -> None:
    """Print the table, a row a method; under it why what cannot be cannot."""
    heads = [space.removesuffix("-live").removesuffix("-digits") for space in SPACES]
    print("|".join(["", "method", *heads, ""]), "|".join(["", *["---"] * (len(heads) + 1), ""]), sep="\n")
    notes: list[str] = []
    for method in methods:
        row = []
        for space in SPACES:
            if (method, space) in CANNOT:
                row.append("no")
                notes.append(f"{method} on {space}: {CANNOT[method, space]}")
                continue
            try:
                look(brief(method, space))
                row.append("yes")
            except (NasboardError, ValueError, RuntimeError) as error:
                row.append("broken")
                notes.append(f"{method} on {space} is broken: {error}")
        print("|".join(["", method, *row, ""]), flush=True)
    print("", *notes, sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:] or METHODS)
