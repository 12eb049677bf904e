"""What a loss would be if some rows were far off, and whether it has a bound."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from losscli.compare.subset import LossOnRows
from losscli.declaration.domains import Mask
from losscli.declaration.properties import Property, Reduction
from losscli.errors import LosscliError
from losscli.results import finite_or_none
from losscli.statistics.quantiles import quantile

STRESS_DISTANCE = 10.0
"""How far off the predictions of rows are put, in robust standard deviations."""

CONTAMINATION = 0.01
"""The share of rows that are put there."""

PROBE_DISTANCES = (1e9, 1e12)
"""How far off rows are put to see whether a loss still grows, in robust standard deviations."""

PROBED_ROWS = 8


def stress(loss: LossOnRows, inliers: Mask | None, scale: float | None, inlier_value: float | None) -> float | None:
    """Return what multiplies the value over inliers if one in a hundred of them is 10 standard deviations off.

    None where that is outside of the loss's domain; see `stress_at`.
    """
    return stress_at((STRESS_DISTANCE,), loss, inliers, scale, inlier_value)[0]


def stress_at(
    distances: Sequence[float], loss: LossOnRows, inliers: Mask | None, scale: float | None, inlier_value: float | None
) -> list[float | None]:
    """Return what multiplies the value over inliers if one in a hundred of them is so many standard deviations off.

    Of a mean that is (0.99 L_in + 0.01 L_far) / L_in, L_far being the mean of both sides; of another reduction, the
    reduction of rows mixed in this way. None where that is outside of the loss's domain.
    """
    is_residual = loss.evaluator.bound.loss.of_residual
    if inlier_value is None or scale is None or not is_residual or not 0 < inlier_value < math.inf:
        return [None for _ in distances]
    found = [_mixed_value(loss, inliers, (-k * scale, k * scale), inlier_value) for k in distances]
    return [None if mixed is None else finite_or_none(mixed / inlier_value) for mixed in found]


def _mixed_value(
    loss: LossOnRows, inliers: Mask | None, distances: tuple[float, float], inlier_value: float
) -> float | None:
    """Return the value of inliers of which one in a hundred is that far off."""
    if loss.reduction is Reduction.MEDIAN:
        return _mixed_median(loss, inliers, distances)
    far = _values_far_off(loss, inliers, distances)
    if far is None:
        return None
    if loss.reduction is Reduction.MAX:
        return max(inlier_value, *far)
    mean_of = loss.reduction.mean_of
    inside, outside = mean_of(inlier_value), sum(mean_of(value) for value in far)
    return loss.reduction.of_mean((1 - CONTAMINATION) * inside + CONTAMINATION * outside / len(far))


def _values_far_off(loss: LossOnRows, inliers: Mask | None, distances: tuple[float, float]) -> list[float] | None:
    """Return the loss with all predictions that far off, on either side; None if a value is not finite."""
    if Property.TRANSLATION_INVARIANT in loss.evaluator.bound.properties:  # one row is like all others
        row = loss.batch.take(slice(0, 1))
        row = row.changed(y_true=np.zeros_like(row.arrays["y_true"]))
        loss, inliers = LossOnRows(loss.evaluator, row, loss.asked_reduction), None
    values = []
    for distance in distances:
        value = loss.value_if_predicted(distance, "y_true", inliers)
        if value is None or not math.isfinite(value):
            return None
        values.append(value)
    return values


def _mixed_median(loss: LossOnRows, inliers: Mask | None, distances: tuple[float, float]) -> float | None:
    """Return the median of the inliers as they are and far off, weighted by how many of them are so."""
    rows = loss.batch if inliers is None or inliers.all() else loss.batch.take(inliers)
    try:
        outcomes = [loss.evaluator(rows)]
        outcomes += [loss.evaluator(rows.changed(y_pred=rows.arrays["y_true"] + shift)) for shift in distances]
    except LosscliError:
        return None
    weight = np.ones(len(rows)) if rows.weight is None else rows.weight
    shares = (1 - CONTAMINATION, CONTAMINATION / 2, CONTAMINATION / 2)
    values = np.concatenate([outcome.per_sample for outcome in outcomes])
    return quantile(values, np.concatenate([weight * share for share in shares]), 0.5)


def is_bounded(loss: LossOnRows, scale: float | None, hook: str) -> bool | None:
    """Return whether no row can make the number (or the gradient, with the hook of that name) arbitrarily large.

    The loss declares it for its parameters. A loss of a residual that declares nothing is tried; of others it is
    unknown (None). A median is out of reach of a row that has less than half of the weight.
    """
    bound, form = loss.evaluator.bound, loss.evaluator.form
    if hook and hook not in form.hooks:
        return None
    if not hook and (loss.asked_reduction == "median" or bound.loss.reduction is Reduction.MEDIAN):
        if loss.asked_reduction == "sum":
            return False
        weight = loss.batch.weight
        heaviest = 1 / len(loss.batch) if weight is None else float(weight.max() / weight.sum())
        return heaviest < 0.5
    if bound.loss.declares_properties:
        claim = Property.BOUNDED_GRADIENT if hook else Property.BOUNDED_VALUE
        return claim in bound.properties_of(form)
    if not bound.loss.of_residual or form.coupled:
        return None
    near, far = (_largest_at_distance(loss, hook, distance * (scale or 1.0)) for distance in PROBE_DISTANCES)
    return None if near is None or far is None else far <= near * (1 + 1e-6) and math.isfinite(far)


def _largest_at_distance(loss: LossOnRows, hook: str, distance: float) -> float | None:
    """Return the largest value or gradient of some rows that far off, on the sides that are in the domain."""
    rows, found = loss.batch.take(slice(0, PROBED_ROWS)), []
    for shift in (-distance, distance):
        try:
            with np.errstate(all="ignore"):
                outcome = loss.evaluator(rows.changed(y_pred=rows.arrays["y_true"] + shift), gradient=bool(hook))
        except LosscliError:
            continue
        values = outcome.gradient if hook else outcome.per_sample
        assert values is not None
        found.append(float(np.abs(values).max()))
    return max(found) if found else None
