"""What others published in these spaces: cells that were found, and figures of searches."""
