"""Test errors that SmoothDARTS (Chen & Hsieh, ICML 2020) prints of itself and its rivals, with how sure each is.

They were quoted, not run here, and the paper's own text was not at hand: `MARKS` says where each was read. On boards
stand none of them: the paper's figure is of the best of four searches, a board's is the mean over seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar

import numpy as np

from nasboard.harness.errors import MetricError

Mark = Literal["T", "S", "M+C", "M"]
Cell = tuple[str, str]  # data set, space
K = TypeVar("K")

MARKS: Mapping[Mark, str] = MappingProxyType(
    {
        "T": "read in the text of a paper that quotes it",
        "S": "read in an overview of the paper",
        "M+C": "from memory; its columns, which is not every cell of them, give the averages that the overview states",
        "M": "from memory, unverified: not to be cited as the paper's",
    }
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of table 1: CIFAR-10, networks of 20 cells and 36 channels.

    Attributes:
        error: test error, percent; its standard deviation `sd` over trainings, None where it is not given.
        millions: parameters, in millions.
        gpu_days: of the search.
        mark: how sure `error` is.
        rest: how sure the other numbers are, where that is not the same.
    """

    error: float
    sd: float | None
    millions: float | None
    gpu_days: float
    mark: Mark = "T"
    rest: Mark | None = None


TABLE_1: Mapping[str, Figure] = MappingProxyType(
    {
        "NASNet-A": Figure(2.65, None, 3.3, 2000),
        "AmoebaNet-A": Figure(3.34, 0.06, 3.2, 3150),
        "AmoebaNet-B": Figure(2.55, 0.05, 2.8, 3150),
        "PNAS": Figure(3.41, 0.09, 3.2, 225),
        "ENAS": Figure(2.89, None, 4.6, 0.5),
        "NAONet": Figure(3.53, None, 3.1, 0.4),
        "SNAS (moderate)": Figure(2.85, 0.02, 2.8, 1.5),
        "GDAS": Figure(2.93, None, 3.4, 0.3),
        "BayesNAS": Figure(2.81, 0.04, 3.4, 0.2),
        "ProxylessNAS": Figure(2.08, None, 5.7, 4.0),
        "NASP": Figure(2.83, 0.09, 3.3, 0.1),
        "P-DARTS": Figure(2.50, None, 3.4, 0.3),
        "PC-DARTS": Figure(2.57, 0.07, 3.6, 0.1),
        "R-DARTS(L2)": Figure(2.95, 0.21, None, 1.6),
        "DARTS (first order)": Figure(3.00, 0.14, 3.3, 0.4),
        "DARTS (second order)": Figure(2.76, 0.09, 3.3, 1.0),
        "SDARTS-RS": Figure(2.67, 0.03, 3.4, 0.4),
        "SDARTS-ADV": Figure(2.61, 0.02, 3.3, 1.3),
        "PC-DARTS-RS": Figure(2.54, 0.04, 3.4, 0.1, "M"),
        "PC-DARTS-ADV": Figure(2.49, 0.04, 3.5, 0.4, "S", "M"),
        "P-DARTS-RS": Figure(2.50, 0.03, 3.4, 0.3, "M"),
        "P-DARTS-ADV": Figure(2.48, 0.02, 3.4, 1.1, "S", "M"),
    }
)

COLUMNS: Mapping[str, Mark] = MappingProxyType(  # of table 4
    {
        "DARTS": "T",
        "PC-DARTS": "M+C",
        "DARTS-ES": "M+C",
        "R-DARTS(DP)": "M+C",
        "R-DARTS(L2)": "M+C",
        "SDARTS-RS": "M+C",
        "SDARTS-ADV": "M+C",
    }
)
_TABLE_4: Mapping[Cell, tuple[float, ...]] = {
    ("cifar10", "s1"): (3.84, 3.11, 3.01, 3.11, 2.78, 2.78, 2.73),
    ("cifar10", "s2"): (4.85, 3.02, 3.26, 3.48, 3.31, 2.75, 2.65),
    ("cifar10", "s3"): (3.34, 2.51, 2.74, 2.93, 2.51, 2.53, 2.49),
    ("cifar10", "s4"): (7.20, 3.02, 3.71, 3.58, 3.56, 2.93, 2.87),
    ("cifar100", "s1"): (29.46, 24.69, 28.37, 25.93, 24.25, 23.51, 22.33),
    ("cifar100", "s2"): (26.05, 22.48, 23.25, 22.30, 22.24, 22.28, 20.56),
    ("cifar100", "s3"): (28.90, 21.69, 23.73, 22.36, 23.99, 21.09, 21.08),
    ("cifar100", "s4"): (22.85, 21.50, 21.26, 22.18, 21.94, 21.46, 21.25),
    ("svhn", "s1"): (4.58, 2.47, 2.72, 2.55, 4.79, 2.35, 2.29),
    ("svhn", "s2"): (3.53, 2.42, 2.60, 2.52, 2.51, 2.39, 2.35),
    ("svhn", "s3"): (3.41, 2.41, 2.50, 2.49, 2.48, 2.36, 2.40),
    ("svhn", "s4"): (3.05, 2.43, 2.51, 2.61, 2.50, 2.46, 2.42),
}
AMBIGUOUS: Mapping[tuple[str, Cell], tuple[float, float]] = MappingProxyType(
    {("R-DARTS(L2)", ("cifar100", "s2")): (22.24, 22.44)}  # both are remembered; the average 11.5 fits either
)
STATED: Mapping[str, float] = MappingProxyType(  # percent by which the errors of SDARTS-ADV are smaller; read as `S`
    {"DARTS": 31.1, "R-DARTS(L2)": 11.5, "DARTS-ES": 11.4, "R-DARTS(DP)": 10.9, "PC-DARTS": 5.3}
)


def table_4(method: str) -> dict[Cell, float]:
    """Return (data set, space) -> test error in percent of a column of table 4.

    Raises:
        KeyError: no such column.
    """
    place = {name: i for i, name in enumerate(COLUMNS)}[method]
    return {cell: errors[place] for cell, errors in _TABLE_4.items()}


def relative_error_reduction(ours: Mapping[K, float], rival: Mapping[K, float]) -> float:
    """Return by which share errors are smaller than a rival's: the mean of 1 - ours/rival over the same cells.

    What a cell is does not matter (a data set and a space, as in the paper); nor the unit of errors, while it is one.

    Source: Chen & Hsieh, SmoothDARTS (ICML 2020), what its comparison on S1 to S4 is summed up by.

    Raises:
        MetricError: no cells, others than the rival's, or an error of the rival that is not above 0.
    """
    if not ours or ours.keys() != rival.keys():
        apart = sorted(map(str, ours.keys() ^ rival.keys())) or "none at all"
        raise MetricError(f"both need errors of the same cells, at least one; without a counterpart: {apart}")
    ratios = np.array([ours[cell] / rival[cell] if rival[cell] > 0 else np.nan for cell in ours])
    if not np.isfinite(ratios).all():
        wrong = next(cell for cell in ours if not rival[cell] > 0)
        raise MetricError(f"the rival's error of {wrong} is {rival[wrong]:g}; nothing is smaller by a share of it")
    return float(1 - ratios.mean())
