"""A search in each sub-supernet: what each may choose, which result is taken, and that it resumes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="live methods train networks: pip install 'nasboard[live]'").set_num_threads(1)

from nasboard.benchmarks.spaces import darts_lists  # noqa: E402
from nasboard.harness.api import Checkpoint  # noqa: E402
from nasboard.harness.errors import MethodError, UsageError  # noqa: E402
from nasboard.harness.running import state  # noqa: E402
from nasboard.methods.composed.split_search import PART, SplitSearch  # noqa: E402
from nasboard.methods.differentiable.darts import Darts  # noqa: E402
from tests.methods import live  # noqa: E402

SHORT = ("epochs=1", "batch=32", "eigenvalue_every=0")
SEARCHES = {
    "darts": ("darts", SHORT),
    "second order": ("darts", (*SHORT, "second_order=true")),
    "pc_darts": ("pc_darts", (*SHORT, "partial=2", "alpha_from=0")),
    "gdas": ("gdas", SHORT),
    "setn": ("setn", (*SHORT, "candidates=4")),
    "enas": ("enas", ("epochs=1", "batch=32", "updates=1", "samples=2", "candidates=4")),
}


def played(method: SplitSearch, seed: int = 0) -> list[Checkpoint]:
    return list(method.search(live.task(seed)))


@pytest.mark.parametrize(("searcher", "params"), SEARCHES.values(), ids=list(SEARCHES))
def test_each_search_stays_in_its_sub_supernet_and_the_best_on_validation_is_taken(
    searcher: str, params: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    scores: dict[tuple[int, ...], float] = {}
    scoring = "nasboard.methods.composed.split_search.score"

    def noted(rank, arch, who):  # type: ignore[no-untyped-def]
        scores[tuple(arch.tolist())] = found = float(rank(arch[None])[0])
        return found

    monkeypatch.setattr(scoring, noted)
    steps = played(SplitSearch(searcher, params))
    assert [int(step.logs[PART]) for step in steps] == [1, 2, 3, 4, 5]  # type: ignore[arg-type]
    assert [arch[0] for arch in scores] == [0, 1, 2, 3, 4]  # the edge 1<-0 has the sub-supernet's operation
    assert len(set(scores.values())) > 1
    for n, step in enumerate(steps, start=1):
        so_far = list(scores)[:n]
        assert step.incumbent is not None
        assert tuple(step.incumbent.tolist()) == max(so_far, key=scores.__getitem__)
        assert step.rank is None
    assert [step.last for step in steps] == [False] * 4 + [True]
    assert {step.total for step in steps} == {5}


@pytest.mark.parametrize(("searcher", "params"), SEARCHES.values(), ids=list(SEARCHES))
def test_it_resumes_from_every_step(searcher: str, params: tuple[str, ...]) -> None:
    method = SplitSearch(searcher, ("epochs=2", *params[1:]))
    whole = played(method)
    for at in (1, 2, 7):
        kept = state.dump(_at(method, at).state())  # type: ignore[misc]
        rest = list(method.search(live.task(seed=50 + at, resume=state.load(kept))))
        assert [_shown(step) for step in rest] == [_shown(step) for step in whole[at:]]


def test_without_groups_it_is_the_method_itself() -> None:
    alone = list(Darts(epochs=2, batch=32, eigenvalue_every=0).search(live.task()))
    mine = played(SplitSearch("darts", ("epochs=2", *SHORT[1:]), groups=()))
    assert [live.shown(step) for step in mine] == [live.shown(step) for step in alone]


def test_two_groups_are_searched_in_every_combination() -> None:
    method = SplitSearch("gdas", SHORT, groups=(0, 5))
    parts = method.parts_of(live.SPACE.groups)
    assert len(parts) == 25
    assert len(set(parts)) == 25
    steps = played(method)
    assert len(steps) == 25
    assert steps[-1].last


def test_an_edge_of_the_darts_cells_has_seven_sub_supernets() -> None:
    groups = darts_lists.SPACES["darts"].groups
    parts = SplitSearch("darts", SHORT).parts_of(groups)
    assert [held for ((_, held),) in parts] == [(0, option) for option in range(1, 8)]  # and `none`, for being left out


@pytest.mark.parametrize("groups", [(6,), (-1,), (0, 0)])
def test_groups_that_cannot_be_split_are_refused(groups: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"groups of operations are 0\.\.5|distinct"):
        played(SplitSearch("darts", SHORT, groups=groups))


def test_a_searcher_of_another_kind_is_refused_when_it_is_named() -> None:
    with pytest.raises(UsageError, match="needs data and nothing else, given lanas"):
        SplitSearch("lanas")


def test_results_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(MethodError, match="leave rank_by_alpha out"):
        played(SplitSearch("darts", (*SHORT, "rank_by_alpha=true")))
    with pytest.raises(MethodError, match="without an architecture or without a ranking"):
        played(replace(SplitSearch("split_search"), searcher_params=(f"searcher_params={_listed(SHORT)}",)))


def _listed(lines: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{line}"' for line in lines) + "]"


def _at(method: SplitSearch, step: int) -> Checkpoint:
    checkpoints = method.search(live.task())
    for _ in range(step):
        found = next(checkpoints)
    return found


def _shown(step: Checkpoint) -> tuple[object, ...]:
    incumbent = None if step.incumbent is None else step.incumbent.tolist()
    logs = {name: np.asarray(value).tolist() for name, value in step.logs.items()}
    return step.step, incumbent, logs, step.last
