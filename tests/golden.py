"""Stored references: what they are derived from, and `python -m tests.golden [--write]` to derive them again.

They hold what must not change by accident and does not depend on the machine: the table's digest, what bounds a tau on
it, and what black-box methods find on it with fixed seeds. A change goes in by `tox -e golden -- --write`, and a reason
in CHANGELOG.md.
"""

from __future__ import annotations

import difflib
import json
import sys
import tempfile
from pathlib import Path

from nasboard.harness import registry
from nasboard.harness.planning import suite
from nasboard.harness.running import runner
from nasboard.harness.running.sweep import plan
from nasboard.harness.store import new_owner, open_store

REFERENCES = Path(__file__).parent / "references.json"
METHODS = ("random_search", "regularized_evolution", "reinforce")
SEEDS = 3
BUDGET_S = 25.0


def derive() -> str:
    """Return the references as JSON text."""
    info = registry.table("digits201").info(None, True)
    found = {"table": {"digest": info["digest"], "truth": info["truth"]}, "runs": _runs()}
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def _runs() -> dict[str, list[dict[str, object]]]:
    entries = [{"method": m, "benchmark": "digits201", "seeds": SEEDS, "budget_s": BUDGET_S} for m in METHODS]
    found: dict[str, list[dict[str, object]]] = {m: [] for m in METHODS}
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{folder}/runs.db") as store:
        ids = plan(store, *suite.resolve(suite.Suite.model_validate({"name": "golden", "runs": entries})))
        owner = new_owner()
        while (claim := store.claim(ids, owner)) is not None:
            runner.execute(claim, store, owner, runner.Setting())
        for record in store.runs():
            last = store.steps(record.run_id)[-1]
            told = {"seed": record.key.seed, "steps": last.step, "cost_s": round(last.cost_s, 6)}
            found[record.key.method].append(told | {"found": last.incumbent})
    return found


def main() -> int:
    """Show how the references derived now differ from the stored ones; with --write, store them."""
    now = derive()
    before = REFERENCES.read_text(encoding="utf-8") if REFERENCES.exists() else ""
    difference = list(difflib.unified_diff(before.splitlines(), now.splitlines(), "stored", "derived", lineterm=""))
    print("\n".join(difference) or "the stored references are what is derived now")
    if "--write" in sys.argv[1:]:
        REFERENCES.write_text(now, encoding="utf-8")
        return 0
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
