"""Methods along single paths run in every relaxed space: no method knows an edge."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from nasboard.harness.api import Checkpoint, SearchMethod, State, Task
from nasboard.harness.running import state
from nasboard.harness.space import check, sample
from nasboard.methods.weight_sharing.enas import Enas
from nasboard.methods.weight_sharing.few_shot import FewShot
from nasboard.methods.weight_sharing.rsps import Rsps
from nasboard.methods.weight_sharing.spos import Spos
from tests.methods import live

SPACES = (
    *(f"nb1shot1-{number}-live" for number in (1, 2, 3)),
    "darts-digits",
    *(f"s{n}-digits" for n in range(1, 6)),
    "proxyless-digits",
)
METHODS = (
    replace(Enas.for_tests(), epochs=2, candidates=3),
    replace(Rsps.for_tests(), epochs=2, candidates=4, rounds=1),
    replace(Spos.for_tests(), epochs=1, population=4, generations=2, recalibrate=32),
)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_it_runs_resumes_and_ranks(method: SearchMethod, name: str) -> None:
    data = live.tiny(name)
    few = sample(data.space, np.random.default_rng(0), 3)

    def played(resume: State | None = None, seed: int = 0) -> tuple[list[tuple[object, ...]], Checkpoint, State]:
        """Return what every step shows, the last step, and the state after the first."""
        task = Task(data.space, np.random.default_rng(seed), math.inf, data=data, resume=resume)
        shown, begun = [], {}
        for step in method.search(task):
            incumbent = None if step.incumbent is None else step.incumbent.tobytes()
            assert step.rank is not None
            assert step.state is not None
            shown.append((step.step, incumbent, step.rank(few).tobytes(), dict(step.logs)))
            begun = begun or step.state()
        return shown, step, state.load(state.dump(begun))

    whole, last, begun = played()
    assert played(begun, seed=9)[0] == whole[1:]
    assert last.last
    assert last.incumbent is not None
    check(data.space, last.incumbent[None])


@pytest.mark.parametrize(("layer", "members"), [(0, 6), (1, 7)])
def test_a_layer_is_split_into_as_many_sub_supernets_as_it_has_blocks_zero_included(layer: int, members: int) -> None:
    data = live.tiny("proxyless-digits", channels=4)
    method = FewShot(epochs=1, sub_epochs=1, k=1, split_order=(layer,), candidates=3, derive_every=9, batch=32)
    steps = list(method.search(Task(data.space, np.random.default_rng(0), math.inf, data=data)))
    assert len(steps) == 1 + members  # one round a sub-supernet
    archs = np.repeat(sample(data.space, np.random.default_rng(0), 1), members, axis=0)
    archs[:, layer] = range(members)
    assert steps[-1].rank is not None
    scores = steps[-1].rank(archs)
    assert len(set(scores.tolist())) == members
