"""Second objectives on the NAS-Bench-201 space: latency and energy of HW-NAS-Bench, where that table is imported.

The table is looked for when somebody asks for an objective, not when a benchmark is opened: truth and the other boards
need nothing of it, whatever state it is in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.imported import names_of, open_imported
from nasboard.harness.context import Objective
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.space import Archs, Bools, Floats, to_index
from nasboard.tabular.nb201 import hw_nas_bench

KIND = "hw-nas-bench"
REMEDY = "nasboard data fetch hw-nas-bench"
UNITS = {"ms": "ms", "mj": "mJ"}


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurements of the cells that a device ran, in lexicographic order; those of the others mean nothing."""

    name: str
    values: Floats  # (15625,)
    ran: Bools  # (15625,)

    def __call__(self, archs: Archs) -> Floats:
        """Return the measurements `(n,)` of architectures `(n, 6)`.

        Raises:
            MissingDataError: the device did not run one of them.
        """
        ran = self.known(archs)
        if not ran.all():
            raise MissingDataError(
                f"{NB201Space().decode(archs[np.argmin(ran)])} has no {self.name}: the device ran "
                f"{int(self.ran.sum()):,} of the {len(self.ran):,} cells; ask for those that `known` names"
            )
        return self.values[to_index(NB201Space(), archs)]

    def known(self, archs: Archs) -> Bools:
        """Return which `(n,)` of architectures `(n, 6)` the device ran."""
        return self.ran[to_index(NB201Space(), archs)]


class Objectives(Mapping[str, Objective]):
    """What `objectives` returns, read when it is first asked for; what cannot be read is tried again the next time."""

    def __init__(self, dataset: str) -> None:
        """Remember the data set."""
        self.dataset = dataset
        self._read: Mapping[str, Objective] = {}

    def __getitem__(self, name: str) -> Objective:
        """Return the objective of a name."""
        return self._found()[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._found())

    def __len__(self) -> int:
        """Return how many there are; 0 where the table is not imported."""
        return len(self._found())

    def _found(self) -> Mapping[str, Objective]:
        if not self._read:
            self._read = objectives(self.dataset)
        return self._read


def objectives(dataset: str) -> Mapping[str, Objective]:
    """Return the objectives by name, such as `edgegpu_latency`; none where the table is not imported.

    A device that could not run every cell (the EdgeTPU) has a partial objective, one that ran none has none.

    Raises:
        UsageError: several versions of the table are imported.
        DigestError: the table is damaged.
    """
    there = names_of(KIND)
    if not there:
        return {}
    if len(there) > 1:
        raise UsageError(
            f"latency and energy are those of one table, and {len(there)} are imported ({', '.join(sorted(there))}); "
            "remove all but one: nasboard data rm NAME"
        )
    table = open_imported((KIND,), None, REMEDY)
    source = f"{KIND} {table.manifest['version']}, table {table.digest[:12]}"
    found = {}
    for device in hw_nas_bench.devices():
        for quantity in hw_nas_bench.quantities(device):
            kind, _, unit = quantity.rpartition("_")
            name = f"{device}_{kind}"
            values, ran = hw_nas_bench.measure(table, dataset, device, quantity)
            measured = Measured(name, values, ran)
            if ran.any():
                found[name] = Objective(name, UNITS[unit], measured, source, None if ran.all() else measured.known)
    return found
