from __future__ import annotations

import pytest

from nasboard.benchmarks.tabulated.planted import planted
from nasboard.harness.api import Benchmark
from nasboard.harness.entries import Suite
from nasboard.harness.errors import MissingDataError, SuiteError, UnknownNameError, UsageError
from nasboard.harness.planning import selection
from nasboard.harness.planning.suite import resolve

EVOLUTION = {
    "method": "regularized_evolution",
    "benchmark": "planted",
    "seeds": 3,
    "budget_s": 5.0,
    "params": {"population": 20},
}
RANDOM = {"method": "random_search", "label": "rs", "benchmark": "planted", "seeds": 2, "budget_s": 5.0}
LIVE = {"method": "darts", "benchmark": "digits201-live", "seeds": 1}


def made(*entries: dict[str, object]) -> Suite:
    return Suite.model_validate({"name": "tiny", "runs": list(entries)})


def test_entries_are_chosen_by_the_label_that_boards_show() -> None:
    suite = made(EVOLUTION, RANDOM)
    assert [e.shown for e in selection.only(suite, "r*").runs] == ["regularized_evolution", "rs"]
    assert [e.method for e in selection.only(suite, "rs").runs] == ["random_search"]
    with pytest.raises(SuiteError, match=r"no entry of suite 'tiny' matches --only 'dar\*'; it has regular.*, rs"):
        selection.only(suite, "dar*")


def test_settings_replace_those_of_every_entry_and_keep_the_others() -> None:
    settings = ["seeds=7", "params.tournament = 5", "panel.size=50", "rank_every=3", "budget_s=2", "train.along=4"]
    suite = selection.with_settings(made(EVOLUTION), settings)
    (entry,) = suite.runs
    assert (entry.seeds, entry.rank_every, entry.budget_s, suite.panel.size) == (7, 3, 2.0, 50)
    assert (suite.train.along, suite.train.final_seeds) == (4, 3)
    assert entry.params == {"population": 20, "tournament": 5}
    planned, _ = resolve(suite)
    assert len(planned) == 7
    assert planned[0].key.params["tournament"] == 5
    assert selection.with_settings(made(EVOLUTION, RANDOM), ["seeds=1"]).runs[1].label == "rs"


def test_with_other_hyper_parameters_what_was_said_of_tuning_is_not_said_any_more() -> None:
    stated = made({**EVOLUTION, "tuning": "3 settings"}, RANDOM)
    assert selection.with_settings(stated, ["seeds=7"]).runs[0].tuning == "3 settings"
    assert selection.with_settings(stated, ["params.tournament=5"]).runs[0].tuning is None


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("params.x=0.05", 0.05),
        ("params.x=3", 3),
        ("params.x=true", True),
        ("params.x=[1, 2]", [1, 2]),
        ('params.x="two words"', "two words"),
        ("params.x=two words", "two words"),  # what a shell leaves of quotes
        ("params.x=a=b", "a=b"),
        ("params.x=", ""),
    ],
)
def test_values_are_those_of_toml_and_anything_else_is_a_string(setting: str, value: object) -> None:
    found = selection.with_settings(made(RANDOM), [setting]).runs[0].params["x"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("setting", "error", "message"),
    [
        ("sedes=3", UnknownNameError, "unknown key of --set: 'sedes'; did you mean 'seeds'"),
        ("lr=0.1", UnknownNameError, r"unknown key of --set: 'lr'.*params\.NAME"),
        ("panel.sise=3", SuiteError, r"with panel\.sise=3: unknown key at panel\.sise: 'sise'; did you mean 'size'"),
        ("seeds=many", SuiteError, r"with seeds=many: runs\.0\.seeds: Input should be a valid integer"),
        ("seeds.x=3", SuiteError, r"runs\.0\.seeds"),
        ("seeds=0", SuiteError, r"runs\.0\.seeds: Input should be greater than or equal to 1"),
        ("seeds", UsageError, "KEY=VALUE, such as params.lr=0.05 or seeds=3, given 'seeds'"),
        ("=3", UsageError, "given '=3'"),
        ("two words=3", UsageError, "given 'two words=3'"),
    ],
)
def test_a_wrong_setting_says_what_is_allowed(setting: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        selection.with_settings(made(RANDOM), [setting])


def test_a_budget_is_for_entries_that_have_one() -> None:
    changed = selection.with_budget(made(EVOLUTION, LIVE), 2.0)
    assert [e.budget_s for e in changed.runs] == [2.0, None]
    with pytest.raises(UsageError, match=r"no entry of suite 'tiny' has a budget to replace.*remove --budget"):
        selection.with_budget(made(LIVE), 2.0)
    with pytest.raises(SuiteError, match=r"with --budget -1: runs\.0\.budget_s: Input should be greater than 0"):
        selection.with_budget(made(RANDOM), -1.0)


def opened(name: str) -> Benchmark:
    if name.startswith("gone"):
        raise MissingDataError(f"{name} is not imported")
    return planted()


def test_entries_that_lack_something_are_left_out_with_one_reason_for_all_of_a_kind() -> None:
    entries = [RANDOM | {"benchmark": name, "label": name + tail} for name in ("gone1", "gone2") for tail in "ab"]
    usable, left_out = selection.usable(made(EVOLUTION, *entries), benchmark=opened)
    assert [e.method for e in usable.runs] == ["regularized_evolution"]
    assert [str(each) for each in left_out] == [
        "left out: gone1a, gone1b: gone1 is not imported",
        "left out: gone2a, gone2b: gone2 is not imported",
    ]


def test_nothing_usable_is_an_error_with_every_reason() -> None:
    first, second = (RANDOM | {"benchmark": f"gone{i}", "label": f"e{i}"} for i in (1, 2))
    with pytest.raises(MissingDataError, match=r"^gone1 is not imported$"):
        selection.usable(made(first), benchmark=opened)
    with pytest.raises(MissingDataError, match="left out: e1: gone1 is not imported; left out: e2: gone2"):
        selection.usable(made(first, second), benchmark=opened)


def test_a_wrong_name_is_no_reason_to_leave_an_entry_out() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'random_search'"):
        selection.usable(made(EVOLUTION, RANDOM | {"method": "randon_search"}), benchmark=opened)
