"""Stable forms that several kernels share. Arrays are float64; infinities are values, never warnings."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask
from losscli.declaration.memo import BATCH_CACHE

Arrays = ParamSpec("Arrays")
Cached = TypeVar("Cached")

Labels = NDArray[Any]
"""One integer label per row: (N,)."""
Targets = NDArray[Any]
"""Labels (N,) or rows of target probabilities (N, C)."""

SERIES_RADIUS = 0.05
"""Below it forms that cancel are computed from their series."""

TINY, HUGE = float(np.finfo(float).tiny), float(np.finfo(float).max)
SMALLEST = float(np.finfo(float).smallest_subnormal)


def weigh(weight: Array, value: Array) -> Array:
    """`weight * value` with `0 * inf = 0`: what has no weight does not happen."""
    product = np.asarray(weight * value)
    return product if np.isfinite(product.sum()) else np.where(weight == 0, 0.0, product)


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
    """e = y_pred - y_true"""
    return y_pred - y_true


@cached_per_batch
def exp_minus_abs(x: Array) -> Array:
    """exp -|x|"""
    return np.asarray(np.exp(-np.abs(x)))


def softplus(x: Array) -> Array:
    """log(1 + exp x)"""
    return np.maximum(x, 0) + np.log1p(exp_minus_abs(x))


@cached_per_batch
def softplus_pair(x: Array) -> tuple[Array, Array]:
    """log(1 + exp x) and log(1 + exp -x), which share all but their straight part"""
    bend = np.log1p(exp_minus_abs(x))
    return np.maximum(x, 0) + bend, np.maximum(-x, 0) + bend


@cached_per_batch
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))"""
    small = exp_minus_abs(x)
    return np.where(x >= 0, 1.0, small) / (1 + small)


@cached_per_batch
def log_softmax(x: Array) -> Array:
    """x - log sum exp x, by row; an infinite maximum takes all of the probability."""
    below, rest = shift_by_max(x)
    return below - rest[:, None]


@cached_per_batch
def shift_by_max(x: Array) -> tuple[Array, Array]:
    """x - max x, and log sum exp of that, by row"""
    top = x.max(axis=-1, keepdims=True)
    below = x - top
    if not np.isfinite(top).all():
        below = np.where(x == top, 0.0, below)
    largest = below == 0
    others = np.exp(below)
    others[largest] = 0.0  # its 1 would swallow small ones
    total = others.sum(axis=-1)
    if np.count_nonzero(largest) > len(x):
        total += np.count_nonzero(largest, axis=-1) - 1
    return below, np.log1p(total)


def log_sum_exp(x: Array) -> Array:
    """log sum exp x, by row"""
    top = x.max(axis=-1)
    safe = np.where(np.isfinite(top), top, 0.0)
    return np.where(np.isfinite(top), safe + np.log(np.exp(x - safe[:, None]).sum(axis=-1)), top)


LOG_SUM_TOLERANCE = 1e-5
"""What single precision loses of the log of a sum of probabilities, and some more."""

NOT_NORMALIZED_NOTE = "the probabilities do not sum to 1; log_softmax makes log-probabilities of scores"


def unnormalized_rows(log_p: Array) -> Mask:
    """Rows of log-probabilities whose probabilities do not sum to 1."""
    return ~(np.abs(log_sum_exp(log_p)) <= LOG_SUM_TOLERANCE)


def clipped_log(p: Array, eps: float) -> Array:
    """log max(p, eps)"""
    return np.log(np.maximum(p, eps))


def clipped_log_complement(p: Array, eps: float) -> Array:
    """log max(1 - p, eps), without the cancellation of 1 - p"""
    return np.maximum(np.log1p(-p), np.log(eps))


def relative_difference(x: Array, of: Array) -> Array:
    """(of - x) / of, 1 where `of` is infinite"""
    return np.where(np.isinf(of), 1 - x / of, (of - x) / of)


