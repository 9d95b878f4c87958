"""Cells that SmoothDARTS' release has of S1 to S4: found by its two methods and by PC-DARTS, on three data sets.

They are the cells behind its table 4 (`published_figures`), so far as a release can tell: one for each method, data set
and space, which is the one of four searches that was chosen.

Source: xiangning-chen/SmoothDARTS:sota/cnn/genotypes.py; there `random` is SDARTS-RS, `pgd` SDARTS-ADV.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nasboard.benchmarks.spaces.genotype import short_form

Found = tuple[str, str, str]  # method, data set, space

_CELLS: Mapping[Found, tuple[str, str]] = {  # normal and reduction cell
    ("pc-darts", "cifar10", "s1"): (
        "dil5 1, dil3 0, dil5 0, sep3 1, skip 2, max 0, skip 2, skip 0",
        "max 0, max 1, max 1, max 0, sep3 1, max 0, dil5 2, max 0",
    ),
    ("sdarts-rs", "cifar10", "s1"): (
        "dil5 1, dil3 0, sep3 1, skip 2, dil3 3, sep3 2, sep3 0, dil3 2",
        "max 0, dil3 1, dil5 2, max 1, dil5 3, sep3 1, dil5 2, dil5 3",
    ),
    ("sdarts-adv", "cifar10", "s1"): (
        "dil5 1, dil3 0, sep3 1, skip 2, sep3 2, dil3 3, sep3 0, dil3 2",
        "max 0, dil3 1, dil5 2, max 0, dil5 3, dil3 2, dil5 4, dil5 2",
    ),
    ("pc-darts", "cifar10", "s2"): (
        "skip 1, sep3 0, skip 0, skip 2, skip 3, sep3 0, skip 3, skip 4",
        "sep3 0, sep3 1, sep3 1, sep3 2, sep3 2, sep3 3, sep3 4, sep3 2",
    ),
    ("sdarts-rs", "cifar10", "s2"): (
        "sep3 0, sep3 1, sep3 2, skip 1, sep3 3, skip 0, sep3 1, skip 2",
        "sep3 0, sep3 1, sep3 1, sep3 0, sep3 2, sep3 1, sep3 2, sep3 3",
    ),
    ("sdarts-adv", "cifar10", "s2"): (
        "sep3 1, skip 0, sep3 2, sep3 0, sep3 3, sep3 2, sep3 4, sep3 1",
        "skip 0, skip 1, sep3 0, sep3 2, sep3 3, sep3 0, sep3 4, sep3 3",
    ),
    ("pc-darts", "cifar10", "s3"): (
        "sep3 1, sep3 0, sep3 2, sep3 1, sep3 3, sep3 2, skip 4, sep3 2",
        "sep3 0, sep3 1, sep3 0, sep3 2, sep3 0, sep3 3, sep3 0, sep3 4",
    ),
    ("sdarts-rs", "cifar10", "s3"): (
        "sep3 1, sep3 0, sep3 1, sep3 0, sep3 1, sep3 2, sep3 4, skip 0",
        "skip 0, sep3 1, sep3 2, sep3 0, sep3 2, sep3 3, sep3 0, sep3 4",
    ),
    ("sdarts-adv", "cifar10", "s3"): (
        "sep3 1, sep3 0, sep3 0, sep3 2, sep3 1, sep3 0, sep3 1, skip 0",
        "sep3 1, sep3 0, sep3 2, sep3 0, sep3 2, sep3 0, sep3 1, sep3 3",
    ),
    ("pc-darts", "cifar10", "s4"): (
        "sep3 0, sep3 1, sep3 0, sep3 1, sep3 0, sep3 1, sep3 0, noise 3",
        "sep3 0, sep3 1, sep3 1, sep3 2, sep3 3, sep3 1, sep3 2, sep3 0",
    ),
    ("sdarts-rs", "cifar10", "s4"): (
        "sep3 1, sep3 0, sep3 2, sep3 1, sep3 3, sep3 2, sep3 4, sep3 2",
        "sep3 0, sep3 1, sep3 0, sep3 2, sep3 0, sep3 3, sep3 0, sep3 4",
    ),
    ("sdarts-adv", "cifar10", "s4"): (
        "sep3 1, sep3 0, sep3 2, sep3 1, sep3 3, sep3 2, sep3 3, sep3 4",
        "sep3 1, sep3 0, sep3 2, sep3 1, sep3 2, sep3 3, sep3 3, sep3 4",
    ),
    ("pc-darts", "cifar100", "s1"): (
        "dil3 0, dil5 1, sep3 1, dil3 2, dil3 3, skip 2, dil3 4, max 1",
        "max 0, dil3 1, dil5 2, max 1, sep3 1, dil3 2, dil5 2, dil5 3",
    ),
    ("sdarts-rs", "cifar100", "s1"): (
        "dil3 0, skip 1, dil3 2, sep3 1, dil3 3, sep3 2, skip 0, dil3 4",
        "max 0, max 1, dil5 2, max 1, dil5 3, dil3 2, dil5 4, dil5 3",
    ),
    ("sdarts-adv", "cifar100", "s1"): (
        "dil5 1, dil3 0, dil3 2, sep3 1, dil3 3, sep3 2, dil3 2, sep3 0",
        "dil3 1, max 0, dil5 2, max 0, dil5 3, sep3 1, dil5 3, dil5 4",
    ),
    ("pc-darts", "cifar100", "s2"): (
        "sep3 1, skip 0, sep3 1, skip 2, skip 0, sep3 1, sep3 4, skip 3",
        "sep3 1, sep3 0, sep3 2, skip 1, sep3 2, sep3 3, sep3 1, sep3 3",
    ),
    ("sdarts-rs", "cifar100", "s2"): (
        "sep3 0, sep3 1, sep3 2, sep3 0, sep3 3, sep3 2, sep3 4, sep3 3",
        "sep3 1, sep3 0, sep3 2, sep3 1, sep3 3, sep3 1, sep3 4, skip 0",
    ),
    ("sdarts-adv", "cifar100", "s2"): (
        "skip 0, sep3 1, sep3 2, sep3 1, sep3 3, sep3 2, sep3 4, sep3 3",
        "sep3 1, sep3 0, sep3 2, sep3 1, sep3 3, sep3 2, sep3 3, sep3 4",
    ),
    ("pc-darts", "cifar100", "s3"): (
        "sep3 0, sep3 1, sep3 0, skip 2, sep3 0, sep3 3, sep3 1, sep3 4",
        "sep3 0, sep3 1, sep3 0, sep3 2, sep3 1, sep3 3, sep3 1, sep3 4",
    ),
    ("sdarts-rs", "cifar100", "s3"): (
        "sep3 1, sep3 0, sep3 1, sep3 2, sep3 1, sep3 0, sep3 4, sep3 1",
        "sep3 0, sep3 1, sep3 2, sep3 1, sep3 3, sep3 2, sep3 4, sep3 3",
    ),
    ("sdarts-adv", "cifar100", "s3"): (
        "sep3 0, sep3 1, sep3 0, sep3 1, sep3 1, sep3 2, sep3 2, sep3 1",
        "skip 1, sep3 0, sep3 2, sep3 0, sep3 3, sep3 2, sep3 4, sep3 3",
    ),
    ("pc-darts", "cifar100", "s4"): (
        "sep3 1, sep3 0, sep3 1, sep3 0, sep3 1, sep3 0, sep3 0, sep3 1",
        "sep3 0, sep3 1, sep3 2, sep3 0, sep3 2, sep3 0, sep3 4, sep3 0",
    ),
    ("sdarts-rs", "cifar100", "s4"): (
        "sep3 0, sep3 1, sep3 2, sep3 0, sep3 2, sep3 3, sep3 3, sep3 2",
        "sep3 0, sep3 1, sep3 2, sep3 0, sep3 3, sep3 2, sep3 4, sep3 3",
    ),
    ("sdarts-adv", "cifar100", "s4"): (
        "sep3 0, sep3 1, sep3 0, sep3 1, sep3 1, sep3 0, sep3 0, sep3 2",
        "sep3 0, sep3 1, sep3 1, sep3 0, sep3 1, sep3 3, sep3 3, sep3 4",
    ),
    ("pc-darts", "svhn", "s1"): (
        "dil3 0, dil5 1, skip 1, skip 2, skip 3, skip 0, skip 2, sep3 0",
        "dil3 1, avg 0, dil5 2, max 0, dil5 3, sep3 1, dil5 4, dil5 3",
    ),
    ("sdarts-rs", "svhn", "s1"): (
        "skip 0, dil5 1, skip 1, skip 0, skip 2, skip 0, skip 1, skip 2",
        "max 0, dil3 1, dil5 2, max 0, dil5 3, dil3 2, dil5 2, dil5 3",
    ),
    ("sdarts-adv", "svhn", "s1"): (
        "dil3 0, dil5 1, dil3 2, dil5 0, dil3 3, sep3 2, skip 1, sep3 0",
        "max 0, dil3 1, dil5 2, max 0, dil5 3, dil3 2, dil5 3, dil5 2",
    ),
    ("pc-darts", "svhn", "s2"): (
        "skip 1, skip 0, skip 2, skip 1, skip 2, skip 1, skip 2, skip 1",
        "sep3 1, sep3 0, skip 0, sep3 2, skip 2, sep3 3, sep3 4, sep3 3",
    ),
    ("sdarts-rs", "svhn", "s2"): (
        "sep3 1, skip 0, sep3 2, sep3 0, sep3 3, skip 1, skip 0, sep3 4",
        "sep3 1, skip 0, sep3 2, sep3 1, sep3 3, sep3 2, sep3 3, sep3 4",
    ),
    ("sdarts-adv", "svhn", "s2"): (
        "skip 0, sep3 1, sep3 1, sep3 2, sep3 0, skip 3, skip 3, skip 4",
        "sep3 1, sep3 0, sep3 1, sep3 0, sep3 3, sep3 0, skip 3, sep3 0",
    ),
    ("pc-darts", "svhn", "s3"): (
        "sep3 0, sep3 1, skip 0, skip 2, skip 0, skip 2, skip 0, skip 2",
        "sep3 0, sep3 1, sep3 2, sep3 1, sep3 3, sep3 1, sep3 4, sep3 1",
    ),
    ("sdarts-rs", "svhn", "s3"): (
        "sep3 1, sep3 0, sep3 2, sep3 1, sep3 1, sep3 3, sep3 4, sep3 2",
        "sep3 1, sep3 0, sep3 2, skip 0, sep3 3, sep3 2, sep3 4, sep3 3",
    ),
    ("sdarts-adv", "svhn", "s3"): (
        "sep3 1, sep3 0, sep3 0, skip 2, skip 3, sep3 1, skip 2, sep3 0",
        "sep3 1, sep3 0, sep3 1, sep3 2, sep3 2, sep3 1, sep3 1, sep3 4",
    ),
    ("pc-darts", "svhn", "s4"): (
        "sep3 0, sep3 1, sep3 2, sep3 1, sep3 2, sep3 3, sep3 2, sep3 4",
        "sep3 0, sep3 1, sep3 0, sep3 2, sep3 0, sep3 1, sep3 0, sep3 1",
    ),
    ("sdarts-rs", "svhn", "s4"): (
        "sep3 1, sep3 0, sep3 1, sep3 0, sep3 3, sep3 1, sep3 4, sep3 2",
        "sep3 1, sep3 0, sep3 2, sep3 0, sep3 2, sep3 3, sep3 4, sep3 0",
    ),
    ("sdarts-adv", "svhn", "s4"): (
        "sep3 1, sep3 0, sep3 0, sep3 1, sep3 0, sep3 1, sep3 0, sep3 1",
        "sep3 1, sep3 0, sep3 1, sep3 2, sep3 2, sep3 0, sep3 0, sep3 1",
    ),
}
FOUND: Mapping[Found, str] = MappingProxyType({of: short_form(*cells) for of, cells in _CELLS.items()})
