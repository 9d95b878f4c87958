"""The command line. Everything that prints is here or in `harness.report`; nothing here computes."""

from harness.cli.app import main

__all__ = ["main"]
