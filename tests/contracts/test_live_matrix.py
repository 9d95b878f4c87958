"""Every method that trains supernets runs on every relaxed space; in `tox -e soak` by every contract on every one."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="live methods train networks: pip install 'nasboard[live]'").set_num_threads(1)

from nasboard.harness.testing.finding import judged  # noqa: E402
from nasboard.harness.testing.searching import (  # noqa: E402
    abilities_change_nothing,
    resume_ends_like_uninterrupted,
    same_seed_same_record,
    well_formed_checkpoints,
)
from tests.contracts import matrix  # noqa: E402

# the others are of queries, or ask for a registered benchmark: test_methods runs them on digits201-live
CONTRACTS = (
    well_formed_checkpoints,
    same_seed_same_record,
    abilities_change_nothing,
    resume_ends_like_uninterrupted,
)


def cells(spaces: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(method, space) for method in matrix.METHODS for space in spaces if (method, space) not in matrix.CANNOT]


@pytest.mark.parametrize(("method", "space"), cells(matrix.KINDS))
def test_a_method_runs_on_every_kind_of_space_and_goes_on_where_it_was_cut_off(method: str, space: str) -> None:
    matrix.look(matrix.brief(method, space))


@pytest.mark.soak
@pytest.mark.parametrize(("method", "space"), cells(matrix.SPACES))
def test_a_method_keeps_the_contracts_on_every_relaxed_space(method: str, space: str) -> None:
    case = matrix.case(method, space)
    findings = [judged(contract, case) for contract in CONTRACTS]
    assert [finding.why for finding in findings if finding.outcome != "ok"] == []


def test_what_cannot_be_names_methods_and_spaces_that_there_are() -> None:
    assert {method for method, _ in matrix.CANNOT} <= set(matrix.METHODS)
    assert {space for _, space in matrix.CANNOT} <= set(matrix.SPACES)
