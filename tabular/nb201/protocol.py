"""What the published protocols read from the trials of NAS-Bench-201: validation and test accuracy, cost of a training.

Every function answers for all 15,625 architectures in lexicographic order. Recorded and estimated seconds are two
functions and never mixed.
"""

from __future__ import annotations

import numpy as np

from nasboard.tabular.nb201.names import ARCHS
from nasboard.tabular.nb201.trials import Bools, Floats, TrialTable, mean_of
from nasboard.tabular.tables.table import TableError

VALIDATED = ("cifar10-valid", "cifar100", "ImageNet16-120")  # trainings that leave validation images
TEST_SETS = {"cifar10": "ori-test", "cifar100": "x-test", "ImageNet16-120": "x-test"}
TRAIN_IMAGES = {"cifar10-valid": 25_000, "cifar100": 50_000, "ImageNet16-120": 151_700}
VALID_IMAGES = {"cifar10-valid": 25_000, "cifar100": 5_000, "ImageNet16-120": 3_000}


def val(table: TrialTable, dataset: str, schedule: int) -> tuple[Floats, Bools]:
    """Return validation accuracy `(15625, S)` in percent after the last epoch, and where it is recorded.

    Raises:
        TableError: `dataset` has no validation images.
    """
    _require(dataset, VALIDATED, "validation set; the one of CIFAR-10 is that of 'cifar10-valid'")
    return table.values("accuracy", "x-valid", dataset, schedule, _all(), table.all_seeds)


def test(table: TrialTable, dataset: str, schedule: int) -> tuple[Floats, Bools]:
    """Return test accuracy `(15625, S)` in percent after the last epoch, and where it is recorded.

    On CIFAR-10 it is that of the training on all 50,000 images (`cifar10`).

    Raises:
        TableError: `dataset` is not one that the protocol tests on.
    """
    _require(dataset, tuple(TEST_SETS), "test set of the protocol; that of CIFAR-10 is 'cifar10'")
    return table.values("accuracy", TEST_SETS[dataset], dataset, schedule, _all(), table.all_seeds)


def cost_s(table: TrialTable, dataset: str, schedule: int) -> tuple[Floats, Bools]:
    """Return the recorded seconds `(15625, S)` of a whole training and one mean validation pass, and where both are.

    Raises:
        TableError: `dataset` has no validation images.
    """
    _require(dataset, VALIDATED, "validation set; the one of CIFAR-10 is that of 'cifar10-valid'")
    train, trained = table.values("time_total_s", "train", dataset, schedule, _all(), table.all_seeds)
    valid, validated = table.values("time_total_s", "x-valid", dataset, schedule, _all(), table.all_seeds)
    return train + valid / schedule, trained & validated


def estimated_cost_s(table: TrialTable, dataset: str, schedule: int) -> tuple[Floats, Bools]:
    """Return estimated seconds `(15625,)` of a training and one validation pass, and where they can be estimated.

    From the 12-epoch training on `cifar10-valid`, the one whose times were taken on like machines: seconds per image
    there, times the images of `dataset`, times the ratio of the latencies (200-epoch schedule), times the epochs; means
    over seeds.

    Source: the search scripts published with the benchmark, which estimate the cost of trainings without times so.

    Raises:
        TableError: `dataset` has no validation images.
    """
    _require(dataset, VALIDATED, "validation set; the one of CIFAR-10 is that of 'cifar10-valid'")
    train, trained = mean_of(*table.values("time_total_s", "train", "cifar10-valid", 12, _all(), table.all_seeds))
    valid, validated = mean_of(*table.values("time_total_s", "x-valid", "cifar10-valid", 12, _all(), table.all_seeds))
    there, known_there = table.costs("latency_s", dataset, 200, np.arange(ARCHS))
    here, known_here = table.costs("latency_s", "cifar10-valid", 200, np.arange(ARCHS))
    known = trained & validated & known_there & known_here
    slower = np.where(known, there, np.nan) / np.where(known, here, 1.0)
    train_s = train / 12 / TRAIN_IMAGES["cifar10-valid"] * TRAIN_IMAGES[dataset] * slower * schedule
    valid_s = valid / 12 / VALID_IMAGES["cifar10-valid"] * VALID_IMAGES[dataset] * slower
    return np.where(known, train_s + valid_s, np.nan), known


def _all() -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.arange(ARCHS)[:, None]


def _require(dataset: str, allowed: tuple[str, ...], what: str) -> None:
    if dataset not in allowed:
        raise TableError(f"{dataset!r} has no {what}; there are {', '.join(allowed)}")
