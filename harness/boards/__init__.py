"""Leaderboards made of outcomes, and boards as text."""

from nasboard.harness.boards.making import LEADERBOARDS, MAKERS, make, over

__all__ = ["LEADERBOARDS", "MAKERS", "make", "over"]
