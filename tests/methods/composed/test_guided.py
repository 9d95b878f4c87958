"""A search guided by a supernet: who is asked, what counts as a sample, where it ends, and that it resumes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="live methods train networks: pip install 'nasboard[live]'").set_num_threads(1)

from nasboard.harness import registry  # noqa: E402
from nasboard.harness.api import Checkpoint  # noqa: E402
from nasboard.harness.errors import MethodError, UnknownNameError, UsageError  # noqa: E402
from nasboard.harness.running import state  # noqa: E402
from nasboard.methods.composed.guided import Guided  # noqa: E402
from nasboard.methods.weight_sharing.one_shot import OneShot  # noqa: E402
from tests.methods import live  # noqa: E402

SEARCHERS = (
    "random_search",
    "regularized_evolution",
    "reinforce",
    "bohb",
    "hyperband",
    "tpe",
    "lanas",
    "local_search",
)
RANKER = ("epochs=2", "batch=32", "derive_every=2", "candidates=2")
SHORT = Guided("random_search", (), "one_shot", RANKER, samples=5)


def played(method: Guided, seed: int = 0) -> list[Checkpoint]:
    return list(method.search(live.task(seed)))


def looked_at(steps: list[Checkpoint]) -> list[list[int]]:
    return [arch.tolist() for step in steps for arch, _ in step.visited]


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_every_black_box_method_searches_by_the_score_of_shared_weights(searcher: str) -> None:
    steps = played(replace(SHORT, searcher=searcher))
    ranked, sampled = steps[:2], steps[2:]
    assert [step.incumbent for step in ranked] == [None, None]
    assert [len(step.visited) for step in steps] == [0, 0, 1, 1, 1, 1, 1]
    assert len({tuple(arch) for arch in looked_at(steps)}) == 5
    rank = steps[-1].rank
    assert rank is not None
    archs = np.array(looked_at(steps), dtype=np.int16)
    told = [seen.val_accuracy for step in sampled for _, seen in step.visited]
    assert np.allclose(told, rank(archs))
    assert [step.logs["score"] for step in sampled] == told
    for n, step in enumerate(sampled, start=1):
        assert step.incumbent is not None
        assert step.incumbent.tolist() == archs[int(np.argmax(told[:n]))].tolist()
    assert [step.last for step in steps] == [False] * 6 + [True]
    assert {step.total for step in steps} == {7}


def test_the_ranker_is_the_one_that_a_run_of_its_own_is() -> None:
    alone = list(OneShot(epochs=2, batch=32, derive_every=2, candidates=2).search(live.task()))
    mine = played(SHORT)
    assert [step.logs for step in mine[:2]] == [step.logs for step in alone]
    assert mine[-1].rank(live.ARCHS).tolist() == alone[-1].rank(live.ARCHS).tolist()  # type: ignore[misc]


def test_a_score_has_one_fidelity_with_which_hyperband_is_random_search() -> None:
    random, halving = (played(replace(SHORT, searcher=name)) for name in ("random_search", "hyperband"))
    assert looked_at(random) == looked_at(halving)
    assert {seen.epochs for step in halving for _, seen in step.visited} == {1}
    assert {seen.cost_s for step in halving for _, seen in step.visited} == {0.0}


def test_what_comes_again_is_no_sample_and_one_that_knows_nothing_new_ends() -> None:
    """A policy that has settled on one architecture asks for nothing else."""
    stuck = replace(SHORT, searcher="reinforce", searcher_params=("lr=50.0",), samples=300, dry=30)
    steps = played(stuck)
    assert len(looked_at(steps)) < 300
    assert len({tuple(arch) for arch in looked_at(steps)}) == len(looked_at(steps))
    assert (steps[-1].last, steps[-1].visited) == (True, ())
    assert steps[-1].incumbent is not None
    assert steps[-2].incumbent is not None
    assert steps[-1].incumbent.tolist() == steps[-2].incumbent.tolist()
    assert not any(step.last for step in steps[:-1])


@pytest.mark.parametrize(
    "method",
    [
        SHORT,
        replace(SHORT, searcher="tpe"),
        replace(SHORT, searcher="regularized_evolution", searcher_params=("population=2",)),
        replace(SHORT, ranker="few_shot", ranker_params=("k=1", "epochs=1", "sub_epochs=1", "candidates=2"), samples=3),
        replace(SHORT, ranker="spos", ranker_params=("epochs=1", "generations=2", "population=3", "parents=2")),
    ],
    ids=("random", "tpe", "evolution", "few_shot", "spos"),
)
def test_it_resumes_from_every_step(method: Guided) -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(method)


def test_a_run_that_has_ended_goes_nowhere() -> None:
    end = played(SHORT)[-1]
    assert end.state is not None
    assert list(SHORT.search(live.task(resume=state.load(state.dump(end.state()))))) == []


def test_methods_that_do_not_fit_together_are_refused_when_they_are_named() -> None:
    with pytest.raises(UsageError, match="searcher is a method that needs query and nothing else"):
        replace(SHORT, searcher="darts")
    with pytest.raises(UsageError, match="ranker is a method that needs data and nothing else"):
        replace(SHORT, ranker="lanas")
    with pytest.raises(UnknownNameError, match="regularised_evolution"):
        replace(SHORT, searcher="regularised_evolution")
    with pytest.raises(UnknownNameError, match="hyper-parameter of one_shot"):
        replace(SHORT, ranker_params=("epoch=2",))
    for wrong in ({"samples": 0}, {"dry": 0}):
        with pytest.raises(UsageError, match="at least 1"):
            replace(SHORT, **wrong)  # type: ignore[arg-type]


def test_a_ranking_that_is_no_accuracy_is_refused() -> None:
    by_alpha = replace(SHORT, ranker="darts", ranker_params=("epochs=1", "eigenvalue_every=0", "rank_by_alpha=true"))
    with pytest.raises(MethodError, match=r"darts gives .* the score -.*leave rank_by_alpha out"):
        played(by_alpha)


def test_a_ranker_without_a_ranking_at_its_end_is_refused() -> None:
    unranked = replace(SHORT, ranker="split_search", ranker_params=('searcher_params=["epochs=1"]',))
    with pytest.raises(MethodError, match="split_search has no last checkpoint that ranks"):
        played(unranked)


def test_what_is_stored_of_it_is_complete() -> None:
    stored = registry.resolved(registry.method("guided", {"ranker": "one_shot", "ranker_params": ["epochs=3"]}))
    assert {"epochs=3", "lr=0.025"} <= set(stored["ranker_params"])  # type: ignore[arg-type]
    assert "population=10" in stored["searcher_params"]  # type: ignore[operator]
    assert registry.resolved(registry.method("guided", stored)) == stored
