"""Differences of the values of several models, resampled together: all pairs, by the same draws of the same rows.

Of m models there are m (m - 1) / 2 pairs. Each has t = difference / standard error, and in each resample t*, centred at
the difference in the data. All models and all losses share the draws, which keeps the dependence of the pairs.

Up to MAX_ROWS_STUDENTIZED rows (fewer of many models) are drawn as Efron (1979) does, and each resample has standard
errors of its own (Hall 1988). With fixed ones more than 5 % of equal models are told apart at n = 30, and 15 % where
losses are skewed. Of more rows fixed ones are enough. Then rows have normal weights in place of counts (the multiplier
bootstrap: Chernozhukov, Chetverikov & Kato 2013, doi:10.1214/13-AOS1161): sums over so weighted rows are normal with
the covariance of the rows, and are drawn from that at once, however many rows there are.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.statistics.bootstrap import draws
from losscli.statistics.bootstrap.draws import Drawn, FixedPoint
from losscli.statistics.bootstrap.options import (
    DEFAULT_RESAMPLES,
    MAX_ROWS_FOR_DEFAULT_RESAMPLES,
    MIN_ROWS_FOR_LEVEL,
    Resampling,
    min_resamples,
)
from losscli.statistics.ratios import RELATIVE_ROUNDING

MAX_ROWS_STUDENTIZED = MAX_ROWS_FOR_DEFAULT_RESAMPLES
"""Most units whose resamples have standard errors of their own."""

MAX_CELLS_STUDENTIZED = 1 << 17
"""Most units times sums for that: a sum per pair, two per model and two more. So it is 10 models on 1956 rows."""

MAX_CELLS_DRAWN = 1 << 23
"""Most resamples times pairs that are held: of more pairs there are fewer resamples."""

MULTIPLIER = "multiplier"
"""The method whose p are those of the normal distribution, not counted."""

ROWS_PER_SUM = 1 << 12
"""Rows whose products are added at once: they stay in cache."""


class ModelTerms(NamedTuple):
    """One loss of m models on the same u units: rows, or clusters or blocks of them.

    `values` (m,) are the values, less any number that is the same for all. `numerators` (u, m) are what each unit adds
    to their numerators, less any terms that are the same for all models; `denominators` (u,) are what it adds to the
    denominator. A resample draws `size` units. `doubled` (u, m + 1) are numerators and denominators of blocks of twice
    the length, where units are blocks (see `UnitTerms`) of `block` rows.
    """

    values: Array
    numerators: Array
    denominators: Array
    size: int
    doubled: Array | None = None
    block: int | None = None


class PairDraws(NamedTuple):
    """The pairs of m models, in the order of `pairs_of`, and what they came to in each of B resamples.

    `differences` (k,) are those of the first model less the second, `errors` (k,) their standard errors. `is_tested`
    (k,) is False where the rows tell nothing of a pair: all differ by the same, or only a few differ. `resampled`
    (B, k) are |t*|, 0 for pairs that are not tested. `p` (k,) are two-sided; of pairs that are not tested they are 1
    where the models are alike, and nan. `method` is how the resamples were made.
    """

    differences: Array
    errors: Array
    is_tested: NDArray[np.bool_]
    resampled: Array
    p: Array
    method: str

    @property
    def t(self) -> Array:
        """Differences in standard errors (k,), 0 where they are not tested."""
        found = np.zeros(len(self.errors))
        np.divide(self.differences, self.errors, out=found, where=self.is_tested)
        return found


class _Residuals(NamedTuple):
    """Numerators - mean * denominators of units (u, m), at most 1 each, and denominators (u,), at most 1 each.

    `unit` is what a ratio of sums of the two is a multiple of; `doubled` (u, m) is of blocks of twice the length.
    """

    values: Array
    denominators: Array
    unit: float
    doubled: Array | None = None


def pairs_of(models: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and the second model of each pair."""
    return np.triu_indices(models, 1)


