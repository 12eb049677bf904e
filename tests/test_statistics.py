"""Statistics against NumPy and math.fsum; parts merge to the same digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.declaration.properties import Reduction
from losscli.statistics.moments import Moments, Sum
from losscli.statistics.quantiles import ACCURACY, LogHistogram, Quantiles, quantile
from losscli.statistics.summary import Accumulator

RNG = np.random.default_rng(11)
VALUES = RNG.lognormal(1, 2, size=5000)
WEIGHTS = RNG.uniform(0.1, 3, size=5000)


def parts(values: np.ndarray, count: int = 7) -> list[np.ndarray]:
    return np.array_split(values, count)


def test_a_sum_of_batches_loses_no_digit() -> None:
    values = [1e16, 1.0, -1e16, 1.0] * 1000 + [0.1] * 999
    total = Sum()
    for value in values:
        total.add(value)
    assert total.value == pytest.approx(math.fsum(values), rel=1e-15)


@pytest.mark.parametrize(
    "values",
    [VALUES, -VALUES, np.tile([1e8, 1.0, -1e8, 0.1], 9000), np.full(100_000, 0.1), RNG.normal(size=70_000) * 1e150,
     VALUES * 1e-310, np.append(RNG.normal(size=40_000) * 2.0 ** RNG.integers(-60, 60, size=40_000), -1e18)],
    ids=["plain", "negative", "cancelling", "equal", "huge", "tiny", "wide"],
)  # fmt: skip
def test_the_sum_of_an_array_is_that_of_fsum(values: np.ndarray) -> None:
    exact = math.fsum(values.tolist())
    for order in (values, values[::-1].copy(), RNG.permutation(values)):
        whole, pieces, merged = Sum(), Sum(), Moments()
        whole.add_all(order)
        for piece in parts(order):
            pieces.add_all(piece)
            moments = Moments()
            moments.update(piece, None)
            merged.merge(moments)
        assert (whole.value, pieces.value, merged.sum.value) == (exact, exact, exact)


def test_a_sum_that_nearly_cancels_keeps_its_digits() -> None:
    values = np.tile([1e16, 1.0, -1e16, 0.1], 9000)
    total = Sum()
    total.add_all(values)
    assert total.value == pytest.approx(math.fsum(values.tolist()), rel=1e-15)


def test_a_sum_with_an_infinite_term_is_infinite() -> None:
    total = Sum()
    for value in (1.0, math.inf, 2.0):
        total.add(value)
    assert total.value == math.inf


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_moments_merge_to_those_of_the_whole(weights: np.ndarray | None) -> None:
    merged = Moments()
    pieces = [None] * 7 if weights is None else parts(weights)
    for values, w in zip(parts(VALUES), pieces, strict=True):
        moments = Moments()
        moments.update(values, w)
        merged.merge(moments)
    mean = np.average(VALUES, weights=weights)
    assert merged.n == 5000
    assert merged.mean == pytest.approx(mean, rel=1e-13)
    assert merged.std == pytest.approx(math.sqrt(np.average((VALUES - mean) ** 2, weights=weights)), rel=1e-12)
    assert (merged.low, merged.high) == (VALUES.min(), VALUES.max())


def test_variance_survives_a_large_mean() -> None:
    moments = Moments()
    for batch in parts(VALUES / VALUES.max() + 1e9):
        moments.update(batch, None)
    assert moments.std == pytest.approx(np.std(VALUES / VALUES.max() + 1e9), rel=1e-9)


@pytest.mark.parametrize("q", [0, 0.05, 0.5, 0.95, 1])
def test_quantile_is_numpys(q: float) -> None:
    assert quantile(VALUES, None, q) == np.quantile(VALUES, q)
    assert quantile(VALUES, np.full(5000, 0.3), q) == np.quantile(VALUES, q)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.95])
def test_weighted_quantile_is_that_of_repeated_rows(q: float) -> None:
    times = RNG.integers(1, 5, size=500)
    repeated = np.quantile(np.repeat(VALUES[:500], times), q, method="averaged_inverted_cdf")
    assert quantile(VALUES[:500], times.astype(float), q) == repeated
    assert quantile(VALUES[:500], times * 0.25, q) == repeated, "the scale of weights must not matter"


def test_quantile_between_infinite_values_is_not_nan() -> None:
    assert quantile(np.array([1.0, math.inf, math.inf]), None, 0.5) == math.inf
    assert quantile(np.array([1.0, 2.0, math.inf]), None, 0.5) == 2.0


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_buckets_keep_their_accuracy(weights: np.ndarray | None) -> None:
    values = np.concatenate([-VALUES[:1000], np.zeros(500), VALUES[1500:]])
    buckets = [LogHistogram() for _ in range(7)]
    pieces = [None] * 7 if weights is None else parts(weights)
    for b, v, w in zip(buckets, parts(values), pieces, strict=True):
        b.update(v, w)
    for other in buckets[1:]:
        buckets[0].merge(other)
    for q in (0.0, 0.01, 0.1, 0.25, 0.5, 0.95, 0.999, 1.0):
        (found,) = buckets[0].quantiles((q,))
        assert found == pytest.approx(quantile(values, weights, q), rel=ACCURACY, abs=1e-300)


def test_buckets_merge_in_any_order_to_the_same_digits() -> None:
    pieces = parts(np.concatenate([VALUES, -VALUES * 1e-9]), 9)
    found = set()
    for order in (range(9), range(8, -1, -1), RNG.permutation(9)):
        merged = LogHistogram()
        for i in order:
            one = LogHistogram()
            one.update(pieces[i], None)
            merged.merge(one)
        found.add(tuple(merged.quantiles((0.01, 0.3, 0.5, 0.95))))
    assert len(found) == 1


def test_buckets_between_two_values_are_halfway_as_numpy_is() -> None:
    buckets = LogHistogram()
    buckets.update(np.array([1.0, 1.0, 9.0, 9.0]), None)
    assert buckets.quantiles((0.5,)) == [pytest.approx(5.0, rel=ACCURACY)]


def test_buckets_know_what_is_not_a_number() -> None:
    for wrong in (math.nan, -math.nan):
        buckets = LogHistogram()
        buckets.update(np.array([1.0, wrong]), None)
        assert math.isnan(buckets.quantiles((0.5,))[0])


def test_buckets_hold_the_whole_range_of_floats() -> None:
    buckets = LogHistogram()
    buckets.update(np.array([5e-324, 1e-300, 1e300, 1.7e308, math.inf]), None)
    assert buckets.quantiles((0.0, 0.25)) == [0.0, pytest.approx(1e-300, rel=1e-3)]
    assert buckets.quantiles((0.5, 0.75)) == [pytest.approx(1e300, rel=1e-3), pytest.approx(1.7e308, rel=1e-3)]
    assert buckets.quantiles((1.0,)) == [math.inf]


def test_quantiles_are_exact_until_the_budget_is_passed() -> None:
    small, large = Quantiles(budget=5000), Quantiles(budget=4999)
    for batch in parts(VALUES):
        small.update(batch, None)
        large.update(batch, None)
    assert small.histogram is None
    assert small.quantiles((0.5,)) == [np.median(VALUES)]
    assert large.histogram is not None
    assert large.quantiles((0.5,))[0] == pytest.approx(np.median(VALUES), rel=2e-3)


@pytest.mark.parametrize("reduction", list(Reduction))
def test_accumulators_of_parts_merge(reduction: Reduction) -> None:
    elements = VALUES.reshape(1000, 5)
    whole, merged = Accumulator(reduction), Accumulator(reduction)
    whole.update(elements, elements.mean(axis=1), WEIGHTS[:1000])
    for e, w in zip(parts(elements), parts(WEIGHTS[:1000]), strict=True):
        part = Accumulator(reduction)
        part.update(e, e.mean(axis=1), w)
        merged.merge(part)
    assert merged.value() == pytest.approx(whole.value(), rel=1e-13)
    ascending, weights = np.argsort(elements.ravel()), np.repeat(WEIGHTS[:1000], 5)
    middle = np.searchsorted(np.cumsum(weights[ascending]), weights.sum() / 2)
    expected = {
        Reduction.MEAN: np.average(elements.mean(axis=1), weights=WEIGHTS[:1000]),
        Reduction.ROOT_MEAN: math.sqrt(np.average(elements.mean(axis=1), weights=WEIGHTS[:1000])),
        Reduction.EXP_MEAN: math.exp(np.average(elements.mean(axis=1), weights=WEIGHTS[:1000])),
        Reduction.MEDIAN: elements.ravel()[ascending[middle]],
        Reduction.MAX: elements.max(),
    }[reduction]
    assert whole.value() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("exponent", [-900, -600, 400, 600, 900])
def test_the_scale_of_weights_changes_no_moment(exponent: int) -> None:
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=(2, 3000))
    values[1500:] += 50
    weights = 1 + np.abs(weights)

    def moments_of(weights: Any) -> Moments:
        found = Moments()
        for part in np.array_split(np.arange(3000), 3):
            found.update(values[part], weights[part])
        return found

    plain, scaled = moments_of(weights), moments_of(weights * 2.0**exponent)
    assert (scaled.mean, scaled.std) == pytest.approx((plain.mean, plain.std), rel=1e-13)
    of_groups = [
        [result.std for result in losscli.compute(
            "mse", {"y_true": values, "y_pred": values * 0, "w": w, "g": np.arange(3000) % 2},
            columns={"weight": "w"}, group_by="g",
        )]
        for w in (weights, weights * 2.0**exponent)
    ]  # fmt: skip
    assert of_groups[1] == pytest.approx(of_groups[0], rel=1e-13)
