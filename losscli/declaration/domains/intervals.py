"""Intervals of the real line, and the types of arrays and parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.messages import number_text

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Params = Mapping[str, Any]


@dataclass(eq=False, repr=False)
class Interval:
    """An interval of the real line; it includes its ends unless they are open."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return above and below

    def outside(self, values: Array) -> Mask | None:
        """Return a mask of the values outside, or None if there are none, which needs no temporary array."""
        has_top = self.high < math.inf or self.high_open
        if not values.size or (float(values.min()) in self and (not has_top or float(values.max()) in self)):
            return None
        below = values <= self.low if self.low_open else values < self.low
        above = values >= self.high if self.high_open else values > self.high
        return below | above

    def describe(self) -> str:
        if math.isinf(self.low) and math.isinf(self.high):
            return "any real number"
        if math.isinf(self.high):
            finite = " and finite" if self.high_open else ""
            return f"{'>' if self.low_open else '>='} {number_text(self.low)}{finite}"
        if math.isinf(self.low):
            return f"{'<' if self.high_open else '<='} {number_text(self.high)}"
        left, right = "(" if self.low_open else "[", ")" if self.high_open else "]"
        return f"in {left}{number_text(self.low)}, {number_text(self.high)}{right}"


REALS, FINITE_REALS = Interval(), Interval(low_open=True, high_open=True)
FINITE_POSITIVE = Interval(0, low_open=True, high_open=True)
NON_NEGATIVE, NON_POSITIVE, POSITIVE = Interval(0), Interval(high=0), Interval(0, low_open=True)
UNIT, MINUS_ONE_TO_ONE = Interval(0, 1), Interval(-1, 1)
