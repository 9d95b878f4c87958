"""Live methods on a CUDA device: the same scores as on the processor, to float tolerance, and runs that resume."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="live methods need torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.supernets.ranking import evaluate  # noqa: E402
from nasboard.harness.api import SearchMethod  # noqa: E402
from nasboard.harness.running import state  # noqa: E402
from nasboard.methods.differentiable.darts import Darts  # noqa: E402
from nasboard.methods.differentiable.sdarts_rs import SdartsRs  # noqa: E402
from nasboard.methods.weight_sharing.enas import Enas  # noqa: E402
from nasboard.methods.weight_sharing.few_shot import FewShot  # noqa: E402
from nasboard.methods.weight_sharing.one_shot import OneShot  # noqa: E402
from nasboard.methods.weight_sharing.rsps import Rsps  # noqa: E402
from nasboard.methods.weight_sharing.spos import Spos  # noqa: E402
from tests.methods import live  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]

METHODS = [
    Darts(epochs=3, batch=32, eigenvalue_every=2),
    SdartsRs(epochs=3, batch=32, eigenvalue_every=2),
    OneShot(epochs=3, batch=32, candidates=8, derive_every=2),
    FewShot(epochs=2, sub_epochs=2, batch=32, candidates=8, derive_every=2, together=5),
    Rsps.for_tests(),
    Spos.for_tests(),
    Enas.for_tests(),
]


def test_scores_are_those_of_the_processor() -> None:
    data = live.small_data()
    scored = {device: data.on(device).scored for device in ("cpu", "cuda")}
    seen = [
        evaluate(data.supernet(np.random.default_rng(0), d), live.ARCHS, some.images, some.labels).confidence
        for d, some in scored.items()
    ]
    np.testing.assert_allclose(seen[0], seen[1], rtol=0, atol=1e-3)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_a_run_ends_on_the_device_and_goes_on_from_its_state(method: SearchMethod) -> None:
    steps = list(method.search(replace(live.task(), device="cuda")))
    assert steps[-1].last
    whole = steps[-1].rank(live.ARCHS)
    assert np.isfinite(whole).all()
    search = method.search(replace(live.task(), device="cuda"))
    stored = state.dump(next(search).state())
    resumed = list(method.search(replace(live.task(seed=9, resume=state.load(stored)), device="cuda")))
    assert [c.step for c in resumed] == [c.step for c in steps[1:]]
    np.testing.assert_allclose(resumed[-1].rank(live.ARCHS), whole, rtol=0, atol=0.05)
