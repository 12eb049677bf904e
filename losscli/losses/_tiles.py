"""Products of all rows of one array with all rows of another, tile by tile: memory grows with the rows, not the pairs.

A loss needs the log-sum-exp of its row of products; its gradient needs the mean of the other rows, weighted by softmax.
Both are updated with each tile, relative to the largest product so far, as by Milakov & Gimelshein 2018
(arXiv:1805.02867).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.losses._numerics import sigmoid, softplus

TILE = 512
"""Rows and columns of a tile, 2 MB: large enough for BLAS, small enough to stay in cache."""


def tile_rows(rows: int, step: int = TILE) -> Iterator[slice]:
    """Yield slices that cover the rows."""
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


class LogSumExp:
    """log sum_j exp z_j of each row as top + log sum_j exp(z_j - top), where top is the largest z_j so far.

    Of an infinite top, each z_j that reaches it is 1 in that sum. Without any z_j it is -inf.
    """

    def __init__(self, rows: int) -> None:
        self.top, self.total = np.full(rows, -np.inf), np.zeros(rows)

    def add(self, rows: slice, z: Array) -> Array:
        """Add columns z, which become exp(z - top); return the factor that makes earlier ones relative to this top."""
        old = self.top[rows]
        top = np.maximum(old, z.max(axis=1))
        shift = np.where(np.isneginf(top), 0.0, top)
        z -= shift[:, None]
        if (endless := np.isposinf(top)).any():
            z[endless] = np.where(np.isnan(z[endless]), 0.0, z[endless])
        np.exp(z, out=z)
        factor = np.where(old == top, 1.0, np.exp(old - shift))
        self.top[rows], self.total[rows] = top, self.total[rows] * factor + z.sum(axis=1)
        return factor

    def above(self, x: Array | float) -> Array:
        """Return log sum_j exp(z_j - x)."""
        return np.where(self.top == x, 0.0, self.top - x) + np.log(self.total)


class Contrast(NamedTuple):
    """Products of each row with its own column and with the other columns.

    `mean` is the mean of the other columns' rows weighted by softmax, if it was asked for.
    """

    own: Array
    others: LogSumExp
    mean: Array

    def loss(self) -> Array:
        """Compute -log softmax_own = log(1 + sum_{j != own} exp(z_j - z_own))."""
        return softplus(self.others.above(self.own)) + 0.0

    def miss(self) -> Array:
        """Compute 1 - softmax_own, without cancellation."""
        return sigmoid(self.others.above(self.own))


Bend = Callable[[slice, Array], tuple[Array, Array]]
"""rows, their products with some columns -> what replaces the products, and its derivative by them"""


def contrast(
    a: Array, b: Array, own: NDArray[Any], bias: Array | None = None, with_mean: bool = False, bend: Bend | None = None
) -> Contrast:
    """Compare the products z_ij = a_i·b_j (+ bias_j) of each row i with its column own_i and with the others.

    Columns b (C, D), or several of each kind (C, K, D), of which the one with the largest product counts. `bend`
    replaces the products with the other columns.
    """
    found = Contrast(np.empty(len(a)), LogSumExp(len(a)), np.zeros((len(a) if with_mean else 0, a.shape[1])))
    for i in tile_rows(len(a)):
        for j in tile_rows(len(b), TILE if b.ndim == 2 else max(1, TILE // b.shape[1])):
            z, chosen = products(a[i], b[j])
            if bias is not None:
                z += bias[j]
            here = np.flatnonzero((own[i] >= j.start) & (own[i] < j.stop))
            at = here, own[i][here] - j.start
            found.own[i][here] = z[at]
            slope = None
            if bend is not None:
                z, slope = bend(i, z)
            z[at] = -np.inf
            factor = found.others.add(i, z)
            if with_mean:
                found.mean[i] *= factor[:, None]
                found.mean[i] += pull(z if slope is None else z * slope, b[j], chosen)
    if with_mean:
        found.mean[:] /= np.where(found.others.total > 0, found.others.total, 1.0)[:, None]
    return found


def products(a: Array, b: Array) -> tuple[Array, NDArray[np.intp] | None]:
    """Return the products of rows with columns, of several of a kind the largest, and which one that is."""
    if b.ndim == 2:
        return a @ b.T, None
    each = (a @ b.reshape(-1, b.shape[2]).T).reshape(len(a), *b.shape[:2])
    chosen = each.argmax(axis=2, keepdims=True)
    return np.take_along_axis(each, chosen, axis=2)[:, :, 0], chosen


def pull(rates: Array, b: Array, chosen: NDArray[np.intp] | None) -> Array:
    """Return sum_j r_ij b_j, of several columns of a kind with the chosen one."""
    if chosen is None:
        return rates @ b
    spread = np.zeros((len(rates), *b.shape[:2]))
    np.put_along_axis(spread, chosen, rates[:, :, None], axis=2)
    return spread.reshape(len(rates), -1) @ b.reshape(-1, b.shape[2])
