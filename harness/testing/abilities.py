"""What a checkpoint can do beside its record, asked as the contracts ask: rank, answer for a network, make images."""

from __future__ import annotations

import numpy as np

from nasboard.harness.api import Checkpoint, Images, Logits
from nasboard.harness.errors import ContractError
from nasboard.harness.space import Archs, Floats

SHOWN = 8  # images that a network is shown, or asked for


def scored(checkpoint: Checkpoint, archs: Archs) -> Floats:
    """Return what a checkpoint predicts for architectures `(n, d)`, `(n,)`.

    Raises:
        ContractError: not one finite number an architecture.
    """
    assert checkpoint.rank is not None
    found = np.asarray(checkpoint.rank(archs.copy()))
    if found.shape != (len(archs),) or found.dtype.kind not in "fiu" or not np.isfinite(found).all():
        raise ContractError(
            f"step {checkpoint.step}: rank returns {found.dtype} {found.shape} for {len(archs)} architectures, allowed "
            f"is a finite number for each, ({len(archs)},); mend `rank`"
        )
    return found.astype(np.float64)


def classified(checkpoint: Checkpoint, images: Images) -> Logits:
    """Return the logits `(n, classes)` that the network of a checkpoint gives for images `(n, c, h, w)`.

    Raises:
        ContractError: not one finite row an image.
    """
    assert checkpoint.network is not None
    found = np.asarray(checkpoint.network(images.copy()))
    if found.ndim != 2 or len(found) != len(images) or found.dtype.kind != "f" or not np.isfinite(found).all():
        raise ContractError(
            f"step {checkpoint.step}: network returns {found.dtype} {found.shape} for {len(images)} images, allowed "
            f"are finite logits ({len(images)}, classes); mend `network`"
        )
    return found.astype(np.float32)


def generated(checkpoint: Checkpoint, like: Images | None) -> Images:
    """Return `SHOWN` images that the generator of a checkpoint makes, `(8, c, h, w)` as those of the data are.

    Raises:
        ContractError: images of another number, form or type, or others when asked again.
    """
    assert checkpoint.generate is not None
    found, again = checkpoint.generate(SHOWN), checkpoint.generate(SHOWN)
    allowed = found.shape if like is None else (SHOWN, *like.shape[1:])
    if found.shape != allowed or (like is not None and found.dtype != like.dtype) or not np.array_equal(found, again):
        raise ContractError(
            f"step {checkpoint.step}: generate makes {found.dtype} {found.shape} of {SHOWN} images, allowed are images "
            "as the data set keeps them, the same whenever asked; mend `generate`"
        )
    return found
