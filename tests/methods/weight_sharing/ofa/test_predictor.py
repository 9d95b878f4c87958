"""The accuracy predictor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kendalltau

from nasboard.benchmarks.spaces.layerwise import SPACES
from nasboard.harness.space import sample
from nasboard.methods.weight_sharing.ofa.predictor import Fit, Predictor, features

SPACE = SPACES["ofa-digits"]
FIT = Fit(hidden=64, layers=3, steps=300, lr=1e-3, weight_decay=0.0)


def test_encodings_are_kernel_and_width_of_each_layer_and_nothing_of_layers_that_are_not_there() -> None:
    arch = SPACE.encode("2:3x3_MBConv3,5x5_MBConv6,7x7_MBConv6,7x7_MBConv6|4:" + ",".join(["7x7_MBConv4"] * 4))
    found = features(SPACE, arch[None])[0].reshape(8, 2, 3)  # layers, kernel or width, options
    assert found[0].tolist() == [[1, 0, 0], [1, 0, 0]]
    assert found[1].tolist() == [[0, 1, 0], [0, 0, 1]]
    assert not found[2:4].any()
    assert all(layer.tolist() == [[0, 0, 1], [0, 1, 0]] for layer in found[4:])


def test_rows_of_the_same_layers_are_encoded_the_same_and_others_are_not() -> None:
    archs = sample(SPACE, np.random.default_rng(0), 500)
    encoded = features(SPACE, archs)
    assert np.array_equal(features(SPACE, SPACE.representatives(archs)), encoded)
    assert len(np.unique(encoded, axis=0)) == len(np.unique(SPACE.canonical(archs)))


def test_it_learns_what_accuracy_depends_on() -> None:
    rng = np.random.default_rng(0)
    encoded = features(SPACE, sample(SPACE, rng, 600))
    truth = 0.8 + 0.02 * encoded @ rng.standard_normal(encoded.shape[1])
    predictor = Predictor(encoded.shape[1], FIT, rng)
    assert predictor.predict(encoded) == pytest.approx(0, abs=0.5)
    loss = predictor.learn(encoded[:500], truth[:500], FIT, rng)
    told = predictor.predict(encoded[500:])
    assert loss < 0.1 * truth.var()
    assert kendalltau(told, truth[500:]).statistic > 0.6
    assert abs(told.mean() - truth[500:].mean()) < 0.02


def test_it_is_the_same_from_the_same_generator_and_after_it_was_saved() -> None:
    encoded = features(SPACE, sample(SPACE, np.random.default_rng(0), 40))
    made = []
    for seed in (1, 1, 2):
        rng = np.random.default_rng(seed)
        made.append(Predictor(encoded.shape[1], FIT, rng))
        made[-1].learn(encoded, encoded.mean(1), replace(FIT, steps=5), rng)
    first, again, other = (predictor.predict(encoded) for predictor in made)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    made[2].load(made[0].save())
    assert np.array_equal(made[2].predict(encoded), first)


def test_it_has_the_layers_of_the_release() -> None:
    predictor = Predictor(48, Fit(400, 3, 1, 1e-3, 0.0), np.random.default_rng(0))
    assert [tuple(weight.shape) for weight in predictor.weights] == [(400, 48), (400, 400), (400, 400)]
    assert predictor.last.shape == (1, 400)
    assert not predictor.base.requires_grad
