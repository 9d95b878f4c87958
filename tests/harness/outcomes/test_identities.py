"""Runs of two identities are never mixed: boards show the newest, or each in a row of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from nasboard.harness.boards.kinds.making import left_aside, make
from nasboard.harness.outcomes.identities import newest
from nasboard.harness.outcomes.load import load
from nasboard.harness.record import Maker
from nasboard.harness.store import open_store
from tests.harness.stored_runs import BENCHMARK, TRUTH, Stored, searched, store_at

OURS = Maker("nasboard", "0.2.0", "ab" * 32)


def made_by(run: Stored, code: str | None, started: str = "", **more: Mapping[str, str]) -> Stored:
    """Return the run as made by a plug-in of that code (None: by nasboard 0.1), started at that time."""
    record, steps = run
    maker = None if code is None else Maker("hill", "1.0", code, **more)
    key = replace(record.key, method_by=maker, benchmark_by=None if code is None else OURS)
    provenance = {"started_utc": started} if started else {}
    return replace(record, run_id=key.run_id, key=key, provenance=provenance), steps


def runs(label: str, code: str | None, places: list[int], started: str = "") -> list[Stored]:
    return [made_by(searched(label, seed, [place]), code, started) for seed, place in enumerate(places)]


def test_the_identity_that_was_started_last_is_the_newest() -> None:
    old, new = runs("hill", "a", [5, 6], "2026-01-02"), runs("hill", "b", [7, 8], "2026-03-01")
    unknown = runs("hill", None, [1])
    records = [record for record, _ in (*new, *unknown, *old)]
    shown, aside = newest(records)
    assert shown == [record for record, _ in new]
    assert aside == [record for record, _ in (*unknown, *old)]
    assert newest([record for record, _ in (*old, *unknown)])[0] == [record for record, _ in old]


def test_what_never_started_is_the_newest_where_nothing_did() -> None:
    planned = [record for record, _ in (*runs("hill", "a", [1]), *runs("hill", "b", [1]))]
    assert newest(planned)[0] == planned[1:]


def test_another_file_or_library_is_another_identity() -> None:
    one = searched("hill", 0, [1])
    keys = {
        made_by(one, code, **more)[0].key.identity
        for code, more in (
            ("a", {}),
            ("b", {}),
            ("a", {"files": {"s.csv": "1"}}),
            ("a", {"files": {"s.csv": "2"}}),
            ("a", {"libraries": {"torch": "2"}}),
            (None, {}),
        )
    }
    assert len(keys) == 6
    assert "unknown" in keys


def test_boards_show_the_newest_and_say_what_is_left_aside(tmp_path: Path) -> None:
    stored = [*runs("hill", None, [0, 0]), *runs("hill", "a", [3500, 3500], "2026-01-02")]
    with open_store(store_at(tmp_path, stored)) as store:
        [newest_alone] = load(store, {"planted": BENCHMARK}.__getitem__)
        [each] = load(store, {"planted": BENCHMARK}.__getitem__, all_identities=True)
    assert [o.run.key.identity != "unknown" for o in newest_alone.outcomes["hill"]] == [True, True]
    assert "(2 of hill); --all-identities" in left_aside(newest_alone)[0]
    assert left_aside(newest_alone)[0] in make([newest_alone], "accuracy")[0].notes
    assert left_aside(each) == ()
    rows = {str(row["label"]): row for row in make([each], "accuracy")[0].rows if "hill" in str(row["label"])}
    assert set(rows) == {"hill@unknown", f"hill@hill 1.0, {stored[-1][0].key.identity[:6]}"}
    assert {row["seeds"] for row in rows.values()} == {2}
    assert rows["hill@unknown"]["accuracy"] == TRUTH.min()
