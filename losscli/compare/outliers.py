"""Which rows are outliers: rules that flag rows once, for all losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from losscli.compare.subset import RowSubset
from losscli.declaration.domains import Array, Mask
from losscli.errors import DataError, UsageError
from losscli.statistics.moments import blocks
from losscli.statistics.quantiles import deviation, quantile, quantiles

OF_RESIDUALS, OF_LOSSES = "mad:3.5", "top:1%"
"""The rules where none is asked for: where there is a residual, and where there is none."""

NORMAL = 0.6745
"""The MAD of a standard normal distribution: it makes the modified z-score a z-score (Iglewicz & Hoaglin 1993)."""

FORMS = "mad:NUMBER, iqr:NUMBER, top:PERCENT% or column:NAME, as in mad:3.5, iqr:1.5, top:1%"


@dataclass(frozen=True)
class Rule:
    """A rule as typed, read: its name, its number or column."""

    text: str
    name: str
    number: float = math.nan
    column: str = ""


@dataclass(frozen=True)
class Flags:
    """The rows a rule flagged; `rows` is None where the rule has no answer, and `why` says why.

    `mad` is that of the residuals, where the rule has worked it out.
    """

    rule: str
    rows: Mask | None
    why: str = ""
    mad: float | None = None


def parse(text: str) -> Rule:
    """Read a rule.

    Raises:
        UsageError: it is none of those known, or its number makes no sense.
    """
    name, _, rest = text.partition(":")
    if name == "column" and rest:
        return Rule(text, name, column=rest)
    if name not in RULES or not rest:
        raise UsageError(f"--outliers {text}: must be {FORMS}")
    number = _number(rest.removesuffix("%") if name == "top" else rest)
    if not 0 < number < math.inf or (name == "top" and not (rest.endswith("%") and number < 100)):
        wanted = "a percentage between 0 and 100" if name == "top" else "a number above 0"
        raise UsageError(f"--outliers {text}: {name} takes {wanted}; rules are {FORMS}")
    return Rule(text, name, number)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def default(residual: Array | None) -> Rule:
    """The rule where none is asked for."""
    return parse(OF_LOSSES if residual is None else OF_RESIDUALS)


def flag(rule: Rule, kept: RowSubset, residual: Array | None) -> Flags:
    """Flag outlier rows.

    Raises:
        DataError: a column of flags that holds something else.
    """
    return RULES[rule.name](rule, kept, residual)


# ---------------------------------------------------------------------------------------------- by the residual


def of_residual(rule: Rule, residual: Array | None, weight: Array | None) -> Flags:
    """Flag by residuals (N,) or (N, D): with D columns a row is flagged if any of them is."""
    if residual is None:
        why = "these losses are not of a residual y_pred - y_true; --outliers top:1% flags rows by their losses"
        return Flags(rule.text, None, why)
    if not np.isfinite(residual).all():
        return Flags(rule.text, None, "a residual is not a finite number")
    beyond, spread = BY_RESIDUAL[rule.name]
    columns = residual.reshape(len(residual), -1)
    rows, mad = np.zeros(len(residual), dtype=bool), None
    for i in range(columns.shape[1]):
        column, mad = beyond(np.ascontiguousarray(columns[:, i]), weight, rule.number)
        if column is None:
            why = (f"at least half of the residuals are equal (their {spread} is 0), so which rows stand out cannot "
                   "be told; --outliers top:1% flags those of the largest losses")  # fmt: skip
            return Flags(rule.text, None, why)
        rows |= column
    return Flags(rule.text, rows, mad=mad)


def _centre_and_mad(residual: Array, weight: Array | None) -> tuple[float, float]:
    """The median of residuals (N,), and the median of how far they are from it."""
    centre = quantile(residual, weight, 0.5)
    return centre, deviation(residual, weight, centre)


def _beyond_mad(residual: Array, weight: Array | None, limit: float) -> Beyond:
    """Modified z-score above the limit; None where the MAD is 0."""
    centre, mad = _centre_and_mad(residual, weight)
    if not mad > 0:
        return (np.zeros(len(residual), dtype=bool) if not (residual != centre).any() else None), mad
    beyond = np.empty(len(residual), dtype=bool)
    for part in blocks(len(residual)):
        distance = residual[part] - centre
        np.abs(distance, out=distance)
        distance *= NORMAL
        np.greater(distance, limit * mad, out=beyond[part])
    return beyond, mad


def _beyond_quartiles(residual: Array, weight: Array | None, limit: float) -> Beyond:
    """Further from the quartiles than `limit` times their distance (Tukey 1977); None where that is 0."""
    first, third = quantiles(residual, weight, (0.25, 0.75))
    if not third > first:
        return (np.zeros(len(residual), dtype=bool) if residual.min() == residual.max() else None), None
    search_bounds = limit * (third - first)
    return (residual < first - search_bounds) | (residual > third + search_bounds), None


Beyond = tuple[Mask | None, float | None]
"""The rows beyond a limit, None where it is no limit, and the MAD, where that is known."""

BY_RESIDUAL: dict[str, tuple[Callable[[Array, Array | None, float], Beyond], str]] = {
    "mad": (_beyond_mad, "MAD"), "iqr": (_beyond_quartiles, "interquartile range"),
}  # fmt: skip
"""Rule -> what flags one column of residuals, and the spread that must not be 0."""


def _residual(rule: Rule, kept: RowSubset, residual: Array | None) -> Flags:
    return of_residual(rule, residual, kept.batch.weight)


# ----------------------------------------------------------------------------------------------- by other things


def _top(rule: Rule, kept: RowSubset, residual: Array | None) -> Flags:
    """The share of rows with the highest mean rank over the losses."""
    by_row = [i for i in range(len(kept.run.evaluators)) if kept.is_per_sample(i)]
    if not by_row:
        return Flags(rule.text, None, "all rows are one distribution")
    ranks = sum((ranked(kept.outcome(i).per_sample) for i in by_row), np.zeros(len(kept.batch)))
    if np.isnan(ranks).any():
        return Flags(rule.text, None, "the loss of a row is not a number")
    count = math.ceil(rule.number / 100 * len(ranks))
    rows = np.zeros(len(ranks), dtype=bool)
    rows[np.argsort(-ranks, kind="stable")[:count]] = True
    return Flags(rule.text, rows)


def ranked(values: Array) -> Array:
    """Ranks from 1 (the smallest); equal values share the mean of theirs; NaN where one is not a number."""
    if np.isnan(values).any():
        return np.full(len(values), np.nan)
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], dtype=np.float64)


TRUE, FALSE = ("1", "true", "yes"), ("0", "false", "no")


def _column(rule: Rule, kept: RowSubset, residual: Array | None) -> Flags:
    """The rows that a column says."""
    texts = [str(value).strip().lower() if value is not None else "" for value in kept.batch.extras[rule.column]]
    for text, row in zip(texts, kept.batch.rows, strict=True):
        if text not in TRUE + FALSE:
            shown = repr(text) if text else "nothing"
            raise DataError(f"column {rule.column!r}, row {row}: {shown} does not say whether the row is an outlier: "
                            "1 or 0, true or false")  # fmt: skip
    return Flags(rule.text, np.array([text in TRUE for text in texts], dtype=bool))


RULES: dict[str, Callable[[Rule, RowSubset, Array | None], Flags]] = {
    "mad": _residual, "iqr": _residual, "top": _top, "column": _column,
}  # fmt: skip


def scale(residual: Array | None, weight: Array | None, mad: float | None = None) -> float | None:
    """1.4826 MAD of residuals (N,), a standard deviation that outliers do not move; None where it is 0 or unknown."""
    if residual is None or residual.ndim > 1 or (mad is None and not np.isfinite(residual).all()):
        return None
    found = 1.4826 * (_centre_and_mad(residual, weight)[1] if mad is None else mad)
    return found if 0 < found < math.inf else None
