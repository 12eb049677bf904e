"""What the Python API reads: masked arrays, tensors, Arrow streams, frames, lists; losses as objects; results."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import losscli
from losscli.declaration.domains import Real
from tests.conftest import SAMPLE_DATA

Y, P, SITE = [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0], list("abab")
W = [1.0, 1.0, 1.0, 5.0]
SCORES = [[0.1, 0.9], [0.8, 0.3], [0.2, 0.2]]
SOFTMAX = losscli.compute("softmax_loss", y_true=[1, 0, 1], y_pred=np.array(SCORES)).value
TABLE = pa.table({"y_true": Y, "y_pred": P, "site": SITE})


class Stream:
    """Has nothing but the interface."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class Tensor:
    """Refuses what a tensor of PyTorch refuses: to become an array with a gradient, on a device, or of bfloat16."""

    def __init__(self, values: Any, grad: bool = True, device: str = "cuda", dtype: str = "torch.bfloat16") -> None:
        self.values, self.grad, self.device, self.dtype = np.asarray(values), grad, device, dtype

    def __len__(self) -> int:
        return len(self.values)

    def detach(self) -> Tensor:
        return Tensor(self.values, False, self.device, self.dtype)

    def cpu(self) -> Tensor:
        return Tensor(self.values, self.grad, "cpu", self.dtype)

    def float(self) -> Tensor:
        return Tensor(self.values, self.grad, self.device, "torch.float32")

    def numpy(self) -> Any:
        if self.grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        if self.device != "cpu" or self.dtype == "torch.bfloat16":
            raise TypeError(f"can't convert a tensor of {self.dtype} on {self.device}")
        return self.values

    def __array__(self, dtype: object = None, copy: object = None) -> Any:
        return self.numpy()


def column_of_objects(values: list[Any]) -> pd.Series:
    """Return a column that holds the values as they are, which NumPy would try to convert."""
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return pd.Series(array)


class LazyFrame:
    """Has the methods of a lazy frame of Polars that tell it from others."""

    collect_schema = lazy = None

    def collect(self) -> Stream:
        return Stream(TABLE)


# ------------------------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize("name", ["mse", "rmse", "medae", "wape", "huber"])
@pytest.mark.parametrize("weight", [W, np.array([0, 1, 0.5, 2]), pd.Series(W), Tensor(W)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "median"])
def test_the_value_of_a_loss_function_is_weighted(name: str, weight: Any, reduction: Any) -> None:
    expected = losscli.compute(name, y_true=Y, y_pred=P, weight=weight, reduction=reduction).value
    assert losscli.get_loss(name).value(Y, P, weight=weight, reduction=reduction) == pytest.approx(expected, rel=1e-14)


def test_weights_of_many_rows_and_of_positions() -> None:
    rng = np.random.default_rng(5)
    y, p, w = rng.normal(size=300_000), rng.normal(size=300_000), rng.integers(0, 3, 300_000)
    assert losscli.get_loss("mse").value(y, p, weight=w) == pytest.approx(
        np.average((p - y) ** 2, weights=w), rel=1e-13
    )
    labels, scores = rng.integers(0, 3, (6, 4)), rng.normal(size=(6, 4, 3))
    loss = losscli.get_loss("softmax_loss")
    for weight in (rng.random(6), rng.random((6, 4))):
        each = np.broadcast_to(weight.reshape(6, -1), (6, 4)).ravel()
        expected = np.average(loss(labels, scores), weights=each)
        assert loss.value(labels, scores, weight=weight) == pytest.approx(expected, rel=1e-13)


def test_a_row_of_weight_0_may_hold_anything() -> None:
    assert losscli.get_loss("bce").value([0, 1, 1], [0.5, 7.0, np.nan], weight=[1, 0, 0]) == pytest.approx(np.log(2))


# -------------------------------------------------------------------------------------------------------- inputs

