"""Training architectures from scratch: recipes, one at a time or many at once, and tables of them."""
