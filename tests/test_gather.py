"""Rows that are put side by side as they come: the same as all at once, whatever the cuts and the threads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from losscli.data.batch import Batch
from losscli.data.gather import BatchCollector, GrowableArray, pieces
from losscli.declaration.domains import ValueOrigin
from tests.conftest import Cli, Result
from tests.test_parts import DATA, REFUSED, ROWS, cut, in_short, table

__all__ = ["cut"]

rng = np.random.default_rng(11)
LOSSES = "mse,huber:delta=0.5,rmse,medae,max_error,quantile"
SEVERAL = [f"{y!r},{y + a!r},{'NA' if i == 250 else repr(y - b)},{'uv'[i % 2]}"
           for i, (y, a, b) in enumerate(rng.normal(size=(ROWS, 3)).tolist())]  # fmt: skip
MODELS = (table(SEVERAL, "y_true,a,b,g"), ["--pred", "a", "--pred", "b"])
CASES: dict[str, tuple[bytes, list[str]]] = {
    **{name: DATA[name] for name in ("plain", "newlines in quotes", "weights", "omitted", "groups", "long lines")},
    "propagated": (DATA["omitted"][0], ["--nan", "propagate"]),
    "shown": (DATA["plain"][0], ["--show-outliers", "3"]),
    "models": (MODELS[0], [*MODELS[1], "--nan", "omit"]),
    "models, one of which lacks a value": (MODELS[0], [*MODELS[1], "--nan", "propagate"]),
    "models in groups": (MODELS[0], [*MODELS[1], "--nan", "omit", "--group-by", "g"]),
}


def found(result: Result) -> Any:
    assert result.status in (0, 4), result.err  # 4: a value is not a finite number
    return json.loads(result.out)


def same(a: Any, b: Any) -> None:
    if isinstance(a, dict) and isinstance(b, dict):
        assert a.keys() == b.keys()
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, list) and isinstance(b, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, float) and isinstance(b, float):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-12)
    else:
        assert a == b


@pytest.mark.parametrize("name", CASES)
def test_a_comparison_by_parts_is_that_of_the_whole(name: str, cli: Cli, cut: Callable[[int], list[int]]) -> None:
    data, options = CASES[name]
    Path("d.csv").write_bytes(data)
    arguments = ["compare", "--losses", LOSSES, "d.csv", "-f", "json", *options]
    whole = cli(*arguments)
    evaluated = cut(700)
    results = [cli(*arguments, "-j", jobs) for jobs in (1, 3)]
    assert len(evaluated) > 10
    assert results[0].out == results[1].out
    for result in results:
        same(found(result), found(whole))
        assert result.err == whole.err


@pytest.mark.parametrize("name", REFUSED)
def test_a_comparison_by_parts_is_refused_alike(name: str, cli: Cli, cut: Callable[[int], list[int]]) -> None:
    data, (losses, *options) = REFUSED[name]
    Path("d.csv").write_bytes(data)
    whole = cli("compare", "--losses", losses, "d.csv", *options)
    cut(150)
    for jobs in (1, 3):
        result = cli("compare", "--losses", losses, "d.csv", *options, "-j", jobs)
        assert (result.status, result.out, in_short(result.err)) == (whole.status, "", in_short(whole.err))


def some(start: int, stop: int, **more: Any) -> Batch:
    rows = np.arange(start + 1, stop + 1)
    arrays = {"y_true": rows * 0.5, "y_pred": np.stack([rows * 1.0, rows * 2.0], axis=1), "classes": np.eye(2)}
    origins = {name: ValueOrigin(name).at(rows) for name in ("y_true", "y_pred")} | {"classes": ValueOrigin("classes")}
    names = np.array([f"r{row}" for row in rows], dtype=object)
    return Batch(rows, arrays, origins, rows * 0.1, {"id": names}, tables=frozenset({"classes"}), **more)


@pytest.mark.parametrize("told", [None, 0.0, 0.01, 0.5, 1.0])
def test_batches_side_by_side(told: float | None) -> None:
    missing = np.arange(40) % 3 == 0
    batches = [some(0, 30), some(30, 31), some(31, 71, missing=missing), some(71, 300)]
    gathered = BatchCollector(lambda: told)
    for batch in batches:
        gathered.add(batch)
    one, expected = gathered.batch(), some(0, 300)
    assert one.rows.tolist() == list(range(1, 301))
    assert {name: array.tolist() for name, array in one.arrays.items()} == {
        name: array.tolist() for name, array in expected.arrays.items()
    }
    assert one.weight is not None
    assert one.weight.tolist() == [row * 0.1 for row in range(1, 301)]
    assert one.extras["id"][299] == "r300"
    assert one.missing is not None
    assert np.flatnonzero(one.missing).tolist() == [31 + i for i in range(40) if i % 3 == 0]
    assert one.absent is None
    assert one.origins["y_true"].where(250).endswith("row 251")
    assert batches[0].arrays["y_true"].tolist() == some(0, 30).arrays["y_true"].tolist()  # nobody wrote over them


def test_one_batch_is_not_copied() -> None:
    gathered, batch = BatchCollector(lambda: None), some(0, 5)
    gathered.add(batch)
    assert gathered.batch() is batch


def test_arrays_grow_to_what_holds_them() -> None:
    growing = GrowableArray(np.array([1, 2]))
    growing.add(np.array([0.5]), 0)
    growing.add(np.array([2.5, 3.5]), 2)
    assert growing.values.tolist() == [1, 2, 0.5, 2.5, 3.5]
    with pytest.raises(ValueError, match="dimensions"):
        growing.add(np.ones((2, 2)), 0)


def test_pieces_have_the_masks_that_say_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("losscli.data.gather.fitting", lambda rows, width: 10)
    cut_up = list(pieces(some(0, 25, missing=np.arange(25) == 12)))
    assert [len(piece) for piece in cut_up] == [10, 10, 5]
    masks: Iterator[Any] = (piece.missing for piece in cut_up)
    assert [None if mask is None else int(mask.argmax()) for mask in masks] == [None, 2, None]
