"""A training on a CUDA device: as on the processor to float tolerance, taken up again from its state."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.catalogue import LIVE  # noqa: E402
from nasboard.benchmarks.live.trainings.training import Training  # noqa: E402
from nasboard.benchmarks.spaces.nb201 import NB201Space  # noqa: E402
from nasboard.harness.api import Checkpoint, State, Task  # noqa: E402
from nasboard.harness.running import state  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]

SPEC = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"


def search(device: str, resume: State | None = None) -> Iterator[Checkpoint]:
    data = LIVE["digits201-live"]().data()
    task = Task(NB201Space(), np.random.default_rng(3), float("inf"), device=device, data=data, resume=resume)
    return Training(SPEC, "quick-3").search(task)


def test_a_training_is_that_of_the_processor_and_goes_on_from_its_state() -> None:
    here, there = next(search("cpu")), list(search("cuda"))
    assert there[0].logs["loss"] == pytest.approx(here.logs["loss"], rel=1e-2)
    images = LIVE["digits201-live"]().data().val[0]
    assert there[-1].network(images).shape == (500, 10)
    kept = state.dump(next(search("cuda")).state())
    rest = list(search("cuda", state.load(kept)))
    assert [c.step for c in rest] == [2, 3]
    assert rest[-1].logs["loss"] == pytest.approx(there[-1].logs["loss"], rel=0.05)
