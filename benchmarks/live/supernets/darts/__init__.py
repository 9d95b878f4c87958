"""The networks of the DARTS cell: shared weights for all architectures, and each architecture from scratch."""
