"""Functions of vectors, one per row, and of the classes that rows belong to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from losscli.declaration.checks import Remark
from losscli.declaration.domains import Array, Mask
from losscli.losses._classes import Labels, slices_in_cache
from losscli.losses._numerics import two_square, two_sum


def norm(x: Array) -> Array:
    """Compute the Euclidean length of each row without overflow."""
    sizes = np.abs(x)
    big = sizes.max(axis=-1, initial=0.0)
    scale = np.where((big > 0) & np.isfinite(big), big, 1.0)
    sizes /= scale[:, None]
    return scale * np.sqrt(np.square(sizes, out=sizes).sum(axis=-1))


def exact_norm(x: Array) -> tuple[Array, Array]:
    """Compute the Euclidean length of each row, and what it lacks of the exact one."""
    found = [_exact_norm_in_cache(x[rows]) for rows in slices_in_cache(x)]
    length, lack = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return length, lack


def _exact_norm_in_cache(x: Array) -> tuple[Array, Array]:
    big = np.abs(x).max(axis=-1, initial=0.0)
    exponent = np.frexp(np.where(np.isfinite(big), big, 1.0))[1]
    total, error = two_square(np.ldexp(x, -exponent[:, None]))
    while total.shape[1] > 1:
        if total.shape[1] % 2:
            total, error = (np.pad(part, ((0, 0), (0, 1))) for part in (total, error))
        total, rest = two_sum(total[:, ::2], total[:, 1::2])
        error = error[:, ::2] + error[:, 1::2] + rest
    total, error = total[:, 0], error[:, 0]
    root = np.sqrt(total)
    square, rest = two_square(root)
    lack = np.divide((total - square) - rest + error, 2 * root, out=np.zeros_like(root), where=root > 0)
    endless = np.isinf(big)
    return np.where(endless, np.inf, np.ldexp(root, exponent)), np.where(endless, 0.0, np.ldexp(lack, exponent))


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


def backprop_unit(gradient: Array, x: Array, scale: float) -> Array:
    """Convert a gradient by scale x/|x| to one by x; 0 for a zero vector."""
    length, u = norm(x)[:, None], unit(x)
    return np.where(length > 0, (gradient - dot(gradient, u)[:, None] * u) * (scale / length), 0.0)


def class_means(labels: Labels, x: Array) -> tuple[Labels, Array]:
    """Return the class index of each row, counted from 0, and the mean row of each class."""
    _, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, own, x)
    return own, sums / counts[:, None]


def has_positive(labels: Labels) -> Mask:
    """Return a mask of rows whose class has another row."""
    _, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(counts[own] > 1)


def warn_of_own_center(labels: Labels, embeddings: Array) -> Iterator[Remark]:
    """Warn if no label repeats."""
    none_repeats = np.full(len(labels), not has_positive(labels).any())
    yield Remark("labels", none_repeats, "no other row has this label, so it is its own center")
