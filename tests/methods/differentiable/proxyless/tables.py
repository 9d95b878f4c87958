"""Made-up latencies of the blocks of a small network, as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.spaces.costs.latency import Latencies
from nasboard.benchmarks.spaces.macros import as_told


def made_up(folder: Path, data: LiveData, ms: Callable[[int], float], around_ms: float = 2.0) -> str:
    """Return the path of a table in which option i of every layer takes `ms(i)`."""
    blocks = {g.name: {o: ms(i) / 1000 for i, o in enumerate(g.options)} for g in data.space.groups}
    table = Latencies("made-up", as_told(data.parts.alone), 1, around_ms / 1000, blocks, {"device": "none"})
    table.write(folder / "latencies.json")
    return str(folder / "latencies.json")
