"""Outlier rows by their residuals, and bins of residuals of which some hold exactly those rows."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.compare.outliers import (
    DEFAULT_RESIDUAL_RULE,
    STD_PER_MAD,
    OutlierFlags,
    OutlierRule,
    flag_by_residual,
    parse_outlier_rule,
    robust_scale,
)
from losscli.declaration.domains import Array
from losscli.errors import UsageError
from losscli.plot.scales import MINUS, human_number
from losscli.statistics.keyed_sums import SumsByKey
from losscli.statistics.quantiles import deviation, quantile

BINS_BETWEEN_BOUNDS = 11
"""Most bins of the rows that are no outliers: odd, so that one of them holds the centre."""

BINS_BEYOND_BOUND = 4
"""Most bins of the outlier rows of one side."""

STD_SHOWN = 6.0
"""How far the bins reach from the centre, in robust standard deviations, unless the bounds of outliers are there."""


class ResidualBins(NamedTuple):
    """Bins of residuals.

    Attributes:
        edges: The edges of the bins (k + 1,); the outermost may hold rows beyond.
        bin_of: The bin of each entry of the table (entries,).
        is_outlier: Which bins hold outlier rows (k,): these only, and all of them.
        is_open: Whether the first and the last bin hold rows beyond their edges.
    """

    edges: Array
    bin_of: NDArray[np.intp]
    is_outlier: tuple[bool, ...]
    is_open: tuple[bool, bool]

    def totals(self, values: Array) -> Array:
        """Return the sum of values (entries,) in each bin (k,)."""
        return np.asarray(np.bincount(self.bin_of, values, len(self.edges) - 1), dtype=np.float64)

    def texts(self) -> tuple[str, ...]:
        """Return the range of each bin."""
        width = float(np.diff(self.edges).min())
        ends = [edge_text(edge, width) for edge in self.edges.tolist()]
        texts = [f"{low} to {high}" for low, high in pairwise(ends)]
        if len(texts) > 1:
            texts[0] = f"below {ends[1]}" if self.is_open[0] else texts[0]
            texts[-1] = f"above {ends[-2]}" if self.is_open[1] else texts[-1]
        return tuple(texts)


def residual_rule(text: str | None) -> OutlierRule:
    """Return a rule that flags rows by their residuals, `mad:3.5` by default.

    Raises:
        UsageError: The rule is unknown, or flags rows by something else.
    """
    rule = DEFAULT_RESIDUAL_RULE if text is None else parse_outlier_rule(text)
    if rule.name not in ("mad", "iqr"):
        raise UsageError("a picture of residuals takes mad:NUMBER or iqr:NUMBER", option=("outliers", text))
    return rule


def rule_text(rule: OutlierRule) -> str:
    """Say which rows a rule flags."""
    number = human_number(rule.number)
    if rule.name == "mad":
        return f"beyond {number} robust sd"
    return f"more than {number} interquartile range{'' if rule.number == 1 else 's'} beyond the quartiles"


def key_and_weight(table: SumsByKey, is_weighted: bool) -> tuple[Array, Array | None]:
    """Return the keys and weights (entries,) of a table; None for rows without weights."""
    return table.key, None if table.is_exact and not is_weighted else table.weight


def flag_entries(rule: OutlierRule, table: SumsByKey, is_weighted: bool) -> OutlierFlags:
    """Flag the entries of a table by residual, as `compare` flags rows; buckets by the mean of their residuals."""
    return flag_by_residual(rule, *key_and_weight(table, is_weighted))


def width_unit(flags: OutlierFlags, table: SumsByKey) -> float:
    """Return a standard deviation of the residuals that outliers do not move: greater than 0, unless all are equal."""
    known = np.isfinite(table.key)
    key, weight = table.key[known], table.weight[known]
    scale = robust_scale(key, weight, flags.mad)
    if scale is not None or not key.size:
        return scale or 0.0
    centre = quantile(key, weight, 0.5)
    is_apart = key != centre
    return STD_PER_MAD * deviation(key[is_apart], weight[is_apart], centre) if is_apart.any() else 0.0


def bin_residuals(flags: OutlierFlags, table: SumsByKey) -> ResidualBins:
    """Return bins of the residuals of a table that has rows: the bounds of outlier rows are edges."""
    finite = table.key[np.isfinite(table.key)]
    lowest, highest = (float(finite[0]), float(finite[-1])) if finite.size else (0.0, 0.0)
    sd = width_unit(flags, table)
    if not (0 < sd < math.inf) or lowest == highest:
        return one_bin(table, lowest, highest)
    if flags.rows is None or flags.bounds is None:
        centre = quantile(finite, table.weight[np.isfinite(table.key)], 0.5)
        below = above = np.zeros(len(table.key), dtype=bool)
        low, high = -math.inf, math.inf
    else:
        low, high = flags.bounds
        centre = low + (high - low) / 2
        below, above = flags.rows & (table.key < centre), flags.rows & (table.key > centre)
    start = low if below.any() else max(lowest, centre - STD_SHOWN * sd)
    stop = high if above.any() else min(highest, centre + STD_SHOWN * sd)
    n_rows = float(table.n_rows.sum())
    inner = max(1, min(BINS_BETWEEN_BOUNDS, math.ceil(2 * math.sqrt(n_rows)), round((stop - start) / sd * 1.6)))
    width = (stop - start) / inner
    lower = outer_edges(low - lowest, low - (centre - STD_SHOWN * sd), width) if below.any() else np.empty(0)
    upper = outer_edges(highest - high, centre + STD_SHOWN * sd - high, width) if above.any() else np.empty(0)
    edges = np.concatenate([start - lower[::-1], np.linspace(start, stop, inner + 1), stop + upper])
    if not np.isfinite(edges).all() or not (np.diff(edges) > 0).all():
        return one_bin(table, lowest, highest)
    index = np.searchsorted(edges, table.key, side="right") - 1
    first, last = len(lower), len(lower) + inner - 1
    # the rule decides at the bounds, to the last digit
    index = np.where(below, np.clip(index, 0, first - 1), np.clip(index, first, last))
    index = np.where(above, np.clip(np.searchsorted(edges, table.key, side="right") - 1, last + 1, None), index)
    index = np.clip(index, 0, len(edges) - 2)
    is_outlier = [i < first or i > last for i in range(len(edges) - 1)]
    is_open = bool(table.key[0] < edges[0]), bool(table.key[-1] > edges[-1])
    return ResidualBins(edges, index, tuple(is_outlier), is_open)


def outer_edges(extent: float, shown: float, width: float) -> Array:
    """Return the distances from the bound (m,) of the edges beyond it: as far as rows are, or as is shown."""
    reach = min(extent, max(shown, width))
    wide = max(width, reach / BINS_BEYOND_BOUND)
    return np.arange(1.0, math.ceil(reach / wide * (1 - 1e-9)) + 1) * wide


def one_bin(table: SumsByKey, lowest: float, highest: float) -> ResidualBins:
    """Return one bin for all rows."""
    half = max((highest - lowest) / 2, 0.05 * abs(highest), 0.05 * abs(lowest)) or 0.5
    middle = lowest + (highest - lowest) / 2
    return ResidualBins(
        np.array([middle - half, middle + half]), np.zeros(len(table.key), dtype=np.intp), (False,), (False, False)
    )


def edge_text(edge: float, width: float) -> str:
    """Return an edge with as many decimals as the width of the bins needs."""
    decimals = max(0, 1 - math.floor(math.log10(width))) if width > 0 else 0
    if abs(edge) >= 1e7 or decimals > 6:
        return human_number(edge, max(3, math.ceil(math.log10(max(abs(edge) / width, 1.0))) + 1))
    text = f"{abs(edge):,.{decimals}f}".replace(",", "\u00a0")
    return MINUS + text if edge < 0 and float(f"{abs(edge):.{decimals}f}") else text
