"""Benchmarks whose truth is a table."""
