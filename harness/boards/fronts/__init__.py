"""Accuracy against a second objective: the fronts of what was looked at."""
