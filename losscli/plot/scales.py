"""Ticks of axes and numbers in human form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from losscli.plot.pictures import Axis

MINUS = "−"
NO_BREAK_SPACE = "\u00a0"
"""Between thousands, and before a unit."""

SMALLEST_STEP = 1e-300
"""Between ticks; numbers near the smallest there are have no digits left to be round."""


def nice_ticks(low: float, high: float, at_most: int) -> list[float]:
    """Return round numbers from `low` to `high`, `at_most` of them: multiples of 1, 2, 2.5 or 5 times a power of 10."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    rough = (high - low) / max(1, at_most - 1)
    if not SMALLEST_STEP < rough < math.inf:
        return [low, high]
    power = 10.0 ** math.floor(math.log10(rough))
    for multiple in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0):
        step = multiple * power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= at_most:
            return [i * step + 0.0 for i in range(first, last + 1)]
    return [low]


def human_number(value: float, digits: int = 4) -> str:
    """Return a number for people: so many significant digits, thousands apart, a real minus."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if value == 0:
        return "0"
    if size >= 1e7 or size < 1e-4:
        mantissa, _, exponent = f"{size:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        text = f"{mantissa}e{int(exponent)}"
    else:
        decimals = max(0, digits - 1 - math.floor(math.log10(size)))
        text = f"{size:,.{decimals}f}".replace(",", NO_BREAK_SPACE)
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return MINUS + text if value < 0 else text


def human_percent(share: float, digits: int = 2) -> str:
    """Return a share as a percentage."""
    return f"{human_number(100 * share, digits)}{NO_BREAK_SPACE}%"


def place_on(axis: Axis, values: Any) -> Any:
    """Return places on an axis: 0 at its low end, 1 at its high end."""
    values, low, high = np.asarray(values, dtype=float), axis.low, axis.high
    with np.errstate(all="ignore"):
        if axis.is_log and low > 0:
            values, low, high = np.log10(values), math.log10(low), math.log10(high)
        return (values - low) / ((high - low) or 1.0)


def value_at(axis: Axis, place: float) -> float:
    """Return the value at a place on an axis, the inverse of `place_on`."""
    if axis.is_log and axis.low > 0:
        return float(axis.low * (axis.high / axis.low) ** place)
    return float(axis.low + place * (axis.high - axis.low))
