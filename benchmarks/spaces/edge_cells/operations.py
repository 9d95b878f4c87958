"""Operations on the edges of cells, by number: NAS-Bench-201's five (`nb201`), and those of other spaces after them.

Networks of cells with one operation on each edge know them by these numbers, whatever a space calls its options. Every
convolution is ReLU, convolution without bias, batch norm; that of `sep_conv_3x3` is two, of each channel alone and 1x1.
"""

from __future__ import annotations

from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, OPS

MAX, SEPARABLE = len(OPS), len(OPS) + 1
NAMES = (*OPS, "max_pool_3x3", "sep_conv_3x3")
KERNEL = {CONV1: 1, CONV3: 3, SEPARABLE: 1}
DEPTHWISE = {SEPARABLE: 3}  # kernel of the convolution of each channel alone that comes first
