"""What a run tells of itself while it goes on: the right figures, seldom enough, and its record stays the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasboard.harness import registry
from nasboard.harness.planning import suite
from nasboard.harness.running import runner, telling
from nasboard.harness.running.sweep import plan
from nasboard.harness.running.telling import Reached
from nasboard.harness.statistics.rank import kendall_tau
from nasboard.harness.store import Claim, Store, new_owner, open_store
from tests.plugin import write_distribution

BODY = """
@dataclass(frozen=True)
class Ranker:
    total: int = 8
    constant: bool = False
    needs = frozenset({"query"})
    def search(self, task):
        for step in range(1, 9):
            arch = sample(task.space, task.rng, 1)[0]
            task.query(arch)
            weights = task.rng.standard_normal(len(arch)) * (not self.constant)
            yield Checkpoint(step, arch, rank=lambda a, w=weights: a @ w, logs={"loss": 1 / step}, total=self.total)
"""


@pytest.fixture(autouse=True)
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(write_distribution(tmp_path / "site", "ranker", BODY, {"ranker": "ranker:Ranker"})))
    monkeypatch.setattr(telling, "TELL_EVERY_S", 0.0)


def made(folder: Path, watched: bool = True, **entry: object) -> tuple[Store, str, list[Reached]]:
    store = open_store(f"sqlite:///{folder / 'runs.db'}")
    entry = {"method": "ranker", "benchmark": "planted", "seeds": 1, "budget_s": 1000.0} | entry
    raw = {"name": "test", "panel": {"size": 60}, "runs": [{k: v for k, v in entry.items() if v is not None}]}
    ids = plan(store, *suite.resolve(suite.Suite.model_validate(raw)))
    owner = new_owner()
    claim = store.claim(ids, owner)
    assert isinstance(claim, Claim)
    heard: list[Reached] = []
    runner.execute(claim, store, owner, runner.Setting(), told=heard.append if watched else None)
    return store, ids[0], heard


def test_tau_is_that_of_the_last_ranking_with_the_truth(tmp_path: Path) -> None:
    store, run_id, heard = made(tmp_path, rank_every=3)
    truth = registry.benchmark("planted").truth(store.panels()[0][0].archs)
    scores = {step.step: step.scores for step in store.steps(run_id) if step.scores is not None}
    taus = {step: kendall_tau(row, truth) for step, row in scores.items()}
    assert list(scores) == [3, 6]
    assert [r.step for r in heard] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [r.tau for r in heard] == [None, None, *[pytest.approx(taus[3])] * 3, *[pytest.approx(taus[6])] * 3]
    assert taus[3] != taus[6]


def test_a_schedule_gives_the_share_and_logs_are_told(tmp_path: Path) -> None:
    heard = made(tmp_path)[2]
    assert [r.share for r in heard] == [step / 8 for step in range(1, 9)]
    assert {r.total for r in heard} == {8}
    assert heard[1].logs == {"loss": 0.5}
    assert heard[1].tau is None  # nothing was ranked


def test_an_undefined_tau_and_a_nonsensical_total_harm_nothing(tmp_path: Path) -> None:
    store, _, heard = made(tmp_path, rank_every=1, params={"constant": True, "total": -3})
    assert store.runs()[0].status == "done"
    assert {(r.tau, r.total) for r in heard} == {(None, None)}


def test_a_black_box_run_tells_the_share_of_its_budget(tmp_path: Path) -> None:
    store, run_id, heard = made(tmp_path, method="random_search", budget_s=50.0)
    costs = [step.cost_s for step in store.steps(run_id)]
    assert [r.share for r in heard] == [pytest.approx(cost / 50.0) for cost in costs]
    assert {r.total for r in heard} == {None}


def test_it_is_told_a_few_times_a_second_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "TELL_EVERY_S", 60.0)
    store, run_id, heard = made(tmp_path, method="random_search", budget_s=2000.0)
    assert len(store.steps(run_id)) > 50
    assert heard == []


def test_being_watched_changes_no_record(tmp_path: Path) -> None:
    records = []
    for watched in (True, False):
        (folder := tmp_path / str(watched)).mkdir()
        store, run_id, _ = made(folder, watched, rank_every=2)
        records.append([(s.step, s.cost_s, s.incumbent, s.logs, s.scores) for s in store.steps(run_id)])
    for one, other in zip(*records, strict=True):
        assert one[:4] == other[:4]
        np.testing.assert_array_equal(one[4], other[4])


@pytest.mark.parametrize(
    ("method", "params", "total"),
    [
        ("one_shot", {"epochs": 2}, 2),
        ("few_shot", {"k": 1, "epochs": 1, "sub_epochs": 1, "together": 5}, 2),
        ("few_shot", {"k": 1, "epochs": 1, "sub_epochs": 1, "together": 2}, 4),  # five sub-supernets, in three rounds
        ("darts", {"epochs": 2, "eigenvalue_every": 0}, 2),
    ],
)
def test_live_methods_say_how_many_steps_they_take(
    tmp_path: Path, method: str, params: dict[str, int], total: int
) -> None:
    pytest.importorskip("torch")
    heard = made(tmp_path, method=method, benchmark="digits201-live", budget_s=None, params=params)[2]
    assert [(r.step, r.total, r.share) for r in heard] == [(n, total, n / total) for n in range(1, total + 1)]
