"""The boards, one kind a file, and what makes them of stored outcomes."""

from nasboard.harness.boards.kinds.making import LEADERBOARDS, MAKERS, make, over

__all__ = ["LEADERBOARDS", "MAKERS", "make", "over"]
