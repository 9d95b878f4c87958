"""Once-for-All: one set of weights for all kernels, widths and depths, of which every architecture takes a part."""
