"""Sums by a key: exact rows while they are few, buckets after that, the same however the rows are split."""

import math

import numpy as np
import pytest

from losscli.statistics.concentration import concentration
from losscli.statistics.keyed_sums import KeyedSums


def added(keys, column, weight=None, splits=(), max_rows=1 << 16):
    """Return sums over rows that were added in parts, each merged in order."""
    total = KeyedSums(1, max_rows)
    for part in np.split(np.arange(len(keys)), splits):
        sums = KeyedSums(1, max_rows)
        sums.update(keys[part], [column[part]], None if weight is None else weight[part])
        total.merge(sums)
    return total


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    keys = np.concatenate([rng.standard_t(1, 5000), -np.abs(rng.normal(0, 1e-9, 300)), np.zeros(40), [-0.0, 1e300]])
    return keys, rng.normal(3, 1, len(keys)), rng.uniform(0.1, 3, len(keys))


def test_few_rows_are_kept_as_they_are(rows):
    keys, column, weight = rows
    table = added(keys, column, weight, [100, 101, 4000]).table()
    order = np.argsort(keys, kind="stable")
    assert table.is_exact
    np.testing.assert_array_equal(table.key, keys[order])
    np.testing.assert_array_equal(table.sums[0], (column * weight)[order])


@pytest.mark.parametrize("splits", [[], [1, 700], [10, 20, 5000]])
def test_buckets_hold_the_sums_of_their_rows(rows, splits):
    keys, column, weight = rows
    table = added(keys, column, weight, splits, max_rows=900).table()
    assert not table.is_exact
    assert table.n_rows.sum() == len(keys)
    assert math.isclose(table.weight.sum(), weight.sum())
    assert math.isclose(table.sums[0].sum(), (column * weight).sum())
    assert (np.diff(table.key) > 0).all()
    for threshold in (-5.0, -1.0, 0.0, 0.5, 3.0):  # rows below a threshold, but for those of its bucket
        below = weight[keys < threshold].sum()
        near = weight[np.abs(keys - threshold) <= 1e-3 * abs(threshold)].sum()
        assert abs(table.weight[table.key < threshold].sum() - below) <= near + 1e-9


def test_bucket_keys_are_the_means_of_their_rows():
    keys = np.array([1.0, 1.0002, 1.0004, 2.0])
    table = added(keys, keys, np.array([1.0, 2.0, 1.0, 1.0]), max_rows=1).table()
    np.testing.assert_allclose(table.key, [1.0002, 2.0], rtol=1e-15)
    np.testing.assert_array_equal(table.n_rows, [3, 1])


def test_digits_do_not_depend_on_when_rows_become_buckets(rows):
    keys, column, weight = rows
    late = added(keys, column, weight, [1000, 2000], max_rows=5000)
    early = added(keys, column, weight, [1000, 2000], max_rows=1)
    np.testing.assert_array_equal(late.table().sums, early.table().sums)


def test_infinite_keys_stay(rows):
    keys, column, _ = rows
    keys = np.append(keys, [np.inf, -np.inf])
    table = added(keys, np.append(column, [1.0, 2.0]), max_rows=10).table()
    assert (table.key[0], table.key[-1]) == (-math.inf, math.inf)
    assert (table.sums[0, 0], table.sums[0, -1]) == (2.0, 1.0)


def test_concentration_counts_the_worst_rows():
    losses = np.array([1.0, 5.0, 0.0, 4.0])
    curve = concentration(added(losses, losses).table())
    np.testing.assert_allclose(curve.loss, [0, 0.5, 0.9, 1.0, 1.0])
    assert [curve.rows_for(share) for share in (0.5, 0.51, 0.9, 1.0)] == [1, 2, 2, 3]
    assert curve.share_of(0.25) == 0.5


@pytest.mark.parametrize("losses", [[], [0.0, 0.0], [-1.0, 3.0], [1.0, math.inf]])
def test_some_losses_have_no_shares(losses):
    assert concentration(added(np.array(losses), np.array(losses)).table()) is None
