"""Wrong calls of the Python API: each is a LosscliError or a TypeError, in the words of Python, on one line."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import losscli
from tests.conftest import SAMPLE_DATA

Y, P = [3.0, -0.5, 2, 7], [2.5, 0.0, 2, 8]
ARRAY_FILE = SAMPLE_DATA / "diabetes_pred.npy"
FRAME = pd.DataFrame({"y_true": Y, "y_pred": P, "site": list("abab"), "other": P})
TABLE = pa.table({"y_true": Y, "y_pred": P, "site": list("abab")})
RAGGED = [[1.0, 2.0], [3.0]]
MSE, HUBER, SOFTMAX = losscli.get_loss("mse"), losscli.get_loss("huber"), losscli.get_loss("softmax_loss")


def compute(y_true: Any = Y, y_pred: Any = P, **keywords: Any) -> Any:
    return losscli.compute("mse", y_true=y_true, y_pred=y_pred, **keywords)


def of_frame(**keywords: Any) -> Any:
    return losscli.compute("mse", data=FRAME, **keywords)


class BrokenStream:
    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        raise RuntimeError("the connection is closed\nand so on")


class BrokenArray:
    def __array__(self, dtype: object = None, copy: object = None) -> object:
        raise ValueError("nothing here")


class BrokenTensor:
    dtype = "bits8"

    def detach(self) -> BrokenTensor:
        return self

    def cpu(self) -> BrokenTensor:
        return self

    def numpy(self) -> object:
        raise TypeError("unsupported type bits8")


class LazyRows:
    """A lazy frame whose query fails."""

    collect_schema = lazy = None

    def collect(self) -> object:
        raise LookupError("no column 'nope'")


def used_reader() -> pa.RecordBatchReader:
    reader = TABLE.to_reader()
    reader.read_all()
    return reader


def numbers() -> Iterator[float]:
    yield from Y


def series(labels: str) -> pd.Series:
    return pd.Series(range(3), index=list(labels), dtype=float)


CALLS: dict[str, tuple[Callable[[], object], str]] = {
    # losses as functions
    "weight of per-sample values": (lambda: MSE(Y, P, weight=[1] * 4), "weight is for mse.value(): the per-sample"),
    "weight of a gradient": (lambda: MSE.gradient(Y, P, weight=[1] * 4), "weight is for mse.value(): the gradients"),
    "weight misspelled": (lambda: MSE.value(Y, P, wieght=[1] * 4), "mse.value() got an unknown keyword 'wieght' (did"),
    "role misspelled": (lambda: MSE(Y, y_perd=P), "mse() got an unknown keyword 'y_perd' (did you mean 'y_pred'?)"),
    "option of compute": (lambda: MSE.value(Y, P, nan="omit"), "unknown keyword 'nan' (it takes y_true, y_pred, wei"),
    "reduction of a gradient": (lambda: MSE.gradient(Y, P, reduction="sum"), "unknown keyword 'reduction'"),
    "parameter in a call": (lambda: HUBER(Y, P, delta=2), "delta is a parameter of huber: get_loss('huber', delta=.."),
    "role by place and name": (lambda: MSE(Y, P, y_pred=P), "mse() got 'y_pred' twice"),
    "too many arrays": (lambda: MSE(Y, P, P), "mse takes at most 2 arrays, not 3"),
    "arrays by place": (
        lambda: losscli.compute("mse", Y, P),  # type: ignore[call-overload]
        "compute() takes a loss and a table by place, and all else by name: arrays as y_true= and y_pred=",
    ),
    "arrays to compare by place": (
        lambda: losscli.compare("mse", Y, P),  # type: ignore[arg-type]
        "compare() takes a loss and a table by place, and all else by name",
    ),
    "usual name of y_true": (lambda: losscli.compute("mse", true=Y, y_pred=P), "(did you mean 'y_true'?)"),
    "usual name of targets": (lambda: MSE(target=Y, y_pred=P), "(did you mean 'y_true'?)"),
    "usual name of a query": (lambda: losscli.compute("ndcg_loss", y_true=Y, y_pred=P, qid=Y), "mean 'query'?)"),
    "usual name of positives": (lambda: losscli.compute("bpr", chosen=Y, rejected=P), "(did you mean 'positive'?)"),
    "too few arrays": (lambda: MSE(Y), "mse takes the arrays (y_true, y_pred), not (y_true)"),
    "None for an array": (lambda: MSE(None, P), "mse takes the arrays (y_true, y_pred), not (y_pred)"),
    "weights of another length": (lambda: MSE.value(Y, P, weight=[1]), "y_pred is (4,), weight is (1,)"),
    "negative weights": (lambda: MSE.value(Y, P, weight=[1, 1, 1, -1]), "weight, row 4: -1 is not a weight"),
    "weights that are 0": (lambda: MSE.value(Y, P, weight=[0] * 4), "no row is left to evaluate: all were omitted or"),
    "matrix of weights": (lambda: MSE.value(Y, P, weight=np.ones((4, 2))), "weight: one number per row is needed"),
    "weights of one distribution": (
        lambda: losscli.get_loss("kl").value([0.5, 0.5], [0.4, 0.6], weight=[1, 2]),
        "kl reads all rows as one distribution: rows have no weights",
    ),
    "nothing to reduce": (lambda: MSE.value([], []), "there are no rows"),
    "no scores to reduce": (lambda: SOFTMAX.value(np.zeros(0, int), np.zeros((0, 3))), "there are no rows"),
    "complex numbers": (lambda: MSE(np.array([1j, 2]), [1, 2]), "y_true: values of type complex128 are not numbers"),
    "times": (lambda: MSE(np.array([1, 2], "m8[s]"), [1, 2]), "values of type timedelta64[s] are not numbers"),
    "no array": (lambda: MSE(object(), [1]), "y_true is of type object, not an array of rows"),
    "text for an array": (lambda: MSE("a", [1]), "y_true is the text 'a', not an array of rows"),
    "columns in another order": (
        lambda: MSE(FRAME[["y_true", "other"]], FRAME[["other", "y_true"]]),
        "y_pred has the columns of y_true in another order: y_pred[y_true.columns] pairs them",
    ),
    "other labels": (
        lambda: MSE(series("abc"), series("abd")),
        "row 3: its index has 'd', the index of y_true has 'c'",
    ),
    # arrays of compute
    "a set": (lambda: compute(set(Y)), "y_true is a set, which has no order"),
    "a frozenset": (lambda: compute(frozenset(Y)), "y_true is a frozenset, which has no order"),
    "a generator": (
        lambda: compute(numbers()),
        "y_true is a generator; rows are an array or a list, such as list(y_true)",
    ),
    "a map": (lambda: compute(map(float, Y)), "y_true is a map; rows are an array or a list, such as list(y_true)"),
    "values of a dict": (lambda: compute({0: 1}.values()), "y_true is a dict_values; rows are"),
    "a dict": (
        lambda: compute({0: 1.0}),
        "y_true is a dict; rows are an array or a list, such as list(y_true.values())",
    ),
    "one number": (lambda: compute(3.0, 2.0), "y_true is one number, not an array of rows"),
    "one weight": (lambda: compute(weight=2.0), "weight is one number, not an array of rows"),
    "a date": (
        lambda: compute([datetime.date(2020, 1, 1)], [1]),
        "y_true, row 1: datetime.date(2020, 1, 1) is not a n",
    ),
    "dates": (lambda: compute(np.array(["2020-01-01"], "M8[D]"), [1]), "values of type datetime64[D] are not numbers"),
    "text among numbers": (lambda: compute([1, "x"], [1, 2]), "y_true, row 2: 'x' is not a number"),
    "None among numbers": (lambda: compute([1, None], [1, 2]), 'nan="omit" leaves them out, nan="propagate" keeps'),
    "masked numbers": (
        lambda: compute(np.ma.masked_array(Y, [0, 1, 0, 1]), P),
        "y_true, row 2: 2 rows lack a value, of 4",
    ),
    "lists of two lengths": (lambda: compute(RAGGED, RAGGED), "y_true, row 2: shape (1,), the first has (2,); pad"),
    "arrays of two lengths": (lambda: compute(Y, P[:2]), "shapes differ: y_true is (4,), y_pred is (2,)"),
    "no values": (lambda: compute([], []), "there are no rows"),
    "the name of a column": (
        lambda: of_frame(y_pred="other"),
        'columns={"y_pred": "other"} takes a column of the data',
    ),
    "weights by name": (lambda: of_frame(weight="other"), 'columns={"weight": "other"} takes a column of the data'),
    "a file for a role": (lambda: compute(y_true=Path("y.npy")), "y_true is the text PosixPath('y.npy'), not an arr"),
    "an array that fails": (lambda: compute(BrokenArray()), "y_true: cannot read BrokenArray: nothing here"),
    "a tensor that fails": (
        lambda: compute(BrokenTensor()),
        "cannot read BrokenTensor of bits8: unsupported type bits8",
    ),
    "a stream that fails": (
        lambda: compute(BrokenStream()),
        "y_true: cannot read BrokenStream: the connection is closed",
    ),
    "roles of other losses": (lambda: compute(x1=Y), "compute() got an unknown keyword 'x1'"),
    "an array and a column": (
        lambda: of_frame(y_pred=P, columns={"y_pred": "other"}),
        "y_pred is given as an array, and as a column",
    ),
    "a role of another form": (
        lambda: losscli.compute("contrastive", y_true=[0, 1], x1=np.eye(2), x2=np.eye(2), distance=[1, 2]),
        "distance is not read beside y_true, x1, x2: the losses take one or the other",
    ),
    "a role of another form of a function": (
        lambda: losscli.get_loss("contrastive")(y_true=[0, 1], x1=np.eye(2), x2=np.eye(2), distance=[1, 2]),
        "takes the arrays (y_true, x1, x2) or (y_true, distance), not (y_true, x1, x2, distance)",
    ),
    "weights of the rows of one distribution": (
        lambda: losscli.compute("kl", y_true=[0.5, 0.5], y_pred=[0.4, 0.6], weight=[1, 2]),
        "kl reads all rows as one distribution: rows have no weights",
    ),
    # data
    "an array for data": (lambda: losscli.compute("mse", np.zeros((4, 2))), "arrays are given as y_true=, y_pred="),
    "rows for data": (
        lambda: losscli.compute("mse", [[1.0, 2.0]]),
        "a mapping of names to arrays, not of type list; records are a list of dicts, named tuples or dataclasses",
    ),
    "an open file": (lambda: losscli.compute("mse", BrokenArray()), "data is a path, a frame or a mapping of names"),
    "a loss for data": (lambda: losscli.compute("mse", MSE), "not of type LossFunction"),
    "no data": (lambda: losscli.compute("mse"), "mse needs y_true and y_pred; give a table or y_true=ARRAY"),
    "no data to look at": (losscli.recommend, "needs y_true and y_pred; give a table or y_true=ARRAY"),
    "a frame of no rows": (lambda: losscli.compute("mse", FRAME[:0]), "there are no rows"),
    "an Arrow table of no rows": (lambda: losscli.compute("mse", TABLE[:0]), "there are no rows"),
    "a stream that was read": (lambda: losscli.compute("mse", used_reader()), "there are no rows"),
    "a lazy frame that fails": (lambda: losscli.compute("mse", LazyRows()), "a LazyRows cannot be collected"),
    "two columns of one name": (
        lambda: losscli.compute("mse", FRAME.set_axis(["y_true", "y_pred", "site", "y_pred"], axis=1)),
        "data: two columns are called 'y_pred'",
    ),
    "vectors of two lengths": (
        lambda: losscli.compute("softmax_loss", {"y_true": [0, 1], "y_pred": RAGGED}),
        "y_pred, row 2: shape (1,), the first has (2,)",
    ),
    "a set in a mapping": (lambda: losscli.compute("mse", {"y_true": Y, "y_pred": set(P)}), "y_pred is a set"),
    "a stranger's vectors": (
        lambda: losscli.compute("mse", {"y_true": [0, 1], "y_pred": [0, 1], "g": np.eye(2)}, group_by="g"),
        "column 'g': holds lists, where one value is needed",
    ),
    "a role that nothing reads": (lambda: of_frame(columns={"y_perd": "other"}), "no loss here reads 'y_perd'"),
    "a column that is not there": (
        lambda: of_frame(columns={"y_pred": "othr"}),
        "no column 'othr' (did you mean 'other'",
    ),
    "keys that do not match": (
        lambda: losscli.compute(
            "mse",
            y_true=pa.table({"k": [1, 2], "y_true": [1.0, 2]}),
            y_pred=pa.table({"k": [1, 3], "y_pred": [1.0, 2]}),
            id="k",
        ),
        "y_pred: has no row with the key '2', which y_true has",
    ),
    "a file of one array": (lambda: losscli.compute("mse", ARRAY_FILE), "as y_true=ARRAY y_pred=ARRAY"),
    # options
    "an unknown group": (lambda: of_frame(group_by="sit"), "no column 'sit' (did you mean 'site'?)"),
    "groups as values": (
        lambda: compute(group_by=list("abab")),
        "group_by: 'a' is named twice; it takes names, not a va",
    ),
    "groups as a Series": (lambda: of_frame(group_by=FRAME["site"]), "group_by: 'a' is named twice; it takes names"),
    "a number of classes": (lambda: of_frame(classes=2), "classes: names are text or a list of it, not 2"),
    "classes in a list": (lambda: of_frame(classes=[["a", "b"]]), "names are text or a list of it, not ['a', 'b']"),
    "gradients of groups": (lambda: of_frame(group_by="site", gradient=True), "leave out groups and the cluster"),
    "a word for a flag": (lambda: of_frame(gradient="yes"), 'gradient="yes": must be True or False'),
    "a word for logits": (
        lambda: losscli.recommend(FRAME, from_logits="yes"),
        'from_logits="yes": must be True or False',
    ),
    "a Series for the key": (lambda: of_frame(id=FRAME["site"]), "must be text"),
    "text for columns": (lambda: of_frame(columns="other"), "columns map roles to a name, a comma list or a pattern"),
    "a baseline in memory": (lambda: of_frame(baseline={"losses": []}), "baseline: must be a path, not {'losses': []}"),
    "a level in percent": (lambda: of_frame(ci=95), "95 % is 0.95"),
    "a penalty alone": (lambda: of_frame(penalty="l2:lambda=1"), "a penalty and parameters go together"),
    "parameters of text": (lambda: of_frame(penalty="l2:lambda=1", parameters=["a"]), "'a' is not a number"),
    "parameters of nothing": (
        lambda: of_frame(penalty="l2:lambda=1", parameters=object()),
        "parameters is of type obj",
    ),
    "too few outliers": (
        lambda: losscli.compare("mse", FRAME, show_outliers=-1),
        "show_outliers=-1: must be a whole n",
    ),
    "outliers in words": (
        lambda: losscli.compare("mse", FRAME, show_outliers="all"),
        'show_outliers="all": must be a wh',
    ),
    "a number of models": (
        lambda: losscli.compare("mse", FRAME, models=3),
        "models: names are text or a list of it, not 3",
    ),
    "models without names": (lambda: losscli.compare("mse", y_true=Y, models=[P, Y]), "names are text or a list of it"),
    "models and y_pred": (lambda: losscli.compare("mse", y_true=Y, y_pred=P, models={"a": P, "b": P}), "given twice"),
    "models and a column": (
        lambda: losscli.compare("mse", FRAME, models="other", columns={"y_pred": "other"}),
        "models name the predictions: leave out y_pred",
    ),
    # losses
    "no name": (
        lambda: losscli.get_loss(5),
        "a loss is a name or a function from get_loss, not 5; list_losses() names",
    ),
    "None for a loss": (lambda: losscli.get_loss(None), "a loss is a name or a function from get_loss, not None"),
    "a function for a loss": (
        lambda: losscli.compute(len, FRAME),
        "a loss is a name or a function from get_loss, not <b",
    ),
    "bytes for a loss": (lambda: losscli.compute(b"mse", FRAME), "not b'mse'; list_losses() names them"),
    "two losses": (lambda: losscli.get_loss("mse,mae"), "get_loss takes one loss, not 2"),
    "an unknown loss": (lambda: losscli.compute("qqqq", FRAME), "unknown loss: 'qqqq'; list_losses() names them"),
    "an unknown loss to explain": (lambda: losscli.explain("hubr"), "unknown loss: 'hubr' (did you mean huber?)"),
    "no loss": (lambda: losscli.compute("", FRAME), "no loss is named; list_losses() names them"),
    "an unknown parameter": (
        lambda: losscli.get_loss("huber", dleta=1),
        "unknown parameter of huber: 'dleta' (did you m",
    ),
    "a parameter of text": (lambda: losscli.get_loss("huber", delta="1"), "huber: delta='1' must be a number, > 0"),
    "a parameter beyond floats": (lambda: losscli.get_loss("huber", delta=10**400), "must be a number, > 0"),
    "an integer for a flag": (lambda: losscli.get_loss("bce", from_logits=1), "from_logits=1 must be True or False"),
    "weights of classes by name": (
        lambda: losscli.get_loss("softmax_loss", class_weight={0: 1, 1: 2}),
        "a list, one number >= 0 a class, as [2, 4, 6]",
    ),
    "an unknown family": (lambda: losscli.list_losses(family="regresion"), "no family 'regresion'; they are"),
    "text that no loss has": (lambda: losscli.list_losses("regresion"), "no loss matches 'regresion' (did you mean"),
    # results
    "a result that is not there": (
        lambda: losscli.compute(["mse"], FRAME)["mae"],
        "no result is called 'mae'; there are",
    ),
    "a result of several groups": (lambda: of_frame(group_by="site")["mse"], "2 results are called 'mse'"),
    "samples of a group": (
        lambda: of_frame(group_by=["site"])[0].to_frame(),  # noqa: PLW0108 - the call before may not fail
        "per-sample losses, of losses that have them, are kept by compute alone",
    ),
    "one number of several": (
        lambda: float(losscli.compute(["mse", "mae"], FRAME)),
        "Evaluation holds 2 results: take o",
    ),
    "one number of a comparison": (
        lambda: float(losscli.compare("mse,mae", FRAME)),
        "Comparison holds 2 results: take",
    ),
}


@pytest.mark.parametrize(("call", "words"), CALLS.values(), ids=CALLS)
def test_a_wrong_call_says_so_in_python(call: Callable[[], object], words: str) -> None:
    with pytest.raises((losscli.LosscliError, TypeError)) as caught:
        call()
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert not re.search(r"(?<![\w-])--?[a-zA-Z]|\bFILE\b|'losscli ", message), message


NATIVE = [
    losscli.compute,
    lambda: losscli.compute(loss="mse"),  # type: ignore[call-overload]
    lambda: losscli.get_loss("huber", 0.5),  # type: ignore[call-arg]
    losscli.explain,
]


@pytest.mark.parametrize("call", NATIVE)
def test_arguments_that_python_itself_refuses(call: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match="argument"):
        call()


def test_a_statistic_of_several_results_says_which_to_take() -> None:
    several = losscli.compute(["mse", "mae"], FRAME)
    with pytest.raises(
        AttributeError, match=r"holds 2 results, each with its std: .* result\[0\].std or result\['mse'\]"
    ):
        several.std  # noqa: B018
    with pytest.raises(AttributeError, match=r"take one, as result\[0\].value, or all, as result.to_frame"):
        of_frame(group_by="site").value  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        several.nope  # noqa: B018
    assert not hasattr(losscli.compare("mse,mae", FRAME), "rank_")


def test_what_is_not_wanted_may_be_anything() -> None:
    strange = {"ragged": RAGGED, "object": object(), "generator": numbers(), "text": "x"}
    assert losscli.compute("mse", {"y_true": Y, "y_pred": P, **strange}).value == 0.375
    doubled = pa.Table.from_arrays([pa.array(Y), pa.array(P), pa.array(Y), pa.array(Y)], ["y_true", "y_pred", "z", "z"])
    assert losscli.compute("mse", doubled).value == 0.375


@pytest.mark.parametrize("kind", [Decimal, Fraction, np.float32, np.int8, bool])
def test_numbers_of_other_kinds(kind: Callable[[object], object]) -> None:
    values = np.array([kind(1), None, kind(0)], dtype=object)
    assert compute(values, [1.5, 9, 0], nan="omit").value == 0.125
    np.testing.assert_array_equal(MSE(values, [1.5, 9, 0]), [0.25, np.nan, 0])


def test_a_path_is_not_shown_in_a_message_of_several_lines() -> None:
    with pytest.raises(losscli.UsageError) as caught:
        losscli.compute("mse", SAMPLE_DATA / "diabetes.csv", id=pd.Series(range(100)))
    assert len(str(caught.value)) < 120


# ------------------------------------------------------------------------------------ anything for any argument


class Unruly:
    """Raises whatever it is asked for."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)


