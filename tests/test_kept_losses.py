"""Results of arrays in memory: the value at once, other statistics when they are looked at."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.data.batch import ROWS_PER_BATCH, Batch, join_numbers
from losscli.declaration.domains import Real
from losscli.declaration.properties import Reduction
from losscli.evaluation.kept_losses import Arena, KeptOutcomes
from losscli.evaluation.outcome import Outcome
from losscli.statistics.quantiles import LogHistogram
from losscli.statistics.summary import Accumulator, Summary

ROWS = 2 * ROWS_PER_BATCH + 40_001
RNG = np.random.default_rng(16)
Y_TRUE = RNG.normal(size=ROWS)
Y_PRED = Y_TRUE + RNG.standard_t(3, size=ROWS)
WEIGHT = RNG.random(ROWS) + 0.1
STATISTICS = ("value", "n", "std", "min", "median", "p95", "max", "sum", "status")


def summary_in_order(losses: Any, weight: Any = None) -> Summary:
    """Return the statistics of losses that are added batch by batch."""
    whole = Accumulator(Reduction.MEAN)
    for start in range(0, len(losses), ROWS_PER_BATCH):
        part = slice(start, start + ROWS_PER_BATCH)
        whole.update(losses[part], losses[part], None if weight is None else weight[part])
    return whole.summary()


@pytest.mark.parametrize(("jobs", "weight"), [(1, None), (2, None), (5, None), (2, WEIGHT)])
def test_statistics_have_the_digits_of_batches_in_order(jobs: int, weight: Any) -> None:
    result = losscli.compute("mse", y_true=Y_TRUE, y_pred=Y_PRED, weight=weight, jobs=jobs)
    squares = (Y_PRED - Y_TRUE) ** 2
    assert result.summary == summary_in_order(squares, weight)
    assert np.array_equal(result.per_sample, squares)
    assert np.array_equal(result.rows, np.arange(1, ROWS + 1))
    assert result.value == pytest.approx(np.average(squares, weights=weight), rel=1e-14)
    assert result.std == pytest.approx(np.sqrt(np.average((squares - result.value) ** 2, weights=weight)), rel=1e-12)
    if weight is None:
        assert [result.median, result.p95] == np.quantile(squares, (0.5, 0.95)).tolist()


def test_rows_left_out_and_rows_of_weight_0_are_as_if_they_were_not_there() -> None:
    y_true, weight = Y_TRUE.copy(), WEIGHT.copy()
    y_true[::1000], weight[1::500] = np.nan, 0
    kept = ~np.isnan(y_true)
    result = losscli.compute("mae", y_true=y_true, y_pred=Y_PRED, weight=weight, nan="omit")
    counted = kept & (weight > 0)
    there = losscli.compute("mae", y_true=y_true[counted], y_pred=Y_PRED[counted], weight=weight[counted])
    assert np.array_equal(result.rows, np.flatnonzero(kept) + 1)
    assert result.n == there.n == np.count_nonzero(counted)
    assert [getattr(result, name) for name in ("value", "std", "median", "p95")] == pytest.approx(
        [getattr(there, name) for name in ("value", "std", "median", "p95")], rel=1e-13
    )


def test_arrays_may_change_after_the_value_is_known() -> None:
    y_true, y_pred, weight = (array[: ROWS_PER_BATCH + 9].copy() for array in (Y_TRUE, Y_PRED, WEIGHT))
    before, after = (losscli.compute("mae", y_true=y_true, y_pred=y_pred, weight=weight) for _ in range(2))
    expected = before.to_dict()
    for array in (y_true, y_pred, weight):
        array[:] = 7.0
    assert after.to_dict() == expected
    assert np.array_equal(after.per_sample, before.per_sample)


def test_a_kernel_may_return_what_it_is_given() -> None:
    @losscli.loss(family="regression", formula="p", name="own_prediction")
    def own_prediction(y_true: Real, y_pred: Real) -> Any:
        """Return the prediction."""
        return y_pred

    y_pred = np.arange(1.0, 6.0)
    result = losscli.compute(own_prediction, y_true=np.zeros(5), y_pred=y_pred)
    y_pred[:] = 0
    assert (result.median, result.max, list(result.per_sample)) == (3.0, 5.0, [1.0, 2.0, 3.0, 4.0, 5.0])


def test_losses_may_change_once_they_are_handed_out() -> None:
    result = losscli.compute("mae", y_true=Y_TRUE, y_pred=Y_PRED)
    result.per_sample.fill(0.0)
    assert (result.max, result.sum) == (np.abs(Y_PRED - Y_TRUE).max(), pytest.approx(result.value * ROWS))


def test_threads_that_look_at_once_see_the_same() -> None:
    result = losscli.compute("mae", y_true=Y_TRUE, y_pred=Y_PRED)
    barrier = Barrier(4)

    def look(i: int) -> tuple[Any, ...]:
        barrier.wait()
        losses = result.per_sample if i % 2 else None
        return result.std, result.median, id(result.per_sample), losses is None or losses is result.per_sample

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(look, range(4)))) == 1


@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, lambda result: pickle.loads(pickle.dumps(result))])
def test_copies_are_equal_and_show_the_same(twin_of: Any) -> None:
    result = losscli.compute("huber", y_true=Y_TRUE[:500], y_pred=Y_PRED[:500], weight=WEIGHT[:500])
    other = losscli.compute("huber", y_true=Y_TRUE[:500], y_pred=Y_PRED[:500] + 1e-9, weight=WEIGHT[:500])
    twin = twin_of(result)
    assert twin == result != other
    assert hash(twin) == hash(result)
    assert twin.to_dict() == result.to_dict()
    assert twin.to_frame().equals(result.to_frame())
    assert [getattr(twin, name) for name in STATISTICS] == [getattr(result, name) for name in STATISTICS]


def test_a_penalty_is_part_of_the_value_and_of_no_other_statistic() -> None:
    plain = losscli.compute("mse", y_true=Y_TRUE[:99], y_pred=Y_PRED[:99])
    result = losscli.compute("mse", y_true=Y_TRUE[:99], y_pred=Y_PRED[:99], penalty="l2:lambda=0.5", parameters=[1, 2])
    assert float(result) == result.summary.value == result.to_dict()["value"] == plain.value + result.penalty
    assert result.summary._replace(value=plain.value) == plain.summary


def test_errors_are_raised_at_once_and_count_the_rows_of_a_batch() -> None:
    chance = RNG.uniform(0.1, 0.9, ROWS)
    chance[ROWS_PER_BATCH + 70_000 : ROWS_PER_BATCH + 250_000 : 1000] = 1.5
    with pytest.raises(losscli.DataError, match=rf"row {ROWS_PER_BATCH + 70_001}: 1.5 .*at least 179 more rows"):
        losscli.compute("bce", y_true=np.ones(ROWS), y_pred=chance)
    chance[ROWS_PER_BATCH + 70_000 :] = np.nan
    lacking = ROWS - ROWS_PER_BATCH - 70_000
    with pytest.raises(losscli.DataError, match=rf"row {ROWS_PER_BATCH + 70_001}: {lacking} rows"):
        losscli.compute("bce", y_true=np.ones(ROWS), y_pred=chance)
    labels = np.where(np.arange(ROWS) < ROWS_PER_BATCH + 9, 0.0, -1.0)
    with pytest.raises(losscli.DataError, match=f"row {ROWS_PER_BATCH + 10}"):
        losscli.compute("hinge", y_true=labels, y_pred=Y_PRED)


def test_rows_are_named_alike_where_a_part_holds_several_batches() -> None:
    n = 16 * ROWS_PER_BATCH  # in memory, at least eight parts
    y_true, y_pred = np.zeros(n), np.zeros(n)
    y_pred[::ROWS_PER_BATCH] = np.arange(1, 17)
    result: Any = losscli.compute("mse", y_true=y_true, y_pred=y_pred, jobs=2)
    assert (result.n, result.sum) == (n, 1496)
    assert np.array_equal(np.flatnonzero(result.per_sample), range(0, n, ROWS_PER_BATCH))
    assert np.array_equal(result.rows[:: ROWS_PER_BATCH // 2], range(1, n, ROWS_PER_BATCH // 2))
    y_pred[[3 * ROWS_PER_BATCH + 6, 5 * ROWS_PER_BATCH]] = np.nan  # each in the second batch of a part
    with pytest.raises(losscli.DataError, match=f"row {3 * ROWS_PER_BATCH + 7}: 2 rows lack a value, of {n} "):
        losscli.compute("mse", y_true=y_true, y_pred=y_pred, jobs=2)


def test_memory_beyond_an_arena_is_found_elsewhere() -> None:
    arena = Arena(5)
    first, second, third = arena.allocate(3), arena.allocate(3), arena.allocate(2)
    first[:], second[:], third[:] = 1, 2, 3
    assert (first.sum(), second.sum(), third.sum()) == (3, 6, 6)


def test_rows_of_batches_are_numbered_from_the_start_of_the_data() -> None:
    kept, later = KeptOutcomes(), KeptOutcomes()
    for observer, numbers in ((kept, range(1, 4)), (later, range(1, 3)), (later, np.array([3, 5]))):
        losses = np.asarray(numbers, dtype=float)
        observer.update(Batch(numbers, {}, {}), (Outcome(losses, losses),))
    later.renumber(3)
    kept.merge(later)
    assert kept.losses(0, 7, 1, None).rows().tolist() == [1, 2, 3, 4, 5, 6, 8]
    assert join_numbers([range(1, 4), range(4, 6)]) == range(1, 6)
    assert list(join_numbers([range(1, 4), range(5, 6)])) == [1, 2, 3, 5]


@pytest.mark.parametrize("shift", [0.0, -1.0, -1e9])
def test_a_histogram_counts_the_same_in_any_pieces(shift: float) -> None:
    values = RNG.standard_t(3, size=50_000) ** 2 + shift
    whole, pieces, weighted = LogHistogram(), LogHistogram(), LogHistogram()
    whole.update(values, None)
    weighted.update(values, np.ones(len(values)))
    for part in np.array_split(values, 7):
        pieces.update(part, None)
    probabilities = (0.01, 0.5, 0.95)
    assert whole.quantiles(probabilities) == pieces.quantiles(probabilities)
    assert whole.quantiles(probabilities) == pytest.approx(np.quantile(values, probabilities), rel=2e-3)
    assert weighted.quantiles(probabilities) == pytest.approx(whole.quantiles(probabilities), rel=1e-3)