def log_ratio(p: Array, q: Array) -> Array:
    """log(p / q), exact near 1 where the rounding of the quotient would show"""
    gap = p - q
    beyond = np.abs(gap) / np.minimum(p, q)
    logs = np.copysign(np.log1p(beyond), gap)
    far = beyond > 1e300  # the quotient leaves the range of numbers, which the logarithms do not
    return np.where(far, np.log(p) - np.log(q), logs) if far.any() else logs


def log1p_ratio(p: Array, q: Array) -> Array:
    """log((1 + p) / (1 + q)), without cancellation where p and q are near each other or near 0"""
    gap = (p - q) / (1 + q)
    return np.where(np.abs(gap) < 0.5, np.log1p(gap), np.log1p(p) - np.log1p(q))


def log1p_square(x: Array) -> Array:
    """log(1 + x²), also where x² overflows"""
    square = np.square(x)
    return np.where(square < HUGE, np.log1p(square), 2 * np.log(np.abs(x)))


def where_compute(values: Array, where: Mask, form: Callable[..., Array], *arrays: Array) -> Array:
    """The values, those where a mask is set by another form: a function of what is there in `arrays`."""
    if where.any():
        turned = where.T  # tables are looked at by column
        positions = np.flatnonzero(where) if where.ndim == 1 else turned
        values.T[positions] = form(*(array.T[positions] for array in arrays))
    return values


def expm1_minus_x(x: Array) -> Array:
    """exp(x) - 1 - x, without cancellation near 0"""

    def series(near: Array) -> Array:
        total = np.ones_like(near)
        for n in range(10, 2, -1):
            total = 1 + near / n * total
        return np.square(near) / 2 * total

    # above 710 exp x is inf: no larger x need be taken from it, least of all inf
    return where_compute(np.expm1(x) - np.minimum(x, 1e3), np.abs(x) < SERIES_RADIUS, series, x)


def power_remainder(x: Array, power: float) -> Array:
    """Integral of (x - s) (1 + s)^-power ds from 0 to x, by its series: for |x| max(1, |power|) < NEAR.

    That is x - log(1+x) for power 2, (1+x) log(1+x) - x for power 1.
    """
    term = total = np.square(x) / 2
    for n in range(11):
        term = term * (-(power + n) / (n + 3)) * x
        total = total + term
    return total


def power_minus_linear(x: Array, log1x: Array, power: float) -> Array:
    """(1 + x)^power - 1 - power x, without cancellation near 0; log(1 + x) is given, for x near -1 has lost it"""
    close = np.abs(x) * max(1.0, abs(2 - power)) < SERIES_RADIUS
    near = power * (power - 1) * power_remainder(np.where(close, x, 0.0), 2 - power)
    return np.where(close, near, np.expm1(power * log1x) - power * x)


def x_minus_log1p(x: Array) -> Array:
    """x - log(1 + x), without cancellation near 0"""
    plain = x - np.log1p(np.minimum(x, HUGE))
    return where_compute(plain, np.abs(x) < SERIES_RADIUS, lambda near: power_remainder(near, 2.0), x)


def hypot_excess(a: Array, s: float) -> Array:
    """sqrt(a² + s²) - s for a >= 0, without cancellation or overflow"""
    ratio = s / a
    return a / (ratio + sqrt_one_plus_square(ratio))


def sqrt_one_plus_square(x: Array) -> Array:
    """sqrt(1 + x²), also where x² overflows"""
    square = np.square(x)
    return where_compute(np.sqrt(1 + square), np.isinf(square), np.abs, x)


def safe_hypot(x: Array, s: float) -> Array:
    """sqrt(x² + s²), also where the squares leave the range of numbers"""
    squares = np.square(x) + s * s
    safe = (squares > 1e-280) & (squares < HUGE)
    return where_compute(np.sqrt(squares), ~safe, lambda x: np.hypot(x, s), x)


def hypot_slope(e: Array, s: float) -> Array:
    """d/de sqrt(e² + s²), between -1 and 1"""
    return np.sign(e) / sqrt_one_plus_square(s / e)


