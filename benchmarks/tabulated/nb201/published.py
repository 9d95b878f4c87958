"""Figures quoted from the literature for searches on NAS-Bench-201, with how sure each quotation is.

Mean and standard deviation of test accuracy over 500 searches on CIFAR-10 of 12,000 simulated seconds each; the
architecture found is scored on all three data sets. The searches saw the 12-epoch schedule.
"""

from __future__ import annotations

from nasboard.harness.api import Published

BUDGET_S = 12_000.0
TABLE = "Dong & Yang, NAS-Bench-201 (ICLR 2020), Table 5"
MEMORY = "from memory, unverified"

# method: (data set, mean %, standard deviation %, mark, where it was read)
_ROWS: dict[str, tuple[tuple[str, float, float, str, str], ...]] = {
    "random_search": (
        ("cifar10", 93.70, 0.36, "M", MEMORY),
        ("cifar100", 71.04, 1.07, "M", MEMORY),
        ("ImageNet16-120", 44.57, 1.25, "T", "as quoted in the text of another paper"),
    ),
    "regularized_evolution": (
        ("cifar10", 93.92, 0.30, "M", MEMORY),
        ("cifar100", 71.84, 0.99, "M", MEMORY),
        ("ImageNet16-120", 45.54, 1.03, "M", MEMORY),
    ),
    "reinforce": (
        ("cifar10", 93.85, 0.37, "T", "as quoted in the README of RMI-NAS"),
        ("cifar100", 71.71, 1.09, "T", "as quoted in the README of RMI-NAS"),
        ("ImageNet16-120", 45.24, 1.18, "T", "as quoted in the README of RMI-NAS"),
    ),
    "bohb": (
        ("cifar10", 93.61, 0.52, "M", MEMORY),
        ("cifar100", 70.85, 1.28, "M", MEMORY),
        ("ImageNet16-120", 44.42, 1.49, "M", MEMORY),
    ),
}

PUBLISHED = tuple(
    Published(method, dataset, BUDGET_S, mean / 100, sd / 100, mark, f"{TABLE}; {read}")
    for method, rows in _ROWS.items()
    for dataset, mean, sd, mark, read in rows
)
