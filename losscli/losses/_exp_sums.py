"""Running sums of exponentials, relative to levels: no common offset costs digits, and nothing overflows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from losscli.declaration.domains import Array

MAX_RISE = 300.0
"""Sums of exponentials are kept relative to a level while the largest exponent rises by about this at most."""


def above(x: Array, level: Array) -> Array:
    """Compute x - level, 0 where both are the same infinity."""
    return np.where(x == level, 0.0, x - level)


def scale_exp(x: Array, level: Array, log_weight: Array | None = None) -> Array:
    """Compute the weight times exp(x - level), where exp of the same infinity is 1."""
    beyond = above(x, level)  # before the weight comes in, which would round off digits of x
    return np.exp(beyond if log_weight is None else beyond + log_weight)


def accumulate_exp(x: Array, log_weight: Array | None = None) -> tuple[Array, Array]:
    """Return levels, which rise, and the sums of weighted exp(x - level) up to each place (..., K).

    No term is lost that counts.
    """
    largest = np.maximum.accumulate(x if log_weight is None else x + log_weight, axis=-1)
    level, total = np.empty(x.shape), np.empty(x.shape)
    first = np.where(np.isfinite(largest[..., :1]), largest[..., :1], 0.0)
    edges = [0, *_changes(np.floor((largest - first) / MAX_RISE)), x.shape[-1]]
    for start, stop in pairwise(edges):
        top = largest[..., stop - 1, None]
        level[..., start:stop] = top
        weight = None if log_weight is None else log_weight[..., start:stop]
        terms = scale_exp(x[..., start:stop], top, weight)
        if start:
            terms[..., 0] += total[..., start - 1] * scale_exp(level[..., start - 1], top[..., 0])
        np.cumsum(terms, axis=-1, out=total[..., start:stop])
    return level, total


def sum_of_later(x: Array, level: Array) -> Array:
    """Compute the sum of x_k exp(level - level_k) over all later places k (..., K); levels rise."""
    found = np.zeros(x.shape)
    edges = [0, *_changes(level), x.shape[-1]]
    beyond = np.zeros(x.shape[:-1])
    for start, stop in zip(reversed(edges[:-1]), reversed(edges[1:]), strict=True):
        sums = np.cumsum(x[..., start:stop][..., ::-1], axis=-1)[..., ::-1]
        found[..., start : stop - 1] = sums[..., 1:]
        found[..., start:stop] += beyond[..., None]
        if start:
            beyond = (beyond + sums[..., 0]) * scale_exp(level[..., start - 1], level[..., start])
    return found


def _changes(values: Array) -> list[int]:
    """Return the places along the last axis at which one of the lists has another value than before."""
    differs = values[..., 1:] != values[..., :-1]
    changed = differs.any(axis=tuple(range(values.ndim - 1))) if values.ndim > 1 else differs
    return (np.flatnonzero(changed) + 1).tolist()
