"""Whether few rows carry a sum of losses, so that a bootstrap interval of it is too short.

A resample only knows the tail that the sample has. If the largest losses of the distribution are rare and carry much of
the mean, most samples lack them: their mean is too small, and their spread says nothing of it. The rule comes from a
simulation in docs/concepts/statistics.md.
"""

from __future__ import annotations

import math

from losscli.declaration.domains import Array
from losscli.statistics.moments import Sum

FEW_OF_ROWS = 0.25
"""The share of the rows below which an effective number of rows is small: squares of normal errors have a third."""

TAIL_OF_MANY_ZEROS = 2.0
"""The tail index that no mixture of zeros and exponential losses exceeds, nor any gamma distribution."""

SAMPLING_ERRORS = 2.5
"""A sample has a smaller tail index than its distribution, by about so many times 1 / sqrt(effective_n)."""


class TailSums:
    """Sums of weighted losses x, of their squares and of their cubes, over rows that merge.

    They are of x / scale, where the scale is a power of two near the largest x: no power overflows.
    """

    def __init__(self) -> None:
        self.scale = 0.0
        self._sums = Sum(), Sum(), Sum()
        self.has_shares = True

    @property
    def sums(self) -> tuple[float, float, float]:
        """The sums of x / scale, of its square and of its cube."""
        first, second, third = (total.value for total in self._sums)
        return first, second, third

    @classmethod
    def of(cls, values: Array) -> TailSums:
        """Return the sums of weighted losses (n,)."""
        sums = cls()
        sums.update(values)
        return sums

    def update(self, values: Array) -> None:
        """Add weighted losses (n,)."""
        if not values.size:
            return
        low, high = float(values.min()), float(values.max())
        self.has_shares = self.has_shares and low >= 0 and high < math.inf
        if not self.has_shares or high == 0:
            return
        self._raise_scale(math.ldexp(1.0, min(max(math.frexp(high)[1], -1000), 1000)))
        unit = values / self.scale  # at most 2^24
        squares = unit * unit
        for total, powers in zip(self._sums, (unit, squares, squares * unit), strict=True):
            total.add(float(powers.sum()))

    def merge(self, other: TailSums) -> None:
        """Add the sums of other rows."""
        self.has_shares = self.has_shares and other.has_shares
        if other.scale > 0:
            self._raise_scale(other.scale)
            for i, (total, more) in enumerate(zip(self._sums, other._sums, strict=True), start=1):
                factor = (other.scale / self.scale) ** i
                total.add(more.total * factor)
                total.add(more.carry * factor)

    def _raise_scale(self, scale: float) -> None:
        if scale > self.scale:
            for i, total in enumerate(self._sums, start=1):
                factor = (self.scale / scale) ** i
                total.total, total.carry = total.total * factor, total.carry * factor
            self.scale = scale

    @property
    def effective_n(self) -> float | None:
        """Kish's effective sample size (1965) of the shares; None where rows have no shares of the sum."""
        first, second, _ = self.sums
        return first * (first / second) if self.has_shares and second > 0 else None

    def is_heavy(self, n: int) -> bool:
        """Tell whether so few of n rows carry the sum that its 95 % interval holds the mean in less than 92 %.

        The tail index S1 S3 / S2² says whether few rows matter because most are near 0, which does no harm, or because
        some are far out: it is 1 + cv² of a loss that is drawn with a probability in proportion to its size.
        """
        effective_n = self.effective_n
        if effective_n is None or effective_n >= FEW_OF_ROWS * n:
            return False
        first, second, third = self.sums
        return first * third / second**2 > TAIL_OF_MANY_ZEROS - SAMPLING_ERRORS / math.sqrt(effective_n)
