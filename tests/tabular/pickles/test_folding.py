"""Folding a pickle while it is read: what is replaced, what is forgotten, what is kept."""

from __future__ import annotations

import io
import pickle
import tracemalloc
from collections import OrderedDict
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasboard.tabular.pickles import window as pickle_window
from nasboard.tabular.pickles.stream import read_pickle
from nasboard.tabular.tables.table import TableError
from tests.tabular.pickles.values import VALUES, plain, read


def test_folded_dicts_are_replaced_emptied_and_forgotten() -> None:
    inner: list[dict[object, object]] = []

    def fold(value: dict[object, object]) -> object | None:
        if "sum" not in value:
            return None
        inner.append(value)
        return sum(cast("list[float]", value["sum"]))

    shared = {"sum": [1.0, 2.0], "name": "a" * 20}
    raw = pickle.dumps([shared, {"sum": [5.0], "name": "a" * 20}, shared], 2)
    assert read(raw, fold=fold) == [3.0, 5.0, 3.0]
    assert inner == [{}, {}]


@pytest.mark.parametrize("protocol", [1, 2, 4])
def test_a_reference_to_what_was_folded_away_is_an_error(protocol: int) -> None:
    kept = [1.5] * 9
    raw = pickle.dumps([{"fold": kept}, kept], protocol)
    assert read(raw) == [{"fold": kept}, kept]
    with pytest.raises(TableError, match=r"a\.pickle: byte \d+, opcode BINGET: memo entry \d was folded away"):
        read(raw, fold=lambda value: "folded" if "fold" in value else None)


def test_names_and_strings_remembered_inside_a_folded_dict_can_be_used_after_it() -> None:
    value = [OrderedDict(fold=OrderedDict(a=np.float64(1.0))), OrderedDict(fold="fold"), np.float64(2.0)]
    got = read(pickle.dumps(value, 2), fold=lambda value: len(value) if "fold" in value else None)
    assert got == [1, 1, 2.0]


def test_small_values_that_several_parts_share_outlast_a_fold() -> None:
    shared = {"latency": [0.5, np.float64(1.5)], "params": np.float64(2.5), "config": {"channel": 16}, "key": ("a", 1)}
    raw = pickle.dumps([{"fold": 1, **shared}, {"fold": 2, **shared}], 2)
    seen: list[dict[object, object]] = []

    def fold(value: dict[object, object]) -> object | None:
        if "fold" not in value:
            return None
        seen.append(dict(value))
        return value["fold"]

    assert read(raw, fold=fold) == [1, 2]
    assert seen == [{"fold": 1, **shared}, {"fold": 2, **shared}]


def test_a_folded_dict_within_a_folded_dict_is_forgotten_with_it() -> None:
    deep = {"fold": 1}
    raw = pickle.dumps([{"fold": deep, "again": deep}, deep], 2)
    with pytest.raises(TableError, match="folded away"):
        read(raw, fold=lambda value: b"large enough" if "fold" in value else None)
    assert read(pickle.dumps([{"fold": deep, "again": deep}], 2), fold=lambda v: len(v) if "fold" in v else None) == [2]


def test_a_dict_that_refers_to_itself_is_not_folded() -> None:
    value: dict[str, object] = {"fold": 1}
    value["list"] = [value]
    with pytest.raises(TableError, match="refers to itself"):
        read(pickle.dumps(value, 2), fold=lambda value: 1)


def test_a_dict_written_in_several_groups_is_offered_after_each() -> None:
    seen: list[int] = []

    def fold(value: dict[object, object]) -> object | None:
        seen.append(len(value))
        return list(value) if len(value) == 2500 else None

    value = {i: [i] for i in range(2500)}
    assert read(pickle.dumps([value, 1], 2), fold=fold) == [list(range(2500)), 1]
    assert seen == [1000, 2000, 2500]


