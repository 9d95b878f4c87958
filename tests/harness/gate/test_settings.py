from __future__ import annotations

from pathlib import Path

import pytest

from nasboard.harness.errors import UnknownNameError, UsageError
from nasboard.harness.gate.baseline import Baseline, Settings, take
from nasboard.harness.gate.settings import with_settings
from tests.harness.gate.test_verdict import good
from tests.harness.stored_runs import loaded, searched


@pytest.fixture
def baseline(tmp_path: Path) -> Baseline:
    return take(loaded(tmp_path, [*good(), *(searched("random_search", s, [9, 3000]) for s in range(3))]))


def settings(baseline: Baseline) -> dict[str, Settings]:
    return {entry.label: entry.settings for entry in baseline.entries()}


def test_without_a_wish_nothing_changes(baseline: Baseline) -> None:
    assert with_settings(baseline) == baseline
    assert settings(baseline) == {"one_shot": Settings(), "re": Settings(), "random_search": Settings(judge=False)}


def test_labels_that_match_are_judged_and_no_others(baseline: Baseline) -> None:
    found = settings(with_settings(baseline, labels=["r*"]))
    assert {label: each.judge for label, each in found.items()} == {
        "one_shot": False,
        "re": True,
        "random_search": True,
    }
    found = settings(with_settings(baseline, labels=["r*"], ignored=["re"]))
    assert {label for label, each in found.items() if each.judge} == {"random_search"}


def test_tolerances_and_quantities_are_kept_until_others_come(baseline: Baseline) -> None:
    first = with_settings(baseline, tolerances=["tau=0.03", "r*:accuracy=0.01"], quantities=["tau", "drop"])
    found = settings(with_settings(first, tolerances=["re:accuracy=0.02"]))
    assert found["re"] == Settings(quantities=("tau", "drop"), tolerance={"tau": 0.03, "accuracy": 0.02})
    assert found["random_search"].tolerance == {"tau": 0.03, "accuracy": 0.01}
    assert found["one_shot"].tolerance == {"tau": 0.03}


def test_a_label_may_hold_a_colon(baseline: Baseline) -> None:
    entry = baseline.entries()[0].model_copy(update={"label": "darts:k=2"})
    of = baseline.comparisons[0].model_copy(update={"entries": (entry,)})
    one = baseline.model_copy(update={"comparisons": (of,)})
    assert settings(with_settings(one, tolerances=["darts:k=2:tau=0.5"]))["darts:k=2"].tolerance == {"tau": 0.5}


@pytest.mark.parametrize("text", ["tau", "tau=", "tau=-1", "tau=nan", "tau=inf", "re:tau=x"])
def test_a_tolerance_that_is_none_says_how_it_is_written(baseline: Baseline, text: str) -> None:
    with pytest.raises(UsageError, match=r"takes \[LABEL:\]QUANTITY=VALUE, VALUE a number of at least 0"):
        with_settings(baseline, tolerances=[text])


def test_what_is_not_there_is_an_error_with_what_is(baseline: Baseline) -> None:
    with pytest.raises(UsageError, match=r"label of the baseline matches 'dart\*'; it has one_shot, random_search, re"):
        with_settings(baseline, labels=["dart*"])
    with pytest.raises(UsageError, match="'dart'"):
        with_settings(baseline, tolerances=["dart:tau=0.1"])
    for wish in ({"quantities": ["acuracy"]}, {"tolerances": ["acuracy=0.1"]}):
        with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
            with_settings(baseline, **wish)
