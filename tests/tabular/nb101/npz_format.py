"""The members of a file in the form of `nb101_mean_test108.npz`, of a few graphs."""

from __future__ import annotations

import numpy as np

from nasboard.tabular.nb101.graphs import read_adjacency, read_ops, to_file
from tests.tabular.nb101.tfrecord_format import GRAPHS, hash_of

Columns = dict[str, np.ndarray]


def columns() -> Columns:
    """Return the members of a file of a few graphs."""
    cells = np.array([read_adjacency(adjacency)[1] | read_ops(ops)[1] for adjacency, ops in GRAPHS.values()])
    vertices, adjacency, ops = to_file(cells)
    hashes = b"".join(bytes.fromhex(hash_of(*graph)) for graph in GRAPHS.values())
    return {
        "hash": np.frombuffer(hashes, dtype="V16"),
        "num_vertices": vertices,
        "adj_bits": adjacency,
        "ops": ops,
        "test_acc_mean108": np.linspace(0.8, 0.94, len(cells)),
        "params": np.arange(1, len(cells) + 1, dtype=np.int32) * 1000,
    }
