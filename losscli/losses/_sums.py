"""Sums of many numbers by an index, or up to each of them, whose digits do not depend on the order of the numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array


def heads_and_tails(values: Array) -> tuple[Array, Array]:
    """Return values as two arrays, the first cut off at a digit so high that adding them is exact.

    Rump, Ogita & Oishi 2008, doi:10.1137/050645671.
    """
    largest = float(np.abs(values).max(initial=0.0))
    if not 0 < largest < 1e300:
        return values, np.zeros(len(values))
    cut = math.ldexp(1.0, math.frexp(largest)[1] + len(values).bit_length())
    heads = values + cut
    heads -= cut
    return heads, values - heads


def scale_weights(weight: Array) -> Array:
    """Return weights times a power of two, so that the largest is about 1: products of weights then keep their digits.

    What does not depend on the scale of the weights stays the same to the last digit.
    """
    largest = float(weight.max(initial=0.0))
    return np.asarray(np.ldexp(weight, -math.frexp(largest)[1])) if 0 < largest < math.inf else weight


def sums_by(index: NDArray[np.intp], values: Array, size: int) -> Array:
    """Return the sums of values by their index (size,)."""
    return np.asarray(np.bincount(index, values, size), dtype=np.float64)


def cumulated(values: Array) -> Array:
    """Return the sums of values up to each of them, it included."""
    heads, tails = heads_and_tails(values)
    sums = np.cumsum(heads)
    return np.asarray(sums + np.cumsum(tails) if tails.any() else sums)


class SumsByIndex:
    """Sums of values by their index, and the rounding errors of these; sums of several parts merge.

    Attributes:
        total: The sums (size,).
        carry: What corrects them (size,).
    """

    def __init__(self, total: Array, carry: Array) -> None:
        self.total, self.carry = total, carry

    @classmethod
    def of(cls, index: NDArray[np.intp], values: Array | None, size: int) -> SumsByIndex:
        """Return the sums of values, each 1 if they are None."""
        if values is None:
            return cls(np.bincount(index, minlength=size).astype(np.float64), np.zeros(size))
        heads, tails = heads_and_tails(values)
        return cls(sums_by(index, heads, size), sums_by(index, tails, size))

    @property
    def value(self) -> Array:
        """The corrected sums."""
        return self.total + self.carry

    def merge(self, other: SumsByIndex) -> None:
        """Add other sums by the same index (Neumaier 1974)."""
        raised = self.total + other.total
        is_larger = np.abs(self.total) >= np.abs(other.total)
        errors = np.where(is_larger, (self.total - raised) + other.total, (other.total - raised) + self.total)
        self.total, self.carry = raised, self.carry + other.carry + errors

    def take(self, index: NDArray[np.intp]) -> SumsByIndex:
        """Return some of the sums."""
        return SumsByIndex(self.total[index], self.carry[index])
