"""`python -m harness.cli`: the same as the `nasboard` command."""

from harness.cli import main

main()
