"""The classifier that scores: trained, on no test image, always alike, and telling good images from bad ones."""

from __future__ import annotations

import numpy as np
import torch
from numpy.random import default_rng

from nasboard.benchmarks.live.datasets.opening import open_data, open_test
from nasboard.benchmarks.live.datasets.spec import DataSpec
from nasboard.benchmarks.live.gans.judge import judge_of

SPEC = DataSpec("digits", train=100, val=100)


def test_it_learns_its_classes_and_is_the_same_when_trained_again() -> None:
    torch.set_num_threads(1)
    one = judge_of(SPEC, "quick-30", "cpu")
    assert one.accuracy > 0.9
    assert judge_of(SPEC, "quick-30", "cpu") is one
    again = judge_of.__wrapped__(SPEC, "quick-30", "cpu")
    assert all(torch.equal(a, b) for a, b in zip(one.net.parameters(), again.net.parameters(), strict=True))
    assert not any(tensor.requires_grad for tensor in one.net.parameters())


def test_real_images_are_nearer_and_score_higher_the_less_noise_is_in_them() -> None:
    judge, (test, _) = judge_of(SPEC, "quick-30", "cpu"), open_test(SPEC)
    real = open_data(SPEC).val[0]
    noise, places = default_rng(0).integers(0, 17, real.shape), default_rng(1).random(real.shape)
    spoilt = [np.where(places < share, noise, real).astype(np.uint8) for share in (0, 0.2, 1)]
    distances, scores = ([of(images) for images in spoilt] for of in (lambda i: judge.distance(i, test), judge.score))
    assert distances == sorted(distances)
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 4


def test_smaller_images_are_enlarged() -> None:
    judge, (test, _) = judge_of(SPEC, "quick-30", "cpu"), open_test(SPEC)
    small = test[:50].reshape(50, 1, 4, 2, 4, 2).mean((3, 5)).astype(np.uint8)
    assert judge.features(small).shape == (50, 64)
    assert judge.features(test[:50]).shape == (50, 64)
