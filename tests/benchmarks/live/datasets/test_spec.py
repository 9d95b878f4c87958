"""Data sets as parts of a benchmark's name."""

from __future__ import annotations

import pytest

from nasboard.benchmarks.live.datasets.spec import DataSpec, data_spec
from nasboard.harness.errors import UnknownNameError, UsageError


def test_options_are_read_from_a_name_and_told_in_it() -> None:
    told = {"train": "5000", "size": "16", "channels": "4", "data": "jpeg+sha256.00"}
    spec = data_spec("cifar10", told)
    assert spec == DataSpec("cifar10", train=5000, size=16, version="jpeg+sha256.00")
    assert spec.name == "cifar10?data=jpeg+sha256.00&size=16&train=5000"
    assert data_spec("cifar10", spec.options) == spec
    assert DataSpec("svhn").name == "svhn"
    assert data_spec("digits", {"train": "300", "val": "500", "size": "8"}) == DataSpec("digits")


@pytest.mark.parametrize("text", ["0", "-1", "1e3", "05", "", "many", "٣", "9999999999"])
def test_numbers_are_whole_and_from_1_on(text: str) -> None:
    with pytest.raises(UsageError, match="val is a whole number from 1 on"):
        data_spec("cifar10", {"val": text})


def test_what_no_data_set_has_is_refused() -> None:
    with pytest.raises(UsageError, match=r"cifar100 has 5,000 val images, given val=5001"):
        data_spec("cifar100", {"val": "5001"})
    with pytest.raises(
        UsageError, match=r"size=12: cifar10 of 32 pixels a side is averaged down to 1, 2, 4, 8, 16, 32"
    ):
        data_spec("cifar10", {"size": "12"})
    assert data_spec("svhn", {"size": "8"}).shape == (8, 3, 10)
    assert data_spec("svhn", {"train": "70"}).images("train", "val", "test") == 70 + 36_628 + 26_032


def test_an_unknown_data_set_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'cifar100'"):
        data_spec("cifar-100", {})
