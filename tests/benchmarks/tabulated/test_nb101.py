from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.benchmarks.tabulated import nb101 as module
from nasboard.benchmarks.tabulated.nb101 import NB101, RESOLUTION, Best, nb1shot1_1, nb1shot1_2, nb1shot1_3, nb101
from nasboard.harness import registry
from nasboard.harness.errors import MissingDataError, SpecError, UsageError
from nasboard.harness.space import enumerate_all, sample
from nasboard.harness.testing.reach import leaks, secret
from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.tables.table import Table
from tests.tables import imported
from tests.tabular.nb101 import tfrecord_format as f

MAKERS: dict[str, Callable[..., NB101]] = {
    "nb101": nb101,
    "nb1shot1-1": nb1shot1_1,
    "nb1shot1-2": nb1shot1_2,
    "nb1shot1-3": nb1shot1_3,
}
SPECS = {  # of the graphs that the fixture writes
    "direct": "output(0)",
    "chain": "conv3x3-bn-relu(0)|output(1)",
    "fork": "conv3x3-bn-relu(0)|maxpool3x3(0)|output(1,2)",
    "deep": "conv1x1-bn-relu(0)|conv1x1-bn-relu(1)|conv3x3-bn-relu(2)|maxpool3x3(3)|output(0,4)",
}


@pytest.fixture
def compact(monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = imported("nb101-compact")
    monkeypatch.setenv("NASBOARD_DATA", str(folder))
    return folder


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path / "data"))
    path = f.write(tmp_path / "nasbench_full.tfrecord", f.rows_of(epochs=f.FULL_EPOCHS))
    return import_table("nb101", path, partial=True)


@pytest.mark.parametrize(("number", "error"), [(1, 5.799), (2, 6.033), (3, 5.823)])
def test_every_architecture_of_nb1shot1_is_in_the_table(compact: Path, number: int, error: float) -> None:
    benchmark = MAKERS[f"nb1shot1-{number}"](version="mean108")
    truth = benchmark.truth(enumerate_all(benchmark.space))  # raises where one is absent
    assert round(100 * (1 - float(truth.max())), 3) == error


@pytest.mark.parametrize("name", MAKERS)
def test_a_table_of_means_scores_and_answers_no_query(compact: Path, name: str) -> None:
    benchmark = MAKERS[name](version="mean108")
    assert (benchmark.name, benchmark.dataset, benchmark.query) == (f"{name}@mean108", "cifar10", None)
    assert (benchmark.fidelities, benchmark.context.version) == ((108,), "mean108")
    assert benchmark.truth_by_seed(sample(benchmark.space, default_rng(0), 3)) is None
    assert benchmark.data() is None
    assert "no query can be answered" in benchmark.context.notes[0]
    assert benchmark.digest == registry.benchmark(f"{name}@mean108").digest
    with pytest.raises(
        UsageError, match=rf"{name}@mean108 takes neither seeds nor fidelity.*nasboard data import nb101"
    ):
        MAKERS[name](version="mean108", seeds="mean")


@pytest.mark.parametrize(("fidelity", "told"), [(None, "share trainings"), ("12", "share no training")])
def test_the_context_says_whether_search_and_truth_share_trainings(
    full: Table, fidelity: str | None, told: str
) -> None:
    assert any(f"search and truth {told}" in note for note in nb101(fidelity=fidelity).context.notes)


def test_the_quoted_sizes_are_only_quoted(compact: Path) -> None:
    notes = nb1shot1_3(version="mean108").context.notes
    assert any("1,312,200 assignments in 55,854" in note and "quoted: 363,648" in note for note in notes)


def test_every_valid_cell_of_nb101_is_in_the_table(compact: Path) -> None:
    benchmark = nb101(version="mean108")
    drawn = sample(benchmark.space, default_rng(0), 20_000)
    truth = benchmark.truth(drawn)
    assert ((truth > 0) & (truth < 0.9432)).all()
    one_by_one = [float(benchmark.truth(arch[None])[0]) for arch in drawn[:50]]
    assert truth[:50].tolist() == one_by_one


def test_the_best_cell_is_the_published_one(compact: Path) -> None:
    spec = "conv1x1-bn-relu(0)|conv3x3-bn-relu(0)|maxpool3x3(2)|conv3x3-bn-relu(3)|conv3x3-bn-relu(0,1,4)|output(0,5)"
    benchmark = nb101(version="mean108")
    best = float(benchmark.truth(benchmark.space.encode(spec)[None])[0])
    assert round(best, 6) == 0.943176
    assert best == np.max(benchmark.test_accuracy)


def test_the_best_of_a_complete_table_is_the_optimum_of_its_own_space_alone(compact: Path) -> None:
    optimum = nb101(version="mean108").context.optimum
    assert optimum is not None
    assert round(optimum(), 6) == 0.943176
    assert [make(version="mean108").context.optimum for name, make in MAKERS.items() if name != "nb101"] == [None] * 3
    assert Best(np.array([[0.9, 0.7], [0.85, 0.85]]))() == pytest.approx(0.85)  # of means over trainings, not of one


def test_a_table_in_parts_knows_no_optimum(full: Table) -> None:
    assert nb101().context.optimum is None


def test_the_accuracies_are_counts_of_images(compact: Path) -> None:
    counts = nb101(version="mean108").test_accuracy * RESOLUTION
    assert np.abs(counts - np.rint(counts)).max() < 0.001
    assert (len(np.unique(counts)), len(np.unique(np.rint(counts)))) == (15_171, 8_282)


