"""Errors that depend on each other: of neighbouring rows, and of rows of one group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array

MIN_ROWS_IN_ORDER = 30

MAX_LAGS = 10

LEAST_CORRELATION = 0.1
"""Correlations below it hardly change an interval, however sure they are."""

MAX_CHANCE = 0.005
"""The largest p of either test of independence at which errors are taken for dependent."""

MIN_CLUSTERS = 8
"""Clusters below which there are too few to be resampled."""


class SerialCorrelation(NamedTuple):
    """Autocorrelations of errors at lags 1, 2, ..., with their standard errors if rows are independent.

    `statistic` and `p` are those of the Ljung-Box test over all lags, with these standard errors; `first_p` is that of
    lag 1 alone.
    """

    by_lag: tuple[float, ...]
    errors: tuple[float, ...]
    statistic: float
    p: float
    first_p: float

    @property
    def lag(self) -> int:
        """The lag of the largest correlation."""
        return 1 + max(range(len(self.by_lag)), key=lambda i: abs(self.by_lag[i]))

    @property
    def largest(self) -> float:
        return self.by_lag[self.lag - 1]

    @property
    def is_sure(self) -> bool:
        return min(self.first_p, self.p) < MAX_CHANCE and abs(self.largest) >= LEAST_CORRELATION


def serial_correlation(y_true: Array, y_pred: Array) -> SerialCorrelation | None:
    """Return the autocorrelation of the errors of consecutive rows (n,); None if it would say nothing.

    Rows that are sorted by target or prediction have neighbours that are alike, whatever made the data. Each p is the
    larger one of errors and of their ranks, which a few large errors do not make.
    """
    are_sorted = any((np.diff(values) * sign >= 0).all() for values in (y_true, y_pred) for sign in (1, -1))
    if len(y_true) < MIN_ROWS_IN_ORDER or are_sorted:
        return None
    errors = y_pred - y_true
    order = np.sort(errors)
    ranks = np.searchsorted(order, errors, "left") + np.searchsorted(order, errors, "right") * 1.0
    found, of_ranks = (autocorrelations((v - v.mean()) / (np.abs(v).max() or 1.0)) for v in (errors, ranks))
    if found is None or of_ranks is None:
        return None
    return found._replace(p=max(found.p, of_ranks.p), first_p=max(found.first_p, of_ranks.first_p))


def autocorrelations(e: Array) -> SerialCorrelation | None:
    """Return the autocorrelations of centred errors (n,), and the test of Ljung & Box 1978 over all of them.

    Their standard errors allow for errors of different sizes, which tend to have neighbours of their size (Dalla,
    Giraitis & Phillips 2022, Econometric Theory 38); of equal ones they are 1/sqrt(n). None if a lag says nothing.
    """
    n = len(e)
    lags = min(MAX_LAGS, n // 10 * 2)  # even: the chi-squared distribution has a closed form
    squares = np.square(e)
    total, sizes = float(squares.sum()), [math.sqrt(squares[lag:] @ squares[:-lag]) for lag in range(1, lags + 1)]
    if not total > 0 or not all(sizes):
        return None
    sums = [float(e[lag:] @ e[:-lag]) for lag in range(1, lags + 1)]
    scores = [total_of_lag / size for total_of_lag, size in zip(sums, sizes, strict=True)]
    statistic = (n + 2) * sum(score * score / (n - lag) for lag, score in enumerate(scores, 1))
    by_lag, errors = tuple(s / total for s in sums), tuple(size / total for size in sizes)
    first_p = math.erfc(abs(scores[0]) / math.sqrt(2))
    return SerialCorrelation(by_lag, errors, statistic, chi_squared_tail(statistic, lags), first_p)


def chi_squared_tail(x: float, freedom: int) -> float:
    """Return the probability that a chi-squared variable of an even number of degrees of freedom is above x."""
    term = total = 1.0
    for k in range(1, freedom // 2):
        term *= x / 2 / k
        total += term
    return min(1.0, math.exp(-x / 2) * total)


class ClusterCorrelation(NamedTuple):
    """The correlation of errors within the clusters of a column, with its standard error if there is none."""

    column: str
    clusters: int
    rows: float
    correlation: float
    error: float

    @property
    def is_sure(self) -> bool:
        """Whether it is surely above 0 and makes the variance of a mean a fifth larger or more."""
        return self.correlation > 3 * self.error and (self.rows - 1) * self.correlation >= 0.2


def cluster_correlation(errors: Array, names: Sequence[str | None], column: str) -> ClusterCorrelation | None:
    """Return the intra-class correlation of errors (n,), by analysis of variance; None without usable clusters.

    `rows` of the result is the average size of a cluster that the analysis uses (Donner 1986, doi:10.2307/1403259).
    """
    numbers: dict[str | None, int] = {}
    codes: NDArray[np.int64] = np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
    n, k = len(errors), len(numbers)
    if k < MIN_CLUSTERS or n - k < MIN_CLUSTERS:
        return None
    e = errors - errors.mean()
    sizes = np.bincount(codes)
    means = np.bincount(codes, weights=e) / sizes
    between = float(sizes @ np.square(means)) / (k - 1)
    within = float(np.square(e - means[codes]).sum()) / (n - k)
    rows = (n - float(np.square(sizes).sum()) / n) / (k - 1)
    if not within + between > 0 or rows < 1.5:
        return None
    correlation = (between - within) / (between + (rows - 1) * within)
    return ClusterCorrelation(column, k, rows, correlation, math.sqrt(2 / (k - 1) + 2 / (n - k)) / rows)
