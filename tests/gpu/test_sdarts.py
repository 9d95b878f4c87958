"""What `tox -e gpu-sdarts` runs: a part of the suite in the paper's size, and here as a toy on the processor."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="live methods train networks: pip install 'nasboard[live]'")

from nasboard.harness.cli.app import app
from nasboard.harness.running import suite as suites
from nasboard.harness.store import open_store

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "suites" / "sdarts"
TOY = "digits201-live?channels=4&scored_on=20&train=64&val=32"
SHORT = ("epochs=2", "alpha_every=1", "landscape_every=0", "eigenvalue_every=2")


def commands(tmp_path: Path) -> list[list[str]]:
    """Return the arguments of `nasboard`, of a toy on the processor."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    toy = tmp_path / "toy.toml"
    toy.write_text(
        (SUITES / "gpu-1shot1.toml").read_text().replace("nb1shot1-1-live", TOY).replace("every = 100", "every = 2")
    )
    lines = tox["testenv:gpu-sdarts"]["commands"].strip().splitlines()
    told = "\n".join(lines).replace("sdarts/gpu-1shot1 ", f"{toy} ").replace("results{/}", "")
    told = told.replace("{tox_root}", str(tmp_path)).replace("{/}", "/").replace("cuda", "cpu").replace("{posargs}", "")
    return [shlex.split(line)[1:] for line in told.splitlines()]


def test_its_entries_are_those_of_the_suite_in_the_papers_size() -> None:
    whole = {run.method: run for run in suites.read(SUITES / "1shot1-full.toml").runs}
    mine = suites.read(SUITES / "gpu-1shot1.toml").runs
    assert [run.method for run in mine] == ["darts", "sdarts_rs", "sdarts_adv"]
    assert [run.params for run in mine] == [whole[run.method].params for run in mine]


@pytest.mark.slow
def test_it_runs_within_its_time_as_a_toy_goes_on_and_is_exported(tmp_path: Path) -> None:
    run, export = commands(tmp_path)
    assert float(run[run.index("--for") + 1]) + 60 <= 12 * 60  # a step is given a minute to end
    short = [argument for setting in SHORT for argument in ("--set", f"params.{setting}")]
    for limit in (["--for", "0.01"], []):
        made = CliRunner().invoke(app, [*run, *limit, "--set", "panel.size=20", "--seeds", "1", *short])
        assert made.exit_code == 0, made.output
    store = open_store(run[run.index("--store") + 1])
    assert [record.status for record in store.runs()] == ["done"] * 3
    assert CliRunner().invoke(app, export).exit_code == 0
    assert list(tmp_path.glob("*.json.xz"))
