"""Converters for NAS-Bench-101 files, and isomorphism of its graphs."""