@settings(max_examples=60)
@given(VALUES, st.integers(1, 5))
def test_a_fold_that_declines_changes_nothing(value: object, protocol: int) -> None:
    raw = pickle.dumps(value, protocol)
    assert plain(read(raw, fold=lambda value: None)) == plain(read(raw))


def test_what_a_fold_refuses_is_told_with_its_place() -> None:
    def fold(value: dict[object, object]) -> object | None:
        raise ValueError(f"accuracy {value['acc']} is over 100; download again")

    with pytest.raises(TableError, match=r"byte \d+, opcode SETITEM: accuracy 250.0 is over 100; download again"):
        read(pickle.dumps({"acc": 250.0}, 2), fold=fold)


def test_memory_stays_at_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_window, "CHUNK", 1 << 13)
    few, many = (_peak_of_folding(count) for count in (20, 100))
    assert many - few < 80 * 300 * 10  # one pointer for each of 300 memo entries, and some room to grow


def _peak_of_folding(count: int) -> int:
    named = [f"x-valid@{i}" for i in range(100)]
    values = [{"fold": dict.fromkeys(named, 0.5), "list": [[i] * 9 for i in range(200)]} for _ in range(count)]
    stream = io.BytesIO(pickle.dumps(values, 2))
    del values
    tracemalloc.start()
    read_pickle(stream, source="a", fold=lambda value: 1 if "fold" in value else None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_what_the_archive_took_comes_back() -> None:
    shared = {"list": [0.5, -1], "config": {"channel": 16}, "key": ("a", 1), "params": np.float64(2.5), "empty": []}
    named = [[f"x-valid@{i}" for i in range(100)] for _ in range(1000)]  # strings of their own: 100,000 memo entries
    values = [{"fold": dict.fromkeys(names, 0.5), "list": [i, -0.0]} for i, names in enumerate(named)]
    late = [*named[500][::-7], dict.fromkeys(named[600], 1.5)]
    raw = pickle.dumps([{"fold": 0, **shared}, values, [{"fold": 1, **shared}, values[-1]], *late], 2)
    seen: list[dict[object, object]] = []

    def fold(value: dict[object, object]) -> object | None:
        if "fold" not in value:
            return None
        seen.append(dict(value))
        return 1

    got = cast("list[object]", read(raw, fold=fold))
    assert got == [1, [1] * 1000, [1, 1], *late]
    assert [found["list"] for found in seen[1:-1]] == [value["list"] for value in values]
    assert (seen[0], seen[-1]) == ({"fold": 0, **shared}, {"fold": 1, **shared})


def test_small_containers_that_are_alike_in_the_archive_do_not_become_one() -> None:
    filler = [{"fold": {f"{i}-{k}": 0 for k in range(1000)}} for i in range(80)]
    lists = [[0.0, 1], [-0.0, 1], [1.0], [1], [True], [1.0], ("a",), ["a"], {"a": 1}, {"a": 1.0}, {"a": 1}]
    first = {"fold": 1} | {str(i): value for i, value in enumerate(lists)}
    raw = pickle.dumps([filler, first, [{"fold": {f"{i}+{k}": 0 for k in range(1000)}} for i in range(80)], *lists], 2)
    got = cast("list[object]", read(raw, fold=lambda value: 1 if "fold" in value else None))
    assert [repr(v) for v in got[3:]] == [repr(v) for v in lists]


def test_a_list_that_is_open_while_the_archive_takes_it_still_grows() -> None:
    inner: list[object] = [{"fold": {f"{i}-{k}": 0 for k in range(1000)}} for i in range(150)]
    outer = {"open": inner, "also": [[], [], {}]}
    got = cast("list[object]", read(pickle.dumps([outer, inner], 2), fold=lambda v: 1 if "fold" in v else None))
    assert got == [{"open": [1] * 150, "also": [[], [], {}]}, [1] * 150]


def test_the_archive_takes_few_bytes() -> None:
    few, many = (_peak_of_folding(count) for count in (400, 1000))
    assert many - few < 600 * 300 * 2  # a pointer for each memo entry would be 8
