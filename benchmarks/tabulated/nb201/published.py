"""Figures quoted from the literature for searches on NAS-Bench-201, with how sure each quotation is.

`PUBLISHED`: mean and standard deviation of test accuracy over 500 searches on CIFAR-10 of 12,000 simulated seconds
each; the architecture found is scored on all three data sets. The searches saw the 12-epoch schedule. A figure is of
the settings of the published run, where its script tells them; that of BOHB (93.61 ± 0.52) is of a search that is not
reproduced here, see docs/methods.md, and stands beside nothing.

`ONE_SHOT`: the same of searches that share weights, in a supernet of 16 channels and 5 cells a stage on half of the
training images of CIFAR-10. They are of the version that searches on CIFAR-10 and scores what was found on all sets;
NATS-Bench's, which searches on each set, has other figures under the same names (RSPS 87.66 rather than 84.07). Of GDAS
the release sends a gradient to operations that were not drawn, too; ours, as the paper, does not.
"""

from __future__ import annotations

from nasboard.harness.context import Published

Settings = dict[str, bool | int | float | str]

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
_PARAMS: dict[str, Settings] = {  # of the published runs, where they are not our defaults
    "regularized_evolution": {"as_released": True},
    "reinforce": {"lr": 0.5},  # of the documented command; the paper's text was not at hand
}

PUBLISHED = tuple(
    Published(method, dataset, BUDGET_S, mean / 100, sd / 100, mark, f"{TABLE}; {read}", _PARAMS.get(method, {}))
    for method, rows in _ROWS.items()
    for dataset, mean, sd, mark, read in rows
)

_READ = "as quoted by ReLIZO (NeurIPS 2024), Table 2"
# method: (settings that are not our defaults, {data set: (mean %, standard deviation %)})
_DARTS = {"cifar10": (54.30, 0.00), "cifar100": (15.61, 0.00), "ImageNet16-120": (16.32, 0.00)}
_VERSION: dict[str, bool | int | float | str] = {
    "weights_first": True
}  # a step of its searches moves the weights first
_SEARCHES: tuple[tuple[str, dict[str, bool | int | float | str], dict[str, tuple[float, float]]], ...] = (
    ("darts", _VERSION, _DARTS),
    ("darts", _VERSION | {"second_order": True}, _DARTS),
    (
        "gdas",
        _VERSION,
        {"cifar10": (93.61, 0.09), "cifar100": (70.70, 0.30), "ImageNet16-120": (41.71, 0.98)},
    ),
    (
        "setn",
        _VERSION,
        {"cifar10": (87.64, 0.00), "cifar100": (59.05, 0.24), "ImageNet16-120": (32.52, 0.21)},
    ),
    (
        "enas",
        {"as_released": True},
        {"cifar10": (53.89, 0.58), "cifar100": (13.96, 2.33), "ImageNet16-120": (14.84, 2.10)},
    ),
    (
        "rsps",
        {"candidates": 100, "finalists": 1, "rounds": 1, "score_batch": 512, "as_released": True},
        {"cifar10": (84.07, 3.61), "cifar100": (52.31, 5.77), "ImageNet16-120": (26.28, 3.09)},
    ),
)
_MEASURING = frozenset(
    {"rank_by_alpha", "eigenvalue_every", "trace_every", "landscape_every", "alpha_every", "derive_every"}
)

ONE_SHOT = tuple(
    Published(method, dataset, None, mean / 100, sd / 100, "T", f"{TABLE}; {_READ}", params, _MEASURING)
    for method, params, rows in _SEARCHES
    for dataset, (mean, sd) in rows.items()
)