ANYTHING: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "-1": lambda: -1,
    "2.5": lambda: 2.5,
    "NaN": lambda: float("nan"),
    "a large integer": lambda: 10**400,
    "text": lambda: "abc",
    "no text": lambda: "",
    "two names": lambda: "a,b",
    "bytes": lambda: b"ab",
    "numbers": lambda: [1, 2, 3, 4],
    "nothing": list,
    "ragged": lambda: RAGGED,
    "texts": lambda: list("abcd"),
    "set": lambda: {1, 2},
    "dict": lambda: {"a": 1},
    "generator": numbers,
    "class": lambda: Unruly,
    "unruly": Unruly,
    "array": lambda: np.arange(4.0),
    "matrix": lambda: np.ones((4, 2)),
    "three axes": lambda: np.ones((4, 2, 2)),
    "no axis": lambda: np.array(1.0),
    "empty array": lambda: np.zeros(0),
    "complex": lambda: np.ones(4, complex),
    "objects": lambda: np.array([1, None, "x", object()], dtype=object),
    "times": lambda: np.array(["2020"] * 4, "M8[ns]"),
    "bytes without type": lambda: np.zeros(4, "V3"),
    "records": lambda: np.zeros(4, "f8,i4"),
    "masked": lambda: np.ma.masked_array(Y, [1, 0, 0, 0]),
    "masked constant": lambda: np.ma.masked,
    "Series": lambda: pd.Series(Y),
    "frame": lambda: FRAME,
    "empty frame": pd.DataFrame,
    "index": lambda: pd.MultiIndex.from_product([[1, 2], [3, 4]]),
    "NA": lambda: pd.NA,
    "groups": lambda: FRAME.groupby("site"),
    "Arrow lists": lambda: pa.array([[1.0], [2.0, 3.0], None, []]),
    "Arrow structs": lambda: pa.array([{"a": 1}] * 4),
    "Arrow nulls": lambda: pa.nulls(4),
    "Arrow scalar": lambda: pa.scalar(1),
    "Arrow maps": lambda: pa.array([[("a", 1)]] * 4, pa.map_(pa.string(), pa.int64())),
    "broken stream": BrokenStream,
    "broken tensor": BrokenTensor,
    "lazy": LazyRows,
    "loss": lambda: MSE,
    "module": lambda: np,
}
OPTIONS = (
    "weight group_by reduction gradient penalty columns id classes nan input_format header delimiter decimal comment"
)
OPTIONS += " baseline ci resamples seed ci_method jobs engine scheduler workers"
ARGUMENTS: dict[str, Callable[[Any], object]] = {
    **{name: lambda v, name=name: of_frame(**{name: v}) for name in OPTIONS.split()},
    "y_true": compute,
    "y_pred": lambda v: compute(Y, v),
    "data": lambda v: losscli.compute("mse", v),
    "a column": lambda v: losscli.compute("mse", {"y_true": Y, "y_pred": v}),
    "a group": lambda v: losscli.compute("mse", {"y_true": Y, "y_pred": P, "g": v}, group_by="g"),
    "a key": lambda v: losscli.compute("mse", {"y_true": Y, "y_pred": P, "g": v}, id="g"),
    "labels": lambda v: losscli.compute("softmax_loss", y_true=v, y_pred=np.ones((4, 2))),
    "scores": lambda v: SOFTMAX([0, 1, 0, 1], v),
    "a call": lambda v: MSE(v, P),
    "a value": lambda v: MSE.value(Y, P, weight=v),
    "a reduction": lambda v: MSE.value(Y, P, reduction=v),
    "a loss": lambda v: losscli.compute(v, FRAME),
    "several losses": lambda v: losscli.compare([v], FRAME),
    "a name": losscli.get_loss,
    "a family": losscli.list_losses,
    "a parameter": lambda v: losscli.get_loss("huber", delta=v),
    "a list of parameters": lambda v: losscli.get_loss("softmax_loss", class_weight=v),
    "a choice": lambda v: losscli.get_loss("iou", box_format=v),
    "models": lambda v: losscli.compare("mse", FRAME, models=v),
    "outliers": lambda v: losscli.compare("mse", FRAME, outliers=v),
    "sort": lambda v: losscli.compare("mse", FRAME, sort=v),
    "rows to show": lambda v: losscli.compare("mse", FRAME, show_outliers=v),
    "parameters": lambda v: of_frame(penalty="l2:lambda=1", parameters=v),
    "observed": lambda v: losscli.recommend(y_true=Y, y_pred=v),
}


@pytest.mark.parametrize("argument", ARGUMENTS.values(), ids=ARGUMENTS)
@pytest.mark.filterwarnings("default")
def test_anything_for_an_argument(argument: Callable[[Any], object], recwarn: pytest.WarningsRecorder) -> None:
    for name, make in ANYTHING.items():
        message = ""
        try:
            argument(make())
        except (losscli.LosscliError, TypeError) as error:
            message = str(error)
        except Exception as error:
            raise AssertionError(f"{name}: {type(error).__name__}") from error
        assert "\n" not in message, name
    package = str(Path(losscli.__file__).parent)
    assert [str(warning.message) for warning in recwarn if warning.filename.startswith(package)] == []
