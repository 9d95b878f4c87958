"""Networks of layers one after the other: inverted residual blocks and shuffle blocks, alone and shared."""
