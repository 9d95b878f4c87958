"""The laws of a benchmark whose architectures are trained: its images, and what it says of trainings."""

from __future__ import annotations

import numpy as np
from numpy.random import default_rng

from nasboard.harness import registry
from nasboard.harness.api import Benchmark, SearchData
from nasboard.harness.errors import ContractError
from nasboard.harness.space import check, sample
from nasboard.harness.testing.reach import test_images

DRAWN = 50
OVERLAP = 0.05  # share of test images that may be found among the search data: public sets have a few doubles


def data_are_images_and_labels(benchmark: Benchmark) -> str | None:
    """Search data are train and validation images uint8 or float32 with labels int64."""
    data = benchmark.data()
    if data is None:
        return "it has no data"
    if not isinstance(data, SearchData):
        raise ContractError(f"data gives a {type(data).__name__}, allowed is what has `train` and `val`")
    for name, (images, labels) in (("train", data.train), ("val", data.val)):
        fits = images.ndim == 4 and images.dtype in (np.uint8, np.float32) and labels.dtype == np.int64
        if not fits or labels.shape != (len(images),) or not np.isfinite(images).all():
            raise ContractError(
                f"{name} is {images.dtype} {images.shape} with {labels.dtype} {labels.shape}, allowed are uint8 "
                "or finite float32 (n, c, h, w) with int64 (n,)"
            )
    return None


def test_images_are_none_of_the_search_data(benchmark: Benchmark) -> str | None:
    """Test images are of the form of the search data, a label each, and none of them."""
    test, data = benchmark.context.test, benchmark.data()
    if test is None or data is None:
        return "it has no test images" if test is None else "it has no data"
    (images, labels), (known, _) = test(), data.train
    if (images.dtype, images.shape[1:]) != (known.dtype, known.shape[1:]) or labels.shape != (len(images),):
        raise ContractError(
            f"test is {images.dtype} {images.shape} with labels {labels.shape}, train {known.dtype} {known.shape}; "
            "allowed are test images of the same form with a label each"
        )
    hidden, n = test_images(benchmark)
    if len(hidden) < (1 - OVERLAP) * n:
        raise ContractError(f"{n - len(hidden)} of {n} test images are among the search data; keep the splits apart")
    return None


def trainings_cost_more_the_longer(benchmark: Benchmark) -> str | None:
    """What is trained for an architecture is itself canonical; its cost grows; its method is registered."""
    how = benchmark.context.trainings
    if how is None:
        return "it trains no architecture from scratch"
    if list(how.fidelities) != sorted(set(how.fidelities)) or how.fidelities[-1:] != (how.epochs,):
        raise ContractError(f"fidelities of trainings are {how.fidelities}, allowed ascend to its {how.epochs} epochs")
    archs = sample(benchmark.space, default_rng(3), DRAWN)
    canonical = check(benchmark.space, how.canonical(archs.copy()))
    classes = benchmark.space.canonical
    if not np.array_equal(how.canonical(canonical.copy()), canonical):
        raise ContractError("what is trained for a canonical architecture is another one; let it be itself")
    if not np.array_equal(classes(canonical), classes(archs)):
        raise ContractError("what is trained for an architecture is not isomorphic to it; see the space's `canonical`")
    ascending = sorted({1, *how.fidelities})
    for arch in canonical[:10]:
        costs_s, again = ([how.cost_s(arch, epochs) for epochs in ascending] for _ in range(2))
        if costs_s != again or not costs_s[0] > 0 or sorted(set(costs_s)) != costs_s:
            raise ContractError(
                f"trainings for {ascending} epochs cost {costs_s} s, asked again {again} s; costs are nominal, "
                "positive and grow with the epochs"
            )
    if benchmark.name.partition("@")[0].partition("?")[0] in registry.names("benchmarks"):
        registry.method_class(how.method)
        home = registry.benchmark(how.benchmark)
        if (home.name, home.context.trainings and home.context.trainings.benchmark) != (how.benchmark, how.benchmark):
            raise ContractError(
                f"trainings are kept under {how.benchmark!r}, which calls itself {home.name!r} or keeps its own "
                "elsewhere; use one full name"
            )
    return None
