"""What each row adds to the value of a loss for each of several models, and what of it is resampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from losscli.compare.shift import SMALL_STEP
from losscli.compare.subset import LossOnRows
from losscli.data.batch import Batch
from losscli.declaration.domains import Array
from losscli.declaration.properties import Property, Reduction
from losscli.evaluation.outcome import Outcome
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD
from losscli.statistics.bootstrap.options import AUTO, Resampling
from losscli.statistics.bootstrap.units import block_length, unit_terms
from losscli.statistics.simultaneous import ModelTerms

ROUNDING_OF_LOSSES = 16 * float(np.finfo(float).eps)
"""Relative difference of two losses that may be rounding, where no digits are lost between y_true and y_pred."""

MOST_DIGITS_LOST = 1e6
"""How many times that it may be where they are alike."""


class RatioTerms(NamedTuple):
    """A loss of one model as a ratio of sums over rows: numerators (N,) and denominators (N,), weighted."""

    numerator: Array
    denominator: Array


def ratio_terms(outcome: Outcome, batch: Batch) -> RatioTerms:
    """Return what each row adds to the two sums."""
    values = outcome.counted_losses()
    if outcome.counted is None and batch.weight is None:
        weight = np.broadcast_to(1.0, len(batch))  # takes no memory
    else:
        weight = np.ones(len(batch)) if outcome.counted is None else outcome.counted.astype(np.float64)
        weight = weight if batch.weight is None else weight * batch.weight
        values = values * weight
    return RatioTerms(values, weight if outcome.denominator is None else weight * outcome.denominator)


def excess_terms(losses: Mapping[str, LossOnRows], terms: Mapping[str, RatioTerms]) -> dict[str, RatioTerms]:
    """Return the terms of models with the first one's losses subtracted row by row.

    Next to the loss of one absurd target a mean has no digits left for the other rows. Where the difference has none
    left for that row either, it is the mean of the slopes times the difference of the predictions. Other
    differences as small are rounding: of predictions that are as much too high as others are too low.
    """
    first, *others = terms
    found = {first: terms[first]._replace(numerator=np.zeros_like(terms[first].numerator))}
    evaluator, batch = losses[first].evaluator, losses[first].batch
    y_true, y_pred = (batch.arrays.get(role, np.empty(0)) for role in ("y_true", "y_pred"))
    is_straight = Property.TRANSLATION_INVARIANT in evaluator.bound.properties and "gradient" in evaluator.form.hooks
    has_errors = is_straight and y_true.size > 0 and y_pred.size == len(batch)
    for model in others:
        rises = terms[model].numerator - terms[first].numerator
        sizes = np.abs(terms[first].numerator)
        if has_errors:  # of y_true and y_pred, which are larger than what is between them
            with np.errstate(all="ignore"):
                lost = (np.maximum(np.abs(y_pred), np.abs(y_true)) / np.abs(y_pred - y_true)).reshape(-1)
                sizes = sizes * lost.clip(1.0, MOST_DIGITS_LOST)
        rises[np.abs(rises) <= ROUNDING_OF_LOSSES * sizes] = 0.0
        if has_errors:
            step = (losses[model].batch.arrays["y_pred"] - y_pred).reshape(-1)
            far = np.flatnonzero(np.abs(step) < SMALL_STEP * np.abs(y_pred - y_true).reshape(-1))
            slopes = [evaluator(losses[m].batch.take(far), gradient=True).gradient for m in (first, model) if far.size]
            for slope in slopes:
                assert slope is not None
                weight = 1.0 if batch.weight is None else batch.weight[far]
                rises[far] = (0.0 if slope is slopes[0] else rises[far]) + slope.reshape(-1) / 2 * step[far] * weight
        found[model] = terms[model]._replace(numerator=rises)
    return found


def excess_values(
    terms: Mapping[str, RatioTerms], values: Mapping[str, float], reduction: Reduction
) -> dict[str, float]:
    """Return by how much equal values differ, of models whose terms are above those of one of them."""
    return {
        model: float(term.numerator.sum() / term.denominator.sum() * reduction.slope(values[model]))
        for model, term in terms.items()
    }


def terms_to_resample(
    terms: Mapping[str, RatioTerms],
    values: Mapping[str, float],
    differences: Mapping[str, float],
    reduction: Reduction,
    batch: Batch,
    resampling: Resampling,
) -> ModelTerms:
    """Return the terms of the models on what is resampled whole, less those of the first model, row by row.

    The root or the exponential of a mean is a mean of slopes to first order (the delta method). Denominators are those
    of the first model; where others differ, the residuals of the ratios stand for the numerators. Blocks that are
    `auto` are as long as one of the differences to the first model needs.
    """
    first = next(iter(terms.values()))
    both, rows, block = np.empty((len(batch), len(terms) + 1)), batch.rows, None
    numerators = both[:, :-1]
    for i, (model, term) in enumerate(terms.items()):
        column = term.numerator * reduction.slope(values[model])
        if term.denominator is not first.denominator and not np.array_equal(term.denominator, first.denominator):
            sums = float(column.sum()), float(term.denominator.sum()), float(first.denominator.sum())
            column = (column - sums[0] / sums[1] * term.denominator) * (sums[2] / sums[1])
        numerators[:, i] = column
    numerators -= numerators[:, :1].copy()
    both[:, -1] = first.denominator
    if resampling.block is not None:  # blocks are of the rows that count
        counted = (numerators != 0).any(axis=1) | (first.denominator != 0)
        both, rows = both[counted], rows[counted]
    if resampling.block == AUTO:
        residuals = both[:, 1:-1] - both[:, 1:-1].sum(axis=0) / (both[:, -1].sum() or 1.0) * both[:, -1:]
        block = block_length(residuals[:MAX_ROWS_HELD])
    block = resampling.block if block is None and isinstance(resampling.block, int) else block
    units = unit_terms(both, rows, batch.clusters(resampling.cluster), resampling, block)
    shifts = np.array([differences[model] for model in terms])
    return ModelTerms(shifts, units.terms[:, :-1], units.terms[:, -1], units.size, units.doubled, block)
