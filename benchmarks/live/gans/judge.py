"""The classifier in whose features images are compared: trained here, by a named recipe and a seed, on no test image.

It stands where others have the Inception network, whose weights nobody may ship with this. What it says of images has
the same formulas (`scores`) and another meaning: boards name it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.datasets.augmentation import Scale
from nasboard.benchmarks.live.datasets.opening import open_data
from nasboard.benchmarks.live.datasets.spec import DataSpec
from nasboard.benchmarks.live.gans.layers import Conv, Linear
from nasboard.benchmarks.live.gans.recipe import JUDGE_SEED, JUDGE_WIDTHS
from nasboard.benchmarks.live.gans.scores import Rows, classifier_score, frechet_distance
from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.live.supernets.stepping import on_device
from nasboard.benchmarks.live.trainings.fitting import Fitting
from nasboard.benchmarks.live.trainings.recipe import recipe
from nasboard.harness.api import Images

CHUNK = 500  # images at a time; only memory and speed depend on it


class Classifier(Network):
    """Three convolutions of 3x3 with batch norm and ReLU, the second and third of stride 2 by pooling, and a mean."""

    def __init__(self, inputs: int, classes: int, rng: Generator) -> None:
        """Draw the weights."""
        super().__init__()
        ends = list(zip((inputs, *JUDGE_WIDTHS), JUDGE_WIDTHS, strict=False))
        self.convs = nn.ModuleList(Conv(c_in, c_out, 3, rng) for c_in, c_out in ends)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in JUDGE_WIDTHS)
        self.linear = Linear(JUDGE_WIDTHS[-1], classes, rng)

    def features(self, x: Tensor) -> Tensor:
        """Return `(b, 64)` of normalised images `(b, c, h, w)`."""
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = F.relu(norm(conv(x)))
            x = F.avg_pool2d(x, 2) if number + 1 < len(JUDGE_WIDTHS) else x
        return x.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` of normalised images `(b, c, h, w)`."""
        logits: Tensor = self.linear(self.features(x))
        return logits


@dataclass(frozen=True)
class Judge:
    """A trained classifier, and how images come to it.

    Attributes:
        net: the classifier, in evaluation mode.
        scale: how pixels are normalised.
        side: of the images that it was trained on; smaller ones are enlarged, bilinearly.
        accuracy: on the training images, a fraction, for whoever doubts that it was trained.
    """

    net: Classifier
    scale: Scale
    side: int
    accuracy: float

    def features(self, images: Images) -> Rows:
        """Return `(n, 64)` of images `(n, c, h, w)` as the data set keeps them."""
        return np.concatenate([features for features, _ in self._seen(images)])

    def score(self, images: Images) -> float:
        """Return the classifier score of images `(n, c, h, w)` as the data set keeps them; see `scores`."""
        return classifier_score(np.concatenate([probabilities for _, probabilities in self._seen(images)]))

    def distance(self, images: Images, real: Images) -> float:
        """Return the Frechet distance of made images from real ones, as the data set keeps them; see `scores`."""
        return frechet_distance(self.features(images), self.features(real))

    @torch.no_grad()
    def _seen(self, images: Images) -> Iterator[tuple[Rows, Rows]]:
        """Yield features `(b, 64)` and probabilities `(b, classes)`, both float64."""
        for at in range(0, len(images), CHUNK):
            x = torch.from_numpy(images[at : at + CHUNK].copy()).to(self.scale.mean.device, torch.float32)
            if x.shape[-1] < self.side:
                x = F.interpolate(x, size=(self.side, self.side), mode="bilinear")
            features = self.net.features(self.scale.apply(x))
            told = self.net.linear(features).double().softmax(1)
            yield features.double().cpu().numpy(), told.cpu().numpy()


@cache
def judge_of(spec: DataSpec, name: str, device: str) -> Judge:
    """Return the classifier of a data set, trained by the recipe of that name on its train and validation images.

    It is trained once a process, always on the processor, so that it is the same wherever images are made; what it says
    of them is computed on `device`.

    Raises:
        MissingDataError: the images are not there.
        UnknownNameError: no such recipe.
    """
    found, by, rng = open_data(spec), recipe(name), np.random.default_rng(JUDGE_SEED)
    images = np.concatenate([found.train[0], found.val[0]])
    part = on_device((images, np.concatenate([found.train[1], found.val[1]])), found.pixels, "cpu")
    fitting = Fitting.of(Classifier(spec.shape[1], found.classes, rng), by, rng)
    for epoch in range(by.epochs):
        fitting.epoch(part, epoch)
    accuracy = fitting.correct(part) / len(part.labels)
    net = fitting.net.eval().requires_grad_(False).to(device)
    assert isinstance(net, Classifier)
    return Judge(net, Scale.of(found.pixels, device), spec.shape[0], accuracy)
