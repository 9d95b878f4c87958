"""Local search: which neighbours it looks at, where it goes, when it starts afresh, and that nothing is paid twice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator, default_rng

from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.api import Observation
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs, SearchSpace, enumerate_all, neighbours, sample, size
from nasboard.methods.black_box.local_search import Climber, LocalSearch
from tests.methods.black_box.play import search, share
from tests.methods.black_box.spaces import Free, Ruled

SPACE = PlantedSpace()
SMALL = Free((3, 4))
HILLS = np.array([[0.1, 0.2, 0.7, 0.3], [0.2, 0.3, 0.4, 0.2], [0.9, 0.5, 0.1, 0.15]])  # optima at (0, 2) and (2, 0)


def height(arch: Arch) -> float:
    return float(HILLS[tuple(arch)])


def rows(archs: list[Arch]) -> list[tuple[int, ...]]:
    return [tuple(arch.tolist()) for arch in archs]


class Watched(Climber):
    """A climber that can be told where to start, and remembers its steps."""

    def __init__(self, settings: LocalSearch, space: SearchSpace, seed: int, first: Arch | None = None) -> None:
        super().__init__(settings, space, default_rng(seed))
        self.first = first
        self.steps: list[tuple[Arch | None, Arch | None]] = []

    def _step(self) -> None:
        before = self.here
        super()._step()
        self.steps.append((before, self.here))

    def _unseen(self) -> Arch:
        first, self.first = self.first, None
        return super()._unseen() if first is None else first


def climb(first: tuple[int, int], n: int, seed: int = 0, *, until_better: bool = False) -> list[tuple[int, ...]]:
    """Return what is asked for from a given start."""
    player = Watched(LocalSearch(until_better=until_better), SMALL, seed, np.array(first, dtype=np.int16))
    return rows(played(player, height, n))


def played(player: Climber, score: Callable[[Arch], float], n: int) -> list[Arch]:
    asked = []
    for _ in range(n):
        proposal = player.ask()
        asked.append(proposal.arch)
        player.tell(proposal, Observation(score(proposal.arch), 1.0, 1))
    return asked


def test_all_neighbours_are_looked_at_and_the_best_is_next() -> None:
    asked = climb((1, 1), 12)
    around = {(0, 1), (2, 1), (1, 0), (1, 2), (1, 3)}
    assert asked[0] == (1, 1)
    assert set(asked[1:6]) == around
    # the best of them is (2, 1), 0.5; around it (2, 0), 0.9, is best, and the optimum
    assert set(asked[6:9]) == {(2, 0), (2, 2), (2, 3)}
    assert set(asked[9:10]) == {(0, 0)}  # around (2, 0) all others are known
    assert asked[10] not in asked[:10]  # a fresh start, unseen


def test_neighbours_come_in_random_order() -> None:
    orders = {tuple(climb((1, 1), 6, seed)[1:]) for seed in range(20)}
    assert len(orders) > 10


def test_until_better_goes_to_the_first_better_neighbour() -> None:
    better = {(0, 1): False, (2, 1): True, (1, 0): False, (1, 2): True, (1, 3): False}  # than (1, 1)
    for seed in range(20):
        asked = climb((1, 1), 7, seed, until_better=True)
        looked = next(i for i, arch in enumerate(asked) if better.get(arch, False))  # at so many
        assert set(asked[1 : looked + 1]) <= set(better)
        there = np.array(asked[looked], dtype=np.int16)
        nearby = {tuple(row.tolist()) for row in neighbours(SMALL, there)}
        assert asked[looked + 1] in nearby


@pytest.mark.parametrize("until_better", [False, True])
def test_it_stops_only_at_local_optima(until_better: bool) -> None:
    player = Watched(LocalSearch(until_better=until_better), SPACE, 3)
    played(player, share, 400)
    ends = [before for before, after in player.steps if before is not None and after is None]
    climbs = [(before, after) for before, after in player.steps if before is not None and after is not None]
    assert len(ends) > 2
    assert len(climbs) > 5
    for optimum in ends:
        assert max(share(row) for row in neighbours(SPACE, optimum)) <= share(optimum)
    for before, after in climbs:
        assert share(after) > share(before)
        assert (before != after).sum() == 1


@pytest.mark.parametrize("settings", [{}, {"starts": 10}, {"until_better": True}, {"starts": 3, "until_better": True}])
def test_no_architecture_is_paid_twice_while_there_are_unseen_ones(settings: dict[str, int]) -> None:
    asked, _ = search(LocalSearch(**settings), SPACE, share, 1_000)  # type: ignore[arg-type]
    assert len(set(rows(asked))) == 1_000


def test_a_space_that_is_used_up_is_begun_again() -> None:
    asked, last = search(LocalSearch(), SMALL, height, size(SMALL) + 5)
    assert len(set(rows(asked[: size(SMALL)]))) == size(SMALL)
    assert last.incumbent is not None
    assert height(last.incumbent) == HILLS.max()


def test_the_climb_begins_at_the_best_of_several_starts() -> None:
    asked, _ = search(LocalSearch(starts=10), SPACE, share, 30, seed=1)
    best = max(asked[:10], key=share)
    nearby = set(rows(list(neighbours(SPACE, best))))
    seen = set(rows(asked[:10]))
    assert set(rows(asked[10 : 10 + len(nearby - seen)])) == nearby - seen


def test_only_valid_architectures_are_asked_for() -> None:
    space = Ruled()
    asked, last = search(LocalSearch(), space, share, 150)
    assert space.valid(np.stack(asked)).all()
    assert last.incumbent is not None
    assert share(last.incumbent) == max(share(a) for a in asked)


def test_an_architecture_without_valid_neighbours_is_an_optimum() -> None:
    space = Ruled((2, 2, 2), step=2)  # one change always breaks the rule
    assert not len(neighbours(space, np.zeros(3, dtype=np.int16)))
    asked, _ = search(LocalSearch(), space, share, 12)
    assert set(rows(asked)) == {tuple(a.tolist()) for a in enumerate_all(space) if space.valid(a[None])[0]}


def test_the_last_unseen_architecture_is_found() -> None:
    space = Ruled((4, 5, 3, 6), step=3)  # 120 of 360 rows are valid
    archs = enumerate_all(space)
    archs = archs[space.valid(archs)]
    for seed in range(20):
        player = Climber(LocalSearch(), space, default_rng(seed))
        player.known = {arch.tobytes(): 0.1 for arch in np.delete(archs, seed, axis=0)}
        assert np.array_equal(player._unseen(), archs[seed])


def test_a_space_that_is_used_up_is_not_searched_for_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = 0

    def counted(space: SearchSpace, rng: Generator, n: int) -> Archs:
        nonlocal drawn
        drawn += n
        return sample(space, rng, n)

    monkeypatch.setattr("nasboard.methods.black_box.local_search.sample", counted)
    search(LocalSearch(starts=10), Ruled((2,) * 6, step=2), share, 400)
    assert drawn < 6_000  # some ten a start, and not a thousand for each of them


@pytest.mark.parametrize("starts", [0, 10_001])
def test_settings_out_of_range_are_refused(starts: int) -> None:
    with pytest.raises(UsageError, match=rf"local_search: starts is 1\.\.10000, given {starts}"):
        LocalSearch(starts=starts)
