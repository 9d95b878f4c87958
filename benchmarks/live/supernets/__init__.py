"""Supernets: one set of weights for all architectures of a space, and each architecture alone."""