MASK = [False, True, False, False]
MASKED = {
    "float": np.ma.masked_array(Y, MASK),
    "integer": np.ma.masked_array([3, 99, 2, 7], MASK),
    "large integers": np.ma.masked_array([3, 2**62, 2, 7], MASK),
    "list with the constant": [3.0, np.ma.masked, 2.0, 7.0],
    "objects": np.array([3.0, None, 2.0, 7.0], dtype=object),
    "Arrow array": pa.array([3.0, None, 2.0, 7.0]),
    "Arrow column": pa.chunked_array([[3.0], [None, 2.0, 7.0]]),
    "Int64": pd.Series([3, None, 2, 7], dtype="Int64"),
    "dates beside": pd.Series([3, pd.NaT, 2, 7], dtype=object),
}


@pytest.mark.parametrize("y", MASKED.values(), ids=MASKED)
def test_what_is_masked_is_missing(y: Any) -> None:
    with pytest.raises(losscli.DataError, match="y_true, row 2: 1 row lacks a value"):
        losscli.compute("mae", y_true=y, y_pred=P)
    for result in (
        losscli.compute("mae", y_true=y, y_pred=P, nan="omit"),
        losscli.compute("mae", {"y_true": y, "y_pred": P}, nan="omit"),
        losscli.compare("mae", y_true=y, y_pred=P, nan="omit")[0].result,
    ):
        assert (result.value, result.n) == (0.5, 3)
    np.testing.assert_array_equal(losscli.get_loss("mae")(y, P), [0.5, np.nan, 0, 1])


def test_masked_rows_of_vectors_labels_and_records() -> None:
    rows = np.ma.masked_array(SCORES, [[0, 0], [1, 0], [0, 0]])
    for scores in (rows, list(rows), [SCORES[0], None, SCORES[2]], pd.Series([SCORES[0], None, SCORES[2]])):
        assert losscli.compute("softmax_loss", y_true=[1, 0, 1], y_pred=scores, nan="omit").n == 2
    names = np.ma.masked_array(["a", "b"], [False, True])
    assert losscli.compute("zero_one", y_true=names, y_pred=["a", "a"], nan="omit").n == 1
    records = np.ma.array([(1.0, 2.0), (3.0, 9.0)], mask=[(0, 0), (0, 1)], dtype=[("y_true", "f8"), ("y_pred", "f8")])
    assert losscli.compute("mse", records, nan="omit").value == 1


ARRAYS: list[Callable[[Any], Any]] = [
    Tensor,
    lambda v: Tensor(v, dtype="torch.float32"),
    lambda v: [Tensor(x) for x in v],
    lambda v: column_of_objects([Tensor(x) for x in v]),
    np.array,
    np.asmatrix,
    tuple,
    pd.Index,
    pa.array,
    lambda v: Stream(pa.chunked_array([v[:1], v[1:]])),
    lambda v: memoryview(np.array(v)),
    lambda v: np.array(v, dtype=np.longdouble),
    lambda v: np.array(v, dtype=">f4"),
    lambda v: list(map(str, v)),
]


@pytest.mark.parametrize("values", ARRAYS)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_arrays_of_all_kinds(values: Callable[[Any], Any]) -> None:
    y, p = (np.asmatrix(v).T if values is np.asmatrix else values(v) for v in (Y, P))
    assert losscli.get_loss("mse").value(y, p) == 0.375
    assert losscli.compute("mse", y_true=y, y_pred=p).value == 0.375
    assert losscli.compute("mse", {"y_true": y, "y_pred": p}).value == 0.375
    assert losscli.compare("mse", y_true=y, models={"a": p, "b": p})[0].value == 0.375


@pytest.mark.parametrize(
    "scores",
    [
        [Tensor(row) for row in SCORES],
        Tensor(SCORES),
        pd.Series([np.array(row) for row in SCORES]),
        pd.DataFrame({"p": SCORES}),
        column_of_objects([Tensor(row) for row in SCORES]),
        pa.array(SCORES),
        pa.array(SCORES, pa.list_(pa.float32(), 2)).cast(pa.list_(pa.float64(), 2)),
        pa.table({"a": [row[0] for row in SCORES], "b": [row[1] for row in SCORES]}),
        pa.table({"p": SCORES}),
        pa.table({"p": SCORES}).to_reader,
        np.array([*map(tuple, SCORES)], dtype="f8,f8"),
    ],
    ids=lambda scores: type(scores).__name__,
)
def test_vectors_of_all_kinds(scores: Any) -> None:
    def given() -> Any:
        return scores() if callable(scores) else scores

    assert losscli.compute("softmax_loss", y_true=[1, 0, 1], y_pred=given()).value == pytest.approx(SOFTMAX, rel=1e-7)
    if not (isinstance(scores, np.ndarray) and scores.dtype.names):
        assert losscli.get_loss("softmax_loss").value([1, 0, 1], given()) == pytest.approx(SOFTMAX, rel=1e-7)


