"""Operations on the edges of cells of nodes, by number, and what they weigh.

`none` is of mixtures alone, where it stands for an edge that is left out; `null` is an operation that a cell can have,
and brings nothing. `noise` ignores what comes in. The last three convolutions are plain: ReLU, convolution, batch norm.

Source: Liu et al., DARTS (ICLR 2019); `noise` of Zela et al., RobustDARTS (ICLR 2020); the plain convolutions and
`null` of Guo et al., NAT (NeurIPS 2019), as in guoyongcs/NAT:operations.py.
"""

from __future__ import annotations

OPS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "noise",
    "conv_1x1",
    "conv_3x3",
    "conv_5x5",
    "null",
)
NONE, MAX_POOL, AVG_POOL, SKIP, SEP3, SEP5, DIL3, DIL5, NOISE, CONV1, CONV3, CONV5, NULL = range(len(OPS))
KERNELS = {SEP3: 3, SEP5: 5, DIL3: 3, DIL5: 5, CONV1: 1, CONV3: 3, CONV5: 5}
CONVOLUTIONS = tuple(KERNELS)
PLAIN = (CONV1, CONV3, CONV5)  # the others convolve each channel with a kernel of its own, then 1x1
TWICE = (SEP3, SEP5)  # one after the other


def weights(op: int, channels: int, stride: int) -> tuple[int, int]:
    """Return the weights of the convolutions of an operation, and how many batch norms follow them.

    A skip of stride 2 is two 1x1 convolutions, each to half of the channels. The batch norm after the pooling
    operations of supernets has no weights and is not counted.
    """
    if op == SKIP and stride == 2:
        return channels * channels, 1
    if op not in KERNELS:
        return 0, 0
    area = KERNELS[op] ** 2
    once = channels * channels * area if op in PLAIN else channels * area + channels * channels
    times = 2 if op in TWICE else 1
    return times * once, times
