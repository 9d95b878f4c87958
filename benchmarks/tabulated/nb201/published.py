"""Figures quoted from the literature for searches on NAS-Bench-201, with how sure each quotation is.

Mean and standard deviation of test accuracy over 500 searches on CIFAR-10 of 12,000 simulated seconds each; the
architecture found is scored on all three data sets. The searches saw the 12-epoch schedule. A figure is of the settings
of the published run, where its script tells them; that of BOHB (93.61 ± 0.52) is of a search that is not reproduced
here, see docs/methods.md, and stands beside nothing.
"""

from __future__ import annotations

from nasboard.harness.context import Published

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
}
_PARAMS: dict[str, dict[str, bool | float]] = {  # of the published runs, where they are not our defaults
    "regularized_evolution": {"as_released": True},
    "reinforce": {"lr": 0.5},  # of the documented command; the paper's text was not at hand
}

PUBLISHED = tuple(
    Published(method, dataset, BUDGET_S, mean / 100, sd / 100, mark, f"{TABLE}; {read}", _PARAMS.get(method, {}))
    for method, rows in _ROWS.items()
    for dataset, mean, sd, mark, read in rows
)
