"""Distances of all rows of one array to all rows of another, by BLAS where that does not cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array
from losscli.losses._embeddings import unit

NEAR = 1 / 16
"""Squared distances below this part of |a|² + |b|² are computed from differences."""

VALUES_PER_STEP = 1 << 20
"""Number of differences at a time."""


def squared_distances(a: Array, b: Array) -> Array:
    """Compute |a_i - b_j|² as |a_i|² + |b_j|² - 2 a_i·b_j, or from differences where that would cancel."""
    total = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)
    d = a @ b.T
    d *= -2
    d += total
    total *= NEAR
    near = np.flatnonzero(~(d >= total))  # nan, too: the difference of infinities
    if len(near) > NEAR * d.size:
        return squared_differences(a, b)
    i, j = np.divmod(near, len(b))
    step = max(1, VALUES_PER_STEP // a.shape[1])
    for start in range(0, len(near), step):
        gap = a[i[start : start + step]] - b[j[start : start + step]]
        d.flat[near[start : start + step]] = np.square(gap, out=gap).sum(axis=1)
    return d


def squared_differences(a: Array, b: Array) -> Array:
    """Compute |a_i - b_j|² from differences, column by column."""
    total, gap = np.zeros((len(a), len(b))), np.empty((len(a), len(b)))
    for left, right in zip(a.T, np.ascontiguousarray(b.T), strict=True):
        np.subtract(left[:, None], right, out=gap)
        np.multiply(gap, gap, out=gap)
        total += gap
    return total


def pull_squared_distances(slopes: Array, a: Array, b: Array, distances: Array) -> tuple[Array, Array]:
    """Return 2 sum_j G_ij (a_i - b_j) and its counterpart for b."""
    return 2 * (slopes.sum(axis=1)[:, None] * a - slopes @ b), 2 * (slopes.sum(axis=0)[:, None] * b - slopes.T @ a)


def euclidean_distances(a: Array, b: Array) -> Array:
    """Compute |a_i - b_j| without overflow."""
    big = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0)) or 1.0
    return big * np.sqrt(squared_distances(a / big, b / big))


def pull_euclidean_distances(slopes: Array, a: Array, b: Array, distances: Array) -> tuple[Array, Array]:
    """Return sum_j G_ij (a_i - b_j)/|a_i - b_j| and its counterpart for b."""
    halves = np.divide(slopes, 2 * distances, out=np.zeros_like(slopes), where=distances > 0)
    return pull_squared_distances(halves, a, b, distances)


def cosine_distances(a: Array, b: Array) -> Array:
    """Compute 1 - a_i · b_j of unit vectors as |a_i - b_j|²/2, which does not cancel; 1 with a zero vector."""
    d = squared_distances(a, b) / 2
    d[~a.any(axis=1)] = 1.0
    d[:, ~b.any(axis=1)] = 1.0
    return d


def pull_cosine_distances(slopes: Array, a: Array, b: Array, distances: Array) -> tuple[Array, Array]:
    """Return -sum_j G_ij b_j and its counterpart for b."""
    return -(slopes @ b), -(slopes.T @ a)


class Measure(NamedTuple):
    """A distance between rows, or between rows of length 1 if they are `normalized`.

    `between` measures (B, D) against (N, D); `pull` converts slopes by the distances to gradients by both sides.
    """

    between: Callable[[Array, Array], Array]
    pull: Callable[[Array, Array, Array, Array], tuple[Array, Array]]
    normalized: bool = False

    def prepare(self, x: Array) -> Array:
        """Return the rows that are measured, in C order: the digits of a product depend on the order."""
        return np.ascontiguousarray(unit(x) if self.normalized else x)


DISTANCE_MEASURES = {
    "sqeuclidean": Measure(squared_distances, pull_squared_distances),
    "euclidean": Measure(euclidean_distances, pull_euclidean_distances),
    "cosine": Measure(cosine_distances, pull_cosine_distances, normalized=True),
}
