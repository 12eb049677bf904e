"""Isotonic regression against SciPy, scikit-learn, and the min-max formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from losscli.statistics.isotonic import find_ties, isotonic_means, isotonic_quantiles

N = 20_000
RNG = np.random.default_rng(20)
INDEX = np.arange(N)
SEQUENCES = {
    "noise": RNG.normal(size=N),
    "trend": INDEX / N * 20 + RNG.normal(size=N),
    "labels": (RNG.random(N) < INDEX / N).astype(float),
    "rising": INDEX.astype(float),
    "falling": -INDEX.astype(float),
    "one drop": np.append(INDEX[:-1], -1e6),
    "saw": INDEX % 1000 + 0.0,
    "bowl": (INDEX - N / 2) ** 2.0,
    "walk": np.cumsum(RNG.normal(size=N)),
    "far from 0": 1e6 + RNG.normal(size=N),
}


@pytest.mark.parametrize("values", SEQUENCES.values(), ids=SEQUENCES)
def test_means_are_those_of_scipy(values: np.ndarray) -> None:
    weight = np.random.default_rng(1).exponential(size=N) + 1e-3
    for weights in (np.ones(N), weight):
        fit = isotonic_means(values, weights)
        assert np.allclose(fit, isotonic_regression(values, weights=weights).x, rtol=1e-12, atol=1e-12)
        assert (np.diff(fit) >= 0).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4)), min_size=1, max_size=30))
def test_means_of_few_values(rows: list[tuple[int, int]]) -> None:
    values, weight = np.array(rows, dtype=float).T
    assert np.allclose(isotonic_means(values, weight), isotonic_regression(values, weights=weight).x, atol=1e-12)


def test_ties_are_pooled_before_the_fit() -> None:
    """As in scikit-learn, rows of one prediction get one value, whatever their order."""
    rng = np.random.default_rng(3)
    x, y, weight = rng.integers(0, 9, 300) / 3, rng.normal(size=300), rng.random(300) + 0.1
    order = np.argsort(x)
    ties = find_ties(x[order])
    sums = np.add.reduceat((y * weight)[order], ties.start)
    weights = np.add.reduceat(weight[order], ties.start)
    _, pooled = np.unique(x, return_inverse=True)
    totals = np.bincount(pooled, weight)
    expected = isotonic_regression(np.bincount(pooled, y * weight) / totals, weights=totals).x
    assert np.allclose(isotonic_means(sums / weights, weights), expected)
    sklearn = pytest.importorskip("sklearn.isotonic")
    fitted = sklearn.IsotonicRegression().fit(x, y, sample_weight=weight).predict(ties.key)
    assert np.allclose(expected, fitted)


def lower_quantile(values: np.ndarray, weight: np.ndarray, level: float) -> float:
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(cumulated, level * cumulated[-1] * (1 - 1e-12))])


def quantiles_by_min_max(values: np.ndarray, weight: np.ndarray, level: float, start: np.ndarray) -> np.ndarray:
    """Return the lowest fit at each tie: the largest, over starts, of the smallest, over ends, of the quantiles."""
    ends = [*start[1:], len(values)]
    k = len(start)
    between = [
        [
            lower_quantile(values[start[i] : ends[j]], weight[start[i] : ends[j]], level) if i <= j else np.inf
            for j in range(k)
        ]
        for i in range(k)
    ]
    return np.array([max(min(between[i][j] for j in range(m, k)) for i in range(m + 1)) for m in range(k)])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(-5, 5), st.integers(1, 3)), min_size=1, max_size=12),
    st.sampled_from([0.5, 0.1, 0.9, 0.25]),
)
def test_quantiles_by_the_min_max_formula(rows: list[tuple[int, int, int]], level: float) -> None:
    x, y, weight = np.array(sorted(rows), dtype=float).T
    ties = find_ties(x)
    expected = quantiles_by_min_max(y, weight, level, ties.start)
    assert np.array_equal(isotonic_quantiles(y, weight, level, ties), expected[ties.of_row])


def test_quantiles_of_many_rows_are_no_worse_than_others() -> None:
    """Against the isotonic fit of means, moved up or down, and the best constant."""
    rng = np.random.default_rng(8)
    y = np.arange(5000) / 2500 + rng.exponential(size=5000)
    fit = isotonic_quantiles(y, np.ones(5000), 0.8)

    def pinball(x: np.ndarray) -> float:
        return float(np.maximum(0.8 * (y - x), -0.2 * (y - x)).mean())

    assert (np.diff(fit) >= 0).all()
    means = isotonic_means(y, np.ones(5000))
    others = [means + shift for shift in np.linspace(-1, 1, 21)] + [np.full(5000, np.quantile(y, 0.8))]
    assert pinball(fit) < min(map(pinball, others))
    assert pinball(fit) <= min(pinball(np.maximum.accumulate(fit + rng.normal(0, 0.01, 5000))) for _ in range(20))
