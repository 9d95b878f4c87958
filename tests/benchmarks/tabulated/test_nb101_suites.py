"""Whole suites on nb101, a space of which a quarter of the rows is no cell: sweep, store, truth, boards."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator, SeedSequence, default_rng

from nasboard.benchmarks.spaces.nb101 import NB101Space
from nasboard.benchmarks.tabulated.nb101 import RESOLUTION
from nasboard.harness import registry
from nasboard.harness.api import Observation, Task
from nasboard.harness.boards import kinds
from nasboard.harness.errors import BudgetExhausted
from nasboard.harness.outcomes.load import load
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.panel import uniform
from nasboard.harness.planning import suite
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.running.sweep import plan, sweep
from nasboard.harness.space import Arch, Archs, Floats
from nasboard.harness.statistics.rank import kendall_tau
from nasboard.harness.store import open_store
from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.nb101.cell_graphs import EDGES, EMPTY, unpack
from tests.plugin import write_distribution
from tests.tables import imported
from tests.tabular.nb101 import tfrecord_format as f

SPACE = NB101Space()
BUDGET_S, SEEDS, SIZE = 15_000.0, 2, 40
BODY = """
def convolutions(archs):
    return (archs[:, 21:] == 0).sum(axis=1) + archs[:, :21].sum(axis=1) / 100

@dataclass(frozen=True)
class Convolutions:
    needs = frozenset()
    def search(self, task):
        drawn = sample(task.space, task.rng, 200)
        found = drawn[np.argmax(convolutions(drawn))]
        for step in (1, 2):
            yield Checkpoint(step, found, rank=convolutions, last=step == 2)

@dataclass(frozen=True)
class Asking:
    needs = frozenset({"query"})
    def search(self, task):
        for step in range(1, 100):
            arch = sample(task.space, task.rng, 1)[0]
            task.query(arch)
            yield Checkpoint(step, arch, rank=convolutions, state=lambda: {})
