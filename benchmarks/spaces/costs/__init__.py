"""What architectures cost, counted without building a network: a module for each kind of network around a space."""
