"""Metrics over arrays, their intervals and tests; knows nothing of runs."""
