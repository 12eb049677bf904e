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


def test_a_name_like_that_of_a_key_is_data_if_its_values_are_fractions(cli: Cli) -> None:
    write_csv("d.csv", {"glucose_index": [0.5, 1.5, 2.5], "mod": [1.5, 2.5, 4.5]})
    assert float(cli("compute", "mse", "d.csv", "-f", "value").out) == 2.0
    write_csv("d.csv", {"store_id": [7, 7, 9], "mod": [1.5, 2.5, 4.5]})
    result = cli("compute", "mse", "d.csv")
    assert (result.status, result.out) == (3, "")
    assert float(cli("compute", "mse", "d.csv", "--true", "store_id", "--pred", "mod", "-f", "value").out) > 0


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize(
    "name", ["weight", "sample_weight", "fold", "timestamp", "split", "group", "y_pred_std", "anchor"]
)
def test_a_name_of_another_meaning_is_not_bound_by_position(name: str, ending: str, cli: Cli) -> None:
    path = f"d.{ending}"
    for mine, theirs in (("y_true", "y_pred"), ("y_pred", "y_true")):
        if name.startswith(mine):
            continue
        WRITERS[ending](Path(path), {name: [1, 2, 2], mine: [1.5, 2.5, 4.5]})
        for command in (["compute", "mse"], ["compare", "--losses", "mse,mae"], ["recommend"]):
            result = cli(*command, path)
            assert (result.status, result.out) == (3, ""), result
            assert f"no column for {theirs}" in result.err
        option = "--true" if theirs == "y_true" else "--pred"
        assert float(cli("compute", "mse", path, option, name, "-f", "value").out) == pytest.approx(6.75 / 3)


@pytest.mark.parametrize(
    ("first", "second"),
    [("y-pred", "y-true"), ("yPred", "yTrue"), ("forecast", "actuals"), ("x_pred", "x"), ("Predicted x", "Actual x")],
)
def test_names_in_the_wrong_order_are_not_bound_by_position(first: str, second: str, cli: Cli) -> None:
    write_csv("d.csv", {first: [2, 4], second: [1, 2]})
    result = cli("compute", "quantile:tau=0.9", "d.csv")
    assert (result.status, result.out) == (3, "")
    assert "--true COL and --pred COL say which" in result.err
    found = cli("compute", "quantile:tau=0.9", "d.csv", "--true", second, "--pred", first, "-f", "value")
    assert float(found.out) == pytest.approx(0.15)
    write_csv("d.csv", {second: [1, 2], first: [2, 4]})
    result = cli("compute", "quantile:tau=0.9", "d.csv", "-f", "value")
    assert result.status == 3 or float(result.out) == pytest.approx(0.15)


def test_a_file_of_weights_is_no_target(cli: Cli) -> None:
    write_csv("w.csv", {"id": [1, 2], "weight": [1, 2]})
    write_csv("p.csv", {"id": [1, 2], "y_pred": [2, 4]})
    result = cli("compute", "mse", "w.csv", "p.csv")
    assert (result.status, result.out) == (3, "")
    assert "w.csv: no column for y_true" in result.err
    assert cli("compute", "mse", "y_true=w.csv", "y_pred=p.csv", "-f", "value").out == "2.5\n"


@pytest.mark.parametrize("name", ["fold", "timestamp", "weights", "user_id"])
def test_all_columns_of_a_file_are_scores_but_for_those_of_rows(name: str, cli: Cli) -> None:
    write_csv("t.csv", {"y_true": [0, 1]})
    write_csv("p.csv", {name: [1, 1], "a": [2.5, 0.5], "b": [0.5, 1.5]})
    result = cli("compute", "softmax_loss", "t.csv", "p.csv")
    assert (result.status, result.out) == (3, "")
    assert f"p.csv: column '{name}' stands beside 'a' and 'b'; --pred A,B names them one by one" in result.err
    expected = np.log1p(np.exp([-2.0, -1.0])).mean()
    found = cli("compute", "softmax_loss", "t.csv", "p.csv", "--pred", "a,b", "-f", "value")
    assert float(found.out) == pytest.approx(expected)


@pytest.mark.parametrize("role", ["y_true", "y_pred"])
def test_two_files_of_one_role_are_no_pair(role: str, cli: Cli) -> None:
    write_csv("a.csv", {"id": [1, 2], role: [1, 2]})
    write_csv("b.csv", {"id": [1, 2], role: [2, 4]})
    result = cli("compute", "mse", "a.csv", "b.csv")
    assert (result.status, result.out) == (3, "")
    assert f"a.csv and b.csv both hold {role}, and neither holds the other role" in result.err
    assert cli("compute", "mse", "y_true=a.csv", "y_pred=b.csv", "-f", "value").out == "2.5\n"


def test_blanks_around_keys_say_nothing(cli: Cli) -> None:
    Path("a.csv").write_text("id, y_true\na, 1\n7, 2\n")
    Path("b.csv").write_text("id, y_pred\n 7.0, 4\n a, 2\n")
    assert cli("compute", "mse", "a.csv", "b.csv", "--id", "id", "-f", "value").out == "2.5\n"


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


@pytest.mark.slow
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
    expected = r"row 1: its index has 'c', the index of \w+ has 'a'; .*reindex"
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


def test_labels_of_an_index_are_shown_as_they_are() -> None:
    with pytest.warns(UserWarning, match="row 1: its index has 0, the index of y_true has 1; rows are paired in order"):
        losscli.compute("mse", y_true=pd.Series([1.0, 2], index=[1, 0]), y_pred=pd.Series([1.0, 2]))
