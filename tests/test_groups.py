"""The statistics of groups are those of the rows of each group alone, digit by digit, however the rows are cut."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from losscli.declaration.properties import Reduction
from losscli.evaluation.groups import Groups
from losscli.statistics.grouped import GroupedAccumulator
from losscli.statistics.grouped_moments import Sums, add_exactly
from losscli.statistics.grouped_values import GroupedValues, SortedValues
from losscli.statistics.quantiles import Quantiles, quantiles, quantiles_of_rows
from losscli.statistics.segments import Segments
from losscli.statistics.summary import Accumulator

SIZES = [0.0, 1.0, 1e-300, 1e16, 1e306]


def draw_values(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return values of very different sizes, some of them equal, infinite or NaN."""
    values = rng.normal(size=shape) * rng.choice(SIZES, size=shape)
    kinds = rng.integers(60, size=shape)
    values[kinds == 0], values[kinds == 1] = np.inf, -np.inf
    if rng.integers(3) == 0:
        values[kinds == 2] = np.nan
    return np.where(kinds > 40, 0.25, values)


class Rows:
    """Rows of batches: the arguments of `Accumulator.update`, and the group of each row."""

    def __init__(self, rng: np.random.Generator, n: int, n_groups: int, weighted: bool, masked: bool, width: int):
        self.index = rng.integers(n_groups, size=n).astype(np.int32)
        self.per_sample = draw_values(rng, n)
        self.elements = self.per_sample if not width else draw_values(rng, n, width)
        self.weights = rng.choice([1.0, 2.0, 0.3, 1e-9], size=n) if weighted else None
        self.counted = rng.integers(3, size=n) > 0 if masked else None
        self.denominator = rng.random(n) if masked else None

    def add_to(self, accumulator: Accumulator, kept: np.ndarray) -> None:
        kept = kept if self.counted is None else kept & self.counted
        accumulator.update(self.elements, self.per_sample, self.weights, kept, self.denominator)

    def add_to_groups(self, accumulator: GroupedAccumulator, n_groups: int) -> None:
        rows = Segments.of(self.index, n_groups).where(self.counted)
        accumulator.grow(n_groups)
        accumulator.update(rows, rows.groups, self.elements, self.per_sample, self.weights, self.denominator)


def same(a: object, b: object) -> bool:
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    cuts=st.lists(st.integers(0, 40), min_size=1, max_size=4),
    n_groups=st.integers(1, 9),
    own=st.sampled_from(Reduction),
    asked=st.sampled_from(["mean", "sum", "median"]),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    width=st.sampled_from([0, 0, 1, 3]),
)
def test_groups_are_their_rows_alone(
    seed: int, cuts: list[int], n_groups: int, own: Reduction, asked: str, flags: tuple[bool, ...], width: int
) -> None:
    rng = np.random.default_rng(seed)
    weighted, masked, value_only, merged = flags
    batches = [Rows(rng, n, n_groups, weighted, masked, width) for n in cuts]
    for batch in batches if own is Reduction.ROOT_MEAN else ():
        np.abs(batch.per_sample, out=batch.per_sample)
    grouped = GroupedAccumulator(own, asked, value_only)
    grouped.grow(n_groups)
    alone = [Accumulator(own, asked, value_only) for _ in range(n_groups)]
    with np.errstate(all="ignore"):
        for batch in batches:
            part = GroupedAccumulator(own, asked, value_only) if merged else grouped
            batch.add_to_groups(part, n_groups)
            if merged:
                grouped.merge(np.arange(n_groups), part)
            for group, accumulator in enumerate(alone):
                later = Accumulator(own, asked, value_only) if merged else accumulator
                batch.add_to(later, batch.index == group)
                if merged:
                    accumulator.merge(later)
        found, expected = grouped.summaries(), [accumulator.summary() for accumulator in alone]
    for one, other in zip(found, expected, strict=True):
        assert all(map(same, one, other)), (one, other)


@pytest.mark.parametrize("n", [1, 7, 9, 130, 3000])
def test_sums_of_groups_are_exact(n: int) -> None:
    rng = np.random.default_rng(n)
    index = rng.integers(5, size=n).astype(np.int32)
    values = rng.normal(size=n) * 10.0 ** rng.integers(-18, 18, size=n)
    sums, rows = Sums(np.zeros(5)), Segments.of(index, 5)
    add_exactly(sums, rows, rows.groups, values)
    assert sums.value.tolist() == [math.fsum(values[index == group]) for group in range(5)]


