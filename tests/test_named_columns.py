"""Data that is records, or arrays and datasets of xarray: what becomes rows and columns, and what is refused."""

from __future__ import annotations

import dataclasses
import io
import sqlite3
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import losscli

Y, P, SITE = [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0], list("abab")
SCORES = np.array([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]])
CROSS_ENTROPY = losscli.get_loss("cross_entropy").value([1, 0, 1], SCORES)

Row = namedtuple("Row", ("y_true", "y_pred", "site"))


@dataclasses.dataclass
class Sample:
    y_true: float
    y_pred: float
    site: str


def from_sqlite() -> list[sqlite3.Row]:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    values = ", ".join(f"({y}, {p}, '{s}')" for y, p, s in zip(Y, P, SITE, strict=True))
    found = connection.execute(f"select column1 y_true, column2 y_pred, column3 site from (values {values})").fetchall()
    connection.close()
    return found


TRIPLES = list(zip(Y, P, SITE, strict=True))
RECORDS: dict[str, Callable[[], Any]] = {
    "dicts": lambda: [dict(zip(Row._fields, each, strict=True)) for each in TRIPLES],
    "named tuples": lambda: [Row(*each) for each in TRIPLES],
    "dataclasses": lambda: tuple(Sample(*each) for each in TRIPLES),
    "SQLite": from_sqlite,
    "structs": lambda: pa.array([dict(zip(Row._fields, each, strict=True)) for each in TRIPLES]),
}


@pytest.mark.parametrize("records", RECORDS.values(), ids=RECORDS)
def test_records_are_rows(records: Callable[[], Any]) -> None:
    assert losscli.compute("mse", records()).value == 0.375
    groups = losscli.compute("mse", records(), group_by="site")
    assert [(r.group, r.value) for r in groups] == [({"site": "a"}, 0.125), ({"site": "b"}, 0.625)]
    assert losscli.compare("mse,mae", records())[0].value in (0.375, 0.5)
    assert losscli.recommend(records()).task == "regression"


def test_what_a_record_lacks_is_missing() -> None:
    records = [{"y_true": 1, "y_pred": 2}, {"y_true": 1}, {"y_pred": 4, "y_true": 1, "note": "x"}]
    with pytest.raises(losscli.DataError, match="y_pred, row 2: 1 row lacks a value"):
        losscli.compute("mse", records)
    assert losscli.compute("mse", records, nan="omit").value == 5
    with pytest.raises(losscli.DataError, match="data, row 2: of type int, and row 1 is a dict: all rows must be"):
        losscli.compute("mse", [{"y_true": 1}, 5])


def test_dicts_for_a_role_are_columns_and_tuples_vectors() -> None:
    scores = [{"ham": a, "spam": b} for a, b in SCORES.tolist()]
    assert losscli.compute("cross_entropy", y_true=["spam", "ham", "spam"], y_pred=scores).value == CROSS_ENTROPY
    assert losscli.get_loss("mse").value(Y, [{"p": p} for p in P]) == 0.375
    pairs = [Row(*row, 0) for row in SCORES.tolist()]
    assert losscli.get_loss("mse")(np.zeros((3, 3)), pairs).shape == (3,)


