from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.gate.baseline import Settings, read_baseline, write_baseline
from nasboard.harness.gate.settings import with_settings
from tests.harness.gate.test_verdict import good
from tests.harness.stored_runs import SMALL_PANEL, Stored, key, loaded, noisy, ranked, searched

STORED = (
    '{"version": 2, "written_utc": "", "nasboard": "", "comparisons": [{"dataset": "d", "space": "s", "table_digest": '
    f'null, "entries": [{{"label": "a", "key": {key("a", 0).canonical()}, '
    '"values": {"tau": {"0": 0.5, "1": 0.5, "2": 0.5}}}]}]}'
)


def test_the_example_of_these_tests_is_a_baseline(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(STORED)
    assert read_baseline(tmp_path / "b.json").entries()[0].values["tau"] == {0: 0.5, 1: 0.5, 2: 0.5}


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([searched("re", s, [5]) for s in range(2)], "re, drop: 2 seeds, judged from 3 on"),
        ([searched("re", s, [5], status="failed" if s == 3 else "done") for s in range(4)], "1 failed"),
        (
            [ranked("r", s, [noisy(s, 0.05, SMALL_PANEL)], panel=SMALL_PANEL) for s in range(3)],
            "a panel of 60 architectures, judged from 100 on",
        ),
        ([ranked("r", s, [np.ones(300, dtype=np.float32)]) for s in range(3)], "every score of 300 is 1"),
        ([], "make some with `nasboard run`"),
    ],
)
def test_no_reference_is_taken_from_what_could_not_be_judged(tmp_path: Path, runs: list[Stored], said: str) -> None:
    path = tmp_path / "b.json"
    with pytest.raises(UsageError, match=said):
        write_baseline(loaded(tmp_path / "r", runs), path)
    assert not path.exists()


def test_a_baseline_is_replaced_whole_and_written_the_same_way_twice(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    comparisons = loaded(tmp_path / "r", good())
    written = write_baseline(comparisons, path)
    assert read_baseline(path) == written
    first = json.loads(path.read_text())
    write_baseline(comparisons, path)
    again = json.loads(path.read_text())
    assert again | {"written_utc": ""} == first | {"written_utc": ""}
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["b.json"]
    assert (first["version"], first["nasboard"]) == (2, metadata.version("nasboard"))
    assert datetime.fromisoformat(first["written_utc"]).tzinfo is not None


def test_a_name_without_a_suffix_is_that_of_one_that_ships_and_not_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'quick' names a baseline that ships.*end it in .json: quick.json"):
        write_baseline(loaded(tmp_path / "r", good()), tmp_path / "quick")
    assert not (tmp_path / "quick").exists()


def test_values_stand_there_seed_by_seed_with_the_key_of_their_runs(tmp_path: Path) -> None:
    runs = [searched("re", s, [5, 100 * s + 7], params={"population": 10}) for s in range(3, 7)]
    [found] = loaded(tmp_path / "r", runs)
    [entry] = write_baseline([found], tmp_path / "b.json").entries()
    read = read_baseline(tmp_path / "b.json").entries()[0]
    assert read.values["accuracy"] == {o.run.key.seed: o.final_accuracy for o in found.outcomes["re"]}
    assert read.made == replace(found.outcomes["re"][0].run.key, seed=0) == entry.made
    assert read.key["params"] == {"population": 10}


def test_settings_survive_writing_anew(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    found = loaded(tmp_path / "r", good())
    write_baseline(found, path, lambda made: with_settings(made, ignored=["re"], tolerances=["one_shot:tau=0.03"]))
    write_baseline(found, path)
    kept = {entry.label: entry.settings for entry in read_baseline(path).entries()}
    assert kept == {"one_shot": Settings(tolerance={"tau": 0.03}), "re": Settings(judge=False)}
    path.write_text('{"version": 1, "comparisons": []}')  # which had no settings
    write_baseline(found, path)
    assert all(entry.settings == Settings() for entry in read_baseline(path).entries())
    path.write_text(path.read_text().replace("]", ",]", 1))
    with pytest.raises(UsageError, match="mend what was edited in it, or remove the file"):
        write_baseline(found, path)


def test_a_file_of_version_one_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text('{"version": 1, "comparisons": []}')
    with pytest.raises(UsageError, match=r"is not a baseline of version 2: version: .*; write it anew .* --write"):
        read_baseline(path)


def test_an_absent_baseline_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="--write"):
        read_baseline(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the file"),
        ('{"version": 3}', "version"),
        (STORED.replace('"version": 2', '"version": 2, "extra": 1'), "extra"),
        (STORED.replace('"comparisons"', '"comparison"'), "comparisons"),
        (STORED.replace('"tau"', '"speed"'), r"comparisons.0.entries.0.values.speed"),
        (STORED.replace('"seed":0', '"sed":0'), r"comparisons.0.entries.0.key: .*not the key of a run"),
        (STORED.replace(', "2": 0.5', ""), r"comparisons.0.entries.0.values.tau"),
    ],
)
def test_a_file_that_is_no_baseline_says_where_it_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_baseline(path)
