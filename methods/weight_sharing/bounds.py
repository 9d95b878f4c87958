"""What a network may cost at most: hard bounds that an evolution keeps."""

from __future__ import annotations

from dataclasses import dataclass

from nasboard.benchmarks.live.benchmark import cost
from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.spaces.costs.latency import read
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.benchmarks.spaces.macros import as_told
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, Bools

MS = 1000  # in a second


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the network that is trained from scratch; 0 bounds nothing.

    Attributes:
        multiply_adds: for one image.
        parameters: trainable ones.
        ms: milliseconds, by a table of measured blocks, for as many images as it was measured with.
        latency: the file of that table: `nasboard.benchmarks.spaces.costs.latency`.
    """

    multiply_adds: float = 0.0
    parameters: float = 0.0
    ms: float = 0.0
    latency: str | None = None

    def __post_init__(self) -> None:
        """Refuse a bound of latency without a table, and a table without a bound."""
        if bool(self.ms) != (self.latency is not None):
            raise UsageError(
                "most_ms bounds what the table `latency` tells: give both or neither, given "
                f"{self.ms:g} and {self.latency!r}"
            )

    def kept(self, data: LiveData, archs: Archs) -> Bools:
        """Return which of architectures `(n, d)` are valid and keep the bounds `(n,)`.

        Raises:
            MissingDataError: there is no table of latencies of that name.
            UsageError: there is a bound, and nobody has counted networks like these, or the table is of others.
        """
        found = data.space.valid(archs)
        bounds = {"multiply_adds": self.multiply_adds, "parameters": self.parameters}
        if any(bounds.values()):
            known = cost(data.parts.space, data.parts.alone, archs)
            for name, most in bounds.items():
                found &= (getattr(known, name) <= most) | (most == 0)
        if self.latency is not None:
            space, table = data.parts.space, read(self.latency)
            if not isinstance(space, LayerSpace):
                raise UsageError(f"most_ms bounds networks of layers, such as ofa-digits; {space.name} has cells")
            table.check_network(as_told(data.parts.alone))
            found &= MS * table.of_networks(space, archs) <= self.ms
        return found
