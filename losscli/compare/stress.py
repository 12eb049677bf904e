"""What a loss would come to, were some of its rows far off."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from losscli.compare.subset import PredictionFn, RowSubset
from losscli.data.batch import Batch
from losscli.declaration.domains import Array, Mask
from losscli.declaration.loss import Property, Reduction
from losscli.errors import LosscliError
from losscli.statistics.quantiles import quantile

FAR = 10.0
"""How many standard deviations away a row is put."""

CONTAMINATION = 0.01
"""The share of rows that is put there."""


def stress(
    kept: RowSubset, i: int, inliers: Mask | None, scale: float | None, inlier_value: float | None
) -> float | None:
    """What the value over the other rows would be multiplied by, were one in a hundred 10 standard deviations away.

    Of a mean (0.99 L_in + 0.01 L_far) / L_in, L_far being the mean of both sides; of what is no mean, the reduction of
    rows so mixed. None where that is outside of the loss's domain.
    """
    if (
        inlier_value is None
        or scale is None
        or not kept.run.evaluators[i].bound.loss.of_residual
        or not 0 < inlier_value < math.inf
    ):
        return None
    sides = [partial(_beside, side * FAR * scale) for side in (-1, 1)]
    mixed = MIXTURES[kept.reduction(i)](kept, i, inliers, inlier_value, sides)
    return None if mixed is None or not math.isfinite(mixed / inlier_value) else mixed / inlier_value


def _beside(distance: float, rows: Batch) -> Array:
    return np.asarray(rows.arrays["y_true"] + distance)


def _far(kept: RowSubset, i: int, inliers: Mask | None, sides: Sequence[PredictionFn]) -> list[float] | None:
    """The value with all rows far off, on either side; one row tells that of a loss of the residual alone."""
    if Property.TRANSLATION_INVARIANT in kept.run.evaluators[i].bound.properties:
        first = kept.batch.take(slice(0, 1))
        kept = RowSubset(kept.run, first.changed(y_true=np.zeros_like(first.arrays["y_true"])))
        inliers = None
    found = [kept.value_if_predicted(i, side, inliers) for side in sides]
    values = [value for value in found if value is not None and math.isfinite(value)]
    return values if len(values) == len(sides) else None


def _of_means(
    kept: RowSubset, i: int, inliers: Mask | None, inlier_value: float, sides: Sequence[PredictionFn]
) -> float | None:
    far = _far(kept, i, inliers, sides)
    return None if far is None else (1 - CONTAMINATION) * inlier_value + CONTAMINATION * sum(far) / len(far)


def _of_roots(
    kept: RowSubset, i: int, inliers: Mask | None, inlier_value: float, sides: Sequence[PredictionFn]
) -> float | None:
    far = _far(kept, i, inliers, sides)
    if far is None:
        return None
    squares = sum(value * value for value in far) / len(far)
    return math.sqrt((1 - CONTAMINATION) * inlier_value * inlier_value + CONTAMINATION * squares)


def _of_maxima(
    kept: RowSubset, i: int, inliers: Mask | None, inlier_value: float, sides: Sequence[PredictionFn]
) -> float | None:
    far = _far(kept, i, inliers, sides)
    return None if far is None else max(inlier_value, *far)


def _of_medians(
    kept: RowSubset, i: int, inliers: Mask | None, inlier_value: float, sides: Sequence[PredictionFn]
) -> float | None:
    """The rows as they are and as they would be, weighted by how many are so."""
    others = kept.batch if inliers is None or inliers.all() else kept.batch.take(inliers)
    evaluator = kept.run.evaluators[i]
    try:
        parts = [evaluator(others), *(evaluator(others.changed(y_pred=side(others))) for side in sides)]
    except LosscliError:
        return None
    weight = np.ones(len(others)) if others.weight is None else others.weight
    shares = (1 - CONTAMINATION, CONTAMINATION / 2, CONTAMINATION / 2)
    values = np.concatenate([part.per_sample for part in parts])
    return quantile(values, np.concatenate([weight * share for share in shares]), 0.5)


MIXTURES: dict[Reduction, Callable[[RowSubset, int, Mask | None, float, Sequence[PredictionFn]], float | None]] = {
    Reduction.MEAN: _of_means, Reduction.ROOT_MEAN: _of_roots, Reduction.MAX: _of_maxima,
    Reduction.MEDIAN: _of_medians,
}  # fmt: skip
"""How a loss becomes a number -> what it would be of rows of which one in a hundred is far off."""
