"""`python -m nasboard.harness.cli`: the same as the `nasboard` command."""

from nasboard.harness.cli import main

main()
