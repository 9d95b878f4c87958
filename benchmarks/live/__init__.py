"""The live side of benchmarks, the only one that imports torch: data, supernet, training."""
