"""Numerically stable functions for kernels, named after what they compute. Arrays are float64 and may be infinite."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from losscli.declaration.domains import Array, Mask
from losscli.declaration.memo import BATCH_CACHE
from losscli.declaration.properties import Claim, Property

Arrays = ParamSpec("Arrays")
Cached = TypeVar("Cached")

SERIES_RADIUS = 0.05
"""Series replace formulas that cancel where their argument is smaller."""

HUGE = float(np.finfo(float).max)
SMALLEST = float(np.finfo(float).smallest_subnormal)


CLIPPED = Claim(
    Property.BOUNDED_VALUE | Property.BOUNDED_GRADIENT,
    "from_logits=false and eps > 0",
    lambda *, from_logits, eps, **_: not from_logits and eps > 0,
)
"""A probability is not below eps, so neither is the logarithm as low as one likes, nor the slope as steep."""


def weigh(weight: Array, value: Array) -> Array:
    """Return `weight * value`, treating 0 · inf as 0."""
    product = np.asarray(weight * value)
    return product if np.isfinite(product.sum()) else np.where(weight == 0, 0.0, product)


def given_one(of_rows: Array | None, of_all: float | None) -> Array:
    """Return a role, or the parameter that stands for it in all rows."""
    return np.asarray(of_all if of_rows is None else of_rows, dtype=np.float64)


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return a + b and its rounding error."""
    total = a + b
    moved = total - a
    return total, (a - (total - moved)) + (b - moved)


SPLITTER = 2.0**27 + 1


def two_square(a: Array) -> tuple[Array, Array]:
    """Return a² and its rounding error, for numbers between 1e-100 and 1e100 or 0."""
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    low = a - high
    square = a * a
    return square, ((high * high - square) + 2 * high * low) + low * low


def cached_per_batch(function: Callable[Arrays, Cached]) -> Callable[Arrays, Cached]:
    """Share the results of a function of arrays among the losses of a batch; nobody can write to them."""

    @wraps(function)
    def look_up(*arrays: Arrays.args, **none: Arrays.kwargs) -> Cached:
        cache = BATCH_CACHE.get()
        if cache is None:
            return function(*arrays, **none)
        key = (function, *map(id, arrays))
        if key not in cache:  # the arrays are kept with it, so that no other array gets their identity
            result = function(*arrays, **none)
            results: tuple[Any, ...] = result if isinstance(result, tuple) else (result,)
            for array in results:
                array.setflags(write=False)
            cache[key] = arrays, result
        cached: Cached = cache[key][1]
        return cached

    return look_up


@cached_per_batch
def residual(y_true: Array, y_pred: Array) -> Array:
    """Compute e = y_pred - y_true."""
    return y_pred - y_true


@cached_per_batch
def exp_minus_abs(x: Array) -> Array:
    """Compute exp -|x|."""
    return np.asarray(np.exp(-np.abs(x)))


def softplus(x: Array) -> Array:
    """Compute log(1 + exp x)."""
    return np.maximum(x, 0) + np.log1p(exp_minus_abs(x))


@cached_per_batch
def softplus_pair(x: Array) -> tuple[Array, Array]:
    """Compute log(1 + exp x) and log(1 + exp -x), which share their curved part."""
    bend = np.log1p(exp_minus_abs(x))
    return np.maximum(x, 0) + bend, np.maximum(-x, 0) + bend


@cached_per_batch
def sigmoid(x: Array) -> Array:
    """Compute 1 / (1 + exp(-x))."""
    small = exp_minus_abs(x)
    return np.where(x >= 0, 1.0, small) / (1 + small)


def both_probabilities(y_pred: Array, from_logits: bool) -> tuple[Array, Array]:
    """Return p and 1 - p."""
    return (sigmoid(y_pred), sigmoid(-y_pred)) if from_logits else (y_pred, 1 - y_pred)


def clipped_log(p: Array, eps: float) -> Array:
    """Compute log max(p, eps)."""
    return np.log(np.maximum(p, eps))


def clipped_log_complement(p: Array, eps: float) -> Array:
    """Compute log max(1 - p, eps), without the cancellation of 1 - p."""
    return np.maximum(np.log1p(-p), np.log(eps))


