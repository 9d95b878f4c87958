"""Recipes: how an architecture is trained from scratch, as plain numbers under a name and a version. No torch.

A recipe is part of what a training is: two trainings by different recipes are never compared. Change one and its
version changes. What the network is made of is the benchmark's, except where a published protocol fixes its size.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from nasboard.harness.errors import UnknownNameError, UsageError

QUICK = re.compile(r"quick-([1-9]\d?)")


@dataclass(frozen=True, slots=True)
class Recipe:
    """SGD on the cross-entropy, with what goes around it.

    Attributes:
        name: as it is asked for.
        epochs: passes over the images.
        batch: images a step.
        lr: learning rate of the first step.
        weight_decay: in the gradient.
        source: where the numbers come from.
        version: of the recipe of this name.
        lr_min: what the cosine ends at.
        schedule: whether the cosine goes on after every step or after every epoch.
        momentum: of SGD.
        nesterov: whether it is Nesterov's.
        clip: largest norm of the gradient of a step; 0 clips nothing.
        bn_momentum: of the running statistics, which are used whenever accuracy is measured.
        bn_eps: added to the variance.
        flip: whether images are mirrored at random.
        pad: pixels added on every side before a random crop of the old size; 0 crops nothing.
        cutout: side of the square that is blanked at a random place; 0 blanks nothing.
        path_drop: probability of dropping a path, reached linearly from 0 over the training; 0 drops none.
        auxiliary: weight of the auxiliary head's loss; 0 builds none.
        label_smoothing: probability spread over all classes.
        fit: what is trained on; validation accuracy is told only where that is `train`.
        channels: of the network's first cells, None: as the benchmark has it.
        cells: of the network (in a stage, of nb201), None: as the benchmark has it.
    """

    name: str
    epochs: int
    batch: int
    lr: float
    weight_decay: float
    source: str
    version: str = "1"
    lr_min: float = 0.0
    schedule: Literal["step", "epoch"] = "epoch"
    momentum: float = 0.9
    nesterov: bool = False
    clip: float = 0.0
    bn_momentum: float = 0.1
    bn_eps: float = 1e-5
    flip: bool = False
    pad: int = 0
    cutout: int = 0
    path_drop: float = 0.0
    auxiliary: float = 0.0
    label_smoothing: float = 0.0
    fit: Literal["train", "train+val"] = "train"
    channels: int | None = None
    cells: int | None = None

    @property
    def digest(self) -> str:
        """Return the SHA-256 over every number; where they come from is no part of it."""
        told = {name: value for name, value in asdict(self).items() if name != "source"}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @property
    def packs(self) -> bool:
        """Return whether many networks can be trained at once by it: it drops no paths and has one head."""
        return not self.path_drop and not self.auxiliary

    def lr_at(self, epoch: int, step: int, steps: int) -> float:
        """Return the learning rate of `step` 0, 1, ... of `steps` in `epoch` 0, 1, ...: a half cosine to `lr_min`."""
        done, total = (epoch, self.epochs) if self.schedule == "epoch" else (epoch * steps + step, self.epochs * steps)
        return self.lr_min + (self.lr - self.lr_min) * 0.5 * (1 + float(np.cos(np.pi * done / total)))

    def path_drop_at(self, epoch: int) -> float:
        """Return the probability of dropping a path in `epoch` 0, 1, ..."""
        return self.path_drop * epoch / self.epochs

    def lasting(self, epochs: int | None) -> Recipe:
        """Return the recipe with another number of epochs, its schedules fitted to them; None: as it is.

        Raises:
            UsageError: none, or more than the recipe has.
        """
        if epochs is None or epochs == self.epochs:
            return self
        if not 1 <= epochs <= self.epochs:
            raise UsageError(f"recipe {self.name} trains 1..{self.epochs} epochs, given {epochs}")
        return replace(self, epochs=epochs)


def quick(epochs: int) -> Recipe:
    """Return the recipe for laptops: a few epochs of what suits every space and data set here.

    It separates good from bad architectures on a few thousand small images within minutes. Nothing is augmented: so few
    epochs gain nothing by it, and a mirrored digit is no digit.
    """
    return Recipe(
        name=f"quick-{epochs}",
        epochs=epochs,
        batch=64,
        lr=0.05,
        weight_decay=5e-4,
        source="ours, for laptops and tests",
        schedule="step",
        nesterov=True,
        clip=5.0,
    )


_NB201 = Recipe(
    name="nb201-200",
    epochs=200,
    batch=256,
    lr=0.1,
    weight_decay=5e-4,
    source="Dong & Yang, NAS-Bench-201 (ICLR 2020); D-X-Y/AutoDL-Projects configs/nas-benchmark/CIFAR.config",
    nesterov=True,
    flip=True,
    pad=4,
)
_DARTS = Recipe(
    name="darts-cifar10-600",
    epochs=600,
    batch=96,
    lr=0.025,
    weight_decay=3e-4,
    source="Liu et al., DARTS (ICLR 2019); quark0/darts cnn/train.py",
    clip=5.0,
    flip=True,
    pad=4,
    cutout=16,
    path_drop=0.2,
    auxiliary=0.4,
    fit="train+val",
    channels=36,
    cells=20,
)
_NAMED = (
    _NB201,
    replace(_NB201, name="nb201-200-all", fit="train+val"),  # CIFAR-10's test accuracies are of such trainings
    replace(_NB201, name="nb201-12", epochs=12),
    replace(_NB201, name="nb201-200-16px", pad=2),  # ImageNet16-120
    _DARTS,
    replace(
        _DARTS,
        name="darts-16x8-600",
        channels=16,
        cells=8,
        source="Zela et al., RobustDARTS (ICLR 2020), S1-S4 on CIFAR-100 and SVHN; automl/RobustDARTS "
        "src/evaluation/args.py",
    ),
    Recipe(
        name="digits201-15",
        epochs=15,
        batch=60,  # five equal steps an epoch over the 300 training images
        lr=0.1,
        weight_decay=5e-4,
        source="ours: the shipped table of digits201",
        schedule="step",
        nesterov=True,
    ),
    Recipe(
        name="digits1296-10",
        epochs=10,
        batch=60,
        lr=0.1,
        weight_decay=5e-4,
        source="ours: the shipped table of digits1296; as that of digits201, but shorter",
        schedule="step",
        nesterov=True,
    ),
    quick(3),
    quick(10),
    quick(30),
)
RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _NAMED})


def recipe(name: str) -> Recipe:
    """Return the recipe of a name: one of `RECIPES`, or `quick-N` of N epochs, 1..99.

    Raises:
        UnknownNameError: there is none; the message has the nearest ones.
    """
    short = QUICK.fullmatch(name)
    if short is not None:
        return quick(int(short[1]))
    if name not in RECIPES:
        raise UnknownNameError("recipe", name, RECIPES)
    return RECIPES[name]


def diverged(recipe: Recipe, epoch: int, lr: float) -> str:
    """Return what is said of a training whose loss is not finite in `epoch` 0, 1, ..."""
    return (
        f"recipe {recipe.name}: the loss is not finite any more in epoch {epoch + 1}, at learning rate {lr:.3g}; train "
        "by a recipe of a lower rate, or one that clips gradients"
    )
