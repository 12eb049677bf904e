"""Tails of the distributions that tests of ranks need."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from losscli.declaration.domains import Array

NORMAL_REACH, NORMAL_STEP = 8.5, 1 / 32
"""Where the normal density is cut off, and the step of its integrals: with these the trapezoidal rule is exact."""

MAX_BISECTIONS, MAX_FRACTION_TERMS = 100, 10_000


@cache
def studentized_range_quantile(level: float, k: int) -> float:
    """Return the quantile of the range of k standard normal numbers: of the studentized range for infinitely many df.

    P(range <= q) = k integral phi(z) (Phi(z) - Phi(z - q))^(k - 1) dz, searched by bisection; `level` is in (0, 1).
    """
    z = np.arange(-NORMAL_REACH, NORMAL_REACH + NORMAL_STEP, NORMAL_STEP)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    below = _normal_cdf(z)
    low, high = 0.0, 2 * NORMAL_REACH
    for _ in range(MAX_BISECTIONS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        probability = k * NORMAL_STEP * float(density @ (below - _normal_cdf(z - middle)) ** (k - 1))
        low, high = (middle, high) if probability < level else (low, middle)
    return high


def _normal_cdf(z: Array) -> Array:
    return np.array([math.erfc(each) for each in (z / -math.sqrt(2)).tolist()]) / 2


def f_tail(f: float, numerator: float, denominator: float) -> float:
    """Return the probability that a number of the F distribution with these degrees of freedom is above f >= 0."""
    if f <= 0:
        return 1.0
    x = denominator / (denominator + numerator * f)
    return regularized_beta(x, denominator / 2, numerator / 2)


def regularized_beta(x: float, a: float, b: float) -> float:
    """Return the regularized incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22)."""
    if not 0 < x < 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # where the fraction of the other tail converges faster
        return 1 - regularized_beta(1 - x, b, a)
    logarithm = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    fraction, upper, lower = 1.0, 1.0, 0.0  # Lentz's method: by ratios of successive numerators and denominators
    for i in range(1, MAX_FRACTION_TERMS):
        m = i // 2
        if i % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower, upper = 1 / (1 + term * lower), 1 + term / upper
        fraction *= upper * lower
        if abs(upper * lower - 1) < float(np.finfo(float).eps):
            break
    return math.exp(logarithm) / a / fraction
