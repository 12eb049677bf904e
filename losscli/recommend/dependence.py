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

LEAST_CORRELATION = 0.05
"""Correlations below it hardly change an interval, however sure they are."""

MAX_CHANCE = 0.005
"""The largest p of either test of independence at which errors are taken for dependent."""

MIN_CLUSTERS = 8
"""Clusters below which there are too few to be resampled."""


class SerialCorrelation(NamedTuple):
    """Autocorrelations of errors at lags 1, 2, ...; `p` is that of the Ljung-Box test over all of them."""

    by_lag: tuple[float, ...]
    n: int
    statistic: float
    p: float

    @property
    def error(self) -> float:
        """The standard error of an autocorrelation of independent errors."""
        return 1 / math.sqrt(self.n)

    @property
    def is_sure(self) -> bool:
        first = math.erfc(abs(self.by_lag[0]) / self.error / math.sqrt(2))
        return min(first, self.p) < MAX_CHANCE and max(map(abs, self.by_lag)) >= LEAST_CORRELATION


def serial_correlation(y_true: Array, y_pred: Array) -> SerialCorrelation | None:
    """Return the autocorrelation of the errors of consecutive rows (n,); None if it would say nothing.

    Rows that are sorted by target or prediction have neighbours that are alike, whatever made the data.
    """
    are_sorted = any((np.diff(values) * sign >= 0).all() for values in (y_true, y_pred) for sign in (1, -1))
    if len(y_true) < MIN_ROWS_IN_ORDER or are_sorted:
        return None
    errors = y_pred - y_true
    return ljung_box((errors - errors.mean()) / (np.abs(errors).max() or 1.0))


def ljung_box(e: Array) -> SerialCorrelation | None:
    """Return the autocorrelations of centred errors (n,) and their test (Ljung & Box 1978, doi:10.2307/2335207).

    None if the errors are all the same.
    """
    n, total = len(e), float(e @ e)
    if not total > 0:
        return None
    lags = min(MAX_LAGS, n // 10 * 2)  # even: the chi-squared distribution has a closed form
    by_lag = tuple(float(e[lag:] @ e[:-lag]) / total for lag in range(1, lags + 1))
    statistic = n * (n + 2) * sum(r * r / (n - lag) for lag, r in enumerate(by_lag, 1))
    half, term, series = statistic / 2, 1.0, 1.0
    for k in range(1, lags // 2):
        term *= half / k
        series += term
    return SerialCorrelation(by_lag, n, statistic, min(1.0, math.exp(-min(half, 700.0)) * series))


class ClusterCorrelation(NamedTuple):
    """The correlation of errors within the clusters of a column, with its standard error if there is none."""

    column: str
    count: int
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