def test_a_query_shows_one_recorded_training(full: Table) -> None:
    benchmark = nb101()
    assert benchmark.name == "nb101@full-partial?seeds=draw"
    assert benchmark.fidelities == f.FULL_EPOCHS
    assert benchmark.query is not None
    for graph, spec in SPECS.items():
        arch = benchmark.space.encode(spec)
        for epochs in f.FULL_EPOCHS:
            recorded = {
                (row.evaluations[-1].val, row.evaluations[-1].train_s)
                for row in (f.training(graph, epochs, i) for i in range(3))
            }
            seen = {
                (o.val_accuracy, o.cost_s) for o in (benchmark.query(arch, epochs, default_rng(i)) for i in range(30))
            }
            assert seen == recorded


@pytest.mark.parametrize("policy", ["mean", "strict"])
def test_the_mean_is_over_the_three_trainings(full: Table, policy: str) -> None:
    benchmark = nb101(seeds=policy)
    assert benchmark.name == f"nb101@full-partial?seeds={policy}"
    assert benchmark.query is not None
    seen = benchmark.query(benchmark.space.encode(SPECS["deep"]), 36, default_rng(0))
    rows = [f.training("deep", 36, i).evaluations[-1] for i in range(3)]
    assert seen.val_accuracy == pytest.approx(np.mean([e.val for e in rows]), abs=1e-15)
    assert seen.cost_s == pytest.approx(np.mean([e.train_s for e in rows]), abs=1e-9)


def test_the_truth_is_the_mean_test_accuracy_at_108_epochs_whatever_a_search_sees(full: Table) -> None:
    for options in ({}, {"seeds": "mean"}, {"fidelity": "12"}):
        benchmark = nb101(**options)
        archs = np.stack([benchmark.space.encode(spec) for spec in SPECS.values()])
        tests = [[f.training(name, 108, i).evaluations[-1].test for i in range(3)] for name in SPECS]
        assert np.allclose(benchmark.truth(archs), np.mean(tests, axis=1), atol=1e-12)
        by_seed = benchmark.truth_by_seed(archs)
        assert by_seed is not None
        assert np.allclose(np.sort(by_seed, axis=1), np.sort(tests, axis=1), atol=1e-12)


def test_fidelity_narrows_what_may_be_asked_for(full: Table) -> None:
    benchmark = nb101(fidelity="12")
    assert benchmark.name == "nb101@full-partial?fidelity=12&seeds=draw"
    assert benchmark.fidelities == (12,)
    assert benchmark.query is not None
    rows = [f.training("fork", 12, i).evaluations[-1].val for i in range(3)]
    assert benchmark.query(benchmark.space.encode(SPECS["fork"]), 12, default_rng(0)).val_accuracy in rows
    with pytest.raises(UsageError, match=r"has fidelities 12, asked for 108"):
        benchmark.query(benchmark.space.encode(SPECS["fork"]), 108, default_rng(0))


def test_wrong_options_are_refused(full: Table) -> None:
    with pytest.raises(UsageError, match="seeds is one of draw, mean, strict, given 'best'"):
        nb101(seeds="best")
    with pytest.raises(UsageError, match="fidelity is one of 4, 12, 36, 108 epochs in this table, given '50'"):
        nb101(fidelity="50")


def test_a_cell_that_a_part_lacks_is_named(full: Table) -> None:
    benchmark = nb101()
    arch = benchmark.space.encode("maxpool3x3(0)|output(1)")
    with pytest.raises(MissingDataError, match=r"maxpool3x3\(0\)\|output\(1\) is not in the table.*5 graphs"):
        benchmark.truth(arch[None])
    assert benchmark.query is not None
    with pytest.raises(MissingDataError, match="is not in the table"):
        benchmark.query(arch, 108, default_rng(0))


def test_a_row_that_is_no_cell_is_said_to_be_none(compact: Path) -> None:
    benchmark = nb101(version="mean108")
    rows = sample(benchmark.space, default_rng(0), 3)
    rows[1] = 0  # no path from input to output
    with pytest.raises(SpecError, match=r"nb101: architecture 1, \[0, .*\], breaks the rules of the space") as caught:
        benchmark.truth(rows)
    assert "partial" not in str(caught.value)


def test_no_path_leads_from_the_query_to_a_test_value(full: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = nb101()
    archs = np.stack([benchmark.space.encode(spec) for spec in SPECS.values()])
    with monkeypatch.context() as patched:  # what the walk draws must be in the small table
        patched.setattr("nasboard.harness.testing.reach.sample", lambda *_: archs)
        hidden = secret(benchmark)
    assert leaks(benchmark.query, hidden) == []
    assert leaks(benchmark, hidden) != []


def test_no_table_and_several_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: Table) -> None:
    path = f.write(tmp_path / "nasbench_only108.tfrecord", f.rows_of())
    import_table("nb101", path, partial=True)
    with pytest.raises(UsageError, match=r"several tables are imported \(full-partial, only108-partial\).*@"):
        nb101()
    assert nb101(version="only108-partial").fidelities == (108,)
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path / "nothing"))
    for make in MAKERS.values():
        with pytest.raises(
            MissingDataError, match=r"nasboard data import nb101 PATH.*nasboard data fetch nb101-compact"
        ):
            make()


def test_registered_names_open_these() -> None:
    for name, make in MAKERS.items():
        assert registry.entry("benchmarks", name).value == f"{module.__name__}:{make.__name__}"