def relative_difference(x: Array, of: Array) -> Array:
    """Compute (of - x) / of; 1 where `of` is infinite."""
    return np.where(np.isinf(of), 1 - x / of, (of - x) / of)


def log_ratio(p: Array, q: Array) -> Array:
    """Compute log(p / q); exact near 1, where rounding of the quotient would matter."""
    gap = p - q
    beyond = np.abs(gap) / np.minimum(p, q)
    logs = np.copysign(np.log1p(beyond), gap)
    far = beyond > 1e300  # the quotient overflows, its logarithm does not
    return np.where(far, np.log(p) - np.log(q), logs) if far.any() else logs


def log1p_ratio(p: Array, q: Array) -> Array:
    """Compute log((1 + p) / (1 + q)) without cancellation where p is near q or both are near 0."""
    gap = (p - q) / (1 + q)
    return np.where(np.abs(gap) < 0.5, np.log1p(gap), np.log1p(p) - np.log1p(q))


def log1p_square(x: Array) -> Array:
    """Compute log(1 + x²), also where x² overflows."""
    square = np.square(x)
    return np.where(square < HUGE, np.log1p(square), 2 * np.log(np.abs(x)))


def where_compute(values: Array, where: Mask, form: Callable[..., Array], *arrays: Array) -> Array:
    """Overwrite `values` where the mask is set with `form(*arrays)`, computed only there; return `values`."""
    if where.any():
        turned = where.T  # matrices are indexed by column
        positions = np.flatnonzero(where) if where.ndim == 1 else turned
        values.T[positions] = form(*(array.T[positions] for array in arrays))
    return values


def expm1_minus_x(x: Array) -> Array:
    """Compute exp(x) - 1 - x, without cancellation near 0."""

    def series(near: Array) -> Array:
        total = np.ones_like(near)
        for n in range(10, 2, -1):
            total = 1 + near / n * total
        return np.square(near) / 2 * total

    # exp x is inf above 710, so a larger x need not be subtracted (inf - inf is nan)
    return where_compute(np.expm1(x) - np.minimum(x, 1e3), np.abs(x) < SERIES_RADIUS, series, x)


def power_remainder(x: Array, power: float) -> Array:
    """Integrate (x - s) (1 + s)^-power ds from 0 to x by a series, for |x| max(1, |power|) < SERIES_RADIUS.

    That is x - log(1+x) for power 2, (1+x) log(1+x) - x for power 1.
    """
    term = total = np.square(x) / 2
    for n in range(11):
        term = term * (-(power + n) / (n + 3)) * x
        total = total + term
    return total


def power_minus_linear(x: Array, log1x: Array, power: float) -> Array:
    """Compute (1 + x)^power - 1 - power x without cancellation near 0; log1x is log(1 + x), exact near x = -1."""
    close = np.abs(x) * max(1.0, abs(2 - power)) < SERIES_RADIUS
    near = power * (power - 1) * power_remainder(np.where(close, x, 0.0), 2 - power)
    return np.where(close, near, np.expm1(power * log1x) - power * x)


def x_minus_log1p(x: Array) -> Array:
    """Compute x - log(1 + x), without cancellation near 0."""
    plain = x - np.log1p(np.minimum(x, HUGE))
    return where_compute(plain, np.abs(x) < SERIES_RADIUS, lambda near: power_remainder(near, 2.0), x)


def hypot_excess(a: Array, s: float) -> Array:
    """Compute sqrt(a² + s²) - s for a >= 0, without cancellation or overflow."""
    ratio = s / a
    return a / (ratio + sqrt_one_plus_square(ratio))


def sqrt_one_plus_square(x: Array) -> Array:
    """Compute sqrt(1 + x²), also where x² overflows."""
    square = np.square(x)
    return where_compute(np.sqrt(1 + square), np.isinf(square), np.abs, x)


def hypot_slope(e: Array, s: float) -> Array:
    """Compute d/de sqrt(e² + s²), which is between -1 and 1."""
    return np.sign(e) / sqrt_one_plus_square(s / e)
