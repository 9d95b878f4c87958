"""Baselines that ship: reference values of the gate, by name (`nasboard gate quick`). No code."""