@pytest.mark.parametrize(
    ("data", "remedy"),
    [
        (io.StringIO("y_true,y_pred\n1,2\n"), "give the path of an open file, or pandas.read_csv(data)"),
        (b"data.csv", "os.fsdecode(data) is a path"),
        (iter([{"y_true": 1, "y_pred": 2}]), "list(data) can be read more than once"),
        (pd.DataFrame({"y_true": Y, "y_pred": P}).groupby("y_true"), "group_by= the columns of the groups"),
        ([1, 2], "records are a list of dicts, named tuples or dataclasses"),
        ([], "records are a list of dicts"),
        (np.ones((2, 2)), "arrays are given as y_true=, y_pred="),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_data_is_refused_with_a_remedy(data: Any, remedy: str) -> None:
    with pytest.raises(losscli.UsageError) as caught:
        losscli.compute("mse", data)
    assert remedy in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_sparse_matrix_is_refused_with_a_remedy() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    for matrix in (sparse.csr_array(np.eye(3)), sparse.coo_matrix(np.eye(3))):
        with pytest.raises(losscli.DataError, match=r"y_pred\.toarray\(\) makes an array of it"):
            losscli.compute("mse", y_true=np.eye(3), y_pred=matrix)


class ArrowArray:
    def __init__(self, array: Any) -> None:
        self._array = array

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self._array.__arrow_c_array__(requested_schema)


class CudaArray:
    """Refuses what an array of CuPy refuses: to be copied to the host without being asked to."""

    __cuda_array_interface__: dict[str, object] = {}  # noqa: RUF012

    def __array__(self, dtype: object = None, copy: object = None) -> object:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def get(self) -> Any:
        return np.array(P)


def test_arrays_that_are_handed_over() -> None:
    assert losscli.compute("mse", y_true=ArrowArray(pa.array(Y)), y_pred=ArrowArray(pa.array(P))).value == 0.375
    assert losscli.compute("mse", ArrowArray(pa.record_batch({"y_true": Y, "y_pred": P}))).value == 0.375
    with_missing = pa.array([{"y_true": 1, "y_pred": 2}, None, {"y_true": 1, "y_pred": None}])
    assert losscli.compute("mse", with_missing, nan="omit").n == 1
    assert losscli.compute("mse", y_true=Y, y_pred=CudaArray()).value == 0.375
    assert losscli.compute("mse", {"y_true": Y, "y_pred": tuple(P)}).value == 0.375


def test_paths_are_text_or_objects(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("y_true,y_pred\n3,2.5\n-0.5,0\n2,2\n7,8\n")
    for data in (path, str(path), [path], (path,)):
        assert losscli.compute("mse", data).value == 0.375


# -------------------------------------------------------------------------------------------------------- xarray

xr = pytest.importorskip("xarray")


def array(values: Any, *dims: str, **coords: Any) -> Any:
    return xr.DataArray(values, dims=dims, coords=coords)


def test_arrays_of_xarray() -> None:
    days = pd.date_range("2024", periods=4)
    y, p = array(Y, "day", day=days), array(P, "day", day=days)
    assert losscli.compute("mse", y_true=y, y_pred=p).value == 0.375
    assert losscli.compute("mse", y_true=Y, y_pred=array(P, "x")).value == 0.375
    assert losscli.compute("mse", {"y_true": y, "y_pred": p}).value == 0.375
    assert losscli.get_loss("mse").value(y, p, weight=array([1, 1, 1, 0], "day", day=days)) == pytest.approx(1 / 6)
    assert losscli.compare("mse", y_true=y, models={"a": p, "b": y})[0].value in (0, 0.375)
    assert losscli.compare("mse", y_true=y, models=xr.Dataset({"a": p, "b": y}))[0].value in (0, 0.375)
    for lon in ([0, 1, 2], list("uvw")):
        grid = array(np.arange(6.0).reshape(2, 3), "lat", "lon", lon=lon)
        assert losscli.compute("mse", y_true=grid, y_pred=grid + 2).value == 4
        assert losscli.get_loss("mse").value(grid, grid + 2) == 4
    missing = array([3.0, np.nan, 2.0, 7.0], "day")
    assert losscli.compute("mse", y_true=missing, y_pred=P, nan="omit").n == 3


def test_labels_of_columns_are_names_of_classes() -> None:
    scores = array(SCORES, "row", "kind", kind=["ham", "spam"])
    assert losscli.compute("cross_entropy", y_true=["spam", "ham", "spam"], y_pred=scores).value == CROSS_ENTROPY
    counted = array(SCORES, "row", "kind", kind=[0, 1])
    assert losscli.compute("cross_entropy", y_true=[1, 0, 1], y_pred=counted).value == CROSS_ENTROPY
    data = xr.Dataset({"y_true": ("row", ["spam", "ham", "spam"]), "y_pred": scores})
    assert losscli.compute("cross_entropy", data).value == CROSS_ENTROPY


A, B = array(Y, "row", row=[1, 2, 3, 4]), array(P, "row", row=[4, 3, 2, 1])
SQUARE = np.arange(4.0).reshape(2, 2)


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        (A, B, "y_pred, row 1: its index has 4, the index of y_true has 1; y_pred.reindex_like(y_true) pairs them"),
        (
            A,
            array(P, "row", row=[5, 6, 7, 8]),
            "rows are paired in order; y_pred.to_numpy() pairs them so, and ignores",
        ),
        (pd.Series(Y, index=[1, 2, 3, 4]), B, "y_pred.reindex_like(y_true)"),
        (xr.Dataset({"y": A}), xr.Dataset({"p": B}), "y_pred.reindex_like(y_true)"),
        (array(SQUARE, "a", "b"), array(SQUARE, "b", "a"), "in another order: y_pred.transpose('a', 'b') pairs them"),
        (
            array(SQUARE, "a", "b", b=["u", "v"]),
            array(SQUARE, "a", "b", b=["v", "u"]),
            "y_pred has the label 'v' of 'b' where y_true has 'u'; y_pred.reindex_like(y_true) pairs them by labels",
        ),
    ],
    ids=["order", "others", "pandas", "datasets", "dimensions", "columns"],
)
def test_labels_that_do_not_fit_are_refused(y: Any, p: Any, message: str) -> None:
    for evaluate in (losscli.get_loss("mse").value, lambda y, p: losscli.compute("mse", y_true=y, y_pred=p)):
        with pytest.raises(losscli.DataError) as caught:
            evaluate(y, p)
        assert message in str(caught.value)


def test_a_dataset_is_a_table_of_its_shared_dimensions() -> None:
    data = xr.Dataset({"y_true": ("day", Y), "y_pred": ("day", P)}, {"day": [1, 2, 3, 4], "site": ("day", SITE)})
    assert losscli.compute("mse", data).value == 0.375
    assert losscli.compute("mse", data, group_by="site")[1].value == 0.625
    assert losscli.recommend(data).task == "regression"
    unnamed = data.rename(y_true="a", y_pred="b")  # coordinates are no candidates
    with pytest.warns(UserWarning, match="y_true is column 'a' and y_pred is column 'b'"):
        assert losscli.compute("mse", unnamed).value == 0.375
    grid = xr.Dataset(
        {"y_true": (("t", "x"), [[1, 2, 3], [4, 5, 6]]), "y_pred": (("x", "t"), [[1, 4], [2, 5], [3, 9]])},
        {"t": [2023, 2024], "x": ["u", "v", "w"], "model": "m"},
    )
    assert [(r.value, r.n) for r in losscli.compute("mse", grid, group_by="t")] == [(0, 3), (3, 3)]
    assert [r.value for r in losscli.compute("mse", grid, group_by="x")] == [0, 0, 4.5]
    weighted = grid.assign(weight=("t", [1, 3]))
    result = losscli.compute("mse", weighted, columns={"weight": "weight"})
    assert (result.value, result.n) == (2.25, 2)
    columns = data.drop_vars("site").to_dataarray()
    assert losscli.compute("mse", columns.T).value == 0.375  # the labels of its columns are names
    with pytest.raises(losscli.UsageError, match=r"data\.to_dataset\(dim=\.\.\.\) has a column for each label"):
        losscli.compute("mse", data.y_true)
    with pytest.raises(losscli.DataError, match="variables have no dimension: there are no rows"):
        losscli.compute("mse", xr.Dataset({"y_true": 1.0}))
