"""Making runs: suites, workers, the metered oracle, and where a run came from."""
