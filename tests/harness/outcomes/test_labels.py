from __future__ import annotations

from dataclasses import replace

import pytest

from nasboard.harness.outcomes.labels import labels
from nasboard.harness.record import RunKey, RunRecord

NB = "nb201-cifar10@v1.0"
KEY = RunKey("walk", {"eps": 0.1, "deep": {"a": 1}}, NB, "cifar10", "nb201", "ab" * 32, 0, 12000.0, None)


def shown(*keys: RunKey, label: str = "walk") -> list[str]:
    runs = [RunRecord(k.run_id, k, label, "done", None, "simulated", 1.0, 1.0, 1, {}) for k in keys]
    found = labels(runs)
    return [found[run.run_id] for run in runs]


def test_one_configuration_keeps_its_label_over_all_seeds() -> None:
    assert shown(KEY, replace(KEY, seed=1), replace(KEY, seed=7)) == ["walk"] * 3


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"benchmark": f"{NB}?fidelity=12"}, ["walk@no fidelity", "walk@fidelity=12"]),
        ({"benchmark": f"{NB}?fidelity=12&seeds=draw"}, ["walk@no fidelity, no seeds", "walk@fidelity=12, seeds=draw"]),
        ({"benchmark": "nb201-cifar10-live"}, ["walk@nb201-cifar10, v1.0", "walk@nb201-cifar10-live, no version"]),
        ({"budget_s": 20000.0}, ["walk@budget=12000s", "walk@budget=20000s"]),
        ({"budget_s": None}, ["walk@budget=12000s", "walk@no budget"]),
        ({"params": {"eps": 0.2, "deep": {"a": 1}}}, ["walk@eps=0.1", "walk@eps=0.2"]),
        ({"method": "run", "params": {}}, ['walk@walk, deep={"a": 1}, eps=0.1', "walk@run, no deep, no eps"]),
        ({"rank_every": 5}, ["walk@rank_every=1", "walk@rank_every=5"]),
        ({"rank_all": True}, ["walk@rank_all=false", "walk@rank_all=true"]),
        ({"live": "ab12cd" * 8}, ["walk@no live", "walk@live=ab12cd"]),
    ],
)
def test_what_sets_two_configurations_apart_is_said_in_words(change: dict[str, object], names: list[str]) -> None:
    assert shown(KEY, replace(KEY, **change)) == names  # type: ignore[arg-type]


def test_seed_policies_share_a_label_only_with_their_names() -> None:
    keys = [replace(KEY, benchmark=f"{NB}?fidelity=12&seeds={policy}") for policy in ("draw", "mean", "strict")]
    assert shown(*keys) == ["walk@seeds=draw", "walk@seeds=mean", "walk@seeds=strict"]


def test_words_that_are_too_long_give_way_to_a_hash() -> None:
    names = shown(KEY, replace(KEY, params={"eps": 0.1, "deep": {"many": "words" * 20}}))
    assert all(len(name) == len("walk@") + 6 for name in names)
    assert names[0] != names[1]


def test_words_never_meet_a_label_that_somebody_chose() -> None:
    other = replace(KEY, budget_s=20000.0)
    runs = [RunRecord(k.run_id, k, "walk", "done", None, "simulated", 1.0, 1.0, 1, {}) for k in (KEY, other)]
    third = replace(KEY, seed=3)
    chosen = RunRecord(third.run_id, third, "walk@budget=20000s", "done", None, "simulated", 1.0, 1.0, 1, {})
    found = labels([*runs, chosen])
    assert found[third.run_id] == "walk@budget=20000s"
    assert len(set(found.values())) == 3


def test_what_words_do_not_tell_apart_a_hash_does() -> None:
    a, b = replace(KEY, params={"seeds": "1"}), replace(KEY, params={"seeds": 1.0})
    assert shown(a, b) == ['walk@seeds="1"', "walk@seeds=1.0"]
    same = [replace(KEY, budget_s=12000.0), replace(KEY, budget_s=12000.0000001)]
    assert len({name.rpartition("@")[2] for name in shown(*same)}) == 2
