"""Published cells, as networks and as trainings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from nasboard.benchmarks.live import networks
from nasboard.benchmarks.spaces.costs import darts
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.known.published import PUBLISHED, home
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.harness.cli.app import app
from nasboard.harness.store import open_store

SPACE = SPACES["darts"]
SMALL = "darts-digits?channels=2&cells=3&recipe=quick-1&train=64"


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_network_of_a_published_cell_has_the_counted_parameters_and_all_of_them_learn(name: str) -> None:
    space = home(SPACES.values(), name)
    arch = space.encode(PUBLISHED[name].spec)
    macro = DartsMacro(image=16, channels=4, cells=6)
    net = networks.network(space, macro, arch, np.random.default_rng(0))
    assert sum(p.numel() for p in net.parameters()) == darts.count(space, arch[None], macro).parameters[0]
    images = torch.from_numpy(np.random.default_rng(1).standard_normal((4, 3, 16, 16), dtype=np.float32))
    net(images).square().sum().backward()
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in net.parameters())


def test_a_published_cell_is_trained_by_its_name(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/runs.db"
    done = CliRunner().invoke(app, ["train", SMALL, "sdarts-adv", "--store", url, "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.stdout.splitlines() if "quick-1" in line] == ["sdarts-adv"]
    with open_store(url) as store:
        (run,) = store.runs(status="done")
    rows = np.stack([SPACE.encode(str(spec)) for spec in (run.key.params["spec"], PUBLISHED["sdarts-adv"].spec)])
    assert len(set(SPACE.canonical(rows))) == 1
