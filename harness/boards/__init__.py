"""Leaderboards made of outcomes, and boards as text."""
