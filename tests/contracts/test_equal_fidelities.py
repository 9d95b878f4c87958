"""Contract 7: incumbents compare equal fidelities only, the highest that was seen."""

from __future__ import annotations

import numpy as np

from nasboard.harness.running import state
from tests.contracts.catalogue import BLACK_BOX, Case, over
from tests.contracts.drive import play


@over(BLACK_BOX)
def test_every_incumbent_is_the_best_of_the_highest_fidelity_seen_so_far(case: Case) -> None:
    played = play(case)
    assert played.dumped is not None
    told = state.load(played.dumped)
    archs, epochs, accuracy = (np.asarray(told[name]) for name in ("archs", "epochs", "val_accuracy"))
    assert len(played.incumbents) == len(archs) > 5
    for step, incumbent in enumerate(played.incumbents, start=1):
        comparable = epochs[:step] == epochs[:step].max()
        best = accuracy[:step][comparable].max()
        tied = archs[:step][comparable & (accuracy[:step] == best)]
        assert incumbent == tied[0].tolist()
