"""Suites that ship: TOML files, run by name (`nasboard run quick`). No code."""
