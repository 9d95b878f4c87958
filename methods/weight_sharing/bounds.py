"""What a network may cost at most: hard bounds that an evolution keeps."""

from __future__ import annotations

from dataclasses import dataclass

from nasboard.benchmarks.live.benchmark import cost
from nasboard.benchmarks.live.data import LiveData
from nasboard.harness.space import Archs, Bools


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the network that is trained from scratch; 0 bounds nothing.

    Attributes:
        multiply_adds: for one image.
        parameters: trainable ones.
    """

    multiply_adds: float = 0.0
    parameters: float = 0.0

    def kept(self, data: LiveData, archs: Archs) -> Bools:
        """Return which of architectures `(n, d)` are valid and keep the bounds `(n,)`.

        Raises:
            UsageError: there is a bound, and nobody has counted networks like these.
        """
        found = data.space.valid(archs)
        bounds = {"multiply_adds": self.multiply_adds, "parameters": self.parameters}
        if any(bounds.values()):
            known = cost(data.parts.space, data.parts.alone, archs)
            for name, most in bounds.items():
                found &= (getattr(known, name) <= most) | (most == 0)
        return found