FRAMES = {
    "Arrow table": lambda: TABLE,
    "record batch": lambda: TABLE.to_batches()[0],
    "reader": TABLE.to_reader,
    "stream": lambda: Stream(TABLE),
    "lazy frame": LazyFrame,
    "chunks": lambda: pa.concat_tables([TABLE[:1], TABLE[1:]]),
    "pandas": TABLE.to_pandas,
    "records": lambda: TABLE.to_pandas().to_records(),
    "mapping": lambda: {"y_true": Y, "y_pred": P, "site": np.array(SITE)},
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_frames_of_all_kinds(frame: Callable[[], Any]) -> None:
    assert losscli.compute("mse", frame()).value == 0.375
    for names in ("site", ["site"], ("site",), pd.Index(["site"])):
        groups = losscli.compute("mse", frame(), group_by=names)
        assert [(r.group, r.value) for r in groups] == [({"site": "a"}, 0.125), ({"site": "b"}, 0.625)]
    assert losscli.compare("mse,mae", frame(), group_by="site")[0].group_columns == {"site": "a"}
    assert losscli.recommend(frame()).task == "regression"


def test_tables_of_arrow_have_lists_categories_keys_and_an_index() -> None:
    table = pa.table({"y_true": pa.array(["v", "u", "v"]).dictionary_encode(), "y_pred": SCORES})
    assert losscli.compute("softmax_loss", table, classes=["u", "v"]).value == pytest.approx(SOFTMAX)
    true = pa.table({"k": [2**60 + 1, 2**60], "y_true": [1.0, 2.0]})
    pred = pa.table({"k": [2**60, 2**60 + 1], "y_pred": [2.0, 1.0]})
    assert losscli.compute("mse", y_true=true, y_pred=pred, id="k").value == 0  # not as floats, which are equal
    indexed = pa.Table.from_pandas(pd.DataFrame({"y_true": Y, "y_pred": P}, index=pd.RangeIndex(4, 8, name="day")))
    assert losscli.compute("mse", indexed, group_by="day")[0].group == {"day": "4"}


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_times_as_groups_are_the_same_in_all_frames(unit: str) -> None:
    times = pd.Series(np.array(["2020-01-01", "NaT"], f"M8[{unit}]"))
    frame = pd.DataFrame({"y_true": [1, 2], "y_pred": [1, 4], "day": times})
    for data in (frame, pa.Table.from_pandas(frame), {name: column.to_numpy() for name, column in frame.items()}):
        found = [(r.group, r.value) for r in losscli.compute("mse", data, group_by="day")]
        assert found == [({"day": ""}, 4), ({"day": "2020-01-01 00:00:00"}, 0)]


def test_a_large_arrow_table_has_the_digits_of_its_arrays() -> None:
    rng = np.random.default_rng(11)
    y, p = rng.normal(size=(2, 280_000))
    table = pa.table({"y_true": y, "y_pred": p})
    chunked = pa.concat_tables([table[:1], table[1:140_001], table[140_001:]])
    for evaluate in (losscli.compute, losscli.compare):
        expected = evaluate(["mse", "mae"], y_true=y, y_pred=p).to_frame()
        for data in (table, chunked.to_reader()):
            pd.testing.assert_frame_equal(evaluate(["mse", "mae"], data).to_frame(), expected)


def test_polars() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"y_true": Y, "y_pred": P, "site": pl.Series(SITE, dtype=pl.Categorical)})
    doubled = pl.concat([frame, frame], rechunk=False)
    for data in (frame, frame.lazy(), doubled, frame.lazy().select("y_true", "y_pred")):
        assert losscli.compute("mse", data).value == 0.375
    assert losscli.get_loss("mse").value(frame["y_true"], frame["y_pred"]) == 0.375
    assert losscli.compute("mse", frame, group_by="site")[1].value == 0.625
    missing = pl.Series([3, None, 2, 7])
    assert losscli.compute("mse", y_true=missing, y_pred=P, nan="omit").n == 3
    for scores in (
        pl.Series(SCORES),
        pl.Series(SCORES, dtype=pl.Array(pl.Float64, 2)),
        pl.DataFrame(SCORES, orient="row"),
    ):
        assert losscli.compute("softmax_loss", y_true=[1, 0, 1], y_pred=scores).value == pytest.approx(SOFTMAX)
    lazy = pl.scan_csv(SAMPLE_DATA / "diabetes.csv")
    assert losscli.compute("mse", lazy).value == losscli.compute("mse", SAMPLE_DATA / "diabetes.csv").value
    with pytest.raises(losscli.DataError, match="a LazyFrame cannot be collected"):
        losscli.compute("mse", frame.lazy().select("nope"))


