"""Methods that only query: random search, evolution, reinforcement, model-based search."""
