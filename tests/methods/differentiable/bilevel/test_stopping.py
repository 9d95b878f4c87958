"""The eigenvalue rule: its averages, when it says stop, and what a search does then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.harness.api import Checkpoint, Logged
from nasboard.harness.errors import UsageError
from nasboard.harness.running import state
from nasboard.methods.differentiable.bilevel import search as bilevel_search
from nasboard.methods.differentiable.bilevel.measuring import GAP
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.bilevel.stopping import averages, gone_too_far
from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.drnas import DrNas
from tests.contracts import matrix
from tests.methods import live

EARLY = Darts(epochs=9, batch=96, stop="early", stop_from=2)
ADAPT = replace(EARLY, stop="adapt")
Plant = Callable[[Callable[[int, float], float]], None]


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Let eigenvalues be a function of the epoch and of the weights' decay."""

    def set_to(eigenvalue: Callable[[int, float], float]) -> None:
        def measure(run: Search, guide: object) -> Mapping[str, Logged]:
            return {"eigenvalue": eigenvalue(run.epoch, run.decay), GAP: run.epoch / 100}

        monkeypatch.setattr(bilevel_search, "measure", measure)

    return set_to


def grown(epoch: int, decay: float) -> float:
    """Return an eigenvalue that doubles after epoch 4, as long as the weights decay as at first."""
    return 2.0 if epoch > 4 and decay < 1e-3 else 1.0


def run(method: Darts) -> list[Checkpoint]:
    return list(method.search(live.task()))


def test_averages_are_centred_and_shorter_at_the_beginning_only() -> None:
    found = averages([1, 2, 3, 4, 5, 6, 70])
    assert found == pytest.approx([2, 2.5, 3, 4, 17.6])  # of 3, 4, 5, 5 and 5; the last two have no average yet
    assert len(averages([1, 2])) == 0


def test_the_latest_average_is_compared_with_the_one_four_before() -> None:
    epochs, values = list(range(2, 22, 2)), [1.0] * 5 + [2.0] * 5
    found = [gone_too_far(epochs[:n], values[:n], 1.3, 0) for n in range(1, 11)]
    # of 7 values the latest average is (1 + 1 + 1 + 2 + 2) / 5 = 1.4, of places 2 to 6; the earlier one stands at 0
    assert found == [None] * 6 + [0, 1, 2, 3]
    assert gone_too_far(epochs[:7], values[:7], 1.39, 0) == 0
    assert gone_too_far(epochs[:7], values[:7], 1.41, 0) is None


def test_no_epoch_before_the_start_is_returned_to() -> None:
    epochs, values = list(range(2, 22, 2)), [1.0] * 5 + [2.0] * 5
    assert [gone_too_far(epochs[:n], values[:n], 1.3, 6) for n in (7, 8, 9)] == [None, None, 2]


@given(st.lists(st.floats(1e-3, 1e3), min_size=7, max_size=26), st.floats(1e-2, 1e2))
def test_the_unit_of_the_eigenvalues_does_not_matter_and_falling_ones_never_stop(
    values: list[float], unit: float
) -> None:
    epochs = range(len(values))
    smooth = averages(values)
    if abs(smooth[-1] / smooth[-5] / 1.3 - 1) > 1e-6:  # rounding decides nothing
        assert gone_too_far(epochs, values, 1.3, 0) == gone_too_far(epochs, [unit * v for v in values], 1.3, 0)
    assert gone_too_far(epochs, sorted(values, reverse=True), 1.0 + 1e-9, 0) is None


def test_early_stopping_ends_the_search_with_the_architecture_of_before(plant: Plant) -> None:
    plant(grown)
    whole, ended = run(replace(EARLY, stop="never")), run(EARLY)
    assert [c.step for c in ended] == list(range(1, 9))  # 1.8 against 1 of epoch 2, the first that may be returned to
    assert [c.last for c in ended] == [False] * 7 + [True]
    assert dict(ended[-1].logs) == {**whole[7].logs, "back_to": 2.0, "weight_decay": 5e-4, GAP: 0.02}
    assert np.array_equal(ended[-1].incumbent, whole[1].incumbent)
    assert [c.incumbent.tolist() for c in ended[:-1]] == [c.incumbent.tolist() for c in whole[:7]]


def test_the_architecture_returned_is_another_where_alpha_has_moved(plant: Plant) -> None:
    plant(grown)
    whole, ended = (run(replace(EARLY, stop=s, alpha_lr=0.3)) for s in ("never", "early"))
    assert np.array_equal(ended[-1].incumbent, whole[1].incumbent)
    assert not np.array_equal(ended[-1].incumbent, whole[7].incumbent)


def test_a_search_whose_eigenvalue_does_not_grow_goes_to_its_end(plant: Plant) -> None:
    plant(lambda epoch, decay: 1.0)
    for method in (EARLY, ADAPT):
        found = run(method)
        assert [c.step for c in found] == list(range(1, 10))
        assert not any("back_to" in c.logs for c in found)