def test_duckdb() -> None:
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.connect().from_arrow(TABLE)
    assert losscli.compute("mse", relation).value == 0.375
    assert losscli.compute("mse", relation, group_by="site")[1].value == 0.625
    lists = duckdb.connect().sql("select 1 y_true, [0.1, 0.9]::double[] y_pred union all select 0, [0.8, 0.3]")
    assert losscli.compute("softmax_loss", lists).n == 2


def test_torch() -> None:
    torch = pytest.importorskip("torch")
    y = torch.tensor(Y)
    loss = losscli.get_loss("mse")
    tensors = [torch.tensor(P, dtype=dtype) for dtype in (torch.float64, torch.float16, torch.bfloat16)]
    for p in (*tensors, torch.tensor(P, requires_grad=True), torch.nn.Parameter(tensors[2]), tensors[0].to_sparse()):
        assert loss.value(y, p) == 0.375
        assert losscli.compute("mse", y_true=y, y_pred=p).value == 0.375
    scores = torch.tensor(SCORES, requires_grad=True)
    weight = torch.tensor([1.0, 2.0])
    losses = torch.nn.functional.cross_entropy(scores, torch.tensor([1, 0, 1]), reduction="none", weight=weight)
    ours = losscli.get_loss("softmax_loss", class_weight=weight)([1, 0, 1], list(scores))
    np.testing.assert_allclose(ours, losses.detach(), rtol=1e-6)
    layer = torch.nn.Linear(2, 1)
    penalty = losscli.compute("mse", y_true=Y, y_pred=P, penalty="l2:lambda=1", parameters=layer.parameters()).penalty
    assert penalty == pytest.approx(sum(float(p.detach().square().sum()) for p in layer.parameters()))
    with pytest.raises(losscli.DataError, match=r"y_pred: cannot read Tensor of torch.float32: "):
        loss(y, torch.empty(4, device="meta"))
    with pytest.raises(losscli.DataError, match="values of type complex64 are not numbers"):
        loss(y, torch.tensor(P).to(torch.complex64).conj())


