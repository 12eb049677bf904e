"""Losses of an anchor by the cosines of all pairs it is in: with rows of its class, and with all other rows.

Rows are sorted by class, so that most tiles of pairs hold no positives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import Array, Mask
from losscli.losses._classes import Labels
from losscli.losses._embeddings import backprop_unit, unit
from losscli.losses._tiles import LogSumExp, tile_rows

Pointwise = Callable[[Array], Array]


class PairExponent(NamedTuple):
    """A function of cosines that is exponentiated, and its derivative; the function may return its argument."""

    of: Pointwise
    slope: Pointwise


IDENTITY = PairExponent(lambda s: s, lambda s: np.ones(1))


class PairLoss(NamedTuple):
    """A loss of A = log sum_p exp f(s_p) over positives and O = log sum_n exp g(s_n) over negatives, -inf without any.

    `s` are cosines times `scale`. `value` and `rates`, its derivatives by A and O, get both sums of all anchors. Where
    `has_mean` is set, A - mean_p f(s_p) is added to the value.
    """

    positive: PairExponent
    negative: PairExponent
    value: Callable[[LogSumExp, LogSumExp], Array]
    rates: Callable[[LogSumExp, LogSumExp], tuple[Array, Array]]
    scale: float = 1.0
    has_mean: bool = False

    def losses(self, labels: Labels, x: Array) -> Array:
        """Compute the loss of each row (N,)."""
        rows = SortedRows.of(labels, x)
        sums = rows.sums(self)
        value = self.value(sums.alike, sums.other)
        if self.has_mean:
            value = value + np.where(sums.positives > 0, sums.alike.above(sums.mean), 0.0)
        return rows.restore(value + 0.0)

    def gradient(self, labels: Labels, x: Array) -> Array:
        """Compute the gradient of the summed losses (N, D): each row as an anchor and as one of the others."""
        rows = SortedRows.of(labels, x)
        sums = rows.sums(self)
        is_mean = (sums.positives > 1) * float(self.has_mean)  # of one positive, the sum is its exponent
        by_sums = self.rates(sums.alike, sums.other)
        rates = np.stack([sums.alike.above(0.0), sums.other.above(0.0), *by_sums, is_mean, sums.share])
        pull = np.zeros_like(rows.unit)
        for i in tile_rows(len(pull)):
            for j in tile_rows(len(pull)):
                s, alike = (self.scale * rows.unit[i]) @ rows.unit[j].T, rows.alike(i, j)
                slope = self.slopes(s, alike, rates[:, i, None]) + self.slopes(s, alike, rates[:, None, j])
                if i == j:
                    np.fill_diagonal(slope, 0.0)
                pull[i] += slope @ rows.unit[j]
        return backprop_unit(rows.restore(pull), x, self.scale)

    def slopes(self, s: Array, alike: Mask | None, rates: Array) -> Array:
        """Compute the derivatives by s of the losses whose sums, rates and shares are given."""
        a, o, by_a, by_o, is_mean, share = rates
        by_other = np.exp(self.negative.of(s) - o) * (by_o * self.negative.slope(s))
        if alike is None:
            return by_other
        p = np.exp(self.positive.of(s) - a)
        by_alike = by_a * p + is_mean * (p - share)
        return np.where(alike, by_alike * self.positive.slope(s), by_other)


class PairSums(NamedTuple):
    """Of each anchor: the log-sum-exp over its positives and negatives, the mean exponent and number of positives."""

    alike: LogSumExp
    other: LogSumExp
    mean: Array
    positives: Array

    @property
    def share(self) -> Array:
        return 1 / np.maximum(self.positives, 1)


class SortedRows(NamedTuple):
    """Rows sorted by class, with length 1."""

    order: Labels
    codes: Labels
    unit: Array

    @classmethod
    def of(cls, labels: Labels, x: Array) -> SortedRows:
        _, codes = np.unique(labels, return_inverse=True)
        order = codes.argsort(kind="stable")
        return cls(order, codes[order], unit(x)[order])

    def restore(self, values: Array) -> Array:
        """Return values in the order of the rows that were given."""
        restored = np.empty_like(values)
        restored[self.order] = values
        return restored

    def alike(self, i: slice, j: slice) -> Mask | None:
        """Return which pairs of a tile are of one class; None if none is."""
        if self.codes[i][-1] < self.codes[j][0] or self.codes[j][-1] < self.codes[i][0]:
            return None
        return np.asarray(self.codes[i][:, None] == self.codes[j])

    def sums(self, loss: PairLoss) -> PairSums:
        """Sum up the exponents of positives and of negatives."""
        n = len(self.unit)
        sums = PairSums(LogSumExp(n), LogSumExp(n), np.zeros(n), np.zeros(n))
        for i in tile_rows(n):
            for j in tile_rows(n):
                s, alike = (loss.scale * self.unit[i]) @ self.unit[j].T, self.alike(i, j)
                if alike is None:
                    sums.other.add(i, loss.negative.of(s))
                    continue
                sums.other.add(i, np.where(alike, -np.inf, loss.negative.of(s)))
                if i == j:
                    np.fill_diagonal(alike, False)
                z = loss.positive.of(s)
                sums.positives[i] += np.count_nonzero(alike, axis=1)
                sums.mean[i] += np.where(alike, z, 0.0).sum(axis=1)
                sums.alike.add(i, np.where(alike, z, -np.inf))
        sums.mean[:] *= sums.share
        return sums
