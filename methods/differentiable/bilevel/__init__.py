"""Bilevel search: what all differentiable methods have in common. A method is a file of its own, one folder up."""
