"""Architectures of our spaces as graphs whose operations can be put in the place of others."""
