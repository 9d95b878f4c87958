"""Networks of NAS-Bench-201 cells: the supernet, an architecture alone with its weights, one trained from scratch."""
