"""Runs that move as JSON: whole, or not at all, between every pair of back ends."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.errors import MissingDataError, NasboardError, SchemaError, StoreError, StoreFullError
from nasboard.harness.panel import Panel
from nasboard.harness.store import Ending, Planned, Store, new_owner, open_store
from nasboard.harness.store.exchange import export_runs, import_runs
from tests.harness.full_disk import file_limit
from tests.harness.store.stored import course, fill, key, planned, same
from tests.postgres import postgres_server  # noqa: F401 - a fixture
from tests.postgres import postgres_url as postgres_url

PANEL = Panel("some", np.array([[0, 1, 2], [4, 3, 2]], dtype=np.int16))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """Return an export of three runs that ended well and one that failed."""
    with open_store(f"sqlite:///{tmp_path}/exported.db") as store:
        _filled(store)
        assert export_runs(store, tmp_path / "runs.json") == 4
    return tmp_path / "runs.json"


def _filled(store: Store) -> None:
    owner = new_owner()
    store.add_panel(PANEL, "cells")
    fill(store, owner, 3)
    store.plan(planned(6))
    ids = [p.key.run_id for p in planned(6)]
    store.claim(ids, owner)
    store.append(
        ids[3], owner, course(3)[:2], None, 2, end=Ending("failed", "Traceback: ä <b> \x07", {"x": [1, None, 0.1]})
    )
    store.claim(ids, owner)  # left running; the sixth is pending


def test_a_run_moves_with_its_test_accuracy_and_what_it_was_made_of(tmp_path: Path) -> None:
    made = replace(key(0), live="cd" * 32, inputs=("some:0", "more:1"))
    assert made.run_id != key(0).run_id
    steps = [*course(0, 3)[:2], replace(course(0, 3)[2], test_accuracy=1 / 3)]
    with open_store(f"sqlite:///{tmp_path}/a.db") as first, open_store(f"sqlite:///{tmp_path}/b.db") as second:
        first.plan([Planned(made, "training", "measured")])
        owner = new_owner()
        first.claim([made.run_id], owner)
        first.append(made.run_id, owner, steps, None, 0, end=Ending("done", None, {}))
        export_runs(first, tmp_path / "a.json")
        assert import_runs(second, tmp_path / "a.json") == 1
        assert second.runs()[0].key == made
        assert second.measured() == [(made.run_id, 3, 1 / 3)]
        assert import_runs(first, tmp_path / "a.json") == 0


def _content(store: Store) -> list[object]:
    return [run for run in store.runs() if run.status not in ("pending", "running")]


def test_runs_move_between_back_ends_without_loss(url: str, tmp_path: Path) -> None:
    with open_store(url) as first, open_store(f"sqlite:///{tmp_path}/b.db") as second:
        _filled(first)
        assert export_runs(first, tmp_path / "1.json") == 4
        assert import_runs(second, tmp_path / "1.json") == 4
        assert export_runs(second, tmp_path / "2.json") == 4
        assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()
        assert _content(second) == _content(first)
        for run in second.runs():
            pairs = zip(first.steps(run.run_id), second.steps(run.run_id), strict=True)
            assert all(same(a, b) for a, b in pairs)
        assert second.incumbents() == first.incumbents([run.run_id for run in second.runs()])
        assert second.panel(PANEL.identity).archs.tolist() == PANEL.archs.tolist()


def test_a_compressed_export_is_the_same_export(exported: Path, tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/again.db") as store:
        import_runs(store, exported)
        export_runs(store, tmp_path / "again.json.xz")
    assert lzma.decompress((tmp_path / "again.json.xz").read_bytes()) == exported.read_bytes()
    with open_store(f"sqlite:///{tmp_path}/unpacked.db") as store:
        assert import_runs(store, tmp_path / "again.json.xz") == 4
        (tmp_path / "cut.json.xz").write_bytes((tmp_path / "again.json.xz").read_bytes()[:-40])
        with pytest.raises(SchemaError, match="not whole JSON"):
            import_runs(store, tmp_path / "cut.json.xz")


def test_runs_move_into_every_back_end(url: str, exported: Path, tmp_path: Path) -> None:
    with open_store(url) as store:
        assert import_runs(store, exported) == 4
        export_runs(store, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == exported.read_bytes()


def test_what_is_there_already_is_skipped(url: str, exported: Path) -> None:
    with open_store(url) as store:
        fill(store, new_owner(), 2)
        assert import_runs(store, exported) == 2
        assert import_runs(store, exported) == 0


def test_a_planned_run_is_filled_in(url: str, exported: Path) -> None:
    with open_store(url) as store:
        store.plan([replace(p, label="planned here", tuning="stated here") for p in planned(6)])
        assert import_runs(store, exported) == 4
        ids = [p.key.run_id for p in planned(6)]
        assert store.status_counts(ids) == {"done": 3, "failed": 1, "pending": 2}
        assert {(run.label, run.tuning) for run in store.runs(status="done")} == {("walk", None)}
        assert import_runs(store, exported) == 0


def test_what_was_stopped_moves_on_demand_and_begins_anew(url: str, exported: Path, tmp_path: Path) -> None:
    run_id, part = key(5).run_id, tmp_path / "part.json"
    with open_store(f"sqlite:///{tmp_path}/exported.db") as store:
        owner = new_owner()
        assert store.claim([run_id], owner) is not None
        store.append(run_id, owner, course(5)[:2], b"state", 2)
        store.release(run_id, owner)
        assert export_runs(store, tmp_path / "ended.json") == 4
        assert export_runs(store, part, unfinished=True) == 5
        theirs = store.steps(run_id)
    with open_store(url) as store:
        assert import_runs(store, part) == 5
        assert import_runs(store, part) == 0
        assert all(map(same, store.steps(run_id), theirs))
        assert store.status_counts([run_id]) == {"pending": 1}
        claim = store.claim([run_id], new_owner())
        assert claim is not None
        assert (claim.state, claim.last, store.steps(run_id)) == (None, None, [])


def test_the_same_run_with_another_content_is_refused(url: str, exported: Path) -> None:
    with open_store(url) as store:
        owner, run_id = new_owner(), key(2).run_id
        store.plan(planned(3))
        store.claim([run_id], owner)
        store.append(run_id, owner, course(99), None, 10, end=Ending("done", None, {"git": "other"}))
        with pytest.raises(StoreError, match=f"run {run_id[:12]} is in .* with another provenance"):
            import_runs(store, exported)
        assert len(_content(store)) == 1
        assert store.panels() == []


def test_a_run_that_is_being_made_is_not_replaced(url: str, exported: Path) -> None:
    with open_store(url) as store:
        store.plan(planned(1))
        store.claim([key(0).run_id], new_owner())
        with pytest.raises(StoreError, match="is being made"):
            import_runs(store, exported)
        assert store.status_counts([key(0).run_id]) == {"running": 1}


def _edit(change: Callable[[dict], object]) -> Callable[[str], str]:  # type: ignore[type-arg]
    def edited(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document)

    return edited


@pytest.mark.parametrize(
    ("edit", "kind", "why"),
    [
        (lambda text: text[:-40], SchemaError, "not whole JSON"),
        (lambda text: "[1, 2]", SchemaError, "not an export"),
        (lambda text: "{}", SchemaError, "not an export"),
        (lambda text: "[" * 100_000, SchemaError, "not whole JSON"),
        (lambda text: text.replace('"cost_s":1.1,', '"cost_s":NaN,', 1), SchemaError, "NaN is no number"),
        (lambda text: text.replace('"cost_s":1.1,', '"cost_s":1e999,', 1), StoreError, "cost_s"),
        (
            _edit(lambda d: d.update(version=6)),
            SchemaError,
            "has version 6, this nasboard reads 1 and 2 and 3 and 4 and 5",
        ),
        (_edit(lambda d: d.update(colour="red")), StoreError, "colour"),
        (_edit(lambda d: d["runs"][3].update(status="running")), StoreError, "runs.3.status"),
        (_edit(lambda d: d["runs"][3].update(error=None)), StoreError, "has an error"),
        (_edit(lambda d: d["runs"][3].update(queries="7")), StoreError, "runs.3.queries"),
        (_edit(lambda d: d["runs"][3]["key"].update(seed=77)), StoreError, "it was edited"),
        (_edit(lambda d: d["runs"][3]["key"].update(colour=1)), StoreError, "another version"),
        (_edit(lambda d: d["runs"][3]["steps"].reverse()), StoreError, "steps ascend"),
        (
            _edit(lambda d: d["runs"][2]["steps"][2].update(logs={"plane": [[1.0, 2.0], [3.0]]})),
            StoreError,
            "'plane' diff",
        ),
        (_edit(lambda d: d["runs"][2]["steps"][2].update(logs={"alpha": []})), StoreError, "logs.alpha"),
        (_edit(lambda d: d["runs"][2]["steps"][2].update(logs={"alpha": [1e999]})), SchemaError, "Infinity is no"),
        (_edit(lambda d: d["runs"][2]["steps"][2].update(scores="???")), StoreError, "not base64"),
        (_edit(lambda d: d["runs"][2]["steps"][2].update(scores="AAAA")), StoreError, "multiple of 8"),
        (_edit(lambda d: d["runs"][2]["steps"][2].update(scores="AAAAAAAA+H8=")), StoreError, "finite"),
        (_edit(lambda d: d["panels"][0].update(archs="AAAA")), StoreError, "has the architectures of"),
        (_edit(lambda d: d["runs"].append(d["runs"][0])), StoreError, "is done in this store"),
    ],
)
def test_a_file_that_is_not_sound_leaves_the_store_as_it_was(
    edit: Callable[[str], str], kind: type[NasboardError], why: str, exported: Path, tmp_path: Path
) -> None:
    before = exported.read_text()
    exported.write_text(edit(before))
    assert exported.read_text() != before
    with open_store(f"sqlite:///{tmp_path}/b.db") as store:
        with pytest.raises(kind, match=why) as caught:
            import_runs(store, exported)
        assert "runs.json" in str(caught.value)
        assert (store.runs(), store.panels()) == ([], [])


def test_a_missing_file_is_missing_data(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/b.db") as store, pytest.raises(MissingDataError, match="nasboard export"):
        import_runs(store, tmp_path / "none.json")


def test_a_full_disk_leaves_the_former_export(exported: Path, tmp_path: Path) -> None:
    before, files = exported.read_bytes(), sorted(tmp_path.iterdir())
    full = pytest.raises(StoreFullError, match=r"runs\.json cannot be written")
    with open_store(f"sqlite:///{tmp_path}/exported.db") as store, file_limit(2000), full:
        export_runs(store, exported)
    assert exported.read_bytes() == before
    assert [
        path for path in sorted(tmp_path.iterdir()) if path.suffix != ".db-wal" and path.suffix != ".db-shm"
    ] == files


def test_an_export_into_a_folder_that_is_not_there_says_so(exported: Path, tmp_path: Path) -> None:
    with (
        open_store(f"sqlite:///{tmp_path}/exported.db") as store,
        pytest.raises(StoreFullError, match=r"none/x\.json cannot be written"),
    ):
        export_runs(store, tmp_path / "none" / "x.json")