def test_rows_are_cut_into_blocks() -> None:
    index = np.array([2, 0, 2, 2, 0, 2, 5, 2], dtype=np.int32)
    blocks = [(b.groups.tolist(), b.counts.tolist(), b.rows.tolist()) for b in Segments.of(index, 6).blocks(2)]
    assert blocks == [([0, 2, 5], [2, 2, 1], [1, 4, 0, 2, 6]), ([2], [2], [3, 5]), ([2], [1], [7])]


def test_no_rows() -> None:
    accumulator = GroupedAccumulator(Reduction.MEAN)
    rows = Segments.of(np.array([1, 1], dtype=np.int32), 2).where(np.zeros(2, dtype=bool))
    accumulator.grow(2)
    accumulator.update(rows, rows.groups, np.ones(2), np.ones(2))
    with np.errstate(all="ignore"):
        assert [summary.n for summary in accumulator.summaries()] == [0, 0]


def merge_in_pairs(parts: list, merge: Callable) -> object:
    """Merge parts as a tree: two neighbours, then two of these."""
    while len(parts) > 1:
        pairs = [parts[i : i + 2] for i in range(0, len(parts), 2)]
        for pair in pairs:
            if len(pair) == 2:
                merge(*pair)
        parts = [pair[0] for pair in pairs]
    return parts[0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("budget", [5, 40, 1000])
def test_quantiles_of_groups(budget: int, early: bool, weighted: bool) -> None:
    rng = np.random.default_rng(budget)
    n_groups, parts, alone = 6, [], [[] for _ in range(6)]
    for n in (60, 0, 33, 80, 21):
        index = rng.integers(n_groups - 1, size=n) ** 2 % n_groups
        values, weights = rng.lognormal(size=n), rng.random(n) if weighted else None
        rows, part = Segments.of(index.astype(np.int32), n_groups), GroupedValues(budget)
        part.grow(n_groups)
        share = None if weights is None else weights[rows.rows]
        part.update(SortedValues(rows.groups, rows.counts, values[rows.rows], share))
        for group in range(n_groups):
            kept = index == group
            stream = Quantiles(budget)
            stream.update(values[kept], None if weights is None else weights[kept])
            if early and group == 1:
                stream.to_histogram()
            alone[group].append(stream)
        if early:
            part.condense(1)
        parts.append(part)
    places = np.arange(n_groups)
    merged = merge_in_pairs(parts, lambda a, b: a.merge(places, b))
    expected = [merge_in_pairs(streams, Quantiles.merge).quantiles((0.5, 0.95)) for streams in alone]
    for _ in range(2):  # asking changes nothing
        np.testing.assert_array_equal(merged.quantiles((0.5, 0.95)), expected)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_quantiles_of_rows(n: int) -> None:
    rng = np.random.default_rng(n)
    values = draw_values(rng, 30, n)
    weights = rng.choice([1.0, 0.5, 3.0], size=(30, n))
    weights[:5] = 2.0
    probabilities = (0.0, 0.3, 0.5, 0.95, 1.0)
    for share in (None, weights):
        found = quantiles_of_rows(values, share, probabilities)
        each = [quantiles(row, None if share is None else share[i], probabilities) for i, row in enumerate(values)]
        np.testing.assert_array_equal(found, each)
    plain = values[~np.isnan(values).any(axis=1)]
    with np.errstate(invalid="ignore"):
        expected = np.quantile(plain, probabilities, axis=1).T
    is_finite = np.isfinite(expected)
    np.testing.assert_allclose(quantiles_of_rows(plain, None, probabilities)[is_finite], expected[is_finite])


def test_groups_that_come_late() -> None:
    """Groups of a part that the parts before it have not, and the other way round."""
    runs = []
    for keys in (["b", "a"], ["c", "b"], ["a"]):
        groups = Groups([GroupedAccumulator(Reduction.MEAN)])
        at = groups.find_places((key,) for key in keys)
        index = np.arange(4 * len(keys), dtype=np.int32) % len(keys)
        rows = Segments.of(index, len(keys))
        values = np.array([float(ord(keys[i])) for i in index]) + np.arange(len(index))
        groups.accumulators[0].update(rows, at[rows.groups], values, values)
        runs.append(groups)
    for groups in runs[1:]:
        runs[0].merge(groups)
    found = dict(zip([key for (key,) in runs[0].places], runs[0].accumulators[0].summaries(), strict=True))
    assert list(found) == ["b", "a", "c"]
    assert [(s.n, s.min, s.max, s.value) for s in found.values()] == [
        (8, 98.0, 105.0, (98 + 100 + 102 + 104 + 99 + 101 + 103 + 105) / 8),
        (8, 97.0, 104.0, (98 + 100 + 102 + 104 + 97 + 98 + 99 + 100) / 8),
        (4, 99.0, 105.0, 102.0),
    ]
