from __future__ import annotations

from dataclasses import replace

import pytest

from nasboard.harness.gate.changes import Change, changes, told
from nasboard.harness.record import Maker, RunKey
from tests.harness.stored_runs import key

MAKER = Maker("nasboard", "1.0", "a" * 64, {"torch": "2.3"}, {"alpha.npy": "b" * 64})
MADE = replace(
    key("one_shot", 0, params={"epochs": 60, "lr": 0.1, "name": "x"}),
    method_by=MAKER,
    benchmark_by=replace(MAKER, code=None),
)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (MADE, []),
        (replace(MADE, params={"epochs": 40, "lr": 0.1, "name": "y"}), ["epochs 60 -> 40", "name x -> y"]),
        (replace(MADE, params={"epochs": 60, "lr": 0.1, "k": None}), ["k absent -> none", "name x -> absent"]),
        (replace(MADE, budget_s=5.0, rank_every=3), ["budget_s none -> 5.0", "rank_every 1 -> 3"]),
        (replace(MADE, method_by=replace(MAKER, version="1.1")), ["method by nasboard 1.0 -> nasboard 1.1"]),
        (
            replace(MADE, method_by=replace(MAKER, code="c" * 64, libraries={"torch": "2.4"})),
            [f"code of method {'a' * 12} -> {'c' * 12}", "torch 2.3 -> 2.4"],
        ),
        (replace(MADE, method_by=replace(MAKER, files={})), [f"file alpha.npy {'b' * 12} -> absent"]),
        (
            replace(MADE, benchmark_by=None, method_by=None),
            [f"code of method {'a' * 12} -> unknown", "code of benchmark none -> unknown"],
        ),
    ],
)
def test_every_change_is_named_with_what_it_was_and_is(now: RunKey, said: list[str]) -> None:
    assert [str(change) for change in changes(MADE, now)] == said


def test_changes_are_told_with_their_labels_and_code_of_many_in_one_line() -> None:
    epochs = Change("epochs", "60", "40")
    code = [Change("code of method", "a", letter) for letter in "bc"]
    assert told({"m": (epochs, code[0]), "n": (epochs, code[1])}) == (
        "epochs 60 -> 40 (m, n)",
        "code of method, each another (m, n)",
    )
    assert told({"m": (code[0],), "n": ()}) == ("code of method a -> b (m)",)
