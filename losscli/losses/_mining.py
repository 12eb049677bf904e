"""Triplets that an anchor's distances select: losses, and their derivatives by the distances.

A rule gets distances of anchors to their positives (B, P) and negatives (B, M) and the margin. It returns the loss of
each anchor (B,), the mean of max(0, d_p - d_n + margin) over its triplets, and what computes the derivatives (B, P) and
(B, M).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask
from losscli.losses._classes import Labels
from losscli.losses._distances import Measure
from losscli.losses._embeddings import backprop_unit
from losscli.losses._tiles import tile_rows

Index = NDArray[np.intp]
Slopes = Callable[[], tuple[Array, Array]]
MiningRule = Callable[[Array, Array, float], tuple[Array, Slopes]]

DISTANCES_PER_BLOCK = 1 << 18
"""Number of distances per block: few enough to stay in cache."""


def mine_hard(near: Array, far: Array, margin: float) -> tuple[Array, Slopes]:
    """Select the farthest positive and the nearest negative."""
    rows, p, n = np.arange(len(near)), near.argmax(axis=1), far.argmin(axis=1)
    gap = near[rows, p] - far[rows, n] + margin

    def slopes() -> tuple[Array, Array]:
        by_near, by_far = np.zeros_like(near), np.zeros_like(far)
        by_near[rows, p] = gap > 0
        by_far[rows, n] = -1.0 * (gap > 0)
        return by_near, by_far

    return np.maximum(gap, 0.0), slopes


def mine_semihard(near: Array, far: Array, margin: float) -> tuple[Array, Slopes]:
    """Select for each positive the nearest negative beyond it, or the farthest if there is none."""
    order = far.argsort(axis=1)
    ranked = np.take_along_axis(far, order, axis=1)
    after = np.stack([row.searchsorted(values, side="right") for row, values in zip(ranked, near, strict=True)])
    place = np.minimum(after, far.shape[1] - 1)
    gap = near - np.take_along_axis(ranked, place, axis=1) + margin

    def slopes() -> tuple[Array, Array]:
        by_near, by_far = (gap > 0) / near.shape[1], np.zeros_like(far)
        np.subtract.at(by_far, (np.arange(len(near))[:, None], np.take_along_axis(order, place, axis=1)), by_near)
        return by_near, by_far

    return np.maximum(gap, 0.0).mean(axis=1), slopes


def mine_all(near: Array, far: Array, margin: float) -> tuple[Array, Slopes]:
    """Select each positive with every negative.

    A positive's gaps above 0 are those to the k nearest negatives, so they sum up to k (d_p + margin) - sum of their
    d_n, with both relative to the nearest.
    """
    count, nearest = near.shape[1] * far.shape[1], far.min(axis=1, keepdims=True)
    reach, ranked = near - nearest + margin, np.sort(far - nearest, axis=1)
    k = np.stack([row.searchsorted(values) for row, values in zip(ranked, reach, strict=True)])
    sums = np.concatenate([np.zeros_like(nearest), ranked.cumsum(axis=1)], axis=1)
    gaps = k * reach - np.take_along_axis(sums, k, axis=1)

    def slopes() -> tuple[Array, Array]:
        reaches = zip(np.sort(reach, axis=1), far - nearest, strict=True)
        beyond = np.stack([row.searchsorted(values, side="right") for row, values in reaches])
        return k / count, (beyond - near.shape[1]) / count

    return np.maximum(gaps, 0.0).sum(axis=1) / count, slopes


MINING: dict[str, MiningRule] = {"semihard": mine_semihard, "hard": mine_hard, "all": mine_all}


class ClassAnchors(NamedTuple):
    """Anchors of one class (B,) and all rows of that class: indices of rows, in their order."""

    anchors: Index
    members: Index

    def split(self, d: Array) -> tuple[Array, Array]:
        """Return distances of the anchors to their positives (B, P) and negatives (B, M), from those to all rows."""
        near = d[:, self.members][self._is_other()].reshape(len(d), -1)
        return near, np.delete(d, self.members, axis=1)

    def join(self, by_near: Array, by_far: Array, rows: int) -> Array:
        """Return derivatives by the distances to all rows, from those by the distances to positives and negatives."""
        slopes = np.zeros((len(by_near), rows))
        slopes[:, np.delete(np.arange(rows), self.members)] = by_far
        of_members = np.zeros((len(by_near), len(self.members)))
        of_members[self._is_other()] = by_near.ravel()
        slopes[:, self.members] = of_members
        return slopes

    def _is_other(self) -> Mask:
        return np.asarray(self.anchors[:, None] != self.members)


def group_by_class(codes: Index, order: Index) -> Iterator[ClassAnchors]:
    """Yield the anchors `order`, which are sorted by class, class by class; `codes` are the classes of all rows."""
    for code in np.unique(codes[order]):
        yield ClassAnchors(order[codes[order] == code], np.flatnonzero(codes == code))


def mine(
    labels: Labels, x: Array, measure: Measure, mining: str, margin: float, with_gradient: bool = False
) -> tuple[Array, Array]:
    """Compute the loss of each row (N,), 0 without a positive or a negative, and the gradient of their sum (N, D)."""
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = codes.argsort(kind="stable")
    order = order[(counts > 1)[codes[order]] & (len(counts) > 1)]
    rows, losses, pull = measure.prepare(x), np.zeros(len(x)), np.zeros_like(x)
    for i in tile_rows(len(order), max(1, DISTANCES_PER_BLOCK // max(1, len(rows)))):
        anchors = order[i]
        d = measure.between(rows[anchors], rows)
        slopes = []
        start = 0
        for group in group_by_class(codes, anchors):
            near, far = group.split(d[start : start + len(group.anchors)])
            losses[group.anchors], group_slopes = MINING[mining](near, far, margin)
            if with_gradient:
                slopes.append(group.join(*group_slopes(), len(rows)))
            start += len(group.anchors)
        if with_gradient:
            by_anchors, by_rows = measure.pull(np.concatenate(slopes), rows[anchors], rows, d)
            pull[anchors] += by_anchors
            pull += by_rows
    return losses, backprop_unit(pull, x, 1.0) if measure.normalized else pull
