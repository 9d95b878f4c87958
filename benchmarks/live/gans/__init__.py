"""Generative adversarial networks: shared and alone, what scores the images they make, and benchmarks over them."""
