"""The command line. Everything that prints is here or in `nasboard.harness.report`; nothing here computes."""

from nasboard.harness.cli.app import main

__all__ = ["main"]