def resample_pairs(losses: Sequence[ModelTerms], resampling: Resampling) -> list[PairDraws]:
    """Return the pairs of models under each loss; losses that are on the same units share the draws."""
    found: dict[int, PairDraws] = {}
    batch: list[int] = []
    cells = 0
    for i, loss in enumerate(losses):
        if not _has_own_errors(loss):
            found[i] = _draw_by_covariance(loss, resampling)
            continue
        cells += _count_cells(loss)
        if batch and (cells > MAX_CELLS_STUDENTIZED or not _are_alike(losses[batch[0]], loss)):
            found |= _draw_rows(losses, batch, resampling)
            batch, cells = [], _count_cells(loss)
        batch.append(i)
    if batch:
        found |= _draw_rows(losses, batch, resampling)
    return [found[i] for i in range(len(losses))]


def _are_alike(one: ModelTerms, other: ModelTerms) -> bool:
    """Return whether resamples draw as many of as many units."""
    return len(one.numerators) == len(other.numerators) and one.size == other.size


def draw_normal(
    values: Array, errors: Array, covariance: Array, is_tested: NDArray[np.bool_], resampling: Resampling
) -> PairDraws:
    """Return the pairs of models (m,) whose values are normal with a covariance (m, m), or any multiple of it.

    `errors` (k,) are the standard errors of the pairs. Their p are those of the normal distribution.
    """
    first, second = pairs_of(len(values))
    resamples = min(resampling.resamples or DEFAULT_RESAMPLES, max(MAX_CELLS_DRAWN // len(first), 1))
    resamples = max(resamples, min_resamples(resampling.level))
    factor = _triangular_factor(covariance)
    reaches = factor[first] - factor[second]
    lengths = np.sqrt((reaches**2).sum(axis=1))
    if len(first) == 1:  # its distribution is known: no draw is nearer to it than its quantiles
        drawn = _normal_quantiles(resamples)[:, None] * is_tested
    else:
        drawn = np.abs(draws.normal(resamples, len(values), resampling.seed) @ reaches.T)
        drawn /= np.where(is_tested & (lengths > 0), lengths, np.inf)
    differences = values[first] - values[second]
    found = PairDraws(differences, errors, is_tested, drawn, np.empty(0), MULTIPLIER)
    tails = [max(math.erfc(abs(t) / math.sqrt(2)), sys.float_info.min) for t in found.t]  # small, and never 0
    return found._replace(p=_p_of_untested(found, np.array(tails)))


def pairs_of_draws(values: Array, drawn: Array) -> PairDraws:
    """Return the pairs of models (m,) whose values are known in each resample (B, m): as medians are.

    Their standard errors are those of the draws.
    """
    first, second = pairs_of(len(values))
    differences = values[first] - values[second]
    gaps = drawn[:, first] - drawn[:, second]
    errors = gaps.std(axis=0)
    is_tested = errors > 0
    resampled = np.abs(gaps - differences) / np.where(is_tested, errors, np.inf)
    return _with_counted_p(PairDraws(differences, errors, is_tested, resampled, np.empty(0), "fixed error"))


def _normal_quantiles(count: int) -> Array:
    """Return the quantiles of |z| at 1 / (count + 1), 2 / (count + 1), ..."""
    from statistics import NormalDist

    normal = NormalDist()
    return np.array([normal.inv_cdf((1 + k / (count + 1)) / 2) for k in range(1, count + 1)])


def _count_cells(loss: ModelTerms) -> int:
    """Return the units times the sums that a resample needs of each."""
    models: int = loss.numerators.shape[1]
    return len(loss.numerators) * (models * (models - 1) // 2 + 2 * models + 2)


def _has_own_errors(loss: ModelTerms) -> bool:
    """Return whether resamples have standard errors of their own."""
    return len(loss.numerators) <= MAX_ROWS_STUDENTIZED and _count_cells(loss) <= MAX_CELLS_STUDENTIZED


def _resamples_of_rows(pairs: int, resampling: Resampling) -> int:
    """Return how often rows are drawn: so often that p can be small after Holm, as long as the draws can be held."""
    enough = max(DEFAULT_RESAMPLES, min_resamples(1 - (1 - resampling.level) / pairs))
    return resampling.resamples or max(min(enough, MAX_CELLS_DRAWN // pairs), min_resamples(resampling.level))


def _largest(values: Array) -> float:
    """Return the largest absolute value; 1 if all are 0."""
    return float(max(values.max(initial=0.0), -values.min(initial=0.0))) or 1.0


def _residuals(loss: ModelTerms) -> _Residuals:
    """Return the residuals of the units; no square of them overflows."""
    tops = _largest(loss.numerators), _largest(loss.denominators)
    residuals, denominators = loss.numerators / tops[0], loss.denominators / tops[1]
    total = math.fsum(denominators) or 1.0
    add_up = math.fsum if len(residuals) <= MAX_ROWS_STUDENTIZED else np.sum  # of many rows it takes long
    means = np.array([add_up(column) for column in residuals.T]) / total
    for i, mean in enumerate(means):  # in place: there are as many numbers as predictions
        residuals[:, i] -= mean * denominators
    doubled = None
    if loss.doubled is not None:
        doubled = loss.doubled[:, :-1] / tops[0] - means * (loss.doubled[:, -1:] / tops[1])
    return _Residuals(residuals, denominators, float(tops[0] / tops[1]), doubled)


class _PairSums(NamedTuple):
    """Of each pair (k,): the standard error, and how many units it rests on (Kish's effective sample size)."""

    errors: Array
    rests_on: Array


def _pair_sums(loss: ModelTerms, residuals: _Residuals) -> _PairSums:
    """Add up the squares of all pairs, some units at a time; an error of 0 is of units that differ by the same."""
    units, models = loss.numerators.shape
    squares, fourth_powers, sizes = np.zeros((3, models, models))
    scale = _largest(loss.numerators)
    for start in range(0, units, ROWS_PER_SUM):
        mine = np.ascontiguousarray(residuals.values[start : start + ROWS_PER_SUM].T)  # sums of rows are fast
        given = np.ascontiguousarray(loss.numerators[start : start + ROWS_PER_SUM].T) / scale
        for i in range(models - 1):
            squared = np.square(mine[i + 1 :] - mine[i])
            squares[i, i + 1 :] += squared.sum(axis=1)
            fourth_powers[i, i + 1 :] += np.square(squared, out=squared).sum(axis=1)
            sizes[i, i + 1 :] += np.square(given[i + 1 :] - given[i]).sum(axis=1)
    pairs = pairs_of(models)
    squares[squares <= RELATIVE_ROUNDING * sizes] = 0.0
    corrected = squares
    if residuals.doubled is not None:  # see UnitTerms.error_of_sum
        doubled = np.zeros((models, models))
        for start in range(0, units, ROWS_PER_SUM):
            mine = residuals.doubled[start : start + ROWS_PER_SUM]
            for i in range(models - 1):
                doubled[i, i + 1 :] += ((mine[:, i + 1 :] - mine[:, i : i + 1]) ** 2).sum(axis=0)
        corrected = np.where(squares > 0, np.maximum(doubled - squares, squares), 0.0)
    with np.errstate(all="ignore"):
        errors = np.sqrt(corrected[pairs] * (units / loss.size)) / math.fsum(residuals.denominators) * residuals.unit
        rests_on = squares[pairs] ** 2 / fourth_powers[pairs]
    return _PairSums(np.where(squares[pairs] > 0, errors, 0.0), rests_on)


def _draw_by_covariance(loss: ModelTerms, resampling: Resampling) -> PairDraws:
    """Return the pairs of a loss by the multiplier bootstrap."""
    residuals = _residuals(loss)
    sums = _pair_sums(loss, residuals)
    parts = (residuals.values[start : start + ROWS_PER_SUM] for start in range(0, len(residuals.values), ROWS_PER_SUM))
    covariance = sum((part.T @ part for part in parts), np.zeros((len(loss.values),) * 2))
    is_tested = (sums.errors > 0) & (sums.rests_on >= MIN_ROWS_FOR_LEVEL)
    return draw_normal(loss.values, sums.errors, covariance, is_tested, resampling)


def _draw_rows(losses: Sequence[ModelTerms], chosen: Sequence[int], resampling: Resampling) -> dict[int, PairDraws]:
    """Return the pairs of the losses chosen by resamples of units, each with standard errors of its own."""
    columns: list[Array] = []
    sums: list[_PairSums] = []
    for i in chosen:
        residuals = _residuals(losses[i])
        first, second = pairs_of(len(losses[i].values))
        squares = (residuals.values[:, first] - residuals.values[:, second]) ** 2
        below = residuals.denominators[:, None]  # of rows without weights equal to other columns, which are added once
        columns.append(np.hstack([residuals.values, residuals.values * below, below, below**2, squares]))
        sums.append(_pair_sums(losses[i], residuals))
    fixed = FixedPoint.of(np.concatenate(columns, axis=1))
    ends = np.cumsum([each.shape[1] for each in columns])[:-1]
    models = [len(losses[i].values) for i in chosen]
    units = len(columns[0])
    del columns

    def statistics(drawn: Drawn) -> Array:
        """Return |t*| of all pairs of all losses (b, K)."""
        parts = np.split(fixed.restored(fixed.totals(drawn)), ends, axis=1)
        return np.concatenate([_t_of_resamples(*each) for each in zip(parts, models, strict=True)], axis=1)

    most_pairs = max(len(each.errors) for each in sums)
    counts = draws.multinomial(units, resampling.seed, losses[chosen[0]].size)
    resampled = draws.over_resamples(counts, units, _resamples_of_rows(most_pairs, resampling), statistics)
    ends = np.cumsum([len(each.errors) for each in sums])[:-1]
    return {
        i: _tested_pairs(losses[i].values, of_pairs.errors, mine, resampling)
        for i, of_pairs, mine in zip(chosen, sums, np.split(resampled, ends, axis=1), strict=True)
    }


def _t_of_resamples(sums: Array, models: int) -> Array:
    """Return the |t*| of each pair (b, k) from the sums over resamples; infinite where one has no spread."""
    residuals, crossed, totals, squares = np.split(sums, [models, 2 * models, 2 * models + 2], axis=1)
    first, second = pairs_of(models)
    gaps = residuals[:, first] - residuals[:, second]
    with np.errstate(all="ignore"):
        shifts = gaps / totals[:, :1]
        around = squares - 2 * shifts * (crossed[:, first] - crossed[:, second]) + shifts**2 * totals[:, 1:]
        around[around <= RELATIVE_ROUNDING * (squares + shifts**2 * totals[:, 1:])] = 0.0
        t = np.abs(gaps) / np.sqrt(around)
    return np.where(gaps == 0, 0.0, np.where(np.isnan(t), np.inf, t))


def _tested_pairs(values: Array, errors: Array, resampled: Array, resampling: Resampling) -> PairDraws:
    """Return the pairs by their resamples.

    A pair that too often has no spread could not be told apart whatever its difference: it would hide all others.
    """
    first, second = pairs_of(len(values))
    without_spread = np.isinf(resampled).mean(axis=0)
    is_tested = (errors > 0) & (without_spread <= (1 - resampling.level) / len(errors))
    resampled = np.where(is_tested, resampled, 0.0)
    differences = values[first] - values[second]
    return _with_counted_p(PairDraws(differences, errors, is_tested, resampled, np.empty(0), "studentized"))


def _with_counted_p(pairs: PairDraws) -> PairDraws:
    """Return the pairs with the share of the resamples that reach their |t|, theirs among them."""
    reached = np.count_nonzero(pairs.resampled >= np.abs(pairs.t), axis=0)
    return pairs._replace(p=_p_of_untested(pairs, (1 + reached) / (1 + len(pairs.resampled))))


def _p_of_untested(pairs: PairDraws, p: Array) -> Array:
    """Return p, of pairs that are not tested 1 where their models are alike in every row, else nan."""
    is_alike = (pairs.errors == 0) & (pairs.differences == 0)
    return np.where(pairs.is_tested, p, np.where(is_alike, 1.0, np.nan))


def _triangular_factor(covariance: Array) -> Array:
    """Return L (m, m) with L L' = covariance, which may be singular (Cholesky; what is rounding is left out)."""
    factor = np.zeros_like(covariance)
    for j in range(len(covariance)):
        left = covariance[j:, j] - factor[j:, :j] @ factor[j, :j]
        if left[0] > RELATIVE_ROUNDING * covariance[j, j]:
            factor[j:, j] = left / math.sqrt(left[0])
    return factor
