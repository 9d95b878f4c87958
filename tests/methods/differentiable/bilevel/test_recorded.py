"""The eigenvalue rule on the searches that RobustDARTS' release recorded, and the page that tells of it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.methods.differentiable.bilevel import recorded
from tests.methods.differentiable.bilevel.recorded import Series
from tests.places import ROOT

PAGE = "docs/results/eigenvalue-rule.md"


@pytest.fixture(scope="module")
def found() -> list[Series]:
    return recorded.series()


def by_epochs(s: Series) -> tuple[int, int] | None:
    """Return what the rule says when it is put in epochs: averages over 4 to either side, compared with 8 before."""
    values = dict(zip(s.epochs[:-1], s.eigenvalues[:-1], strict=True))
    smooth = {e: np.mean([values[other] for other in values if abs(other - e) <= 4]) for e in range(0, 45, 2)}
    for now in range(22, 49, 2):  # the average of `now - 4` is complete, that of `now - 12` stands 8 epochs before
        if smooth[now - 4] / smooth[now - 12] > 1.3:
            return now - 12, now
    return None


def test_the_rule_says_of_every_recorded_search_what_it_says_in_epochs(found: list[Series]) -> None:
    assert len(found) == 67
    assert [s.stopped() for s in found] == [by_epochs(s) for s in found]
    assert sum(s.stopped() is not None for s in found) == 40


def test_searches_that_learned_nothing_have_alphas_decay_as_eigenvalue_and_are_not_stopped(found: list[Series]) -> None:
    lost = [s for s in found if not s.learned]
    assert len(lost) == 6
    assert [s.last for s in lost] == pytest.approx([1e-3] * 6)
    assert not any(s.stopped() for s in lost)


@pytest.mark.parametrize("heading", recorded.SECTIONS)
def test_the_page_has_what_comes_out(found: list[Series], heading: str) -> None:
    lines = [*(ROOT / PAGE).read_text(encoding="utf-8").splitlines(), ""]
    at = next(i for i, line in enumerate(lines) if line.startswith(heading))
    assert lines[at + 2 : lines.index("", at)] == recorded.SECTIONS[heading](found)