def test_other_libraries_are_not_imported() -> None:
    code = (
        "import sys, losscli, numpy as np; before = set(sys.modules)\n"
        "losscli.get_loss('mse').value([1, 2], np.array([1, 3]))\n"
        "losscli.compute('mse', y_true=[1, None], y_pred=[1, 2], nan='omit')\n"
        "found = {*sys.modules} - before\n"
        "print(found & {'torch', 'polars', 'duckdb', 'pandas', 'pyarrow', 'numpy.ma'})"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


# -------------------------------------------------------------------------------------------- losses as objects


def declare_loss() -> Any:
    @losscli.loss(family="regression", formula="|e|^4")
    def fourth_power(y_true: Real, y_pred: Real) -> Any:
        """The fourth power of the error."""
        return (y_pred - y_true) ** 4

    return fourth_power


LOSSES = [lambda: losscli.get_loss("huber:delta=0.5"), lambda: losscli.get_loss("huber", delta=0.5), declare_loss]


@pytest.mark.parametrize("make", LOSSES)
def test_a_loss_object_is_a_function_and_an_argument(make: Callable[[], Any], plugins: None) -> None:
    loss = make()
    assert callable(loss)
    assert loss.__name__ == loss.name
    assert loss.__doc__.startswith(("Squared for small errors", "The fourth power"))
    assert inspect.getdoc(type(loss)) != loss.__doc__
    samples = loss(Y, P)
    result = losscli.compute(loss, y_true=Y, y_pred=P)
    assert isinstance(result, losscli.LossResult)
    np.testing.assert_array_equal(result.per_sample, samples)
    assert losscli.get_loss(loss).value(Y, P) == result.value == samples.mean()
    assert losscli.compare(loss, y_true=Y, y_pred=P)[0].value == result.value
    assert [r.value for r in losscli.compute([loss, "mae"], y_true=Y, y_pred=P)] == [result.value, 0.5]
    assert losscli.explain(loss).loss.name == loss.__name__


def test_a_parameter_reaches_a_loss_object() -> None:
    assert losscli.compute(losscli.get_loss("huber"), delta=0.5, y_true=Y, y_pred=P).label == "huber:delta=0.5"
    assert losscli.get_loss(losscli.get_loss("huber"), delta=np.array(0.5)).params == {"delta": 0.5}
    assert losscli.compute("softmax_loss", y_true=[1, 0], y_pred=np.eye(2), class_weight=np.array([1, 2])).n == 2


def test_loss_functions_compare_and_hash() -> None:
    huber = losscli.get_loss("huber", delta=0.5)
    assert {huber, losscli.get_loss("huber:delta=0.5"), pickle.loads(pickle.dumps(huber))} == {huber}
    assert huber != losscli.get_loss("huber")
    assert huber != "huber:delta=0.5"


def test_explain() -> None:
    explained = losscli.explain("huber")
    assert str(explained).startswith(
        "huber: Squared for small errors, absolute for large ones.\n\nFormula\n  e²/2 where"
    )
    assert explained.to_dict()["params"][0]["name"] == "delta"
    assert repr(explained) == "<explanation of huber>"


def test_the_package_shows_its_names() -> None:
    public = {name for name in dir(losscli) if not name.startswith("_")}
    assert public == {*losscli.__all__} - {"__version__"}
    assert {"compute", "compare", "explain", "get_loss", "list_losses", "recommend", "loss", "LosscliError"} <= public
    code = "import sys, losscli; dir(losscli); print('numpy' in sys.modules)\nfrom losscli import *; print(compare)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("False\n<function compare")


# ------------------------------------------------------------------------------------------------------- results

RESULTS: dict[str, Callable[[], Any]] = {
    "loss": lambda: losscli.compute("huber:delta=0.5", y_true=Y, y_pred=P, gradient=True),
    "not a number": lambda: losscli.compute("mse", y_true=[1, np.nan], y_pred=[1, 2], nan="propagate"),
    "interval": lambda: losscli.compute(["mse", "mae"], y_true=Y, y_pred=P, ci=0.9, resamples=50),
    "groups": lambda: losscli.compute(["mse", "mae"], TABLE, group_by="site"),
    "penalty": lambda: losscli.compute(["mse"], TABLE, penalty="l2:lambda=1", parameters=[1.0, 2.0]),
    "comparison": lambda: losscli.compare("mse,mae", y_true=5 * Y, y_pred=5 * P, show_outliers=2),
    "models": lambda: losscli.compare("mse,mae", y_true=5 * Y, models={"a": 5 * P, "b": 20 * [1.0]}),
    "recommendation": lambda: losscli.recommend(y_true=5 * Y, y_pred=5 * P),
}


@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS)
def test_results_compare_hash_and_print_short(make: Callable[[], Any]) -> None:
    one, other = make(), make()
    assert one == other
    assert {one, other, pickle.loads(pickle.dumps(one))} == {one}
    assert one != losscli.compute("mae", y_true=[1.0], y_pred=[2.0])
    assert one != losscli.compute(["mse", "mae"], y_true=Y, y_pred=Y)
    assert len(repr(one)) < 160
    assert repr(one).startswith(type(one).__name__ + "(")
    assert "<table" in one._repr_html_()


