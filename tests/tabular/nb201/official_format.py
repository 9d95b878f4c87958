"""Writes files in the official NAS-Bench-201 and NATS-Bench formats, with made-up trainings of N architectures.

What the releases do is done here too: seeds as digits, seldom recorded evaluations beside full ones, times that are
absent or made up afterwards, numpy numbers among Python's, an order of architectures that is not ours.
"""

from __future__ import annotations

import bz2
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.random import Generator

from nasboard.tabular.nb201.names import ARCHS, index_spec

Style = Literal["v1.0", "v1.1"]
Content = dict[str, Any]

SETS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("ori-test", "x-valid", "x-test"),
    "ImageNet16-120": ("ori-test", "x-valid", "x-test"),
}  # the first one is recorded at every epoch in all trainings
CLASSES = {"cifar10-valid": 10, "cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}
SHARE = {"cifar10-valid": 1.0, "cifar10": 2.0, "cifar100": 2.0, "ImageNet16-120": 6.068}


def official_content(n: int, *, seed: int = 0, style: Style = "v1.1", most_seeds: int = 3) -> Content:
    """Return what the official file holds, for `n` architectures in a shuffled order.

    Args:
        n: number of architectures.
        seed: same seed, same content.
        style: `v1.0` has 12-epoch trainings on one data set only and no times of 200-epoch ones; `v1.1` has them all.
        most_seeds: trainings of one architecture on one data set.
    """
    rng = np.random.default_rng(seed)
    specs = [index_spec(int(row)) for row in rng.permutation(ARCHS)[:n]]
    infos = {index: _architecture(rng, index, spec, style, most_seeds) for index, spec in enumerate(specs)}
    return {"meta_archs": specs, "total_archs": n, "arch2infos": infos, "evaluated_indexes": sorted(infos)}


def size_content(n: int) -> Content:
    """Return what the one file of NATS-Bench's size space holds: channels in place of cells, three schedules."""
    content = official_content(n)
    specs = [f"8:8:8:8:{8 * (i + 1)}" for i in range(n)]
    infos = {
        i: {name: info[of] | {"arch_str": specs[i]} for name, of in (("01", "less"), ("12", "less"), ("90", "full"))}
        for i, info in content["arch2infos"].items()
    }
    return content | {"meta_archs": specs, "arch2infos": infos, "evaluated_indexes": set(infos)}


def write_pth(path: Path, content: Content, *, legacy: bool = False) -> Path:
    """Write a torch file, as a zip or in the format before it; skips the test where torch is absent."""
    torch = pytest.importorskip("torch", reason="torch writes the official file: pip install 'nasboard[live]'")
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def nats_content(content: Content) -> Content:
    """Return the same as the one NATS-Bench file holds it."""
    infos = {i: OrderedDict({"12": info["less"], "200": info["full"]}) for i, info in content["arch2infos"].items()}
    return content | {"arch2infos": infos, "evaluated_indexes": set(infos)}


def write_nats_file(path: Path, content: Content) -> Path:
    """Write the one NATS-Bench file."""
    path.write_bytes(bz2.compress(pickle.dumps(_nats(content), protocol=4)))
    return path


def write_nats_folder(folder: Path, content: Content) -> Path:
    """Write the NATS-Bench folder: `meta` and a file for each architecture."""
    folder.mkdir()
    whole = _nats(content)
    files = {"meta": whole | {"arch2infos": None, "evaluated_indexes": set()}}
    files |= {f"{index:06d}": info for index, info in whole["arch2infos"].items()}
    for name, inside in files.items():
        (folder / f"{name}.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(inside, protocol=4)))
    return folder


def _nats(content: Content) -> Content:
    """Return content under the names of NATS-Bench; that of the size space has them already."""
    return nats_content(content) if "full" in next(iter(content["arch2infos"].values())) else content


def _architecture(rng: Generator, index: int, spec: str, style: Style, most_seeds: int) -> Content:
    params, flops = np.float64(rng.uniform(0.07, 1.6)), float(rng.uniform(8, 220))
    speed_s = float(rng.uniform(2.0, 17.0))  # of an epoch on cifar10-valid
    latency = {name: np.float64(rng.uniform(0.012, 0.03)) for name in SETS}
    seeds = [777, 888, 999][: int(rng.integers(1, most_seeds + 1))]
    common = {"params": params, "flop": flops}
    full, less = {}, {}
    for name in SETS:
        measured = [float(latency[name] * rng.uniform(0.9, 1.1)) for _ in range(3)]
        latencies = measured if style == "v1.0" else [latency[name]]
        for seed in seeds:
            new = style == "v1.1" and rng.random() < 0.3
            times = None if style == "v1.0" else speed_s * SHARE[name]
            full[name, seed] = _result(rng, name, spec, seed, 200, new, times, latencies, common)
    for name in SETS if style == "v1.1" else ("cifar10-valid",):
        for seed in (777, 111)[: 2 if name == "cifar10-valid" and most_seeds > 1 else 1]:
            told = None if style == "v1.0" else [latency[name]]
            less[name, seed] = _result(rng, name, spec, seed, 12, True, speed_s * SHARE[name], told, common)
    return {"full": _arch_results(index, spec, full), "less": _arch_results(index, spec, less)}


def _arch_results(index: int, spec: str, results: dict[tuple[str, int], Content]) -> Content:
    names = list(dict.fromkeys(name for name, _ in results))
    return {
        "arch_index": index,
        "arch_str": spec,
        "all_results": results,
        "dataset_seed": {name: sorted(seed for d, seed in results if d == name) for name in names},
        "clear_net_done": True,
    }


def _result(
    rng: Generator,
    name: str,
    spec: str,
    seed: int,
    epochs: int,
    new: bool,
    epoch_s: float | None,
    latency: list[float] | None,
    common: Content,
) -> Content:
    """Return the record of one training; `new` ones record every set at every epoch, old ones the first only."""
    train_acc, train_loss = _curve(rng, epochs, CLASSES[name])
    accs: dict[str, float] = {}
    losses: dict[str, float] = {}
    for at, of in enumerate(SETS[name]):
        acc, loss = _curve(rng, epochs, CLASSES[name])
        for epoch in range(epochs) if new or at == 0 else (epochs - 1,):
            key = f"{of}@{epoch}"
            accs[key], losses[key] = acc[epoch], loss[epoch]
    times: dict[str, float] = {}
    train_times: dict[int, float] | None = None
    if epoch_s is not None:
        measured = epochs == 12
        spread = rng.uniform(0.97, 1.03, epochs) if measured else np.ones(epochs)
        train_times = (dict if measured else OrderedDict)(enumerate((spread * epoch_s).tolist()))
        for at, of in enumerate(SETS[name]):
            one_s = epoch_s * (0.4 + 0.2 * at)
            times |= {f"{of}@{epoch}": one_s * float(spread[epoch]) for epoch in range(epochs)}
    return {
        "name": name,
        "net_state_dict": None,
        "train_acc1es": dict(enumerate(train_acc)),
        "train_acc5es": dict(enumerate(min(100.0, a * 1.2) for a in train_acc)),
        "train_losses": dict(enumerate(train_loss)),
        "train_times": train_times,
        "arch_config": {"channel": 16, "num_cells": 5, "arch_str": spec, "class_num": CLASSES[name]},
        "params": common["params"],
        "flop": common["flop"],
        "seed": str(seed),
        "epochs": epochs,
        "latency": None if latency is None else list(latency),
        "eval_names": list(SETS[name]),
        "eval_acc1es": accs,
        "eval_times": times,
        "eval_losses": losses,
    }


def _curve(rng: Generator, epochs: int, classes: int) -> tuple[list[float], list[float]]:
    """Return accuracy in percent and loss by epoch, rising and falling as such curves do."""
    top = rng.uniform(40, 99.5)
    rise = 1 - np.exp(-4 * np.arange(1, epochs + 1) / epochs)
    acc = np.clip(100 / classes + top * rise + rng.normal(0, 0.5, epochs), 0, 100)
    loss = np.log(classes) * (1.05 - acc / 100) + rng.uniform(0, 0.01, epochs)
    return acc.tolist(), loss.tolist()
