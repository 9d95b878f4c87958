"""nasboard's harness: search API, metered oracle, runner, store, metrics, boards, gate, report and command line."""
