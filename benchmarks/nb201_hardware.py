"""Second objectives on the NAS-Bench-201 space: latency and energy of HW-NAS-Bench, where that table is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.imported import open_imported
from benchmarks.nb201_space import NB201Space
from harness.api import Objective
from harness.space import Archs, Floats, to_index
from tabular import home, hw_nas_bench

KIND = "hw-nas-bench"
REMEDY = "nasboard data fetch hw-nas-bench"


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurements of every cell, in lexicographic order."""

    values: Floats  # (15625,)

    def __call__(self, archs: Archs) -> Floats:
        """Return the measurements `(n,)` of architectures `(n, 6)`."""
        return self.values[to_index(NB201Space(), archs)]


def objectives(dataset: str) -> Mapping[str, Objective]:
    """Return the objectives by name, such as `edgegpu_latency`; none where the table is not imported.

    A device that could not run every cell (the EdgeTPU) is left out: its missing cells have no latency to compare.

    Raises:
        UsageError: several versions of the table are imported.
        DigestError: the table is damaged.
    """
    if not home.tables_of(KIND):
        return {}
    table = open_imported((KIND,), None, REMEDY)
    found = {}
    for device in hw_nas_bench.devices():
        if not hw_nas_bench.measured(table, dataset, device).all():
            continue
        for quantity in hw_nas_bench.quantities(device):
            kind, _, unit = quantity.rpartition("_")
            name = f"{device}_{kind}"
            values = hw_nas_bench.measure(table, dataset, device, quantity)
            found[name] = Objective(name, {"ms": "ms", "mj": "mJ"}[unit], Measured(values))
    return found
