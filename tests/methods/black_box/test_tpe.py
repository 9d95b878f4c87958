"""TPE: it is optuna's sampler and nothing else, it is silent, deterministic, and says what to install."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings

import numpy as np
import pytest
from numpy.random import default_rng

optuna = pytest.importorskip("optuna", reason="tpe plays optuna's sampler: pip install 'nasboard[optuna]'")

from nasboard.benchmarks.tabulated.planted import PlantedSpace  # noqa: E402
from nasboard.harness import registry  # noqa: E402
from nasboard.harness.api import Observation  # noqa: E402
from nasboard.harness.errors import MissingDataError, UsageError  # noqa: E402
from nasboard.harness.space import Arch  # noqa: E402
from nasboard.methods.black_box import tpe  # noqa: E402
from nasboard.methods.black_box.tpe import SEEDS, TRIES, Sampled, Tpe, quiet  # noqa: E402
from tests.methods.black_box.play import search, share  # noqa: E402
from tests.methods.black_box.spaces import Free, Ruled  # noqa: E402

SPACE = PlantedSpace()


def plain(seed: int, n: int, score: object, **settings: object) -> list[list[int]]:
    """Return what an ordinary optuna study asks for."""
    with warnings.catch_warnings(), quiet(logging.getLogger("optuna")):
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=False, **settings)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        asked: list[list[int]] = []

        def objective(trial: object) -> float:
            row = [
                trial.suggest_categorical(f"slot{i:03d}", list(range(options)))  # type: ignore[attr-defined]
                for i, options in enumerate(SPACE.choices)
            ]
            asked.append(row)
            return float(score(np.array(row, dtype=np.int16)))  # type: ignore[operator]

        study.optimize(objective, n_trials=n)
    return asked


def rugged(arch: Arch) -> float:
    """Score without ties, so that the order of trials is settled."""
    return float(np.cos(np.dot(arch, [1.0, 2.7, 0.3, 4.1, 1.9, 0.7])) / 2 + 0.5)


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        (Tpe(), {"n_startup_trials": 20, "n_ei_candidates": 24, "multivariate": True}),
        (
            Tpe(startup=5, candidates=7, multivariate=False),
            {"n_startup_trials": 5, "n_ei_candidates": 7, "multivariate": False},
        ),
    ],
)
def test_it_asks_what_a_plain_study_of_the_same_seed_asks(method: Tpe, settings: dict[str, object]) -> None:
    asked, _ = search(method, SPACE, rugged, 60, seed=3)
    seed = int(default_rng(3).integers(SEEDS))
    assert [arch.tolist() for arch in asked] == plain(seed, 60, rugged, **settings)


def test_it_maximises() -> None:
    asked, _ = search(Tpe(), SPACE, share, 120)
    assert np.mean([share(a) for a in asked[60:]]) > 2 * np.mean([share(a) for a in asked[:20]])


def test_the_start_is_uniform_whatever_is_seen() -> None:
    guided, _ = search(Tpe(startup=30), SPACE, share, 31)
    constant, _ = search(Tpe(startup=30), SPACE, rugged, 31)
    assert np.array_equal(guided[:30], constant[:30])


def test_only_valid_architectures_are_asked_for_and_the_others_are_failed_trials() -> None:
    space = Ruled()
    asked, last = search(Tpe(), space, share, 80)
    assert space.valid(np.stack(asked)).all()
    assert last.incumbent is not None

    player = Sampled(Tpe(), space, default_rng(0))
    for _ in range(20):
        proposal = player.ask()
        player.tell(proposal, Observation(share(proposal.arch), 1.0, 1))
    states = [trial.state.name for trial in player.study.get_trials()]
    assert states.count("COMPLETE") == 20
    assert states.count("FAIL") > 10
    assert set(states) == {"COMPLETE", "FAIL"}


def test_where_nothing_valid_is_proposed_a_uniform_draw_is_told_to_the_study() -> None:
    space = Ruled((6, 6, 6, 6), step=19)  # 0 and 19 alone: three rows in a thousand
    player = Sampled(Tpe(), space, default_rng(0))
    asked = []
    for _ in range(15):
        proposal = player.ask()
        asked.append(proposal.arch)
        player.tell(proposal, Observation(0.5, 1.0, 1))
    assert space.valid(np.stack(asked)).all()
    trials = player.study.get_trials()
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    assert [list(trial.params.values()) for trial in complete] == [arch.tolist() for arch in asked]
    assert len(trials) > 15 + 10 * TRIES


def test_unequal_slots_and_slots_without_a_choice_are_no_trouble() -> None:
    for levels in ((2, 5, 1, 3), (1, 1, 2), (7,)):
        asked, _ = search(Tpe(startup=5), Free(levels), share, 20)
        assert (np.stack(asked) < levels).all()


def test_it_says_nothing_and_leaves_optunas_logging_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("optuna")
    before = (logger.level, list(logger.handlers), logger.propagate, warnings.filters[:])
    search(Tpe(startup=5), SPACE, share, 15)
    assert (logger.level, list(logger.handlers), logger.propagate, warnings.filters[:]) == before
    assert capfd.readouterr() == ("", "")


def test_a_stricter_level_than_ours_is_kept() -> None:
    logger = logging.getLogger("nasboard-test-logger")
    logger.setLevel(logging.ERROR)
    with quiet(logger):
        assert logger.level == logging.ERROR
    logger.setLevel(logging.INFO)
    with pytest.raises(ZeroDivisionError), quiet(logger):
        1 / (logger.level - logging.WARNING)
    assert logger.level == logging.INFO


def test_optuna_is_imported_only_when_it_plays() -> None:
    code = (
        "import sys; from nasboard.harness import registry; made = registry.method('tpe'); "
        "print('optuna' in sys.modules, made.startup)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "20"]


def test_a_missing_optuna_is_told_with_the_command_that_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tpe, "find_spec", lambda name: None)
    with pytest.raises(MissingDataError, match=r"tpe needs optuna: pip install 'nasboard\[optuna\]'"):
        registry.method("tpe")


@pytest.mark.parametrize("wrong", [{"startup": 0}, {"candidates": 0}, {"candidates": 10_001}])
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"startup is at least 1 and candidates 1\.\.10000, given"):
        Tpe(**wrong)
