"""Stored runs joined with the truth, grouped into what may be compared."""
