"""A benchmark of a table in memory: what it makes of specs and numbers, and what it refuses."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.benchmarks.tabulated.listed import Listed
from nasboard.harness.errors import MissingDataError, SpecError, UsageError
from nasboard.harness.space import enumerate_all, enumerate_valid
from nasboard.harness.testing.checking import check_benchmark

SPECS = ["/".join(parts) for parts in product(("conv", "pool"), ("a", "b", "c"), ("x", "y"))]
WORTH = default_rng(2).permutation(np.linspace(0.3, 0.9, len(SPECS)))
LUCK = default_rng(1).normal(0, 0.03, len(SPECS))


def made(keep: int = len(SPECS), **columns: Any) -> Listed:
    given: dict[str, Any] = {
        "val": {2: (WORTH / 2 - LUCK)[:keep], 8: np.stack([WORTH + LUCK - 0.013, WORTH + LUCK + 0.017], axis=1)[:keep]},
        "cost_s": {2: np.arange(keep) % 3 + 1, 8: np.arange(keep) % 3 + 5},
        "test": np.stack([WORTH - 0.01, WORTH, WORTH + 0.01], axis=1)[:keep],
    } | columns
    order = default_rng(0).permutation(keep)  # the order of the rows means nothing
    shuffled = {
        name: {e: np.asarray(v)[order] for e, v in each.items()} if isinstance(each, dict) else np.asarray(each)[order]
        for name, each in given.items()
    }
    return Listed.of("mine", [SPECS[i] for i in order], separator="/", **shuffled)


def test_it_keeps_every_law_complete_or_not() -> None:
    for keep in (len(SPECS), len(SPECS) - 3):
        found = check_benchmark(made(keep))
        assert [f.why for f in found if f.outcome == "broken"] == []
        assert {f.contract for f in found if f.outcome == "not applicable"} == {
            "named as registered",
            "data are images and labels",
            "same in another process",
            "test images are none of the search data",
            "trainings cost more the longer",
        }


def test_rows_go_by_their_specs() -> None:
    benchmark = made()
    archs = np.stack([benchmark.space.encode(spec) for spec in SPECS])
    assert np.allclose(benchmark.truth(archs), WORTH)
    assert benchmark.fidelities == (2, 8)
    shown = {benchmark.query(archs[5], 8, default_rng(seed)).val_accuracy for seed in range(20)}
    assert np.allclose(sorted(shown), [WORTH[5] + LUCK[5] - 0.013, WORTH[5] + LUCK[5] + 0.017])
    assert benchmark.query(archs[5], 2, default_rng(0)).cost_s == 3


def test_what_is_not_listed_is_no_architecture() -> None:
    benchmark = made(len(SPECS) - 3)
    everything = enumerate_all(benchmark.space)
    assert benchmark.space.valid(everything).sum() == len(SPECS) - 3 == len(enumerate_valid(benchmark.space))
    with pytest.raises(MissingDataError, match="an architecture is not in the table"):
        benchmark.truth(everything)
    with pytest.raises(SpecError, match="'pool/c/y' is not listed in the table"):
        benchmark.space.encode("pool/c/y")


def test_the_digest_is_of_every_number_and_no_row_order() -> None:
    assert made().digest == made().digest
    changed = made(cost_s={2: WORTH, 8: 5 + WORTH})
    assert changed.digest != made().digest


def test_one_number_an_architecture_has_no_seeds() -> None:
    benchmark = made(test=WORTH)
    assert benchmark.truth_by_seed(enumerate_all(benchmark.space)) is None


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"test": WORTH[:4].tolist() + [np.nan] * (len(SPECS) - 4)}, r"test is .*allowed are 12 finite numbers"),
        ({"cost_s": {2: WORTH}}, r"val is of epochs \[2, 8\], cost_s of \[2\]"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        made(**columns)


def test_specs_that_do_not_fit_are_refused() -> None:
    one: dict[str, Any] = {"val": {1: [0.5, 0.6]}, "cost_s": {1: [1, 1]}, "test": [0.5, 0.6]}
    with pytest.raises(UsageError, match="'a-b' is listed twice"):
        Listed.of("mine", ["a-b", "a-b"], **one)
    with pytest.raises(UsageError, match=r"specs have \[1, 2\] parts between '-'"):
        Listed.of("mine", ["a-b", "a"], **one)
    with pytest.raises(SpecError, match="'conv/q/x' has 'q' in slot 1, allowed are a, b, c"):
        made().space.encode("conv/q/x")
