"""NAS-Bench-201 as a benchmark: what is shown, what scores, seed policies, costs, names, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.nb201 import benchmark as nb201
from nasboard.benchmarks.tabulated.nb201.published import ONE_SHOT
from nasboard.harness import registry
from nasboard.harness.api import Benchmark
from nasboard.harness.errors import DigestError, MissingDataError, UnknownNameError, UsageError
from nasboard.harness.space import Archs, enumerate_all, sample
from nasboard.tabular.imports.found import tables_of
from nasboard.tabular.tables.table import open_table
from nasboard.tabular.tables.writing import write_table
from tests.tables import imported

MAKERS: dict[str, Callable[..., nb201.NB201]] = {
    "cifar10": nb201.cifar10,
    "cifar100": nb201.cifar100,
    "ImageNet16-120": nb201.imagenet16,
}
SPACE = NB201Space()


@pytest.fixture(scope="module", autouse=True)
def compact_table() -> None:
    imported("nb201-compact")


def some(n: int = 50) -> Archs:
    return sample(SPACE, default_rng(3), n)


def all_costs(benchmark: Benchmark, epochs: int) -> np.ndarray:
    assert benchmark.query is not None
    rng = default_rng(0)
    return np.array([benchmark.query(arch, epochs, rng).cost_s for arch in enumerate_all(SPACE)])


# --- the compact table


def test_the_name_says_version_fidelity_and_seed_policy() -> None:
    assert nb201.cifar10(fidelity="12").name == "nb201-cifar10@v1.0-compact?fidelity=12&seeds=mean"
    assert nb201.cifar100().name == "nb201-cifar100@v1.0-compact?seeds=mean"
    for name in ("nb201-cifar10", "nb201-ImageNet16-120?fidelity=200"):
        full = registry.benchmark(name).name
        assert registry.benchmark(full).name == full
    assert nb201.cifar10().dataset == "cifar10"


def test_fidelities_are_the_two_schedules_or_the_one_asked_for() -> None:
    assert nb201.cifar10().fidelities == (12, 200)
    only = nb201.cifar10(fidelity="12")
    assert only.fidelities == (12,)
    with pytest.raises(UsageError, match=r"fidelity=12&seeds=mean has fidelities 12, asked for 200"):
        only.query(some()[0], 200, default_rng(0))


def test_the_known_optima_are_found() -> None:
    everything = enumerate_all(SPACE)
    for maker, val, test in zip(MAKERS.values(), (91.607, 73.493, 46.767), (94.373, 73.513, 47.311), strict=True):
        benchmark, rng = maker(), default_rng(0)
        assert 100 * benchmark.truth(everything).max() == pytest.approx(test, abs=5e-4)
        shown = [benchmark.query(arch, 200, rng).val_accuracy for arch in everything]
        assert 100 * max(shown) == pytest.approx(val, abs=5e-4)


def test_the_two_schedules_are_two_trainings() -> None:
    shown = nb201.cifar10().query
    short, full = ([shown(arch, e, default_rng(0)).val_accuracy for arch in some()] for e in (12, 200))
    assert np.mean(full) > np.mean(short) + 0.1
    assert 0.5 < np.corrcoef(short, full)[0, 1] < 0.9999


def test_costs_are_recorded_on_cifar10_and_scaled_by_epochs_and_images_elsewhere() -> None:
    recorded = all_costs(nb201.cifar10(), 12)
    assert (recorded.min(), recorded.max()) == pytest.approx((32.5, 207.6), abs=0.1)
    assert all_costs(nb201.cifar10(), 200) == pytest.approx(recorded * 200 / 12)
    assert all_costs(nb201.cifar100(), 12) == pytest.approx(recorded * 2)
    assert all_costs(nb201.imagenet16(), 200) == pytest.approx(recorded * 200 / 12 * 151_700 / 25_000)


def test_the_context_says_which_costs_are_estimated() -> None:
    for dataset, maker in MAKERS.items():
        notes = " ".join(maker().context.notes)
        assert ("recorded for 12 epochs" in notes) == (dataset == "cifar10")
        assert "estimated" in notes
        assert "seeds=mean" in notes
        assert "differ by up to 21 points" in notes
        assert maker().context.version == "v1.0-compact"
        assert ("search and truth share trainings" in notes) == (dataset != "cifar10")
        assert "search and truth share no training" in " ".join(maker(fidelity="12").context.notes)


def test_the_architecture_found_is_scored_on_the_other_data_sets_too() -> None:
    for dataset, maker in MAKERS.items():
        transfer = maker().context.transfer
        assert transfer is not None
        found = transfer(some())
        assert set(found) == set(MAKERS) - {dataset}
        for other, accuracy in found.items():
            assert np.array_equal(accuracy, MAKERS[other]().truth(some()))


def test_published_figures_stand_beside_their_own_protocol_alone_and_with_their_marks() -> None:
    figures = nb201.cifar10(fidelity="12").context.published
    assert {(f.method, f.dataset) for f in figures} == {
        (m, d) for m in ("random_search", "regularized_evolution", "reinforce") for d in MAKERS
    }
    told = {(f.method, f.dataset): (round(100 * f.mean, 2), f.mark) for f in figures}
    assert told["random_search", "cifar10"] == (93.70, "M")
    assert told["regularized_evolution", "cifar10"] == (93.92, "M")
    assert told["reinforce", "cifar10"] == (93.85, "T")
    params = {f.method: dict(f.params) for f in figures}
    assert params == {"random_search": {}, "regularized_evolution": {"as_released": True}, "reinforce": {"lr": 0.5}}
    assert all(("memory" in f.source) == (f.mark == "M") for f in figures)
    assert {f.budget_s for f in figures} == {12_000.0}
    for other in (nb201.cifar10(), nb201.cifar10(fidelity="200"), nb201.cifar100(fidelity="12")):
        assert other.context.published == ()


def test_figures_of_one_shot_searches_are_of_the_version_that_searches_on_cifar10() -> None:
    told = {(f.method, f.dataset, f.params.get("second_order", False)): round(100 * f.mean, 2) for f in ONE_SHOT}
    assert [told["darts", dataset, False] for dataset in MAKERS] == [54.30, 15.61, 16.32]
    assert [told["darts", dataset, True] for dataset in MAKERS] == [54.30, 15.61, 16.32]
    others = {method: told[method, "cifar10", False] for method in ("enas", "gdas", "setn", "rsps")}
    assert others == {"enas": 53.89, "gdas": 93.61, "setn": 87.64, "rsps": 84.07}
    assert {(f.budget_s, f.mark) for f in ONE_SHOT} == {(None, "T")}


@pytest.mark.parametrize("method", sorted({f.method for f in ONE_SHOT} & set(registry.names("methods"))))
def test_the_settings_of_published_searches_are_settings_of_our_methods(method: str) -> None:
    ours = registry.resolved(registry.method(method))
    assert [set(f.params) - set(ours) for f in ONE_SHOT if f.method == method] == [set()] * (
        6 if method == "darts" else 3
    )


@pytest.mark.parametrize(("method", "epochs"), [("darts", 50), ("gdas", 250), ("setn", 250)])
def test_our_methods_have_the_other_settings_of_the_published_searches(method: str, epochs: int) -> None:
    """As AutoDL-Projects has them in configs/nas-benchmark/algos and its scripts; the figures rely on it."""
    ours = registry.resolved(registry.method(method))
    published = {"epochs": epochs, "batch": 64, "lr": 0.025, "lr_min": 0.001, "momentum": 0.9, "nesterov": True}
    published |= {"weight_decay": 5e-4, "clip": 5.0, "alpha_lr": 3e-4, "alpha_betas": [0.5, 0.999]}
    published |= {"alpha_weight_decay": 1e-3, "alpha_from": 0, "smoothing": "none", "second_order": False}
    published |= {"gdas": {"tau_max": 10.0, "tau_min": 0.1}, "setn": {"candidates": 100, "score_batch": 512}}.get(
        method, {}
    )
    assert ours | published == ours


def test_means_can_neither_be_drawn_from_nor_be_strict() -> None:
    for policy in ("draw", "strict"):
        with pytest.raises(
            UsageError, match=rf"seeds={policy} needs single trainings.*nasboard data import nb201 FILE"
        ):
            nb201.cifar10(seeds=policy)
    assert nb201.cifar10().truth_by_seed(some()) is None


def test_what_is_not_offered_is_refused_with_what_is() -> None:
    with pytest.raises(UsageError, match="seeds is one of mean, draw, strict, given 'median'"):
        nb201.cifar10(seeds="median")
    with pytest.raises(UsageError, match="fidelity is one of 12, 200 epochs, given '90'"):
        nb201.cifar10(fidelity="90")
    with pytest.raises(UnknownNameError, match="did you mean 'fidelity'"):
        registry.benchmark("nb201-cifar10?fidelty=12")
    with pytest.raises(MissingDataError, match=r"no table of version 'v1\.1' is imported \(there: v1\.0-compact\)"):
        nb201.cifar10(version="v1.1")


def test_without_a_table_the_message_has_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path))
    with pytest.raises(MissingDataError, match="nasboard data fetch nb201-compact") as caught:
        nb201.cifar10()
    assert caught.value.exit_code == 3


def test_a_table_that_lacks_a_column_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = open_table(tables_of("nb201-compact")[0].folder)
    about = {key: whole.manifest[key] for key in ("kind", "version", "name")}
    columns = {name: np.asarray(column) for name, column in whole.columns.items() if name != "val200"}
    write_table(tmp_path / "tables" / "nb201-compact-v1.0-compact", columns, about)
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path))
    with pytest.raises(DigestError, match=r"'val200'.*import it again"):
        nb201.cifar10()
