"""The tree of LA-MCTS: linear cuts of the space, learned from samples, and the statistics that choose among its parts.

A full binary tree in level order: node 0 is the root, the children of node i are 2i + 1 (good) and 2i + 2 (bad). Inner
nodes cut, leaves are regions.
"""

from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.harness.space import Floats, Ints

Matrix = NDArray[np.float64]
Columns = NDArray[np.int64]  # (n, d), where each slot's choice is in the one-hot encoding

TIE = 1e-9  # predictions this near to the bound are at it: rounding, which differs between machines, parts no equals


class Tree:
    """Cuts and statistics of a tree of some height; one level is the root alone."""

    def __init__(self, height: int, features: int) -> None:
        """Start uncut, for encodings of `features` numbers."""
        self.height = height
        self.first_leaf = 2 ** (height - 1) - 1  # inner nodes come before the leaves
        nodes = 2**height - 1
        self.weights: Matrix = np.zeros((features + 1, self.first_leaf))  # of every inner node; the intercept last
        self.bounds: Floats = np.zeros(self.first_leaf)  # mean prediction over a node's samples
        self.means = [inf] * nodes  # accuracy of the samples in a node
        self.counts = [0] * nodes

    def fit(self, encoded: Matrix, accuracies: Floats) -> None:
        """Cut every node by the samples that reach it, from the root down, and count them.

        Args:
            encoded: one-hot encodings of all samples `(n, features)`.
            accuracies: their validation accuracies `(n,)`.

        A node's regressor is the least-squares fit of smallest norm to its samples. They themselves part at the mean
        prediction by what they scored, as in the release; what is unseen parts by what is predicted.
        """
        rows = np.column_stack([encoded, np.ones(len(encoded))])
        reached: dict[int, Ints] = {0: np.arange(len(rows))}
        for node in range(len(self.means)):
            here = reached.pop(node)
            self.counts[node] = len(here)
            self.means[node] = float(accuracies[here].mean()) if len(here) else inf
            if node < self.first_leaf:
                self._cut(node, rows[here], accuracies[here])
                good = accuracies[here] >= self.bounds[node] - TIE
                reached[2 * node + 1], reached[2 * node + 2] = here[good], here[~good]

    def route(self, columns: Columns) -> Ints:
        """Return the leaf `(m,)` that architectures, as one-hot columns `(m, d)`, fall into by their predictions."""
        predicted = np.tile(self.weights[-1], (len(columns), 1))  # (m, inner nodes)
        for slot in columns.T:
            predicted += self.weights[slot]
        good = predicted >= self.bounds - TIE
        node, rows = np.zeros(len(columns), dtype=np.int64), np.arange(len(columns))
        for _ in range(self.height - 1):
            node = 2 * node + np.where(good[rows, node], 1, 2)
        return node

    def select(self, cp: float, rng: Generator) -> int:
        """Return the leaf that the largest UCT leads to, ties at random."""
        node = 0
        while node < self.first_leaf:
            good, bad = (self._uct(child, node, cp) for child in (2 * node + 1, 2 * node + 2))
            tied = good == bad
            node = 2 * node + (1 + int(rng.integers(2)) if tied else 1 if good > bad else 2)
        return node

    def add(self, leaf: int, accuracy: float) -> None:
        """Count a new sample in a leaf and in all nodes above it."""
        node = leaf
        while True:
            n = self.counts[node]
            self.means[node] = (self.means[node] * n + accuracy) / (n + 1) if n else accuracy
            self.counts[node] = n + 1
            if node == 0:
                return
            node = (node - 1) // 2

    def _cut(self, node: int, rows: Matrix, accuracies: Floats) -> None:
        """Fit the regressor of a node; one without samples predicts 0, and so all that reaches it is good."""
        self.weights[:, node] = np.linalg.lstsq(rows, accuracies, rcond=None)[0] if len(rows) else 0.0
        self.bounds[node] = (rows @ self.weights[:, node]).mean() if len(rows) else 0.0

    def _uct(self, child: int, parent: int, cp: float) -> float:
        return uct(self.means[child], self.counts[child], self.counts[parent], cp)


def uct(mean: float, n: int, n_parent: int, cp: float) -> float:
    """Return `mean + 2 cp sqrt(2 ln n_parent / n)`, infinite for a node without samples."""
    return mean + 2 * cp * sqrt(2 * log(n_parent) / n) if n else inf
