"""Our answers are those of the official packages, number for number, on files that the official packages read."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.nb201 import protocol as nb201_protocol
from nasboard.tabular.nb201.names import spec_index
from nasboard.tabular.nb201.trials import DATASETS, SCHEDULES, SETS, TrialTable, open_trials
from tests.tabular.nb201.official_format import Content, Style, nats_content, official_content, write_pth

nas_201_api = pytest.importorskip("nas_201_api")
nats_bench = pytest.importorskip("nats_bench")

ARCHS = 6
SET_OF = {"valid": "x-valid", "test": "x-test", "valtest": "ori-test", "train": "train"}
EXACT_SUMS = sys.version_info < (3, 12)  # later ones add floats with a correction, which ours, like numpy, do not


@dataclass(frozen=True)
class Both:
    """The same trainings, as the official packages and as ours have them."""

    content: Content
    official: Any
    nats: Any
    ours: TrialTable


@cache
def both(style: Style) -> Both:
    content = official_content(ARCHS, seed=5, style=style)
    with TemporaryDirectory() as folder:  # columns stay mapped after their files have lost their names
        source = write_pth(Path(folder) / "some.pth", content)
        ours = open_trials(import_table("nb201", source, to=Path(folder), version="test", partial=True))
        kept = {name: np.array(column) for name, column in ours.columns.items()}
    ours = TrialTable(ours.table, ours.all_seeds, kept)
    official = nas_201_api.NASBench201API(content, verbose=False)
    nats = nats_bench.create(nats_content(content), "tss", fast_mode=False, verbose=False)
    return Both(content, official, nats, ours)


styles = st.sampled_from(("v1.0", "v1.1"))


@st.composite
def questions(draw: st.DrawFn) -> tuple[Both, int, str, int, int, int | None]:
    """Draw tables, published index, data set, schedule, one of the seeds, and an epoch."""
    tables = both(draw(styles))
    index, schedule = draw(st.integers(0, ARCHS - 1)), draw(st.sampled_from(SCHEDULES))
    records = tables.official.arch2infos_dict[index][str(schedule)]
    dataset = draw(st.sampled_from(records.get_dataset_names()))
    seed = draw(st.sampled_from(records.get_dataset_seeds(dataset)))
    epoch = draw(st.none() | st.just(schedule - 1) | st.integers(0, schedule - 1))
    return tables, index, dataset, schedule, seed, epoch


def ours_of(tables: Both, index: int) -> int:
    return spec_index(tables.content["meta_archs"][index])


def same(ours: float | None, theirs: float | None, summed: bool = False) -> bool:
    if ours is None or theirs is None or EXACT_SUMS or not summed:
        return ours == theirs
    return ours == pytest.approx(theirs, rel=1e-13)


@given(questions(), st.sampled_from(SETS))
def test_every_field_of_a_training_equals_the_official_record(question: Any, of: str) -> None:
    tables, index, dataset, schedule, seed, epoch = question
    ask = (of, ours_of(tables, index), dataset, schedule, seed, epoch)
    ours = {field: tables.ours.value(field, *ask) for field in ("accuracy", "loss", "time_s", "time_total_s")}
    record = tables.official.query_by_index(index, dataset, str(schedule))[seed]
    try:
        theirs = record.get_train(epoch) if of == "train" else record.get_eval(of, epoch)
    except KeyError:
        at = f"{of}@{schedule - 1 if epoch is None else epoch}"
        assert ours["accuracy"] == record.eval_acc1es.get(at)
        assert ours["loss"] == record.eval_losses.get(at)
        assert ours["time_s"] == record.eval_times.get(at)
        assert None in ours.values()
        return
    assert (ours["accuracy"], ours["loss"], ours["time_s"]) == (theirs["accuracy"], theirs["loss"], theirs["cur_time"])
    assert same(ours["time_total_s"], theirs["all_time"], summed=True)


@given(questions(), st.sampled_from(("official", "nats")), st.booleans())
def test_more_info_equals_ours_for_a_seed_and_for_the_mean(question: Any, package: str, mean: bool) -> None:
    tables, index, dataset, schedule, seed, epoch = question
    api = getattr(tables, package)
    try:
        info = api.get_more_info(index, dataset, epoch, str(schedule), is_random=False if mean else seed)
    except KeyError:  # the set that it insists on was not recorded at that epoch
        return
    arch, asked = ours_of(tables, index), 0
    for key, theirs in info.items():
        name, _, what = key.partition("-")
        if what not in ("loss", "accuracy", "all-time"):
            continue
        of = "ori-test" if name == "test" and dataset.startswith("cifar10") and dataset != "cifar100" else SET_OF[name]
        field = {"loss": "loss", "accuracy": "accuracy", "all-time": "time_total_s"}[what]
        if mean:
            value, known = tables.ours.mean(field, of, dataset, schedule, arch, epoch)  # type: ignore[arg-type]
            ours = float(value) if known else None
        else:
            ours = tables.ours.value(field, of, arch, dataset, schedule, seed, epoch)  # type: ignore[arg-type]
        assert same(ours, theirs, summed=what == "all-time"), key
        asked += 1
    assert asked >= 3


@given(questions())
def test_costs_and_seeds_equal_the_official_ones(question: Any) -> None:
    tables, index, dataset, schedule, _, _ = question
    arch = ours_of(tables, index)
    theirs = tables.official.get_cost_info(index, dataset, str(schedule))
    for ours, name in (("params_m", "params"), ("flops_m", "flops"), ("latency_s", "latency")):
        value, known = tables.ours.costs(ours, dataset, schedule, arch)  # type: ignore[arg-type]
        assert (float(value) if known else None) == theirs[name]
    records = tables.official.arch2infos_dict[index][str(schedule)]
    assert tables.ours.seeds(arch, dataset, schedule) == tuple(records.get_dataset_seeds(dataset))


@given(styles, st.sampled_from(SETS), st.sampled_from(DATASETS), st.sampled_from(SCHEDULES), st.data())
def test_many_at_once_are_the_same_as_one_by_one(
    style: Style, of: str, dataset: str, schedule: int, data: st.DataObject
) -> None:
    ours = both(style).ours
    inside = [spec_index(spec) for spec in both(style).content["meta_archs"]]
    archs = data.draw(st.lists(st.sampled_from(inside) | st.integers(0, 15_624), min_size=1, max_size=5))
    epochs = data.draw(st.lists(st.integers(0, schedule - 1), min_size=1, max_size=3))
    field = data.draw(st.sampled_from(("accuracy", "loss", "time_s", "time_total_s")))
    grid = np.array(archs)[:, None, None], np.array(ours.all_seeds)[:, None], np.array(epochs)
    values, known = ours.values(field, of, dataset, schedule, *grid)  # type: ignore[arg-type]
    assert values.shape == known.shape == (len(archs), len(ours.all_seeds), len(epochs))
    for (a, s, e), there in np.ndenumerate(known):
        one = ours.value(field, of, archs[a], dataset, schedule, ours.all_seeds[s], epochs[e])  # type: ignore[arg-type]
        assert one == (float(values[a, s, e]) if there else None)
    ends = [ours.values(field, of, dataset, schedule, *grid[:2], epoch) for epoch in (None, schedule - 1)]  # type: ignore[arg-type]
    np.testing.assert_array_equal(ends[0], ends[1])


@pytest.mark.parametrize("style", ["v1.0", "v1.1"])
@pytest.mark.parametrize("dataset", nb201_protocol.VALIDATED)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_protocol_reads_what_the_official_search_scripts_read(style: Style, dataset: str, schedule: int) -> None:
    tables = both(style)
    accuracy, measured = nb201_protocol.val(tables.ours, dataset, schedule)
    cost, timed = nb201_protocol.cost_s(tables.ours, dataset, schedule)
    assert accuracy.shape == cost.shape == (15_625, len(tables.ours.all_seeds))
    seen = 0
    for index in range(ARCHS):
        records = tables.official.arch2infos_dict[index][str(schedule)]
        for seed in records.get_dataset_seeds(dataset) if dataset in records.get_dataset_names() else ():
            at = ours_of(tables, index), tables.ours.all_seeds.index(seed)
            info = tables.official.get_more_info(index, dataset, None, str(schedule), is_random=seed)
            assert measured[at]
            assert accuracy[at] == info["valid-accuracy"]
            if info["train-all-time"] is None:
                assert not timed[at]
            else:
                assert timed[at]
                assert same(cost[at], info["train-all-time"] + info["valid-per-time"], summed=True)
            seen += 1
    assert measured.sum() == seen


@pytest.mark.parametrize("dataset", nb201_protocol.TEST_SETS)
def test_the_test_accuracy_is_that_of_the_official_package(dataset: str) -> None:
    tables = both("v1.0")
    accuracy, known = nb201_protocol.test(tables.ours, dataset, 200)
    for index in range(ARCHS):
        row = ours_of(tables, index)
        info = tables.official.get_more_info(index, dataset, None, "200", is_random=False)
        assert np.mean(accuracy[row][known[row]]) == info["test-accuracy"]
    assert known.any(axis=1).sum() == ARCHS


@pytest.mark.parametrize("dataset", nb201_protocol.VALIDATED)
def test_estimated_costs_are_those_of_the_authors_scripts(dataset: str) -> None:
    tables = both("v1.0")
    cost, known = nb201_protocol.estimated_cost_s(tables.ours, dataset, 200)
    images = {"cifar10-valid": (25_000, 25_000), "cifar100": (50_000, 5_000), "ImageNet16-120": (151_700, 3_000)}
    assert known.sum() == ARCHS
    for index in range(ARCHS):
        short = tables.official.get_more_info(index, "cifar10-valid", None, "12", is_random=False)
        here = tables.official.get_cost_info(index, "cifar10-valid", "200")["latency"]
        there = tables.official.get_cost_info(index, dataset, "200")["latency"]
        train = short["train-per-time"] / 25_000 * images[dataset][0] / here * there * 200
        valid = short["valid-per-time"] / 25_000 * images[dataset][1] / here * there
        assert cost[ours_of(tables, index)] == pytest.approx(train + valid, rel=1e-12)
