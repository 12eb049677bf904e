"""Batches that are concatenated as they come: the same as all rows at once, for any pieces and threads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from losscli.data.batch import Batch
from losscli.data.gather import BatchCollector, GrowableArray, split_batch
from losscli.declaration.domains import ValueOrigin
from tests.conftest import Cli, Result
from tests.test_parts import DATA, REFUSED, ROWS, cut, in_short, table

__all__ = ["cut"]

rng = np.random.default_rng(11)
LOSSES = "mse,huber:delta=0.5,rmse,medae,max_error,quantile"
ROWS_OF_TWO_MODELS = [
    f"{y!r},{y + a!r},{'NA' if i == 250 else repr(y - b)},{'uv'[i % 2]}"
    for i, (y, a, b) in enumerate(rng.normal(size=(ROWS, 3)).tolist())
]
MODELS = (table(ROWS_OF_TWO_MODELS, "y_true,a,b,g"), ["--pred", "a", "--pred", "b"])
CASES: dict[str, tuple[bytes, list[str]]] = {
    **{name: DATA[name] for name in ("plain", "newlines in quotes", "weights", "omitted", "groups", "long lines")},
    "propagated": (DATA["omitted"][0], ["--nan", "propagate"]),
    "shown": (DATA["plain"][0], ["--show-outliers", "3"]),
    "models": (MODELS[0], [*MODELS[1], "--nan", "omit"]),
    "models, one of which lacks a value": (MODELS[0], [*MODELS[1], "--nan", "propagate"]),
    "models in groups": (MODELS[0], [*MODELS[1], "--nan", "omit", "--group-by", "g"]),
}


def parse_result(result: Result) -> Any:
    assert result.status in (0, 4), result.err  # 4: a value is not a finite number
    return json.loads(result.out)


def assert_same(a: Any, b: Any) -> None:
    if isinstance(a, dict) and isinstance(b, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list) and isinstance(b, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    elif isinstance(a, float) and isinstance(b, float):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-12)
    else:
        assert a == b


TRIED_FIRST = ("plain", "groups", "long lines", "models in groups")
EACH = [name if name in TRIED_FIRST else pytest.param(name, marks=pytest.mark.slow) for name in CASES]


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH)
def test_a_comparison_by_parts_equals_that_of_the_whole(name: str, cli: Cli, cut: Callable[[int], list[int]]) -> None:
    data, options = CASES[name]
    Path("d.csv").write_bytes(data)
    arguments = ["compare", "--losses", LOSSES, "d.csv", "-f", "json", *options]
    whole = cli(*arguments)
    evaluated = cut(700)
    results = [cli(*arguments, "-j", jobs) for jobs in (1, 3)]
    assert len(evaluated) > 10
    assert results[0].out == results[1].out
    for result in results:
        assert_same(parse_result(result), parse_result(whole))
        assert result.err == whole.err


@pytest.mark.parametrize("name", REFUSED)
def test_a_comparison_by_parts_fails_with_the_same_error(name: str, cli: Cli, cut: Callable[[int], list[int]]) -> None:
    data, (losses, *options) = REFUSED[name]
    Path("d.csv").write_bytes(data)
    whole = cli("compare", "--losses", losses, "d.csv", *options)
    cut(150)
    for jobs in (1, 3):
        result = cli("compare", "--losses", losses, "d.csv", *options, "-j", jobs)
        assert (result.status, result.out, in_short(result.err)) == (whole.status, "", in_short(whole.err))


def make_batch(start: int, stop: int, **more: Any) -> Batch:
    """Return a batch of the rows from `start` to `stop`, with arrays of every kind."""
    rows = np.arange(start + 1, stop + 1)
    arrays = {"y_true": rows * 0.5, "y_pred": np.stack([rows * 1.0, rows * 2.0], axis=1), "classes": np.eye(2)}
    origins = {name: ValueOrigin(name, rows=rows) for name in ("y_true", "y_pred")} | {
        "classes": ValueOrigin("classes")
    }
    names = np.array([f"r{row}" for row in rows], dtype=object)
    return Batch(rows, arrays, origins, rows * 0.1, {"id": names}, tables=frozenset({"classes"}), **more)


@pytest.mark.parametrize("progress", [None, 0.0, 0.01, 0.5, 1.0])
def test_batches_are_concatenated(progress: float | None) -> None:
    missing = np.arange(40) % 3 == 0
    batches = [make_batch(0, 30), make_batch(30, 31), make_batch(31, 71, missing=missing), make_batch(71, 300)]
    collector = BatchCollector(lambda: progress)
    for batch in batches:
        collector.add(batch)
    whole, expected = collector.batch(), make_batch(0, 300)
    assert whole.rows.tolist() == list(range(1, 301))
    assert {name: array.tolist() for name, array in whole.arrays.items()} == {
        name: array.tolist() for name, array in expected.arrays.items()
    }
    assert whole.weight is not None
    assert whole.weight.tolist() == [row * 0.1 for row in range(1, 301)]
    assert whole.extras["id"][299] == "r300"
    assert whole.missing is not None
    assert np.flatnonzero(whole.missing).tolist() == [31 + i for i in range(40) if i % 3 == 0]
    assert whole.absent is None
    assert whole.origins["y_true"].where(250).endswith("row 251")
    # the first batch itself is unchanged
    assert batches[0].arrays["y_true"].tolist() == make_batch(0, 30).arrays["y_true"].tolist()


def test_a_single_batch_is_not_copied() -> None:
    collector, batch = BatchCollector(lambda: None), make_batch(0, 5)
    collector.add(batch)
    assert collector.batch() is batch


def test_arrays_grow_to_a_type_that_holds_all_values() -> None:
    growing = GrowableArray(np.array([1, 2]))
    growing.add(np.array([0.5]), 0)
    growing.add(np.array([2.5, 3.5]), 2)
    assert growing.values.tolist() == [1, 2, 0.5, 2.5, 3.5]
    with pytest.raises(ValueError, match="dimensions"):
        growing.add(np.ones((2, 2)), 0)


def test_a_piece_has_only_masks_that_are_not_all_false() -> None:
    pieces = list(split_batch(make_batch(0, 25, missing=np.arange(25) == 12), rows=10))
    assert [len(piece) for piece in pieces] == [10, 10, 5]
    masks: Iterator[Any] = (piece.missing for piece in pieces)
    assert [None if mask is None else int(mask.argmax()) for mask in masks] == [None, 2, None]
