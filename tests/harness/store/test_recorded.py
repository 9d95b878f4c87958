"""Searches that others recorded, in a store beside ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nasboard.benchmarks.tabulated.planted import planted
from nasboard.harness import registry
from nasboard.harness.boards.board import Quoted, Undefined
from nasboard.harness.boards.kinds import making
from nasboard.harness.cli.app import app
from nasboard.harness.errors import MissingDataError, NasboardError, SchemaError, SpecError, StoreError, UsageError
from nasboard.harness.outcomes.load import load
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.record import RunRecord
from nasboard.harness.space import from_index
from nasboard.harness.store import Moved, Store, open_store
from nasboard.harness.store.exchange import export_runs, import_runs
from nasboard.harness.store.recorded import import_recorded
from tests.data_folder import data_file
from tests.places import ROOT
from tests.tables import imported

BENCHMARK = planted()
SPECS = [BENCHMARK.space.decode(arch) for arch in from_index(BENCHMARK.space, [5, 5, 9])]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as opened:
        yield opened


def write(path: Path, specs: Sequence[str] = tuple(SPECS), **other: object) -> Path:
    curves = {
        "runtime": [2.0, 3.0, 4.0],
        "train_loss": [1.5, 1.0, 0.5],
        "train_acc": [10.0, 20.0, 30.0],
        "valid_loss": [1.6, 1.1, 0.6],
        "valid_acc": [11.0, 21.0, 31.0],
        "test_acc": [12.0, 22.0, 32.0],
    }
    path.write_text(json.dumps({"arch_eval": [{"arch": spec} for spec in specs]} | curves | other))
    return path


def test_a_recorded_search_is_a_run_of_its_cells_and_its_costs(store: Store, tmp_path: Path) -> None:
    assert import_recorded(store, [write(tmp_path / "darts_3.json")], BENCHMARK) == 1
    (run,) = store.runs()
    assert (run.label, run.key.seed, run.status, run.recorded_by) == ("darts (NASLib)", 3, "done", "NASLib")
    assert (run.cost_s, run.wall_s, run.queries, run.cost_kind) == (9.0, 0.0, 0, "measured")
    steps = store.steps(run.run_id)
    assert [(s.step, s.cost_s, s.incumbent) for s in steps] == list(zip([1, 2, 3], [2.0, 5.0, 9.0], SPECS, strict=True))
    assert steps[1].logs == {"train_loss": 1.0, "train_accuracy": 0.2, "val_loss": 1.1, "val_accuracy": 0.21}
    (comparison,) = load(store, lambda _: BENCHMARK)
    truth = BENCHMARK.truth(from_index(BENCHMARK.space, [5, 9]))
    assert comparison.outcomes["darts (NASLib)"][0].accuracy.tolist() == truth.tolist()
    board = making.make([comparison], "stability")[0]
    assert any("Recorded by NASLib, nothing of it was run here: darts (NASLib)." in note for note in board.notes)


def test_a_search_has_one_name_whether_its_folder_or_its_file_tells_it(store: Store, tmp_path: Path) -> None:
    (tmp_path / "DARTSOptimizer").mkdir()
    assert import_recorded(store, [write(tmp_path / "DARTSOptimizer" / "errors_2.json")], BENCHMARK) == 1
    assert import_recorded(store, [write(tmp_path / "darts_2.json")], BENCHMARK) == 0
    assert [run.label for run in store.runs()] == ["darts (NASLib)"]


def test_what_is_there_is_skipped_and_another_search_of_its_name_refused(store: Store, tmp_path: Path) -> None:
    first = write(tmp_path / "darts_0.json")
    assert import_recorded(store, [first, write(tmp_path / "darts_1.json")], BENCHMARK) == 2
    assert import_recorded(store, [first, first], BENCHMARK) == 0
    write(first, runtime=[1.0, 1.0, 1.0])
    with pytest.raises(StoreError, match="another file"):
        import_recorded(store, [first, write(tmp_path / "gdas_0.json")], BENCHMARK)
    assert len(store.runs()) == 2


def test_recorded_searches_are_exported_as_ours_are(store: Store, tmp_path: Path) -> None:
    import_recorded(store, [write(tmp_path / "darts_0.json")], BENCHMARK)
    export_runs(store, tmp_path / "runs.json")
    with open_store(f"sqlite:///{tmp_path}/other.db") as other:
        assert import_runs(other, tmp_path / "runs.json") == 1
        assert other.runs() == store.runs()
        assert import_recorded(other, [tmp_path / "darts_0.json"], BENCHMARK) == 0


@pytest.mark.parametrize(
    ("name", "other", "error", "told"),
    [
        ("darts_0.json", {"runtime": [1.0]}, SchemaError, "not all have a value an epoch"),
        ("darts_0.json", {"runtime": None}, SchemaError, "runtime"),
        ("darts_0.json", {"valid_acc": [1.0, float("nan"), 1.0]}, SchemaError, "darts_0"),
        ("darts_0.json", {"arch_eval": []}, SchemaError, "arch_eval"),
        ("darts_0.json", {"arch_eval": [{"arch": s} for s in (SPECS[0], "no cell", SPECS[0])]}, SpecError, "step 2"),
        ("darts.json", {}, UsageError, "NAME_SEED"),
    ],
)
def test_what_is_no_recorded_search_is_refused_whole(
    store: Store, tmp_path: Path, name: str, other: dict[str, object], error: type[NasboardError], told: str
) -> None:
    good = write(tmp_path / "gdas_0.json")
    with pytest.raises(error, match=told):
        import_recorded(store, [good, write(tmp_path / name, **other)], BENCHMARK)
    assert store.runs() == []


def test_two_files_of_one_search_and_seed_are_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    with pytest.raises(UsageError, match="once more"):
        import_recorded(store, [write(tmp_path / "a_0.json"), write(tmp_path / "more" / "a_0.json")], BENCHMARK)


def test_an_absent_file_and_a_benchmark_that_trains_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="is not there"):
        import_recorded(store, [tmp_path / "darts_0.json"], BENCHMARK)
    with pytest.raises(UsageError, match="trains networks"):
        import_recorded(store, [write(tmp_path / "darts_0.json")], registry.benchmark("digits201-live"))


def test_the_command_reads_several_files(tmp_path: Path) -> None:
    paths = [str(write(tmp_path / f"darts_{seed}.json")) for seed in range(3)]
    url = f"sqlite:///{tmp_path}/runs.db"
    done = CliRunner().invoke(app, ["import", *paths, "--recorded", "planted", "--store", url])
    assert (done.exit_code, done.stdout) == (0, "read 3 new runs from 3 files\n")
    board = CliRunner().invoke(app, ["leaderboard", "--board", "stability", "--store", url])
    assert "darts (NASLib)" in board.stdout


@pytest.fixture
def naslib(store: Store) -> Comparison:
    """Return the searches that NASLib recorded, with the truth of the table of version 1.0."""
    paths = sorted(data_file("nb201/naslib_one_shot").glob("*.json"))
    imported("nb201-compact")
    assert import_recorded(store, paths, registry.benchmark("nb201-cifar10")) == len(paths) == 24
    (comparison,) = load(store, registry.benchmark)
    return comparison


def test_all_recorded_searches_of_darts_fall_to_a_cell_that_learns_nothing(naslib: Comparison) -> None:
    """Peaks of 89.8 to 93.7 % on the way, 86.49 % at the end."""
    found = naslib.outcomes["darts (NASLib)"]
    assert [run.accuracy[-1] for run in found] == pytest.approx([0.8649] * 4)
    assert sorted(run.accuracy.max() for run in found) == pytest.approx([0.89757, 0.9202, 0.9364, 0.9373], abs=1e-5)
    rows = {row["label"]: row for row in making.make([naslib], "stability")[0].rows}
    assert rows["darts (NASLib)"]["worst_seed"] == pytest.approx(0.8649)
    assert rows["darts (NASLib)"]["raw_drop"] == pytest.approx(0.0580, abs=1e-4)
    told = [rows["darts (NASLib)"][key] for key in ("collapse_rate", "fell", "skips", "late_drop", "gap")]
    assert told == [1.0, 1.0, 1 / 3, 0.0, Undefined("not logged")]  # they had fallen before the search was late


def test_the_table_of_recorded_searches_is_what_comes_out(naslib: Comparison) -> None:
    lines = (ROOT / "docs" / "nb201.md").read_text(encoding="utf-8").splitlines()
    at = lines.index("| search | best on the way, by seed | at the end, by seed | learns nothing |") + 2
    board = {row["label"]: row for row in making.make([naslib], "stability")[0].rows}
    for line in lines[at : at + 6]:
        name, best, end, nothing = (cell.strip(" `") for cell in line.strip("|").split("|"))
        found = naslib.outcomes[f"{name} (NASLib)"]
        assert best == ", ".join(f"{100 * run.accuracy.max():.2f}" for run in found)
        assert end == ", ".join(f"{100 * run.accuracy[-1]:.2f}" for run in found)
        assert nothing == str(board[f"{name} (NASLib)"]["collapsed"])
    assert len(naslib.outcomes) == 6


def test_the_cells_are_those_whose_accuracies_were_recorded(naslib: Comparison) -> None:
    """Of two versions of one benchmark: mostly equal, nowhere far apart, so no cell was read in another coding."""
    folder = data_file("nb201/naslib_one_shot")
    there = {}
    for path in folder.glob("*.json"):
        there |= {e["arch"]: e["cifar10"]["test_accuracy"] / 100 for e in json.loads(path.read_text())["arch_eval"]}
    truth = registry.benchmark("nb201-cifar10").truth(np.stack([naslib.space.encode(spec) for spec in there]))
    apart = np.abs(truth - np.array(list(there.values())))
    assert len(there) > 60
    assert apart.max() < 0.01
    assert (apart < 1e-6).mean() > 0.7


def test_recorded_searches_share_a_board_with_live_ones_and_no_figure_is_quoted_beside_them(store: Store) -> None:
    folder = data_file("nb201/naslib_one_shot")
    imported("nb201-compact")
    import_recorded(store, [folder / f"darts_{seed}.json" for seed in range(4)], registry.benchmark("nb201-cifar10"))
    live = registry.benchmark("nb201-cifar10-live")
    theirs = store.steps(store.runs()[0].run_id)
    params = registry.resolved(registry.method("darts", {"weights_first": True, "eigenvalue_every": 5}))
    key = replace(store.runs()[0].key, method="darts", params=params, benchmark=live.name)
    run = RunRecord(key.run_id, key, "darts", "done", None, "measured", 1.0, 1.0, 0, {})
    store.insert([Moved(run, theirs)], [])
    (comparison,) = load(store, registry.benchmark)
    rows = {row["label"]: row for row in making.make([comparison], "accuracy")[0].rows}
    assert rows["darts"]["published"] == Quoted(54.30 / 100, 0.0, "T")
    assert isinstance(rows["darts (NASLib)"]["published"], Undefined)
    assert rows["darts"]["accuracy"] == rows["darts (NASLib)"]["accuracy"] == pytest.approx(0.8649)
