"""Functions of rows with one number per class, from labels or rows of target probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array, Mask
from losscli.declaration.properties import Ordering
from losscli.losses._numerics import cached_per_batch, clipped_log, weigh

Labels = NDArray[Any]
"""One integer label per row: (N,)."""

Targets = NDArray[Any]
"""Labels (N,) or rows of target probabilities (N, C)."""

VALUES_IN_CACHE = 1 << 15
"""Values of rows that are read several times in a row."""


def sum_over_targets(y_true: Targets, values: Array, f: Callable[[Array], Array] = np.asarray) -> Array:
    """Compute f of the target's value; sum_c t_c f(value_c) for rows of targets."""
    if y_true.ndim == 1:
        return f(np.take_along_axis(values, y_true[:, None], axis=1)[:, 0])
    return weigh(y_true, f(values)).sum(axis=1)


@cached_per_batch
def log_softmax(x: Array) -> Array:
    """Compute x - log sum exp x per row; an infinite maximum has probability 1."""
    top, rest = max_and_rest(x)
    below = shift_down(x, top)
    below -= rest[:, None]
    return below


@cached_per_batch
def max_and_rest(x: Array) -> tuple[Array, Array]:
    """Return max x and log sum exp(x - max x), per row."""
    top, total = np.empty(len(x)), np.empty(len(x))
    for rows in slices_in_cache(x):
        top[rows] = x[rows].max(axis=-1)
        others = shift_down(x[rows], top[rows])
        largest = others == 0
        np.exp(others, out=others)
        others[largest] = 0.0  # small terms would be lost next to its 1
        total[rows] = others.sum(axis=-1)
        if np.count_nonzero(largest) > len(largest):
            total[rows] += np.count_nonzero(largest, axis=-1) - 1
    return top, np.log1p(total)


def slices_in_cache(x: Array) -> Iterator[slice]:
    """Return slices of a few rows each, which several passes find in the cache of one core."""
    step = max(1, VALUES_IN_CACHE // max(1, x.shape[-1]))
    return (slice(start, start + step) for start in range(0, len(x), step))


def shift_down(x: Array, top: Array) -> Array:
    """Compute x - top, per row; 0 where both are infinite."""
    below = x - top[:, None]
    return below if np.isfinite(top).all() else np.where(x == top[:, None], 0.0, below)


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


def sum_without(values: Array, place: NDArray[np.intp]) -> Array:
    """Compute the sum of each row but for the value at a place (..., 1), with the digits that 1 - p would lose."""
    others = values.copy()
    np.put_along_axis(others, place, 0.0, axis=-1)
    return np.asarray(others.sum(axis=-1, keepdims=True))


def softmax_minus(p: Array, targets: Array) -> Array:
    """Compute p sum t - t of rows of targets t; for the largest p by the others, because p - 1 would cancel."""
    top, total = p.argmax(axis=-1, keepdims=True), targets.sum(axis=-1, keepdims=True)
    gap = sum_without(targets, top) - total * sum_without(p, top)
    slope = p * total - targets
    np.put_along_axis(slope, top, gap, axis=-1)
    return slope


def log_of_shares(x: Array, eps: float) -> Array:
    """Compute log max(x / sum x, eps) per row; that of a share next to 1 by the others."""
    total, top = x.sum(axis=-1, keepdims=True), x.argmax(axis=-1, keepdims=True)
    logs = clipped_log(x / total, eps)
    rest = sum_without(x, top) / total
    near = np.where(rest < 0.5, np.log1p(-rest), np.take_along_axis(logs, top, axis=-1))
    np.put_along_axis(logs, top, np.maximum(near, np.log(eps)), axis=-1)
    return logs


def cross_entropy_of_logits(labels: NDArray[Any], logits: Array) -> Array:
    """Compute -log softmax of the target class."""
    top, rest = max_and_rest(logits)
    return rest - shift_down(logits[np.arange(len(labels)), labels][:, None], top)[:, 0]


def cross_entropy_slope(labels: NDArray[Any], logits: Array) -> Array:
    """Compute softmax - one-hot; the entry of the target is minus the sum of the others, because p - 1 would cancel."""
    p = np.exp(log_softmax(logits))
    rows = np.arange(len(p))
    p[rows, labels] = 0.0
    p[rows, labels] = -p.sum(axis=1)
    return p


def order_of_cross_entropy(
    from_logits: bool,
    eps: float,
    normalize: bool = False,
    label_smoothing: float = 0.0,
    class_weight: Any = None,
    ignore_index: int | None = None,
) -> Ordering:
    """Return what orders predictions as cross_entropy does: logits are neither normalised nor clipped."""
    params = {"label_smoothing": label_smoothing, "class_weight": class_weight, "ignore_index": ignore_index}
    if from_logits:
        return "softmax_loss", params
    return "cross_entropy", params | {"normalize": normalize, "eps": eps}
