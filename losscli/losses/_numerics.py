"""Numerically stable functions for kernels, named after what they compute. Arrays are float64 and may be infinite."""

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
"""Series replace formulas that cancel where their argument is smaller."""

HUGE = float(np.finfo(float).max)
SMALLEST = float(np.finfo(float).smallest_subnormal)


def weigh(weight: Array, value: Array) -> Array:
    """Return `weight * value`, treating 0 · inf as 0."""
    product = np.asarray(weight * value)
    return product if np.isfinite(product.sum()) else np.where(weight == 0, 0.0, product)


def sum_over_targets(y_true: Targets, values: Array, f: Callable[[Array], Array] = np.asarray) -> Array:
    """Compute f of the target's value; sum_c t_c f(value_c) for rows of targets."""
    if y_true.ndim == 1:
        return f(np.take_along_axis(values, y_true[:, None], axis=1)[:, 0])
    return weigh(y_true, f(values)).sum(axis=1)


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


@cached_per_batch
def log_softmax(x: Array) -> Array:
    """Compute x - log sum exp x per row; an infinite maximum has probability 1."""
    below, rest = shift_by_max(x)
    return below - rest[:, None]


@cached_per_batch
def shift_by_max(x: Array) -> tuple[Array, Array]:
    """Return x - max x and log sum exp of that, per row."""
    top = x.max(axis=-1, keepdims=True)
    below = x - top
    if not np.isfinite(top).all():
        below = np.where(x == top, 0.0, below)
    largest = below == 0
    others = np.exp(below)
    others[largest] = 0.0  # small terms would be lost next to its 1
    total = others.sum(axis=-1)
    if np.count_nonzero(largest) > len(x):
        total += np.count_nonzero(largest, axis=-1) - 1
    return below, np.log1p(total)


def log_sum_exp(x: Array) -> Array:
    """Compute log sum exp x per row."""
    top = x.max(axis=-1)
    safe = np.where(np.isfinite(top), top, 0.0)
    return np.where(np.isfinite(top), safe + np.log(np.exp(x - safe[:, None]).sum(axis=-1)), top)


LOG_SUM_TOLERANCE = 1e-5
"""Tolerance for the log of a sum of probabilities in single precision."""

NOT_NORMALIZED_NOTE = "the probabilities do not sum to 1; log_softmax turns scores into log-probabilities"


def unnormalized_rows(log_p: Array) -> Mask:
    """Return a mask of rows of log-probabilities whose probabilities do not sum to 1."""
    return ~(np.abs(log_sum_exp(log_p)) <= LOG_SUM_TOLERANCE)


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


def safe_hypot(x: Array, s: float) -> Array:
    """Compute sqrt(x² + s²), also where the squares overflow or underflow."""
    squares = np.square(x) + s * s
    safe = (squares > 1e-280) & (squares < HUGE)
    return where_compute(np.sqrt(squares), ~safe, lambda x: np.hypot(x, s), x)


def hypot_slope(e: Array, s: float) -> Array:
    """Compute d/de sqrt(e² + s²), which is between -1 and 1."""
    return np.sign(e) / sqrt_one_plus_square(s / e)


def sum_minus_one(p: Array) -> Array:
    """Compute sum p - 1 per row without rounding errors, which could exceed small deviations from 1."""
    heads = (p + 4) - 4  # their sum is exact while it is below 4
    return (heads.sum(axis=-1) - 1) + (p - heads).sum(axis=-1)


def one_hot(target: NDArray[Any], classes: int, ignore_index: int | None = None) -> Array:
    """Return labels as one-hot rows (zeros where ignored); return rows unchanged."""
    if target.ndim == 2:
        return target
    rows = np.zeros((len(target), classes))
    mask = label_mask(target, ignore_index)
    kept = np.arange(len(target)) if mask is None else np.flatnonzero(mask)
    rows[kept, target[kept]] = 1.0
    return rows


def label_mask(target: NDArray[Any], ignore_index: int | None) -> Mask | None:
    """Return a mask of rows whose label is not `ignore_index`; None if all rows count."""
    return None if target.ndim == 2 or ignore_index is None else np.asarray(target != ignore_index)


def backprop_softmax(gradient: Array, p: Array) -> Array:
    """Convert a gradient by log-probabilities to one by logits."""
    return gradient - p * gradient.sum(axis=-1, keepdims=True)


def backprop_normalize(gradient: Array, p: Array, total: Array) -> Array:
    """Convert a gradient by p = x / total to one by x, where total = sum x."""
    return (gradient - (gradient * p).sum(axis=-1, keepdims=True)) / total


def norm(x: Array) -> Array:
    """Compute the Euclidean length of each row without overflow."""
    big = np.abs(x).max(axis=-1, initial=0.0)
    scale = np.where((big > 0) & np.isfinite(big), big, 1.0)
    return scale * np.sqrt(np.square(x / scale[:, None]).sum(axis=-1))


def unit(x: Array) -> Array:
    """Divide each row by its length; zero rows stay zero, rows with infinities keep only those components."""
    length = norm(x)
    direction = x / np.where(length == 0, 1.0, length)[:, None]
    if (endless := np.isinf(length)).any():
        direction[endless] = unit(np.where(np.isinf(x[endless]), np.sign(x[endless]), 0.0))
    return direction


def dot(a: Array, b: Array) -> Array:
    """Compute the inner product of each pair of rows."""
    return (a * b).sum(axis=-1)


def cross_entropy_of_logits(labels: NDArray[Any], logits: Array) -> Array:
    """Compute -log softmax of the target class."""
    below, rest = shift_by_max(logits)
    return rest - below[np.arange(len(labels)), labels]


def cross_entropy_slope(labels: NDArray[Any], logits: Array) -> Array:
    """Compute softmax - one-hot; the entry of the target is minus the sum of the others, because p - 1 would cancel."""
    p = np.exp(log_softmax(logits))
    rows = np.arange(len(p))
    p[rows, labels] = 0.0
    p[rows, labels] = -p.sum(axis=1)
    return p


def backprop_unit(gradient: Array, x: Array, scale: float) -> Array:
    """Convert a gradient by scale x/|x| to one by x; 0 for a zero vector."""
    length, u = norm(x)[:, None], unit(x)
    return np.where(length > 0, (gradient - dot(gradient, u)[:, None] * u) * (scale / length), 0.0)


def class_means(labels: NDArray[Any], x: Array) -> tuple[NDArray[Any], Array]:
    """Return the class index of each row, counted from 0, and the mean row of each class."""
    _, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, own, x)
    return own, sums / counts[:, None]


OWN_CENTER_NOTE = "no other row has this label, so it is its own center"


def has_positive(labels: NDArray[Any]) -> Mask:
    """Return a mask of rows whose class has another row."""
    _, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(counts[own] > 1)


def rows_if_labels_differ(labels: NDArray[Any]) -> Mask:
    """Return a mask of all rows if no label repeats, else of none."""
    return np.full(len(labels), not has_positive(labels).any())


def has_positive_and_negative(labels: NDArray[Any]) -> Mask:
    """Return a mask of the rows whose label another row has and a third has not."""
    return has_positive(labels) & (len(np.unique(labels)) > 1)
