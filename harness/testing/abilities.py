"""What a checkpoint can do beside its record, asked as the contracts ask: rank, transform, answer for a network."""

from __future__ import annotations

import numpy as np

from nasboard.harness.api import Benchmark, Checkpoint, Images, Logits
from nasboard.harness.errors import ContractError, MethodError
from nasboard.harness.running import measure
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


def transformed(checkpoint: Checkpoint, archs: Archs, benchmark: Benchmark) -> Archs:
    """Return what architectures `(n, d)` become by a checkpoint, `(n, d)`.

    Raises:
        ContractError: a transformation that is not allowed or costs more, or another one when asked again, of some
            architectures alone, or in another order.
        SpecError: one that is not in the space.
    """
    assert checkpoint.transform is not None
    where = f"step {checkpoint.step}"
    try:
        found = measure.transformed(checkpoint.transform, archs, benchmark, where)
        half = measure.transformed(checkpoint.transform, archs[::-2], benchmark, where)
        alone = measure.transformed(checkpoint.transform, archs[:1], benchmark, where)
    except MethodError as error:
        raise ContractError(str(error)) from error
    if not (np.array_equal(found[::-2], half) and np.array_equal(found[:1], alone)):
        raise ContractError(
            f"{where}: transform makes another architecture of the same one when it is asked of others beside it, or "
            "again; draw what an architecture becomes from a seed of its own"
        )
    return found
