"""Tables of trained architectures: read-only, memory-mapped arrays with a manifest. Never imports torch."""
