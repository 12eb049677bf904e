"""Which rows are outliers: rules that flag rows once, for all losses."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from losscli.compare.subset import RowSubset
from losscli.declaration.domains import Array, Mask
from losscli.declaration.names import half_width
from losscli.errors import DataError, UsageError
from losscli.messages import Hint, Message, number_of
from losscli.statistics.moments import blocks
from losscli.statistics.quantiles import deviation, quantile, quantiles

MAD_OF_STANDARD_NORMAL = 0.6745
"""Makes the modified z-score of normal residuals a z-score (Iglewicz & Hoaglin 1993)."""

STD_PER_MAD = 1.4826
"""Standard deviation of a normal distribution, in MADs."""

OUTLIER_RULES = "mad:NUMBER, iqr:NUMBER, top:PERCENT% or column:NAME, as in mad:3.5, iqr:1.5, top:1%"

TRUE_TEXTS, FALSE_TEXTS = ("1", "true", "yes"), ("0", "false", "no")
"""What a column of flags may hold, in lower case."""


@dataclass(frozen=True)
class OutlierRule:
    """A rule by its text, and what that means: its name (`mad`, `iqr`, `top`, `column`), its number or column."""

    text: str
    name: str
    number: float = math.nan
    column: str = ""


MOST_OUTLIERS_IN = 5
"""More than one row in so many are no outliers."""

SECOND_POPULATION = "that is a second population, not outliers"
"""What so many rows are."""

DEFAULT_RESIDUAL_RULE = OutlierRule("mad:3.5", "mad", 3.5)
DEFAULT_LOSS_RULE = OutlierRule("top:1%", "top", 1.0)
"""The rule where no loss depends on a residual."""


@dataclass(frozen=True)
class OutlierFlags:
    """The rows (N,) that a rule flagged, or the reason why it has no answer; the MAD of residuals if it was needed.

    `bounds` are the residuals beyond which a row is an outlier, of one column, where the rule has an answer by them.
    """

    rule: str
    rows: Mask | None
    reason: Message | None = None
    mad: float | None = None
    bounds: tuple[float, float] | None = None


def parse_outlier_rule(text: str) -> OutlierRule:
    """Parse a rule.

    Raises:
        UsageError: an unknown rule, or a number out of range.
    """
    name, rest = [*re.split("[:：]", text, maxsplit=1), ""][:2]
    if name == "column" and rest:
        return OutlierRule(text, name, column=rest)
    rest = half_width(rest)
    if name not in ("mad", "iqr", "top") or not rest:
        raise UsageError(f"must be {OUTLIER_RULES}", option=("outliers", text))
    try:
        number = number_of(rest.removesuffix("%") if name == "top" else rest)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf or (name == "top" and not (rest.endswith("%") and number < 100)):
        wanted = "a percentage between 0 and 100" if name == "top" else "a number above 0"
        raise UsageError(f"{name} takes {wanted}; the rules are {OUTLIER_RULES}", option=("outliers", text))
    return OutlierRule(text, name, number)


def flag_outliers(rule: OutlierRule, subset: RowSubset, residual: Array | None) -> OutlierFlags:
    """Flag outlier rows.

    Raises:
        DataError: a column of flags holds something else.
    """
    if not len(subset.batch):  # rows that lack a value and are propagated are no part of it
        return OutlierFlags(rule.text, None, Message("no row has all its values"))
    if rule.name == "top":
        return _flag_top(rule, subset)
    if rule.name == "column":
        return _flag_by_column(rule, subset)
    return flag_by_residual(rule, residual, subset.batch.weight)


def flag_by_residual(rule: OutlierRule, residual: Array | None, weight: Array | None) -> OutlierFlags:
    """Flag rows by residuals (N,) or (N, D): with D columns a row is flagged if one of them is."""
    if residual is None:
        reason = Message("no loss is of y_pred - y_true alone", Hint.TOP_BY_LOSS)
        return OutlierFlags(rule.text, None, reason)
    if not np.isfinite(residual).all():
        return OutlierFlags(rule.text, None, Message("a residual is not a finite number"))
    columns = residual.reshape(len(residual), -1)
    rows, mad, bounds = np.zeros(len(residual), dtype=bool), None, None
    for i in range(columns.shape[1]):
        column = np.ascontiguousarray(columns[:, i])
        if rule.name == "mad":
            flagged, mad, bounds = _flag_beyond_mad(column, weight, rule.number)
        else:
            flagged, bounds = _flag_beyond_quartiles(column, weight, rule.number)
        if flagged is None:
            spread = "MAD" if rule.name == "mad" else "interquartile range"
            problem = f"at least half of the residuals are equal (their {spread} is 0)"
            return OutlierFlags(rule.text, None, Message(problem, Hint.TOP_BY_LOSS))
        rows |= flagged
    return OutlierFlags(rule.text, rows, mad=mad, bounds=bounds if columns.shape[1] == 1 else None)


Bounds = tuple[float, float]


def _flag_beyond_mad(residual: Array, weight: Array | None, limit: float) -> tuple[Mask | None, float, Bounds]:
    """Return the rows whose modified z-score is above the limit (none where the MAD is 0), the MAD, and the bounds."""
    centre = quantile(residual, weight, 0.5)
    mad = deviation(residual, weight, centre)
    reach = limit * mad / MAD_OF_STANDARD_NORMAL
    bounds = centre - reach, centre + reach
    if not mad > 0:
        return (np.zeros(len(residual), dtype=bool) if not (residual != centre).any() else None), mad, bounds
    beyond = np.empty(len(residual), dtype=bool)
    for part in blocks(len(residual)):
        distance = residual[part] - centre
        np.abs(distance, out=distance)
        distance *= MAD_OF_STANDARD_NORMAL
        np.greater(distance, limit * mad, out=beyond[part])
    return beyond, mad, bounds


def _flag_beyond_quartiles(residual: Array, weight: Array | None, limit: float) -> tuple[Mask | None, Bounds]:
    """Return the rows further from the quartiles than `limit` times their distance (Tukey 1977), and the bounds.

    No rows where that distance is 0.
    """
    first, third = quantiles(residual, weight, (0.25, 0.75))
    reach = limit * (third - first)
    low, high = first - reach, third + reach
    if not third > first:
        return (np.zeros(len(residual), dtype=bool) if residual.min() == residual.max() else None), (low, high)
    return (residual < low) | (residual > high), (low, high)


def robust_scale(residual: Array | None, weight: Array | None, mad: float | None = None) -> float | None:
    """Return 1.4826 MAD of residuals (N,), a standard deviation that outliers do not move; None if 0 or unknown."""
    if residual is None or residual.ndim > 1 or (mad is None and not np.isfinite(residual).all()):
        return None
    if mad is None:
        mad = deviation(residual, weight, quantile(residual, weight, 0.5))
    scale = STD_PER_MAD * mad
    return scale if 0 < scale < math.inf else None


def _flag_top(rule: OutlierRule, subset: RowSubset) -> OutlierFlags:
    """Flag the share of rows with the highest mean rank over the losses."""
    losses = [loss for loss in subset.losses if loss.is_per_sample]
    if not losses:
        return OutlierFlags(rule.text, None, Message("no row has a loss of its own"))
    ranks = np.zeros(len(subset.batch))
    for loss in losses:
        ranks += average_ranks(loss.evaluate()[0].per_sample)
    if np.isnan(ranks).any():
        return OutlierFlags(rule.text, None, Message("the loss of a row is not a number"))
    count = math.ceil(rule.number / 100 * len(ranks))
    rows = np.zeros(len(ranks), dtype=bool)
    rows[np.argsort(-ranks, kind="stable")[:count]] = True
    return OutlierFlags(rule.text, rows)


def average_ranks(values: Array) -> Array:
    """Return ranks (N,) from 1, the smallest; equal values share the mean of theirs. NaN if a value is."""
    if np.isnan(values).any():
        return np.full(len(values), np.nan)
    _, position, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[position], dtype=np.float64)


def _flag_by_column(rule: OutlierRule, subset: RowSubset) -> OutlierFlags:
    """Flag the rows for which a column holds 1, true or yes."""
    batch = subset.batch
    texts = [str(value).strip().lower() if value is not None else "" for value in batch.extras[rule.column]]
    for text, row in zip(texts, batch.rows, strict=True):
        if text not in TRUE_TEXTS + FALSE_TEXTS:
            shown = repr(text) if text else "nothing"
            raise DataError(
                f"column {rule.column!r}, row {row}: {shown} does not say whether the row is an outlier: "
                "1 or 0, true or false"
            )
    return OutlierFlags(rule.text, np.array([text in TRUE_TEXTS for text in texts], dtype=bool))


def is_second_population(count: int, n: int) -> bool:
    """Tell whether so many of n rows are flagged that they are no outliers: more than a fifth."""
    return MOST_OUTLIERS_IN * count > n
