"""What `tox -e gpu-sdarts` and its like run: suites in the papers' size, and here as toys on the processor."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="live methods train networks: pip install 'nasboard[live]'")

from nasboard.harness.cli.app import app
from nasboard.harness.planning import suite as suites
from nasboard.harness.store import open_store

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "suites"
TOY = "digits201-live?channels=4&scored_on=20&train=64&val=32"
CELLS = "nat-digits?cells=3&channels=4&recipe=quick-1&scored_on=20&train=64&val=32"
SLICES = {  # environment -> suite, benchmark, that of a toy, its settings, runs
    "gpu-sdarts": (
        "sdarts/gpu-1shot1",
        "nb1shot1-1-live",
        TOY,
        ("epochs=2", "alpha_every=1", "landscape_every=0", "eigenvalue_every=2"),
        3,
    ),
    "gpu-few-shot": ("few-shot/gpu-nb201", "nb201-cifar10-live?fused=on", TOY, ("epochs=2", "candidates=2"), 5),
    "gpu-nat": ("nat/gpu-darts", "nat-cifar10?channels=20", CELLS, ("epochs=2", "draws=2"), 5),
}


def commands(environment: str, tmp_path: Path) -> list[list[str]]:
    """Return the arguments of `nasboard`, of a toy on the processor."""
    suite, benchmark, small, *_ = SLICES[environment]
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    toy, text = tmp_path / "toy.toml", (SUITES / f"{suite}.toml").read_text()
    for told, short in (
        (benchmark, small),
        ("every = 100", "every = 2"),
        ("rank_all = true", "rank_all = false"),
        ("each.epochs = [25, 100, 350]", "each.lr_min = [0.0, 0.001, 0.002]"),
        ("sub_epochs = 50", "sub_epochs = 1"),
        ("sub_epochs = 10", "sub_epochs = 1"),
    ):
        text = text.replace(told, short)
    toy.write_text(text)
    lines = "\n".join(tox[f"testenv:{environment}"]["commands"].strip().splitlines())
    told = lines.replace(f"{suite} ", f"{toy} ").replace("results{/}", "").replace("{tox_root}", str(tmp_path))
    told = told.replace("{/}", "/").replace("cuda", "cpu").replace("{posargs}", "")
    return [shlex.split(line.removeprefix("- "))[1:] for line in told.splitlines()]


def test_its_entries_are_those_of_the_suite_in_the_papers_size() -> None:
    whole = {run.method: run for run in suites.read(SUITES / "sdarts" / "1shot1-full.toml").runs}
    mine = suites.read(SUITES / "sdarts" / "gpu-1shot1.toml").runs
    assert [run.method for run in mine] == ["darts", "sdarts_rs", "sdarts_adv"]
    assert [run.params for run in mine] == [whole[run.method].params for run in mine]


@pytest.mark.slow
@pytest.mark.parametrize("environment", SLICES)
def test_it_runs_within_its_time_as_a_toy_goes_on_and_is_exported(environment: str, tmp_path: Path) -> None:
    *before, run, export = commands(environment, tmp_path)
    *_, settings, runs = SLICES[environment]
    assert float(run[run.index("--for") + 1]) + 60 <= 12 * 60  # a step is given a minute to end
    short = [argument for setting in settings for argument in ("--set", f"params.{setting}")]
    for limit in (["--for", "0.01"], []):
        made = CliRunner().invoke(app, [*run, *limit, "--set", "panel.size=20", "--seeds", "1", *short])
        assert made.exit_code == 0, made.output
    store = open_store(run[run.index("--store") + 1])
    assert [record.status for record in store.runs()] == ["done"] * runs
    assert CliRunner().invoke(app, export).exit_code == 0
    assert list(tmp_path.glob("*.json.xz"))
    for command in before:  # on another machine, where what was exported is all there is
        elsewhere = [*command[:-1], f"sqlite:///{tmp_path / 'elsewhere.db'}"]
        assert CliRunner().invoke(app, elsewhere).exit_code == 0
        assert len(open_store(elsewhere[-1]).runs()) == runs
