"""Identifiers and keys: never data, and never at odds between two files without an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import losscli
from losscli.data.keys import canonical_key, is_whole_key
from losscli.data.sources import open_table
from losscli.errors import DataError
from tests.conftest import Cli, write_csv, write_feather, write_json, write_jsonl, write_npz, write_parquet

WRITERS: dict[str, Callable[..., None]] = {
    "csv": write_csv,
    "json": write_json,
    "jsonl": write_jsonl,
    "npz": write_npz,
    "parquet": write_parquet,
    "feather": write_feather,
}

# ------------------------------------------------------------------------------------------------ one table


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize(
    "name", ["id", "ids", "index", "level_1", "Unnamed: 0.1", "SampleId", "row_id", "idx", "rowname"]
)
def test_numbers_beside_an_identifier_are_no_pair(name: str, ending: str, cli: Cli) -> None:
    path = Path(f"d.{ending}")
    WRITERS[ending](path, {name: [7, 8, 9], "y_pred": [1.5, 2.5, 4.5]})
    result = cli("compute", "mse", str(path))
    assert (result.status, result.out) == (3, "")
    assert f"no column for y_true, which mse needs; the columns are {name}, y_pred" in result.err
    WRITERS[ending](path, {name: [7, 8, 9], "obs": [1.0, 2.0, 3.0], "mod": [1.5, 2.5, 4.5]})
    assert float(cli("compute", "mse", str(path), "-f", "value").out) == pytest.approx(2.75 / 3)


def test_a_name_like_that_of_a_key_is_data_if_its_values_repeat_or_are_fractions(cli: Cli) -> None:
    for values in ([7, 7, 9], [0.5, 1.5, 2.5]):
        write_csv("d.csv", {"store_id": values, "mod": [1.5, 2.5, 4.5]})
        expected = float(np.mean((np.array(values) - [1.5, 2.5, 4.5]) ** 2))
        assert float(cli("compute", "mse", "d.csv", "-f", "value").out) == pytest.approx(expected)


def test_columns_of_groups_are_no_data(cli: Cli) -> None:
    write_csv("d.csv", {"site": [1, 1], "obs": [1, 2], "mod": [3, 2]})
    assert cli("compute", "mse", "d.csv", "--group-by", "site", "-f", "value").out == "2.0\n"


def test_outputs_without_targets_are_not_taken_for_both(cli: Cli) -> None:
    """The name y_pred_0 also starts with y, a usual name of y_true."""
    result = cli("compute", "mse", stdin=b"y_pred_0,y_pred_1\n1,2\n3,4\n")
    assert (result.status, result.out) == (3, "")
    assert "no column for y_true" in result.err


def test_models_are_no_targets(cli: Cli) -> None:
    result = cli("compare", "--losses", "mse", "--pred", "a", "--pred", "b", stdin=b"a,b\n1,2\n3,4\n")
    assert (result.status, result.out) == (3, "")
    assert "no column for y_true" in result.err


def test_a_lone_array_of_identifiers_is_no_role(cli: Cli) -> None:
    write_npz("p.npz", {"ids": np.array([1, 2])})
    write_csv("t.csv", {"y_true": [1, 2]})
    assert cli("compute", "mse", "t.csv", "p.npz").status == 3


def test_a_pattern_leaves_identifiers_and_other_roles_out(cli: Cli) -> None:
    data = b"id,label,a,b\n3,a,2,1\n4,b,0,3\n"
    plain = cli("compute", "softmax_loss", "--pred", "a,b", "-f", "value", stdin=data)
    assert plain.status == 0
    assert cli("compute", "softmax_loss", "--pred", "*", "-f", "value", stdin=data) == plain


def test_a_pattern_that_takes_more_than_numbered_columns_is_refused(cli: Cli) -> None:
    data = b"y,predict,p1,p2\n1,1,3,1\n2,2,2,4\n"
    result = cli("compute", "softmax_loss", "--pred", "p*", stdin=data)
    assert (result.status, result.out) == (3, "")
    assert "column 'predict' stands beside 'p1' and 'p2'; --pred A,B names them one by one" in result.err


def test_the_index_that_pandas_names_without_a_column(tmp_path: Path) -> None:
    """pandas describes a range in the metadata instead of writing it."""
    frame = pd.DataFrame({"y": np.arange(5.0)}, index=pd.RangeIndex(10, 20, 2, name="Id"))
    frame.to_parquet(tmp_path / "d.parquet", row_group_size=2)
    table = open_table(str(tmp_path / "d.parquet"))
    assert [column.name for column in table.columns] == ["y", "Id"]
    assert table.index_columns == {"Id"}
    chunks = list(table.chunks({"Id": table.columns[1].kind, "y": table.columns[0].kind}))
    assert np.concatenate([chunk["Id"] for chunk in chunks]).tolist() == [10, 12, 14, 16, 18]
    table.close()


# ------------------------------------------------------------------------------------------------ keys of two files


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1461", "1461"),
        ("1461.0", "1461"),
        ("1.461e3", "1461"),
        ("1.50", "1.5"),
        ("007", "007"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("9007199254740993.0", "9007199254740993"),
        ("-3.0", "-3"),
        ("1e999999", "1e999999"),
        ("2020-01-01 00:00:00", "2020-01-01"),
        ("2020-01-01T00:00:01", "2020-01-01T00:00:01"),
        ("a1", "a1"),
    ],
)
def test_spelling_of_keys(text: str, canonical: str) -> None:
    assert canonical_key(text) == canonical


def test_keys_are_texts_or_whole_numbers() -> None:
    assert [is_whole_key(text) for text in ("7", "7.0", "x", "2.5", ".7", "1e-3")] == [True] * 3 + [False] * 3


@pytest.mark.parametrize("ending", WRITERS)
def test_keys_that_differ_far_down(ending: str, cli: Cli) -> None:
    """Files of several parts: the rows that differ are in none of the first."""
    n = 300_000 if ending in ("npz", "parquet", "csv") else 3000
    keys, y = np.arange(5, n + 5), np.arange(n) / 2
    swapped = keys.copy()
    swapped[[n - 7, n - 6]] = swapped[[n - 6, n - 7]]
    options = {"rows_per_group": 100_000} if ending == "parquet" else {}
    WRITERS[ending](f"t.{ending}", {"PassengerId": keys, "y_true": y}, **options)
    WRITERS[ending](f"p.{ending}", {"PassengerId": keys, "y_pred": y + 1}, **options)
    WRITERS[ending](f"q.{ending}", {"PassengerId": swapped, "y_pred": y + 1}, **options)
    assert cli("compute", "mse", f"t.{ending}", f"p.{ending}", "-f", "value") == (0, "1.0\n", "")
    result = cli("compute", "mse", f"t.{ending}", f"q.{ending}")
    assert (result.status, result.out) == (3, "")
    assert f"q.{ending}: column 'PassengerId', row {n - 6}: " in result.err
    assert "--id PassengerId pairs them by it" in result.err


def test_numbers_alone_are_no_key_unless_both_files_have_the_same(cli: Cli) -> None:
    write_csv("t.csv", {"run": [1, 2, 3], "a": [10, 20, 31], "b": [1.5, 2, 3]})
    write_csv("p.csv", {"run": [1, 2, 3], "b": [2, 2, 4], "a": [11, 20, 30]})
    expected = np.mean([(1 + 0.25) / 2, 0, (1 + 1) / 2])
    assert float(cli("compute", "mse", "t.csv", "p.csv", "-f", "value").out) == pytest.approx(expected)
    write_csv("p.csv", {"run": [1, 3, 2], "b": [2, 2, 4], "a": [11, 20, 30]})
    assert "column 'run', row 2: '3', where t.csv has '2'" in cli("compute", "mse", "t.csv", "p.csv").err


def test_columns_that_two_files_share_are_classes_and_no_keys(cli: Cli) -> None:
    write_csv("t.csv", {"cat": [1, 0], "dog": [0, 1]})
    write_csv("p.csv", {"dog": [0.3, 0.8], "cat": [0.7, 0.2]})
    expected = -np.log([0.7, 0.8]).mean()
    assert float(cli("compute", "cross_entropy", "t.csv", "p.csv", "-f", "value").out) == pytest.approx(expected)


@pytest.mark.parametrize("shift", [0, 100])
def test_a_default_index_contradicts_nothing(shift: int, cli: Cli) -> None:
    """The index of rows that were drawn at random, beside one that counts from 0."""
    drawn = [4, 9, 2] if shift == 0 else [100, 101, 102]
    pd.DataFrame({"y_true": [1.0, 2, 3]}, index=drawn).to_csv("t.csv")
    pd.DataFrame({"y_pred": [2.0, 3, 4]}).to_csv("p.csv")
    for files in (("t.csv", "p.csv"), ("y_pred=p.csv", "y_true=t.csv")):
        assert cli("compute", "mse", *files, "-f", "value") == (0, "1.0\n", "")


def test_an_index_that_holds_the_same_in_another_order_is_refused(cli: Cli) -> None:
    pd.DataFrame({"y_true": [1.0, 2, 3]}).to_csv("t.csv")
    pd.DataFrame({"y_pred": [4.0, 3, 2]}, index=[2, 1, 0]).to_csv("p.csv")
    result = cli("compute", "mse", "t.csv", "p.csv")
    assert (result.status, result.out) == (3, "")
    assert "p.csv: column '', row 1: '2', where t.csv has '0'" in result.err


def test_a_pair_that_holds_both_roles_twice_can_be_spelled_out(cli: Cli) -> None:
    Path("a.csv").write_text("y_true,y_pred\n1,2\n")
    Path("b.csv").write_text("target,score\n5,4\n")
    result = cli("compute", "mse", "a.csv", "b.csv")
    assert (result.status, result.out) == (3, "")
    assert "a.csv and b.csv both hold y_true and y_pred: parts of one dataset are named by a folder" in result.err
    assert cli("compute", "mse", "y_true=a.csv", "y_pred=b.csv", "-f", "value").out == "9.0\n"


def test_a_pair_in_the_wrong_order_is_refused(cli: Cli) -> None:
    Path("a.csv").write_text("id,prediction\n1,2\n")
    Path("b.csv").write_text("id,label\n1,4\n")
    result = cli("compute", "quantile:tau=0.9", "a.csv", "b.csv")
    assert (result.status, result.out) == (3, "")
    assert "a.csv holds y_pred and b.csv y_true, but the file of y_true comes first" in result.err
    assert cli("compute", "quantile:tau=0.9", "b.csv", "a.csv", "-f", "value").out == "1.8\n"


# ------------------------------------------------------------------------------------------------ the Python API

SCORES = pd.DataFrame({"id": [7, 8, 9], "a": [0.7, 0.1, 0.2], "b": [0.2, 0.8, 0.2], "c": [0.1, 0.1, 0.6]})
CROSS_ENTROPY = -np.log([0.7, 0.8, 0.6]).mean()


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        ([0, 1, 2], SCORES),
        (["a", "b", "c"], SCORES[["c", "id", "a", "b"]]),
        (SCORES[["id"]].assign(label=["a", "b", "c"]), SCORES),
        (pd.DataFrame(np.eye(3)[:, ::-1], columns=["c", "b", "a"]), SCORES),
    ],
)
def test_frames_as_roles(y_true: Any, y_pred: Any) -> None:
    assert losscli.compute("cross_entropy", y_true=y_true, y_pred=y_pred).value == pytest.approx(CROSS_ENTROPY)


def test_frames_with_keys() -> None:
    other = pd.DataFrame({"id": [9, 8, 7], "label": ["c", "b", "a"]})
    with pytest.raises(DataError, match=r"y_pred: column .id., row 1: 7, where y_true has 9.*id=.id. pairs them"):
        losscli.compute("cross_entropy", y_true=other, y_pred=SCORES)
    paired = losscli.compute("cross_entropy", y_true=other, y_pred=SCORES, id="id")
    assert paired.value == pytest.approx(CROSS_ENTROPY)
    shuffled = SCORES.iloc[::-1]  # its index is in another order, but the key pairs rows
    assert losscli.compute("cross_entropy", y_true=other, y_pred=shuffled, id="id").value == paired.value


TRUE = pd.Series([3.0, 5.0, 2.0], index=["a", "b", "c"])


@pytest.mark.parametrize(
    "call",
    [
        lambda y, p: losscli.compute("mse", y_true=y, y_pred=p),
        lambda y, p: losscli.compute("mse", {"y_true": y, "y_pred": p}),
        lambda y, p: losscli.compute("mse", y.to_frame("y_true"), y_pred=p),
        lambda y, p: losscli.compare(["mse"], y_true=y, models={"m": p, "n": p}),
        losscli.get_loss("mse"),
        lambda y, p: losscli.recommend(y_true=y, y_pred=p),
    ],
)
def test_labels_of_pandas_objects_in_another_order(call: Callable[..., Any]) -> None:
    expected = r"row 1: its index has 'c', where that of \w+ has 'a'; .*reindex"
    with pytest.warns(UserWarning, match=expected) as caught:
        call(TRUE, TRUE[::-1])
    assert {Path(warning.filename).name for warning in caught} == {"test_identifiers.py"}


@pytest.mark.parametrize("labels", [["a", "b", "d"], ["a", "a", "b"], [4, 5, 6]])
def test_other_labels(labels: list[Any]) -> None:
    with pytest.raises(DataError, match=r"but rows are paired in order; y_pred.to_numpy\(\) pairs them so"):
        losscli.get_loss("mse")(TRUE, TRUE.set_axis(labels))


def test_an_index_that_was_reset_says_nothing() -> None:
    assert losscli.compute("mse", y_true=TRUE, y_pred=TRUE[::-1].reset_index(drop=True)).value == pytest.approx(2 / 3)


def test_a_loss_as_a_function_reads_no_identifiers() -> None:
    loss = losscli.get_loss("cross_entropy")
    assert loss([0, 1, 2], SCORES).mean() == pytest.approx(CROSS_ENTROPY)
    with pytest.raises(DataError, match="another order"):
        losscli.get_loss("mse")(SCORES[["a", "b"]], SCORES[["b", "a"]])
