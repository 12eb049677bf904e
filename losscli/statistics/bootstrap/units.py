"""What is resampled whole: rows, clusters of rows, or blocks of consecutive rows; and their sums.

Rows that depend on each other are no sample of independent rows: intervals that resample them one by one are too short.
Clusters (patients, days) are independent of each other, whatever happens within (Davison & Hinkley 1997, section 3.8).
Of a time series, blocks are nearly so if they are long enough; here they run around its end, so that each row is in as
many of them (the circular block bootstrap: Politis & Romano 1992, in Exploring the Limits of Bootstrap).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.statistics.bootstrap.options import Resampling


class UnitTerms(NamedTuple):
    """The sums of each unit (u, k), of which each resample draws `size` with replacement."""

    terms: Array
    size: int


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
    length that was found for `auto`; without it, that of the options counts.
    """
    n = len(terms)
    if clusters is not None:
        return UnitTerms(cluster_sums(terms, cluster_places(rows, clusters)), len(np.unique(clusters)))
    length = resampling.block if block is None else block
    if not isinstance(length, int) or length == 1:
        return UnitTerms(terms, n)
    return UnitTerms(circular_sums(terms, length), -(-n // length))


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
