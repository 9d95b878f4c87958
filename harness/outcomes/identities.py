"""Which runs of an entry boards show where its code changed: those of one identity, the newest. They never mix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from nasboard.harness.outcomes.labels import configuration
from nasboard.harness.record import RunRecord


def newest(runs: Sequence[RunRecord]) -> tuple[list[RunRecord], list[RunRecord]]:
    """Return the runs (in planned order) of the newest identity of every entry, and those left aside.

    An entry is a label with all its settings. Its newest identity is that of the run that was started last; where none
    has said when it started, that of the run that was planned last.
    """
    entries = [(run.label, configuration(run.key)) for run in runs]
    identities = [run.key.identity for run in runs]
    last: dict[object, tuple[tuple[str, int], str]] = {}
    for place, (run, entry, identity) in enumerate(zip(runs, entries, identities, strict=True)):
        when = (str(run.provenance.get("started_utc", "")), place)
        if entry not in last or when > last[entry][0]:
            last[entry] = (when, identity)
    parted: dict[bool, list[RunRecord]] = defaultdict(list)
    for run, entry, identity in zip(runs, entries, identities, strict=True):
        parted[identity == last[entry][1]].append(run)
    return parted[True], parted[False]
