"""Measured latencies of single blocks, kept in a file: what a latency bound or term is counted from. No torch.

A table has the seconds of every option of every group, and of what is around them; the latency of an architecture is
their sum, that of a mixture the weighted sum. It is measured once, by `nasboard.benchmarks.live.latency`, and read ever
after: a method is given its path as a hyper-parameter, so that its digest is part of the run's identity.

Source: latency as a sum over a table of blocks: Cai et al., ProxylessNAS (ICLR 2019).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.benchmarks.spaces.relaxation import Group, cuts, size
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.space import Archs, Floats

FORMAT = 1
REMEDY = "measure one: python -m nasboard.benchmarks.live.latency BENCHMARK FILE"


@dataclass(frozen=True, slots=True)
class Latencies:
    """Seconds of the blocks of one network, on one machine.

    Attributes:
        benchmark: whose blocks they are, by its full name.
        network: the sizes of the network, as `macros.as_told` has them.
        batch: images at a time.
        around_s: of what stands around the layers, seconds.
        blocks_s: group -> option -> seconds.
        made_with: device, threads, versions, and how often each was measured.
        form: of the file.
    """

    benchmark: str
    network: Mapping[str, object]
    batch: int
    around_s: float
    blocks_s: Mapping[str, Mapping[str, float]]
    made_with: Mapping[str, str]
    form: int = FORMAT

    def of_options(self, groups: tuple[Group, ...]) -> Floats:
        """Return the seconds `(m,)` of every option; 0 in groups of other kinds than operations.

        Raises:
            UsageError: an option was not measured.
        """
        found = np.zeros(size(groups))
        for group, at in zip(groups, cuts(groups), strict=True):
            if group.kind != "operation":
                continue
            missing = [option for option in group.options if option not in self.blocks_s.get(group.name, {})]
            if missing:
                raise UsageError(
                    f"latencies of {self.benchmark} have no {missing[0]} of {group.name}; they are of another space: "
                    f"{REMEDY}"
                )
            found[at] = [self.blocks_s[group.name][option] for option in group.options]
        return found

    def of_networks(self, space: LayerSpace, archs: Archs) -> Floats:
        """Return the seconds `(n,)` of architectures `(n, d)`; layers beyond the depth of their stage take none."""
        seconds = self.of_options(space.groups)
        found = np.full(len(archs), self.around_s)
        for (number, slot), at in zip(enumerate(space.slots), cuts(space.groups), strict=True):
            if slot.layer is not None:
                there = space.there(archs, slot.stage)[:, slot.layer]
                found += np.where(there, seconds[at][archs[:, number]], 0.0)
        return found

    def check_network(self, network: Mapping[str, object]) -> None:
        """Raise UsageError where they are of a network of other sizes, given as `macros.as_told` has them."""
        mine, other = (json.loads(json.dumps(dict(told))) for told in (self.network, network))
        if mine != other:
            apart = sorted(name for name in {*mine, *other} if mine.get(name) != other.get(name))
            raise UsageError(
                f"latencies of {self.benchmark} are of networks with another {', '.join(apart)} than the one searched: "
                f"{REMEDY}"
            )

    def write(self, path: Path) -> None:
        """Write the table as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read(path: str) -> Latencies:
    """Return the table of a file.

    Raises:
        MissingDataError: there is no such file.
        UsageError: it is no such table, or has latencies that are none.
    """
    place = Path(path).expanduser()
    if not place.is_file():
        raise MissingDataError(f"there is no table of latencies {path!r}; {REMEDY}")
    try:
        found = TypeAdapter(Latencies).validate_json(place.read_bytes(), strict=True)
    except ValidationError as error:
        raise UsageError(f"{path} is no table of latencies ({error.errors()[0]['msg']}); {REMEDY}") from error
    if found.form != FORMAT:
        raise UsageError(f"{path} is a table of latencies of form {found.form}, allowed is {FORMAT}; {REMEDY}")
    seconds = [found.around_s, *(each for options in found.blocks_s.values() for each in options.values())]
    if not all(math.isfinite(each) and each >= 0 for each in seconds):
        raise UsageError(f"{path} has latencies that are no seconds, from 0 on; {REMEDY}")
    return found
