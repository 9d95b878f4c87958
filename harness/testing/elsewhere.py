"""A program: say what methods and benchmarks come to in this process, as fingerprints.

It reads a line for each, `["method", NAME, BENCHMARK, PARAMS]` or `["benchmark", NAME]`, and answers each with a line
`[FINGERPRINT, ERROR]`, one of which is null. What else is printed meanwhile goes to standard error.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout

from nasboard.harness import registry
from nasboard.harness.testing.case import Case
from nasboard.harness.testing.offering import fingerprint


def told(kind: str, name: str, *rest: str) -> str:
    """Return the fingerprint of a run of a method, or of what a benchmark says."""
    if kind == "benchmark":
        return fingerprint(registry.benchmark(name))
    benchmark, params = rest
    return Case(name, registry.method(name, json.loads(params)), registry.benchmark(benchmark)).whole.fingerprint


def main() -> None:
    """Answer until nobody asks any more."""
    for line in sys.stdin:
        try:
            with redirect_stdout(sys.stderr):
                answer: tuple[str | None, str | None] = told(*json.loads(line)), None
        except Exception as error:  # noqa: BLE001 - whatever a plug-in raises, the contract says it
            answer = None, f"{type(error).__name__}: {error}"
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
