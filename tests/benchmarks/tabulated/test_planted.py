"""The planted benchmark: its truth is what was planted, and its searchable side shows validation alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng
from scipy.stats import kendalltau

from nasboard.benchmarks.tabulated.planted import BEST, EPOCHS, IMAGES, NOISE, WORST, planted
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import enumerate_all, one_hot

FOUND = planted()
EVERYTHING = enumerate_all(FOUND.space)


def test_truth_is_additive_in_the_choices_up_to_the_noise_between_seeds() -> None:
    live = EVERYTHING[EVERYTHING[:, 4] != 0]
    truth = FOUND.truth(live)
    encoded = one_hot(FOUND.space, live)
    fitted = encoded @ np.linalg.lstsq(encoded, truth, rcond=None)[0]
    assert np.std(truth - fitted) < 1.2 * NOISE / 3**0.5
    assert WORST - 4 * NOISE < truth.min() < truth.max() < BEST + 4 * NOISE


def test_truth_is_the_mean_over_seeds() -> None:
    assert np.allclose(FOUND.truth_by_seed(EVERYTHING).mean(axis=1), FOUND.truth(EVERYTHING), atol=1e-15)


def test_architectures_that_mean_the_same_score_the_same() -> None:
    classes = FOUND.space.canonical(EVERYTHING)
    assert len(np.unique(classes)) == 5 * 5 * 4 * 4 * (1 + 2 * 3)
    assert np.array_equal(FOUND.truth(EVERYTHING), FOUND.truth(EVERYTHING[classes]))
    assert np.array_equal(FOUND.curves.val_correct, FOUND.curves.val_correct[classes])
    assert np.array_equal(FOUND.curves.epoch_s, FOUND.curves.epoch_s[classes])


@given(st.integers(0, 3_599), st.sampled_from(EPOCHS), st.integers(0, 2**32))
def test_a_query_shows_one_recorded_training(index: int, epochs: int, seed: int) -> None:
    seen = FOUND.query(EVERYTHING[index], epochs, default_rng(seed))
    recorded = FOUND.curves.val_correct[index, :, EPOCHS.index(epochs)] / IMAGES
    assert seen.val_accuracy in recorded
    assert seen.epochs == epochs
    assert seen.cost_s == pytest.approx(float(FOUND.curves.epoch_s[index]) * epochs)


def test_every_recorded_training_is_shown() -> None:
    rng = default_rng(0)
    seen = {FOUND.query(EVERYTHING[7], 9, rng).val_accuracy for _ in range(60)}
    assert seen == set((FOUND.curves.val_correct[7, :, 2] / IMAGES).tolist())


def test_validation_agrees_with_the_truth_the_better_the_longer_the_training() -> None:
    truth = FOUND.truth(EVERYTHING)
    tau = [kendalltau(FOUND.curves.val_correct[:, 0, i], truth).statistic for i in range(len(EPOCHS))]
    assert 0.8 < tau[0] < tau[1] < tau[2] < 1


def test_validation_and_test_are_different_draws() -> None:
    full = FOUND.curves.val_correct[:, :, -1].mean(axis=1) / IMAGES
    assert np.std(full - FOUND.truth(EVERYTHING)) > NOISE / 3**0.5


def test_another_epoch_is_refused() -> None:
    with pytest.raises(UsageError, match="planted records epochs 1, 3, 9, asked for 2"):
        FOUND.query(EVERYTHING[0], 2, default_rng(0))


@pytest.mark.parametrize("spec", ["", "p-0-0-0-0-0", "p-0-0-0-0-0-3", "p-5-0-0-0-0-0", "q-0-0-0-0-0-0"])
def test_other_strings_are_refused(spec: str) -> None:
    with pytest.raises(SpecError, match="planted"):
        FOUND.space.encode(spec)


def test_the_digest_names_the_counts() -> None:
    assert FOUND.digest == planted().digest
    assert len(str(FOUND.digest)) == 64
