"""DARTS: architecture logits by Adam on validation batches, shared weights by SGD on training batches."""

from __future__ import annotations

from dataclasses import dataclass

from nasboard.methods.differentiable.bilevel.method import Differentiable


@dataclass(frozen=True, slots=True)
class Darts(Differentiable):
    """Differentiable architecture search, of first or second order (`second_order`).

    Source: Liu et al., DARTS (ICLR 2019); defaults of its NAS-Bench-201 version (Dong & Yang, ICLR 2020). It runs in
    every relaxed space, and derives as the space's paper does. Architectures are ranked by the validation score of the
    shared weights under the mixture that they are, which is what weight sharing predicts, or by alpha, which is what
    DARTS chooses by. A step moves alpha, then the weights, as in the paper and in the releases of DARTS and
    SmoothDARTS; the NAS-Bench-201 version moves the weights first (`weights_first`). Differs from all three: the
    validation batches of an epoch are the first ones of a fresh order.
    """