def test_adapting_goes_back_to_the_earlier_state_with_ten_times_the_decay(plant: Plant) -> None:
    plant(grown)
    search = live.search(ADAPT)
    logs, stood = {}, {}
    while not search.over:
        logs = dict(search.advance())
        stood[search.steps] = search.standing()
        assert search.total == search.steps + 9 - search.epoch
        if search.steps == 8:
            assert logs["back_to"] == 2.0
            assert logs["weight_decay"] == pytest.approx(5e-3)
    np.testing.assert_equal(stood[8], stood[2])  # weights, momentum, alpha, both optimisers, the epoch
    assert not np.array_equal(stood[9]["alpha"], stood[3]["alpha"])  # chance goes on, and more decays
    assert (search.steps, search.epoch) == (8 + 7, 9)
    assert search.watch.epochs == list(range(1, 10))  # those gone back on are forgotten


def test_decay_grows_to_its_most_and_no_further(plant: Plant) -> None:
    plant(lambda epoch, decay: 2.0**epoch)
    for first, decays in ((3e-4, [3e-3, 3e-2]), (5e-4, [5e-3, 3e-2]), (0.03, [])):
        found = run(replace(ADAPT, weight_decay=first))
        assert [c.logs["weight_decay"] for c in found if "back_to" in c.logs] == pytest.approx(decays)
        assert [c.step for c in found] == list(range(1, len(found) + 1))
        assert [c.last for c in found].index(True) == len(found) - 1


def test_it_does_not_go_back_beyond_where_it_went_back_to(plant: Plant) -> None:
    # the first time from epoch 12 to 6; then the rule would say 2 at once, whose state is no longer kept
    plant(lambda epoch, decay: 1.0 if epoch <= 6 else 4.0 if decay > 1e-3 else 1.0 if epoch <= 10 else 2.0)
    found = run(replace(ADAPT, epochs=12, stop_from=1))
    assert {c.step: c.logs["back_to"] for c in found if "back_to" in c.logs} == {12: 6.0, 18: 6.0}
    assert len(found) == 24


@pytest.mark.parametrize(("stop", "steps"), [("early", [7]), ("adapt", [2, 8, 9])])
def test_a_stopped_run_resumes_bit_for_bit_before_and_after_it_was(plant: Plant, stop: str, steps: list[int]) -> None:
    plant(grown)
    method, shown, stored = replace(EARLY, stop=stop), [], {}
    for checkpoint in method.search(live.task()):
        shown.append(live.shown(checkpoint))
        if checkpoint.step in steps:
            stored[checkpoint.step] = state.dump(checkpoint.state())
    for step, kept in stored.items():
        resumed = method.search(live.task(seed=1000 + step, resume=state.load(kept)))
        assert [live.shown(c) for c in resumed] == shown[step:]


def test_a_rule_without_eigenvalues_is_refused() -> None:
    with pytest.raises(UsageError, match="eigenvalue_every"):
        next(replace(EARLY, eigenvalue_every=0).search(live.task()))


def test_a_search_that_was_ended_stands_where_it_went_back_to_and_hands_on_its_mixture(plant: Plant) -> None:
    plant(grown)
    search, stood = live.search(replace(EARLY, alpha_lr=0.3)), {}
    while not search.over:
        search.advance()
        stood[search.steps] = (search.standing(), search.handed_on())
    assert (search.steps, search.total, search.epoch) == (8, 8, 2)
    np.testing.assert_equal(stood[8], stood[2])
    assert not np.array_equal(stood[7][1]["mix"], stood[2][1]["mix"])
    assert np.array_equal(search.net.space.derive(stood[8][1]["mix"]), stood[8][1]["found"])


def test_the_stages_after_an_ended_one_hold_what_its_mixture_says(plant: Plant) -> None:
    plant(lambda epoch, decay: 2.0 if epoch % 9 > 4 else 1.0)  # in each stage of nine
    method = DrNas(epochs=18, batch=40, partials=(2, 1), stop="early", stop_from=2, alpha_lr=0.3)
    shown = list(method.search(matrix.case("drnas", "s2-digits").task()))
    assert [c.logs["back_to"] for c in shown if "back_to" in c.logs] == [2.0, 9 + 1.0]
    assert shown[-1].incumbent is not None  # S2 leaves edges out, of which an architecture says no option


def test_the_decay_that_grew_is_the_next_stages_too(plant: Plant) -> None:
    plant(grown)
    method = DrNas(epochs=18, batch=40, partials=(2, 1), stop="adapt", stop_from=2)
    data = live.tiny("s2-digits")
    first, second = method.legs(replace(live.task(), data=data), data)
    begun = first({})
    while not begun.over:
        begun.advance()
    assert isinstance(begun, Search)
    assert begun.decay == pytest.approx(10 * method.weight_decay)
    followed = second(begun.handed_on())
    assert isinstance(followed, Search)
    assert followed.decay == begun.decay