def test_results_differ_by_one_sample() -> None:
    one, other = (losscli.compute("medae", y_true=[0.0, 0, 0], y_pred=[1, 2, last]) for last in (3, 4))
    assert (one.value, one.signature) == (other.value, other.signature)
    assert one != other


def test_the_statistics_of_a_result() -> None:
    result = losscli.compute("mae", y_true=[0.0] * 4, y_pred=[1, 2, 3, 10])
    assert (result.n, result.min, result.median, result.max, result.sum) == (4, 1, 2.5, 10, 16)
    assert (float(result), result.std, result.p95) == (4, np.std([1, 2, 3, 10]), np.percentile([1, 2, 3, 10], 95))
    assert repr(result) == "LossResult(mae: value=4, n=4)"
    ranked = losscli.compare("mse,mae", y_true=[0.0] * 4, y_pred=[1, 2, 3, 10])
    assert (float(ranked["mae"]), ranked["mae"].label) == (4, "mae")
    found = losscli.recommend(y_true=5 * Y, y_pred=5 * P)
    assert found[found.losses[0]].loss == found.losses[0]


def test_the_only_model_is_the_prediction() -> None:
    frame = pd.DataFrame({"y_true": Y, "a": P, "b": Y})
    expected = losscli.compute("mse", frame, columns={"y_pred": "a"}).value
    for models in ("a", ["a"], ("a",)):
        assert losscli.compare("mse", frame, models=models)[0].value == expected
    assert losscli.compare("mse", y_true=Y, models={"a": P})[0].value == expected
    several = losscli.compare("mse", y_true=Y, models=frame[["a", "b"]])
    assert [(loss.model, loss.value) for loss in several] == [("b", 0.0), ("a", expected)]


SCORES_BY_NAME = pd.DataFrame({"b": [0.1, 0.5], "a": [0.9, 0.5]})


@pytest.mark.parametrize(
    ("data", "columns"),
    [
        ({"y_true": ["a", "b"], "y_pred": SCORES_BY_NAME}, {}),
        ({"label": ["a", "b"], "scores": SCORES_BY_NAME}, {"y_true": "label", "y_pred": "scores"}),
    ],
)
def test_a_frame_in_a_mapping_names_its_classes(data: Any, columns: Any) -> None:
    value = losscli.compute("cross_entropy", data, columns=columns).value
    assert value == pytest.approx(-(np.log(0.9) + np.log(0.5)) / 2, rel=1e-14)


def test_frames_in_a_mapping_are_paired_by_the_names_of_their_columns() -> None:
    frame = pd.DataFrame({"a": [1.0, 2], "b": [5.0, 6]})
    assert losscli.compute("mse", {"y_true": frame, "y_pred": frame[["b", "a"]]}).value == 0


def test_frames_are_no_records() -> None:
    for several in ([pd.DataFrame({"y_true": Y, "y_pred": P})] * 2, TABLE.to_batches()):
        with pytest.raises(losscli.UsageError, match="is one frame"):
            losscli.compute("mse", several)
    with pytest.raises(losscli.DataError, match="the same text"):
        losscli.compute("mse", [{1: 1.0, "1": 2.0, "y_true": 3.0, "y_pred": 3.0}])


def test_a_score_that_a_record_lacks_is_missing() -> None:
    scores = [{"a": 0.1, "b": 0.9}, {"b": 0.5}]
    assert losscli.compute("cross_entropy", y_true=["b", "b"], y_pred=scores, nan="omit").n == 1


def test_a_loss_function_refuses_frames_whose_identifiers_differ() -> None:
    truth, predicted = (pd.DataFrame({"id": ids, "v": ids}) for ids in ([1, 2], [2, 1]))
    with pytest.raises(losscli.DataError, match="column 'id', row 1: 2, where y_true has 1"):
        losscli.get_loss("mse").value(truth, predicted)


def test_datasets_of_xarray_with_dimensions_in_another_order_are_refused() -> None:
    xarray = pytest.importorskip("xarray")
    truth, predicted = (xarray.Dataset({"v": (tuple(dims), [[1, 2], [3, 4]])}) for dims in ("st", "ts"))
    with pytest.raises(losscli.DataError, match="dimensions of y_true in another order"):
        losscli.compute("mse", y_true=truth, y_pred=predicted)
