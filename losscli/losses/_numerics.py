"""Stable forms that several kernels share. Arrays are float64; infinities are values, never warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.domain import Array, Mask

NEAR = 0.05
"""Below it forms that cancel are computed from their series."""

TINY, HUGE = float(np.finfo(float).tiny), float(np.finfo(float).max)
LEAST = float(np.finfo(float).smallest_subnormal)


def times(weight: Array, value: Array) -> Array:
    """`weight * value` with `0 * inf = 0`: what has no weight does not happen."""
    return np.multiply(weight, value, out=np.zeros(np.broadcast(weight, value).shape), where=weight != 0)


def softplus(x: Array) -> Array:
    """log(1 + exp x)"""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))"""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1 + small)


def log_softmax(x: Array) -> Array:
    """x - log sum exp x, by row; an infinite maximum takes all of the probability."""
    top = x.max(axis=-1, keepdims=True)
    shifted = np.subtract(x, top, out=np.zeros_like(x), where=x != top)
    others = np.exp(shifted)
    np.put_along_axis(others, x.argmax(axis=-1)[..., None], 0.0, axis=-1)  # its 1 would swallow small ones
    return shifted - np.log1p(others.sum(axis=-1, keepdims=True))


def log_sum_exp(x: Array) -> Array:
    """log sum exp x, by row"""
    top = x.max(axis=-1)
    safe = np.where(np.isfinite(top), top, 0.0)
    return np.where(np.isfinite(top), safe + np.log(np.exp(x - safe[:, None]).sum(axis=-1)), top)


def clipped_log(p: Array, eps: float) -> Array:
    """log max(p, eps)"""
    return np.log(np.maximum(p, eps))


def clipped_log_complement(p: Array, eps: float) -> Array:
    """log max(1 - p, eps), without the cancellation of 1 - p"""
    return np.maximum(np.log1p(-p), np.log(eps))


def relative_gap(x: Array, of: Array) -> Array:
    """(of - x) / of, 1 where `of` is infinite"""
    return np.where(np.isinf(of), 1 - x / of, (of - x) / of)


def log_ratio(p: Array, q: Array) -> Array:
    """log(p / q), exact near 1 where the rounding of the quotient would show"""
    gap, ratio = (p - q) / q, p / q
    # a quotient that leaves the range of normal numbers has lost digits that the logarithms still have
    far = np.where((ratio > TINY) & (ratio < np.inf), np.log(ratio), np.log(p) - np.log(q))
    return np.where(np.abs(gap) < 0.5, np.log1p(gap), far)


def log1p_ratio(p: Array, q: Array) -> Array:
    """log((1 + p) / (1 + q)), without cancellation where p and q are near each other or near 0"""
    gap = (p - q) / (1 + q)
    return np.where(np.abs(gap) < 0.5, np.log1p(gap), np.log1p(p) - np.log1p(q))


def log1p_square(x: Array) -> Array:
    """log(1 + x²), also where x² overflows"""
    near = np.log1p(np.square(np.minimum(np.abs(x), 1.0)))
    return np.where(np.abs(x) < 1, near, 2 * np.log(np.hypot(1.0, x)))


def expm1_less(x: Array) -> Array:
    """exp(x) - 1 - x, without cancellation near 0"""
    near = np.where(np.abs(x) < NEAR, x, 0.0)
    series = np.ones_like(x)
    for n in range(10, 2, -1):
        series = 1 + near / n * series
    # above 710 exp x is inf: no larger x need be taken from it, least of all inf
    return np.where(np.abs(x) < NEAR, np.square(near) / 2 * series, np.expm1(x) - np.minimum(x, 1e3))


def power_remainder(x: Array, power: float) -> Array:
    """Integral of (x - s) (1 + s)^-power ds from 0 to x, by its series: for |x| max(1, |power|) < NEAR.

    That is x - log(1+x) for power 2, (1+x) log(1+x) - x for power 1.
    """
    term = total = np.square(x) / 2
    for n in range(11):
        term = term * (-(power + n) / (n + 3)) * x
        total = total + term
    return total


def power_less(x: Array, log1x: Array, power: float) -> Array:
    """(1 + x)^power - 1 - power x, without cancellation near 0; log(1 + x) is given, for x near -1 has lost it"""
    close = np.abs(x) * max(1.0, abs(2 - power)) < NEAR
    near = power * (power - 1) * power_remainder(np.where(close, x, 0.0), 2 - power)
    return np.where(close, near, np.expm1(power * log1x) - power * x)


def log1p_less(x: Array) -> Array:
    """x - log(1 + x), without cancellation near 0"""
    near = np.where(np.abs(x) < NEAR, x, 0.0)
    return np.where(np.abs(x) < NEAR, power_remainder(near, 2.0), x - np.log1p(np.minimum(x, HUGE)))


def root_less(a: Array, s: float) -> Array:
    """sqrt(a² + s²) - s for a >= 0, without cancellation or overflow"""
    return a / (s / a + np.hypot(1.0, s / a))


def root_slope(e: Array, s: float) -> Array:
    """d/de sqrt(e² + s²), between -1 and 1"""
    return np.sign(e) / np.hypot(1.0, s / np.abs(e))


def beyond_one(p: Array) -> Array:
    """sum p - 1, by row, as if it were summed exactly: what a tolerance lets pass must not drown in rounding"""
    total, rest = np.full(len(p), -1.0), np.zeros(len(p))
    for column in p.T:
        raised = total + column
        moved = raised - total
        rest += (total - (raised - moved)) + (column - moved)
        total = raised
    return total + rest


def one_hot(target: NDArray[Any], classes: int, ignore_index: int | None = None) -> Array:
    """Labels as rows (a row of zeros where ignored); rows as they are."""
    if target.ndim == 2:
        return target
    rows = np.zeros((len(target), classes))
    kept = np.flatnonzero(counted_labels(target, ignore_index))
    rows[kept, target[kept]] = 1.0
    return rows


def counted_labels(target: NDArray[Any], ignore_index: int | None) -> Mask:
    """Mask of the rows whose label is not `ignore_index`."""
    if target.ndim == 2 or ignore_index is None:
        return np.ones(len(target), dtype=bool)
    return np.asarray(target != ignore_index)


def through_softmax(gradient: Array, p: Array) -> Array:
    """d/d logits, from d/d log-probabilities and the probabilities"""
    return gradient - p * gradient.sum(axis=-1, keepdims=True)


def through_sum(gradient: Array, p: Array, total: Array) -> Array:
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


def surprise(labels: NDArray[Any], logits: Array) -> Array:
    """-log softmax of the target"""
    return -np.take_along_axis(log_softmax(logits), labels[:, None], axis=1)[:, 0] + 0.0


def surprise_slope(labels: NDArray[Any], logits: Array) -> Array:
    """softmax - one-hot; the target's is minus the sum of the others, for p - 1 would cancel"""
    p = np.exp(log_softmax(logits))
    rows = np.arange(len(p))
    p[rows, labels] = 0.0
    p[rows, labels] = -p.sum(axis=1)
    return p


def through_unit(gradient: Array, x: Array, scale: float) -> Array:
    """d/dx, from that by scale x/|x|; 0 for a zero vector"""
    length, u = norm(x)[:, None], unit(x)
    return np.where(length > 0, (gradient - dot(gradient, u)[:, None] * u) * (scale / length), 0.0)


def class_means(labels: NDArray[Any], x: Array) -> tuple[NDArray[Any], Array]:
    """Rows' classes counted from 0, and the mean of each class that has rows."""
    _, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, own, x)
    return own, sums / counts[:, None]