def sum_minus_one(p: Array) -> Array:
    """sum p - 1, by row, as if it were summed exactly: what a tolerance lets pass must not drown in rounding"""
    heads = (p + 4) - 4  # what is left of them adds up without rounding while it comes to less than 4
    return (heads.sum(axis=-1) - 1) + (p - heads).sum(axis=-1)


def one_hot(target: NDArray[Any], classes: int, ignore_index: int | None = None) -> Array:
    """Labels as rows (a row of zeros where ignored); rows as they are."""
    if target.ndim == 2:
        return target
    rows = np.zeros((len(target), classes))
    counted = label_mask(target, ignore_index)
    kept = np.arange(len(target)) if counted is None else np.flatnonzero(counted)
    rows[kept, target[kept]] = 1.0
    return rows


def label_mask(target: NDArray[Any], ignore_index: int | None) -> Mask | None:
    """Mask of the rows whose label is not `ignore_index`; None where all count."""
    return None if target.ndim == 2 or ignore_index is None else np.asarray(target != ignore_index)


def backprop_softmax(gradient: Array, p: Array) -> Array:
    """d/d logits, from d/d log-probabilities and the probabilities"""
    return gradient - p * gradient.sum(axis=-1, keepdims=True)


def backprop_normalize(gradient: Array, p: Array, total: Array) -> Array:
    """d/d x, from d/dp, where p = x / total and total = sum x"""
    return (gradient - (gradient * p).sum(axis=-1, keepdims=True)) / total


def norm(x: Array) -> Array:
    """Euclidean length of each row, safe from overflow."""
    big = np.abs(x).max(axis=-1, initial=0.0)
    scale = np.where((big > 0) & np.isfinite(big), big, 1.0)
    return scale * np.sqrt(np.square(x / scale[:, None]).sum(axis=-1))


def unit(x: Array) -> Array:
    """Each row divided by its length; a zero row stays zero, and of an infinite one only what is infinite does."""
    length = norm(x)
    direction = x / np.where(length == 0, 1.0, length)[:, None]
    if (endless := np.isinf(length)).any():
        direction[endless] = unit(np.where(np.isinf(x[endless]), np.sign(x[endless]), 0.0))
    return direction


def dot(a: Array, b: Array) -> Array:
    """Inner product of each pair of rows."""
    return (a * b).sum(axis=-1)


def cross_entropy_of_logits(labels: NDArray[Any], logits: Array) -> Array:
    """-log softmax of the target"""
    below, rest = shift_by_max(logits)
    return rest - below[np.arange(len(labels)), labels]


def cross_entropy_slope(labels: NDArray[Any], logits: Array) -> Array:
    """softmax - one-hot; the target's is minus the sum of the others, for p - 1 would cancel"""
    p = np.exp(log_softmax(logits))
    rows = np.arange(len(p))
    p[rows, labels] = 0.0
    p[rows, labels] = -p.sum(axis=1)
    return p


def backprop_unit(gradient: Array, x: Array, scale: float) -> Array:
    """d/dx, from that by scale x/|x|; 0 for a zero vector"""
    length, u = norm(x)[:, None], unit(x)
    return np.where(length > 0, (gradient - dot(gradient, u)[:, None] * u) * (scale / length), 0.0)


def class_means(labels: NDArray[Any], x: Array) -> tuple[NDArray[Any], Array]:
    """Rows' classes counted from 0, and the mean of each class that has rows."""
    _, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, own, x)
    return own, sums / counts[:, None]


OWN_CENTER_NOTE = "no other row has this label: it is its own center"


def has_positive(labels: NDArray[Any]) -> Mask:
    """Rows whose class has another row."""
    _, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(counts[own] > 1)


def rows_if_labels_differ(labels: NDArray[Any]) -> Mask:
    """All rows, where no class has two of them."""
    return np.full(len(labels), not has_positive(labels).any())
