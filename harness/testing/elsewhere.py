"""A program: print what a method or a benchmark comes to in this process, as a fingerprint.

`python -m nasboard.harness.testing.elsewhere method NAME BENCHMARK PARAMS`, or `... benchmark NAME`.
"""

from __future__ import annotations

import json
import sys

from nasboard.harness import registry
from nasboard.harness.testing.case import Case
from nasboard.harness.testing.offering import fingerprint


def main(kind: str, name: str, *rest: str) -> str:
    """Return the fingerprint of a run of a method, or of what a benchmark says."""
    if kind == "benchmark":
        return fingerprint(registry.benchmark(name))
    benchmark, params = rest
    return Case(name, registry.method(name, json.loads(params)), registry.benchmark(benchmark)).whole.fingerprint


if __name__ == "__main__":
    sys.stdout.write(f"{main(*sys.argv[1:])}\n")
