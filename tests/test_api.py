"""The Python API: arrays, frames, mappings and paths; results and refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import losscli
from losscli import registry
from losscli.errors import UsageError
from losscli.evaluation.in_memory import VALUES_PER_BLOCK
from tests.conftest import SAMPLE_DATA, write_parquet
from tests.registry_cases import kernel

Y, P = [3, -0.5, 2, 7], [2.5, 0.0, 2, 8]


def test_arrays_frame_mapping_and_path_give_the_same(tmp_path: Path) -> None:
    frame = pd.DataFrame({"y_true": Y, "y_pred": P})
    frame.to_csv(tmp_path / "d.csv", index=False)
    results = [
        losscli.compute("mse", y_true=Y, y_pred=P),
        losscli.compute("mse", data=frame),
        losscli.compute("mse", data={"y_true": Y, "y_pred": P}),
        losscli.compute("mse", data=tmp_path / "d.csv"),
        losscli.compute("mse", tmp_path / "d.csv"),
    ]
    assert {result.value for result in results} == {0.375}
    assert len({result.signature for result in results}) == 1


def test_a_result_keeps_its_samples() -> None:
    result = losscli.compute("huber", delta=0.5, y_true=Y, y_pred=P, gradient=True)
    assert result.params == {"delta": 0.5}
    frame = result.to_frame()
    assert list(frame.columns) == ["huber:delta=0.5", "huber:delta=0.5.gradient"]
    assert frame.index.tolist() == [1, 2, 3, 4]
    assert frame.iloc[3].tolist() == [0.375, 0.5]


def test_a_list_gives_a_sequence() -> None:
    results = losscli.compute(["mse", "mae"], y_true=Y, y_pred=P)
    assert [result.label for result in results] == ["mse", "mae"]
    assert results["mae"].value == 0.5
    assert results.to_frame().loc["mae", "value"] == 0.5


def test_groups_of_a_frame() -> None:
    frame = pd.DataFrame({"y_true": Y, "y_pred": P, "site": ["a", "b", "a", "b"]})
    results = losscli.compute("mse", data=frame, group_by=["site"])
    assert [(r.group, r.value) for r in results] == [({"site": "a"}, 0.125), ({"site": "b"}, 0.625)]
    assert results.to_frame()["site"].tolist() == ["a", "b"]


def test_rows_that_are_omitted_are_missing_from_the_samples() -> None:
    result = losscli.compute("mae", y_true=[1, np.nan, 3], y_pred=[2, 2, 5], nan="omit")
    assert result.rows is not None
    assert result.rows.tolist() == [1, 3]
    assert result.value == 1.5


def test_propagated_rows_are_nan() -> None:
    result = losscli.compute("mae", y_true=[1, np.nan, 3], y_pred=[2, 2, 5], nan="propagate")
    assert result.status == "nan"
    np.testing.assert_array_equal(result.per_sample, [1, np.nan, 2])


def test_a_row_of_weight_zero_counts_nowhere_but_is_seen() -> None:
    result = losscli.compute("bce", y_true=[0, 1, 1], y_pred=[0.5, 0.0, 0.5], weight=[1, 0, 1], eps=0)
    assert result.value == pytest.approx(np.log(2))
    assert result.per_sample is not None
    assert result.per_sample[1] == np.inf
    assert (result.n, result.summary.max) == (2, pytest.approx(np.log(2)))


def test_a_missing_value_in_a_row_of_weight_zero_is_no_error() -> None:
    assert losscli.compute("mse", y_true=[1, np.nan], y_pred=[2, 2], weight=[1, 0]).value == 1


@pytest.mark.parametrize(
    ("dtype", "expected"), [(np.uint8, 171.0), (np.int16, 171.0), (np.float32, 171.0), (">f8", 171.0)]
)
def test_arithmetic_is_float64_whatever_the_type(dtype: object, expected: float) -> None:
    y, p = np.array([16, 0, 255], dtype=dtype), np.array([0, 16, 254], dtype=dtype)
    assert losscli.compute("mse", y_true=y, y_pred=p).value == expected


def test_a_frame_with_missing_values_and_strings() -> None:
    frame = pd.DataFrame({"y_true": ["cat", "dog", "cat"], "prob_cat": [0.5, 0.25, 1], "prob_dog": [0.5, 0.75, 0]})
    assert losscli.compute("cross_entropy", data=frame).summary.sum == pytest.approx(np.log(2) + np.log(4 / 3))
    with_gap = pd.DataFrame({"y_true": pd.array([1, None], dtype="Int64"), "y_pred": [1.0, 2.0]})
    with pytest.raises(losscli.DataError, match="y_true, row 2: 1 row lacks a value"):
        losscli.compute("mse", data=with_gap)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: losscli.compute("mse,mae", y_true=Y, y_pred=P), losscli.UsageError, "give a list"),
        (lambda: losscli.compute("mse", y_true=Y, y_pred=P[:3]), losscli.DataError, r"\(4,\).*\(3,\)"),
        (lambda: losscli.compute("mse", y_true=Y, y_pred=np.zeros((4, 2))), losscli.DataError, r"\(4,\).*\(4, 2\)"),
        (lambda: losscli.compute("mse", y_true=Y), losscli.DataError, "no column for y_pred"),
        (lambda: losscli.compute("huber", y_true=Y, y_pred=P, delta="1"), losscli.UsageError, "must be a number"),
        (lambda: losscli.compute("huber", y_true=Y, y_pred=P, sigma=1), losscli.UsageError, "sigma"),
        (lambda: losscli.compute("mse", y_true=[], y_pred=[]), losscli.LosscliError, "no row"),
        (lambda: losscli.compute("mse", y_true=Y, y_pred=P, weight=[0] * 4), losscli.NoResultError, "weight 0"),
        (lambda: losscli.get_loss("mse")([1, 2], [1]), losscli.DataError, "shapes differ"),
        (lambda: losscli.get_loss("dice")(np.zeros((2, 0)), np.zeros((2, 0))), losscli.DataError, "hold no numbers"),
        (
            lambda: losscli.compute(
                "mse", data=pd.DataFrame({"y_true": Y, "y_pred": P, "g": [[1], [1], [2], [2]]}), group_by="g"
            ),
            losscli.DataError,
            "column 'g': holds lists, where one value is needed",
        ),
        (lambda: losscli.get_loss("nope"), losscli.UsageError, "unknown loss"),
        (lambda: losscli.get_loss("kl")([0.5, 0.5], [0.5, 0.6]), losscli.DataError, "sum"),
    ],
)
def test_refusals(call: object, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()  # type: ignore[operator]


def test_errors_are_builtin_kinds_too() -> None:
    with pytest.raises(ValueError, match="unknown loss"):
        losscli.get_loss("nope")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, losscli; print([m for m in ('numpy', 'pandas', 'rich', 'pyarrow', 'click') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_a_small_csv_needs_neither_pandas_nor_rich_nor_pyarrow() -> None:
    code = (
        "import sys\nfrom losscli.cli import run\n"
        f"run(['compute', 'mse,mae', {str(SAMPLE_DATA / 'diabetes.csv')!r}])\n"
        "print([m for m in ('pandas', 'rich', 'pyarrow', 'importlib.metadata') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.endswith("[]\n")


def test_reading_parquet_does_not_import_pandas() -> None:
    code = (
        "import sys\nfrom losscli.cli import run\n"
        f"run(['compute', 'mse,mae', {str(SAMPLE_DATA / 'diabetes.parquet')!r}])\nprint('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.endswith("False\n")


def test_grouping_json_lines_does_not_import_pandas(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text("".join(f'{{"y_true": {i}.5, "y_pred": {i}.25, "city": "c{i % 7}"}}\n' for i in range(40_000)))
    code = (
        "import sys\nfrom losscli.cli import run\n"
        f"run(['compute', 'mse', {str(path)!r}, '--group-by', 'city'])\n"
        "print('pyarrow' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.endswith("True False\n")


def test_compare_against_numpy() -> None:
    rng = np.random.default_rng(3)
    y, p = rng.normal(size=200), np.empty(200)
    p[:] = y + rng.normal(size=200)
    p[:5] += 50
    compared = losscli.compare(["mse", "mae", "huber"], y_true=y, y_pred=p)
    e = p - y
    z = 0.6745 * (e - np.median(e)) / np.median(np.abs(e - np.median(e)))
    inside = np.abs(z) <= 3.5
    assert compared.outliers == tuple(np.flatnonzero(~inside) + 1)
    by_label = {loss.label: loss for loss in compared}
    squares = e**2
    assert by_label["mse"].inflation == pytest.approx(squares.mean() / squares[inside].mean(), rel=1e-12)
    assert by_label["mse"].effective_n == pytest.approx(1 / ((squares / squares.sum()) ** 2).sum(), rel=1e-12)
    assert [loss.rank for loss in compared] == [1, 2, 3]
    assert by_label["mse"].rank == 3


@pytest.mark.parametrize(
    ("y", "p", "inflation", "effective_n"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], None, None),  # perfect: 0 / 0 and shares of nothing
        ([1, 2, 3, 4, 5], [2, 3, 4, 5, 9], None, 20 * 20 / 260),  # MAD 0: no row can be told from the others
        ([1.0], [2.0], 1.0, 1.0),  # one row
        ([0, 0, 0, 0], [1, 1, 1, 1], 1.0, 4.0),  # all rows alike
    ],
)
def test_compare_leaves_out_undefined_numbers(
    y: list[float], p: list[float], inflation: float | None, effective_n: float | None
) -> None:
    (loss,) = losscli.compare(["mse"], y_true=y, y_pred=p)
    assert loss.inflation == inflation
    assert loss.effective_n == (effective_n if effective_n is None else pytest.approx(effective_n))


def test_a_whole_batch_that_counts_nowhere_is_only_that_batch(tmp_path: Path) -> None:
    """Each row group of a Parquet file is a batch."""
    y, p = [1.0, 1.0, 5.0, 5.0], [2.0, 2.0, 7.0, 7.0]

    def compute(y_true: list[float], weight: list[float], **options: object) -> losscli.LossResult:
        columns = {"y_true": y_true, "y_pred": p, "weight": weight}
        write_parquet(tmp_path / "d.parquet", columns, rows_per_group=2)
        return losscli.compute("mse", tmp_path / "d.parquet", columns={"weight": "weight"}, **options)

    assert compute(y, [0, 0, 1, 1]).value == 4
    assert compute(y, [1, 1, 0, 0]).value == 1
    result = compute([np.nan, np.nan, 5.0, 5.0], [1, 1, 1, 1], nan="propagate", gradient=True)
    assert result.status == "nan"
    np.testing.assert_array_equal(result.per_sample, [np.nan, np.nan, 4, 4])


@pytest.mark.parametrize(("body", "message"), [("1 / 0", "ZeroDivisionError"), ("y_true[:1]", "1 values for 3 rows")])
def test_a_failing_plugin_is_a_usage_error(body: str, message: str, tmp_path: Path, plugins: None) -> None:
    code = "from losscli.declaration.domains import Real\nfrom losscli.declaration.loss import loss\n"
    code += f"@loss(family='regression', formula='?')\ndef mine(y_true: Real, y_pred: Real):\n    return {body}\n"
    (tmp_path / "mine.py").write_text(code)
    registry.load_plugin(str(tmp_path / "mine.py"))
    with pytest.raises(losscli.UsageError, match=message):
        losscli.compute("mine", y_true=[1, 2, 3], y_pred=[1, 2, 3])


@pytest.mark.parametrize("option", [{"reduction": "average"}, {"nan": "drop"}])
def test_options_are_checked(option: dict[str, str]) -> None:
    with pytest.raises(losscli.UsageError, match="must be one of"):
        losscli.compute("mse", y_true=Y, y_pred=P, **option)


@pytest.mark.parametrize("data", [[1, 2], np.zeros((3, 2))])
def test_data_that_is_no_table(data: object) -> None:
    with pytest.raises(UsageError, match="arrays are given as y_true=, y_pred="):
        losscli.compute("mse", data=data)


# --------------------------------------------------------------------------------------- many rows, in memory

ROWS = 5 * VALUES_PER_BLOCK + 7
"""Enough for several blocks and threads."""


@pytest.mark.parametrize("name", ["mse", "bce", "softmax_loss", "kl", "medae", "wape", "ghm_r", "triplet_mined"])
def test_blocks_and_threads_change_nothing(name: str) -> None:
    rng = np.random.default_rng(2)
    n = ROWS
    arrays: dict[str, Callable[[], tuple[np.ndarray, ...]]] = {
        "bce": lambda: (rng.integers(0, 2, n).astype(float), rng.random(n)),
        "softmax_loss": lambda: (rng.integers(0, 4, n), rng.normal(size=(n, 4))),
        "kl": lambda: (rng.dirichlet(np.ones(4), n), rng.dirichlet(np.ones(4), n)),
        "triplet_mined": lambda: (rng.integers(0, 4, 500), rng.normal(size=(500, 3))),  # of all pairs
    }
    roles = arrays.get(name, lambda: (rng.normal(size=n), rng.normal(size=n)))()
    loss = losscli.get_loss(name)
    form = loss.bound.loss.forms[0]
    by_role = dict(zip(form.names, roles, strict=False))
    np.testing.assert_array_equal(loss(*roles), kernel(loss.bound, form, by_role))
    np.testing.assert_array_equal(loss.gradient(*roles), kernel(loss.bound, form, by_role, "gradient"))
    computed = losscli.compute(name, **by_role)
    assert loss.value(*roles) == pytest.approx(computed.value, rel=1e-13)


@pytest.mark.parametrize("reduction", ["mean", "sum", "median"])
def test_value_alone(reduction: str) -> None:
    y, p = np.arange(10.0), np.arange(10.0) ** 1.5
    expected = getattr(np, reduction)(np.square(p - y))
    assert losscli.get_loss("mse").value(y, p, reduction=reduction) == pytest.approx(expected, rel=1e-15)


def test_value_of_an_unknown_reduction() -> None:
    with pytest.raises(losscli.UsageError, match='reduction="most": must be one of mean, sum, median'):
        losscli.get_loss("mse").value([1.0], [2.0], reduction="most")


def test_an_error_in_a_block_counts_the_rows_of_all() -> None:
    p = np.full(ROWS, 0.5)
    p[[VALUES_PER_BLOCK + 36, 3 * VALUES_PER_BLOCK, ROWS - 1]] = 1.5
    row = VALUES_PER_BLOCK + 37
    message = rf"y_pred, row {row}: 1.5 is not in \[0, 1\] \(and at least 2 more rows"
    with pytest.raises(losscli.DataError, match=message):
        losscli.get_loss("bce")(np.zeros(ROWS), p)


def test_labels_of_two_kinds_in_different_blocks_are_refused() -> None:
    labels = np.where(np.arange(ROWS) < 2 * VALUES_PER_BLOCK, 0, -1)
    with pytest.raises(losscli.DataError, match="not both"):
        losscli.get_loss("hinge")(labels, np.zeros(ROWS))


@pytest.mark.parametrize("frame", [pd.DataFrame, pa.table])
def test_columns_of_lists(frame: Callable[[Any], Any]) -> None:
    scores = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]
    data = frame({"y_true": [0, 1], "y_pred": scores})
    assert losscli.compute("cross_entropy", data=data).value == pytest.approx(-np.log([0.7, 0.8]).mean())
    assert losscli.compute("mse", y_true=data["y_pred"], y_pred=scores).value == 0
    with pytest.raises(losscli.DataError, match=r"y_pred, row 2: (shape|a list of 1 values)"):
        losscli.compute("cross_entropy", data=frame({"y_true": [0, 1], "y_pred": [[0.7, 0.3], [1.0]]}))
    with pytest.raises(losscli.DataError, match="row 2"):
        losscli.compute("cross_entropy", data=frame({"y_true": [0, 1], "y_pred": [[0.7, 0.3], None]}))


def test_what_a_mask_hides_is_missing() -> None:
    y = np.ma.array([1, 2, 3], mask=[False, True, False])
    with pytest.raises(losscli.DataError, match="y_true, row 2: 1 row lacks a value"):
        losscli.compute("mse", y_true=y, y_pred=[1, 9, 5])
    assert np.isnan(losscli.get_loss("mse")(y, [1, 9, 5])).tolist() == [False, True, False]
    assert losscli.compute("mse", data={"y_true": y, "y_pred": [1, 9, 5]}, nan="omit").value == 2
    names = np.ma.array(["a", "b"], mask=[False, True])
    assert losscli.compute("zero_one", y_true=names, y_pred=["b", "b"], nan="omit").n == 1


@pytest.mark.slow
def test_tensors_with_a_gradient_or_of_half_a_float() -> None:
    torch = pytest.importorskip("torch")
    y, p = torch.tensor([1.0, 2.0]).bfloat16(), torch.tensor([1.0, 3.0], requires_grad=True)
    assert losscli.compute("mse", y_true=y, y_pred=p).value == 0.5
    assert losscli.get_loss("mse").value(y, p) == 0.5


def test_decimals_among_objects() -> None:
    frame = pd.DataFrame({"y_true": [Decimal("1.5"), Decimal("2.5")], "y_pred": [1, 2]})
    assert losscli.compute("mse", data=frame).value == 0.25


@pytest.mark.parametrize("names", [np.array(["a", "b"]), np.array([False, True]), np.array([1, 2]), pd.Index([1.0, 2])])
def test_classes_as_scikit_learn_has_them(names: Any) -> None:
    scores = [[0.9, 0.1], [0.2, 0.8]]
    found = losscli.compute("cross_entropy", y_true=names, y_pred=scores, classes=names)
    assert found.value == pytest.approx(-np.log([0.9, 0.8]).mean())


@pytest.mark.parametrize("names", [[1, 2, 3], [2, 1, 0], ["yes", "no", "so"]])
def test_functions_refuse_columns_of_other_classes(names: list[Any]) -> None:
    """They know no names, so the first column would be the class 0."""
    frame = pd.DataFrame([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]], columns=names)
    with pytest.raises(losscli.DataError, match=r"losscli\.compute knows classes by their names"):
        losscli.get_loss("cross_entropy").value([0, 1], frame)
    for own in (range(3), ["cat", "dog", "owl"]):
        found = losscli.get_loss("cross_entropy").value([0, 1], frame.set_axis(own, axis=1))
        assert found == pytest.approx(-np.log([0.7, 0.8]).mean())


def test_what_is_masked_is_missing() -> None:
    masked = np.ma.array(Y, mask=[0, 0, 0, 1])
    with pytest.raises(losscli.DataError, match="row 4: 1 row lacks a value"):
        losscli.compute("mse", y_true=masked, y_pred=P)
    whole = np.mean((np.array(Y[:3]) - P[:3]) ** 2)
    for array in (masked, np.ma.array([3, 0, 2, 7], mask=[0, 1, 0, 0])):
        kept = ~array.mask
        for data in ({"y_true": array, "y_pred": P}, {"y_true": Y, "y_pred": np.ma.array(P, mask=array.mask)}):
            expected = np.mean((np.asarray(data["y_true"])[kept] - np.asarray(data["y_pred"])[kept]) ** 2)
            assert losscli.compute("mse", data=data, nan="omit").value == pytest.approx(expected)
            assert losscli.compute("mse", **data, nan="omit").value == pytest.approx(expected)
    labels = np.ma.array(["a", "b", "a"], mask=[0, 1, 0])
    by_label = losscli.compute("mse", data={"y_true": Y[:3], "y_pred": P[:3], "site": labels}, group_by="site")
    assert [result.n for result in by_label] == [1, 2]
    assert losscli.compute("mse", y_true=np.ma.array(Y[:3]), y_pred=P[:3]).value == pytest.approx(whole)


def test_decimals_and_huge_integers_are_numbers() -> None:
    decimals = pd.DataFrame({"y_true": map(Decimal, map(str, Y)), "y_pred": P})
    assert losscli.compute("mse", data=decimals).value == losscli.compute("mse", y_true=Y, y_pred=P).value
    for huge in (10**400, -(10**400)):  # as in JSON
        assert losscli.compute("mse", y_true=[huge, 2], y_pred=P[:2]).value == np.inf


def test_a_path_with_a_nul_cannot_be_read() -> None:
    with pytest.raises(losscli.DataError, match="cannot be read"):
        losscli.compute("mse", data="a\0b")
