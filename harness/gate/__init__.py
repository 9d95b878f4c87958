"""Judging runs: against stored references, and one store against another."""