"""


def convolutions(archs: Archs) -> Floats:
    """Return the scores that the methods of the plug-in give."""
    return np.asarray((archs[:, 21:] == 0).sum(axis=1) + archs[:, :21].sum(axis=1) / 100)


@pytest.fixture(autouse=True)
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entries = {"convolutions": "of_cells:Convolutions", "asking": "of_cells:Asking"}
    monkeypatch.syspath_prepend(str(write_distribution(tmp_path / "site", "of_cells", BODY, entries)))
    yield
    sys.modules.pop("of_cells", None)


def read(*runs: dict[str, object], size: int) -> suite.Suite:
    return suite.Suite.model_validate({"name": "cells", "panel": {"size": size}, "runs": list(runs)})


def swept(folder: Path, asked: suite.Suite) -> Comparison:
    """Make the runs of a suite, all of which have to end well, and load them."""
    with open_store(f"sqlite:///{folder}/runs.db") as store:
        ids = plan(store, *suite.resolve(asked))
        counts = sweep(store, ids, jobs=1).counts
        assert set(counts) <= {"done", "budget"}, [run.error for run in store.runs(status="failed")]
        assert sum(counts.values()) == len(ids)
        [found] = load(store, registry.benchmark)
    return found


def board_row(found: Comparison, board: str, label: str) -> dict[str, object]:
    [made] = kinds.make([found], board)
    [row] = [dict(row) for row in made.rows if row["label"] == label]
    return row


def test_a_suite_on_the_compact_table_has_tau_and_a_regret_below_the_published_best(tmp_path: Path) -> None:
    imported("nb101-compact")
    entry = {"method": "convolutions", "benchmark": "nb101@mean108", "seeds": 3}
    found = swept(tmp_path, read(entry, size=1000))
    assert found.optimum == pytest.approx(0.943176, abs=5e-7)
    assert found.whole is None
    finals = [outcome.final_accuracy for outcome in found.outcomes["convolutions"]]
    row = board_row(found, "accuracy", "convolutions")
    assert row["accuracy"] == pytest.approx(np.mean(finals))
    assert row["regret"] == pytest.approx(0.943176 - np.mean(finals), abs=5e-7)
    [board] = kinds.make([found], "accuracy")
    assert any("the optimum (94.32 %)" in note for note in board.notes)
    panel = uniform(SPACE, 1000)
    ranked = board_row(found, "tau", "convolutions")
    assert (ranked["n"], ranked["panel"]) == (1000, panel.identity)
    truth = registry.benchmark("nb101@mean108").truth(panel.archs)
    counts = np.rint(truth * RESOLUTION)
    assert ranked["tau"] == pytest.approx(kendall_tau(convolutions(panel.archs), counts), abs=1e-12)
    assert ranked["tau"] > 0.1


@dataclass
class MadeUp:
    """Answers any query as a table of made-up trainings would, and keeps the cells that were asked for."""

    graphs: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        rows = self.trainings(int(SPACE.canonical(arch[None])[0]), epochs)
        val, train_s = ([getattr(row.evaluations[-1], name) for row in rows] for name in ("val", "train_s"))
        return Observation(float(np.mean(val)), float(np.mean(train_s)), epochs)

    def trainings(self, code: int, epochs: int = 108) -> list[f.Row]:
        self.graphs.setdefault(str(code), graph_of(code))
        return [f.training(str(code), epochs, repeat, self.graphs) for repeat in range(3)]

    def play(self, entry: dict[str, object]) -> None:
        """Make the runs of an entry as they will be made, so that every cell that they come upon is known."""
        method = registry.method(str(entry["method"]), entry.get("params"))  # type: ignore[arg-type]
        for seed in range(SEEDS):
            for_method, for_oracle = map(default_rng, SeedSequence(seed).spawn(2))
            oracle = MeteredOracle(self, SPACE, (108,), BUDGET_S, for_oracle) if "query" in method.needs else None
            with suppress(BudgetExhausted):
                for checkpoint in method.search(Task(SPACE, for_method, BUDGET_S, query=oracle)):
                    assert checkpoint.incumbent is not None
                    self.trainings(int(SPACE.canonical(checkpoint.incumbent[None])[0]))


def graph_of(code: int) -> tuple[str, str]:
    """Return adjacency and operations, as records have them, of the cell of a code."""
    edges, ops = unpack(np.array([code]))
    places = [0, *(place for place, op in enumerate(ops[0], start=1) if op != EMPTY), 6]
    pairs = [(places.index(x), places.index(y)) for (x, y), there in zip(EDGES, edges[0], strict=True) if there]
    return f.graph(len(places), pairs, [int(op) for op in ops[0] if op != EMPTY])


def test_a_suite_on_a_made_up_file_of_trainings_searches_and_ranks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = {"benchmark": "nb101?seeds=mean", "seeds": SEEDS, "budget_s": BUDGET_S}
    searches = [
        {"method": "random_search"} | shared,
        {"method": "regularized_evolution", "params": {"population": 4, "tournament": 2}} | shared,
        {"method": "local_search"} | shared,
        {"method": "asking", "rank_every": 5} | shared,
    ]
    ranker = {"method": "convolutions", "benchmark": shared["benchmark"], "seeds": SEEDS}
    world = MadeUp()
    for entry in (*searches, ranker):
        world.play(entry)
    panel = uniform(SPACE, SIZE)
    codes = SPACE.canonical(panel.archs)
    rows = [row for code in {*map(int, world.graphs), *codes.tolist()} for row in world.trainings(code)]
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path / "data"))
    import_table("nb101", f.write(tmp_path / "nasbench_only108.tfrecord", rows), partial=True)

    found = swept(tmp_path, read(*searches, ranker, size=SIZE))
    assert set(found.outcomes) == {str(entry["method"]) for entry in (*searches, ranker)}
    assert found.optimum is None  # nobody knows the best of a table in parts

    def tested(archs: Archs) -> Floats:
        ends = [[row.evaluations[-1].test for row in world.trainings(c)] for c in SPACE.canonical(archs).tolist()]
        return np.asarray(np.mean(ends, axis=1))

    for entry in searches:
        label = str(entry["method"])
        for outcome in found.outcomes[label]:
            assert 5 < outcome.run.queries < 20
            assert outcome.accuracy == pytest.approx(tested(outcome.archs), abs=1 / RESOLUTION)
        assert 0.1 < board_row(found, "accuracy", label)["accuracy"] < 0.95  # type: ignore[operator]
    for label in ("convolutions", "asking"):
        row = board_row(found, "tau", label)
        assert (row["n"], row["panel"], row["seeds"]) == (SIZE, panel.identity, SEEDS)
        assert row["tau"] == pytest.approx(kendall_tau(convolutions(panel.archs), tested(panel.archs)), abs=1e-12)
    assert found.panels.keys() == {panel.identity}
    assert {o.run.key.panel for o in found.outcomes["random_search"]} == {None}
