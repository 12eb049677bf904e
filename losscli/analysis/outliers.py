"""Which rows are outliers: rules that flag rows once, for all losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from losscli.domain import Array, Mask
from losscli.errors import UsageError
from losscli.statistics.quantiles import quantile

DEFAULT = "mad:3.5"
NORMAL = 0.6745
"""The MAD of a standard normal distribution: it makes the modified z-score a z-score (Iglewicz & Hoaglin 1993)."""


@dataclass(frozen=True)
class Flags:
    """The rows a rule flagged; `rows` is None where the rule has no answer, and `why` says why."""

    rule: str
    rows: Mask | None
    why: str = ""


def flag(rule: str, residual: Array | None, weight: Array | None) -> Flags:
    """Flag outlier rows of a residual (N,) or (N, D); with D columns a row is one if any of its columns is.

    Raises:
        UsageError: the rule is not one of those known, or its number makes no sense.
    """
    name, _, text = rule.partition(":")
    if name not in RULES:
        raise UsageError(f"--outliers {rule}: must be {' or '.join(f'{n}:NUMBER' for n in RULES)}, as in {DEFAULT}")
    try:
        limit = float(text or "nan")
    except ValueError:
        limit = np.nan
    if not 0 < limit < np.inf:
        raise UsageError(f"--outliers {rule}: {name} takes a number above 0, as in {DEFAULT}")
    if residual is None:
        return Flags(rule, None, "these losses are not of a residual y_pred - y_true, in which outliers could be told")
    if not np.isfinite(residual).all():
        return Flags(rule, None, "a residual is not a finite number")
    columns = residual.reshape(len(residual), -1)
    flagged = np.zeros(len(residual), dtype=bool)
    for i in range(columns.shape[1]):
        column = RULES[name](np.ascontiguousarray(columns[:, i]), weight, limit)
        if column is None:
            return Flags(rule, None, "more than half of the residuals are equal (their MAD is 0): no row stands out")
        flagged |= column
    return Flags(rule, flagged)


def _mad(residual: Array, weight: Array | None, limit: float) -> Mask | None:
    """Modified z-score above the limit; None where the MAD is 0."""
    distance = np.abs(residual - quantile(residual, weight, 0.5))
    mad = quantile(distance, weight, 0.5)
    if not mad > 0:
        return np.zeros(len(residual), dtype=bool) if not distance.any() else None
    return np.asarray(NORMAL * distance > limit * mad)


RULES: dict[str, Callable[[Array, Array | None, float], Mask | None]] = {"mad": _mad}
"""Name -> what flags the rows of one column of residuals."""
