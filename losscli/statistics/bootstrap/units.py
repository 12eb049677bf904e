"""What is resampled whole: rows, clusters of rows, or blocks of consecutive rows; and their sums.

Rows that depend on each other are no sample of independent rows: intervals that resample them one by one are too short.
Clusters (patients, days) are independent of each other, whatever happens within (Davison & Hinkley 1997, section 3.8).
Of a time series, blocks are nearly so if they are long enough; here they run around its end, so that each row is in as
many of them (the circular block bootstrap: Politis & Romano 1992, in Exploring the Limits of Bootstrap).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD
from losscli.statistics.bootstrap.options import MIN_UNITS, Resampling

MIN_LAGS, MAX_LENGTH_BY_ROOT, MAX_LENGTH_BY_ROWS = 5, 3.0, 1 / 3
"""Lags in a row whose correlations must be small; the longest blocks, in roots of the rows and in rows."""


class UnitTerms(NamedTuple):
    """The sums of each unit (u, k), of which each resample draws `size` with replacement.

    `doubled` (u, k) are the sums of blocks of twice the length, where units are blocks: they correct standard errors.
    """

    terms: Array
    size: int
    doubled: Array | None = None

    def error_of_sum(self, coefficients: Array) -> float:
        """Return the standard error of a sum over the units drawn of terms (u, k) times coefficients (k,), of mean 0.

        Blocks of b rows miss what rows further apart have in common, which makes the variance V(b) of their sums, per
        row, too small by a multiple of 1 / b. 2 V(2b) - V(b) is free of that: it weighs correlations by a trapezoid up
        to lag 2b (Politis & Romano 1995, doi:10.1111/j.1467-9892.1995.tb00223.x). Studentized block bootstraps need
        such an error (Götze & Künsch 1996, doi:10.1214/aos/1069362303). It is never taken to be less than V(b).
        """
        squares = _mean_square(self.terms @ coefficients)
        if self.doubled is not None:
            squares = max(_mean_square(self.doubled @ coefficients) - squares, squares)
        return math.sqrt(self.size * squares)


def unit_terms(
    terms: Array,
    rows: NDArray[np.int64],
    clusters: NDArray[np.uint64] | None,
    resampling: Resampling,
    block: int | None,
) -> UnitTerms:
    """Return the sums over what is resampled whole of the terms (n, k) of rows, whose numbers (n,) ascend.

    With the clusters of rows (n,) each cluster is a unit, in the order of their first rows. With blocks of b rows unit
    i is row i and the b - 1 after it, and a resample has as many blocks as it takes to have n rows. `block` is the
    length that was found for `auto`; without it, that of the options counts. Of rows that are too many to be held, or
    for a Poisson bootstrap, the blocks do not overlap, and the last one may be shorter.
    """
    n = len(terms)
    if clusters is not None:
        sums = cluster_sums(terms, cluster_places(rows, clusters))
        return UnitTerms(sums, len(sums))
    length = resampling.block if block is None else block
    if not isinstance(length, int) or length == 1:
        return UnitTerms(terms, n)
    if n > MAX_ROWS_HELD or resampling.method == "poisson":
        sums = cluster_sums(terms, np.arange(n) // length)
        return UnitTerms(sums, len(sums))
    sums = circular_sums(terms, length)
    doubled = sums + np.roll(sums, -length, axis=0) if 4 * length <= n else None
    return UnitTerms(sums, -(-n // length), doubled)


def _mean_square(values: Array) -> float:
    return math.fsum(values * values) / len(values)


def cluster_places(rows: NDArray[np.int64], clusters: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return the place of each row's cluster (n,), by the first row of each; equal numbers are one cluster."""
    _, index = np.unique(clusters, return_inverse=True)
    first = np.full(int(index.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, index, rows)
    place = np.empty(len(first), dtype=np.intp)
    place[np.argsort(first)] = np.arange(len(first))
    return place[index]


def cluster_sums(terms: Array, places: NDArray[np.intp]) -> Array:
    """Return the sums of the terms (n, k) of the rows of each cluster (u, k), added in the order of the rows."""
    return np.stack([np.bincount(places, column) for column in terms.T], axis=1)


def circular_sums(terms: Array, length: int) -> Array:
    """Return the sums of each row and the `length` - 1 after it, around the end: of terms (n, k), (n, k).

    Sums of 2, 4, 8, ... rows are put together: that is quick, and as exact as pairwise sums are.
    """
    total = np.zeros_like(terms)
    doubled, reach, done = terms, 1, 0
    while reach <= length:
        if length & reach:
            total = total + np.roll(doubled, -done, axis=0)
            done += reach
        doubled, reach = doubled + np.roll(doubled, -reach, axis=0), reach * 2
    return total


def too_few_units(units: int, asked: Resampling) -> str:
    """Return why so few clusters or blocks have no interval; empty if they have one, as rows do."""
    if units >= MIN_UNITS or (asked.cluster is None and asked.block in (None, 1)):
        return ""
    what = "block" if asked.cluster is None else "cluster"
    verb = " is" if units == 1 else "s are"
    return f"{units} {what}{verb} too few to resample: it takes {MIN_UNITS}, better 20"


def rows_of_blocks(drawn: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Return how often resamples (m, n) of blocks draw each row (m, n): a row is in the `length` blocks up to it."""
    ends = np.cumsum(np.concatenate([drawn[:, drawn.shape[1] - length + 1 :], drawn], axis=1), axis=1)
    found = ends[:, length - 1 :].copy()
    found[:, 1:] -= ends[:, : drawn.shape[1] - 1]
    return found


def block_length(series: Array) -> int:
    """Return how long circular blocks of a time series (n,) should be; the longest of several (n, k).

    The length that makes the variance of the mean most accurate (Politis & White 2004, doi:10.1081/ETR-120028836,
    corrected by Patton, Politis & White 2009, doi:10.1080/07474930802459016), rounded up; 1 without autocorrelation.
    """
    if series.ndim > 1:
        return max((block_length(column) for column in series.T), default=1)
    n = len(series)
    spread = float(np.abs(series).max(initial=0.0))
    if n < 3 or not 0 < spread < math.inf:
        return 1
    in_a_row = max(MIN_LAGS, math.ceil(math.sqrt(math.log10(n))))
    most = min(math.ceil(math.sqrt(n)) + in_a_row, n - 1)
    covariances = _autocovariances(series / spread, min(most + in_a_row, n - 1))
    if covariances[0] <= 0:
        return 1
    is_small = np.abs(covariances[1:]) < 2 * math.sqrt(math.log10(n) / n) * covariances[0]
    last = next((lag for lag in range(most + 1) if is_small[lag : lag + in_a_row].all()), most)
    window = min(2 * max(last, 1), most)
    lags = np.arange(1, window + 1)
    weighted = 2 * np.minimum(1.0, 2 * (1 - lags / window)) * covariances[1 : window + 1]  # a trapezoid
    variance = float(covariances[0] + weighted.sum())
    slope = float((lags * weighted).sum())
    longest = math.ceil(min(MAX_LENGTH_BY_ROOT * math.sqrt(n), MAX_LENGTH_BY_ROWS * n))
    if variance == 0:
        return longest
    best: float = math.pow(1.5 * (slope / variance) ** 2 * n, 1 / 3)
    return max(1, min(math.ceil(best - 1e-9), longest))


def _autocovariances(series: Array, most: int) -> Array:
    """Return the autocovariances of a series (n,) up to a lag, divided by n (most + 1,)."""
    centred = series - series.mean()
    power = np.abs(np.fft.rfft(centred, 2 * len(series))) ** 2
    covariances: Array = np.fft.irfft(power, 2 * len(series))[: most + 1] / len(series)
    return covariances
