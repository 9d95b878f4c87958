"""What kind of operation a name is, for transformations: null, skip, or one that computes something."""

from __future__ import annotations

from nasboard.harness.transitions import Kind

NULLS = ("none", "null")
SKIPS = ("skip_connect",)


def kind(name: str) -> Kind:
    """Return the kind of an operation of that name."""
    return "null" if name in NULLS else "skip" if name in SKIPS else "other"
