"""Letting the modes of files count for root too, who may read anything otherwise."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_VERSION = 0x20080522  # of the capability interface: two sets of 32 bits each
_IGNORING_MODES = 0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@contextmanager
def bound_by_modes() -> Iterator[None]:
    """Take from this thread the power to ignore modes, as long as the context lasts; skips where that cannot be."""
    if os.geteuid() != 0:
        yield
        return
    header, sets = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    system = ctypes.CDLL(None, use_errno=True)
    if not hasattr(system, "capset") or system.capget(header, sets) != 0:
        pytest.skip("root is bound by no modes on this system")
    effective = sets[0]
    sets[0] = effective & ~_IGNORING_MODES
    assert system.capset(header, sets) == 0
    try:
        yield
    finally:
        sets[0] = effective
        assert system.capset(header, sets) == 0
