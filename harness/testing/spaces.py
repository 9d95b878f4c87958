"""The laws of a search space: string form, canonical form, validity, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import default_rng

from nasboard.harness.errors import ContractError, SpecError
from nasboard.harness.space import Archs, Choice, SearchSpace, check, sample

DRAWN = 500
JUNK = ("", "no architecture", "|", "0")


def string_form_is_one_to_one(space: SearchSpace) -> str | None:
    """`encode` and `decode` are inverse, and two architectures have two string forms."""
    archs = _drawn(space)
    specs = [space.decode(arch) for arch in archs]
    for arch, spec in zip(archs, specs, strict=True):
        back = space.encode(spec)
        if not np.array_equal(back, arch) or back.dtype != Choice:
            raise ContractError(
                f"{arch.tolist()} is decoded to {spec!r}, which is encoded to {back.tolist()} of {back.dtype}; allowed "
                f"is the same row of {np.dtype(Choice).name}"
            )
    if len(set(specs)) != len(np.unique(archs, axis=0)):
        raise ContractError(f"{len(np.unique(archs, axis=0))} architectures have {len(set(specs))} string forms")
    return None


def canonical_form_is_of_each_row_alone(space: SearchSpace) -> str | None:
    """`canonical` gives an integer a row, the same in every batch, and leaves the batch as it was."""
    archs = _drawn(space)
    before = archs.copy()
    found = np.asarray(space.canonical(archs))
    if found.shape != (len(archs),) or found.dtype.kind not in "iu":
        raise ContractError(f"canonical gives {found.dtype} {found.shape}, allowed are integers ({len(archs)},)")
    if not np.array_equal(archs, before):
        raise ContractError("canonical changes the batch that it is given; let it work on a copy")
    for row in range(0, len(archs), 10):
        alone = int(space.canonical(archs[row : row + 1])[0])
        if alone != found[row]:
            raise ContractError(
                f"{space.decode(archs[row])} is {found[row]} in a batch and {alone} alone; let canonical look at each "
                "row by itself"
            )
    return None


def validity_is_of_each_row_alone(space: SearchSpace) -> str | None:
    """`valid` gives a bool a row, the same in every batch; what is drawn from the space is valid."""
    rows = default_rng(4).integers(0, space.choices, size=(DRAWN, len(space.choices))).astype(Choice)
    found = np.asarray(space.valid(rows))
    if found.shape != (DRAWN,) or found.dtype != np.bool_:
        raise ContractError(f"valid gives {found.dtype} {found.shape}, allowed are bools ({DRAWN},)")
    alone = np.array([bool(space.valid(row[None])[0]) for row in rows[::10]])
    if not np.array_equal(alone, found[::10]):
        raise ContractError("valid says other things of a row alone than in a batch; let it look at each by itself")
    check(space, _drawn(space))
    return None


def what_is_outside_is_refused(space: SearchSpace) -> str | None:
    """A text that is no string form, and a row out of range, raise SpecError."""
    for text in (*JUNK, f"{space.decode(_drawn(space)[0])} "):
        _refuses(lambda text=text: space.encode(text), f"encode of {text!r}")  # type: ignore[misc]
    arch = _drawn(space)[0]
    for slot, options in enumerate(space.choices):
        for choice in (-1, options):
            outside = arch.copy()
            outside[slot] = choice
            _refuses(lambda row=outside: space.decode(row), f"decode of {outside.tolist()}")  # type: ignore[misc]
    return None


SPACE_CONTRACTS = (
    string_form_is_one_to_one,
    canonical_form_is_of_each_row_alone,
    validity_is_of_each_row_alone,
    what_is_outside_is_refused,
)


def _drawn(space: SearchSpace) -> Archs:
    return sample(space, default_rng(0), DRAWN)


def _refuses(call: Callable[[], object], what: str) -> None:
    try:
        given = call()
    except SpecError:
        return
    raise ContractError(f"{what} gives {given!r}, allowed is a SpecError; nasboard.check refuses rows for you")
