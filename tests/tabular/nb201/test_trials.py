"""Questions to a table of trainings: whole spaces, what is missing, and what a wrong question is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.nb201.columns import TrialColumns
from nasboard.tabular.nb201.fold import ArchTrials
from nasboard.tabular.nb201.names import ARCHS, index_spec, spec_index
from nasboard.tabular.nb201.result import Trial, fold_result
from nasboard.tabular.nb201.trials import DATASETS, SETS, TrialTable, open_trials
from nasboard.tabular.tables.table import TableError, open_table
from nasboard.tabular.tables.writing import TableWriter
from tests.tabular.nb201.official_format import Content, official_content, write_nats_file


@pytest.fixture(scope="module")
def content() -> Content:
    return official_content(4, seed=3)


@pytest.fixture(scope="module")
def trials(content: Content, tmp_path_factory: pytest.TempPathFactory) -> TrialTable:
    folder = tmp_path_factory.mktemp("trials")
    source = write_nats_file(folder / "made-up.pbz2", content)
    return open_trials(import_table("nb201", source, to=folder, version="test", partial=True))


@pytest.fixture(scope="module")
def one_trial(content: Content) -> Trial:
    """One training that recorded its last epoch only, so that very many of them are quick to append."""
    record = content["arch2infos"][0]["full"]["all_results"]["cifar10", 777]
    last = {name: {199: record[name][199]} for name in ("train_acc1es", "train_losses", "train_times")}
    evals = {
        name: {"ori-test@199": record[name]["ori-test@199"]} for name in ("eval_acc1es", "eval_losses", "eval_times")
    }
    trial = fold_result(record | last | evals)
    assert isinstance(trial, Trial)
    return trial


def place(one: Trial, columns: TrialColumns, row: int, *schedules: int) -> None:
    for schedule in schedules:
        names = DATASETS if schedule == 200 else ("cifar10-valid",)
        trials = {(name, 777): replace(one, dataset=name, epochs=schedule) for name in names}
        columns.place(ArchTrials(row, index_spec(row), row, schedule, trials))


def test_a_table_is_complete_once_every_architecture_has_every_training(one_trial: Trial, tmp_path: Path) -> None:
    with TableWriter(tmp_path / "table") as writer:
        columns = TrialColumns(writer, "whole.pth")
        for row in range(ARCHS - 1):
            place(one_trial, columns, row, 200, 12)
        with pytest.raises(
            TableError, match=r"whole.pth has 15624 of 15625 architectures.*avg_pool_3x3~2\|'.*--partial"
        ):
            columns.finish(partial=False)
        place(one_trial, columns, ARCHS - 1, 200)
        with pytest.raises(TableError, match=r"architecture 15624 .* lacks cifar10-valid at 12 epochs, .* --partial"):
            columns.finish(partial=False)
        place(one_trial, columns, ARCHS - 1, 12)
        about = columns.finish(partial=False)
        writer.commit(about | {"kind": "nb201", "version": "test"})
    assert (about["archs"], about["complete"]) == (ARCHS, True)
    trials = open_trials(open_table(tmp_path / "table"))
    values, known = trials.mean("accuracy", "ori-test", "cifar10", 200, np.arange(ARCHS))
    assert known.all()
    assert (values == one_trial.accuracy[SETS.index("ori-test"), 199]).all()


def test_questions_outside_the_table_say_what_there_is(trials: TrialTable, content: Content) -> None:
    arch = spec_index(content["meta_archs"][0])
    for wrong, said in (
        (("accuracy", "x-test", ARCHS, "cifar10", 200, 777), "architectures are 0..15624"),
        (("accuracy", "x-test", -1, "cifar10", 200, 777), "architectures are 0..15624"),
        (("accuracy", "x-tset", arch, "cifar10", 200, 777), r"no set 'x-tset'; there are train, x-valid"),
        (("accuracy", "train", arch, "cifar-10", 200, 777), r"no data set 'cifar-10'; there are cifar10-valid"),
        (("accuracy", "train", arch, "cifar10", 90, 777), "no schedule 90; there are 12, 200"),
        (("accuracy", "train", arch, "cifar10", 200, 5), "no seed 5; there are 111, 777"),
        (("accuracy", "train", arch, "cifar10", 12, 777, 12), r"12-epoch schedule are 0..11, given 12"),
        (("accuracy", "train", arch, "cifar10", 200, 777, -1), r"0..199, given -1"),
        (("top5", "train", arch, "cifar10", 200, 777), r"no field 'top5'"),
    ):
        with pytest.raises(TableError, match=said):
            trials.value(*wrong)  # type: ignore[arg-type]
    for archs, seeds, epoch, said in (
        ([arch, ARCHS], 777, None, "whole numbers 0..15624, given"),
        ([0.5], 777, None, "whole numbers"),
        ([arch], [777, 778], None, r"has the seeds \(111, 777, 888, 999\), given \[777, 778\]"),
        ([arch], 777, [0, 200], "0..199, given 200"),
    ):
        with pytest.raises(TableError, match=said):
            trials.values("accuracy", "train", "cifar10", 200, archs, seeds, epoch)
    assert trials.values("accuracy", "train", "cifar10", 200, np.zeros(0, dtype=int), 777)[0].shape == (0,)


def test_tables_of_another_kind_are_not_opened_as_trials(trials: TrialTable) -> None:
    table = trials.table
    with pytest.raises(TableError, match=r"of kind 'nb101', not nb201"):
        open_trials(replace(table, manifest=dict(table.manifest) | {"kind": "nb101"}))
    with pytest.raises(TableError, match="has no column loss"):
        open_trials(replace(table, columns={n: c for n, c in table.columns.items() if n != "loss"}))
