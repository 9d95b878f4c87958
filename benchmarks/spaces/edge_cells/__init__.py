"""Spaces of cells with one operation on each edge beside NAS-Bench-201, and what operations they have."""
