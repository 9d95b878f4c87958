"""Images that networks are trained on, split once, in memory-mapped columns."""
