"""Lines are parsed by PyArrow if they are many: what it returns is what the csv module returns."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from losscli.data.csv.schema import ByteSlice, CsvSchema
from losscli.data.table import Chunk, Column, Kind
from losscli.errors import DataError
from tests.conftest import Cli

CELLS = st.one_of(
    st.floats().map(repr),
    st.integers(-(10**25), 10**25).map(str),
    st.sampled_from(["1", "-0", ".5", "5.", "1e400", "-1e-320", "inf", "-inf", "nan", "12345678901234567890.123"]),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], list[int]]:
    """Cells of some lines, and the places of the columns that are wanted."""
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6))
    wanted = draw(st.sets(st.integers(0, width - 1), min_size=1))
    return rows, sorted(wanted)


def text_of(rows: list[list[str]], delimiter: str, newline: str) -> str:
    return "".join(delimiter.join(row) + newline for row in rows)


def schema_of(names: str, delimiter: str = ",") -> CsvSchema:
    return CsvSchema("", tuple(Column(name, Kind.NUMBER) for name in names), delimiter)


@settings(deadline=None)  # the first example imports PyArrow
@given(tables(), st.sampled_from(",;\t| "), st.sampled_from(["\n", "\r\n"]), st.sampled_from([b"", b"1,2\n"]))
def test_lines_hold_the_numbers_that_the_csv_module_reads(
    table: tuple[list[list[str]], list[int]], delimiter: str, newline: str, before: bytes
) -> None:
    rows, wanted = table
    text = text_of(rows, delimiter, newline)
    schema = schema_of("abcd"[: len(rows[0])], delimiter)
    names = dict.fromkeys(("abcd"[place] for place in wanted), Kind.NUMBER)
    read = schema.parse(ByteSlice(before + text.encode(), len(before)), names, 0, is_large=True)
    assert list(read) == list(names)
    cells = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    for place, column in zip(wanted, read.values(), strict=True):
        np.testing.assert_array_equal(column, [float(row[place]) for row in cells])
        signs = np.signbit([float(row[place]) for row in cells])
        assert (np.signbit(column) == signs)[~np.isnan(column)].all()


def parse(schema: CsvSchema, text: str, wanted: str, is_large: bool) -> Chunk | str:
    """The columns, or the message of the error."""
    try:
        return schema.parse(ByteSlice(text.encode()), dict.fromkeys(wanted, Kind.NUMBER), 0, is_large)
    except DataError as error:
        return str(error)


@pytest.mark.parametrize(
    "text",
    [
        '1,"2"\n3,4\n',  # quotes
        "1,2\n3,4",  # the last line may go on
        "1,2\n3\n",  # a short line
        "1,2\n3,4,5\n6\n",  # as many cells as two a line, in other lines
        "1\n2,3,4\n5,6\n",
        "1,2\n\n3,4\n",  # an empty line
        "\n1,2\n",
        "a,1,2\na\rb,1,2\n",  # a carriage return is the end of a line to the csv module
        "a,1,2\na\0b,1,2\n",
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_odd_lines_are_the_same_in_small_and_large_files(text: str, delimiter: str) -> None:
    width = 3 if text.startswith("a") else 2
    schema = schema_of("abc"[:width], delimiter)
    few, many = (
        parse(schema, text.replace(",", delimiter), "abc"[width - 2 : width], large) for large in (False, True)
    )
    if isinstance(few, str) or isinstance(many, str):
        assert few == many
    else:
        assert [(name, *column) for name, column in few.items()] == [(name, *column) for name, column in many.items()]


@pytest.mark.parametrize(
    ("cell", "value"),
    [("", None), ("NA", None), ("x", "x"), (" 1", 1), ("1 ", 1), ("1_0", "x"), ("0x1", "x"), ("1;5", "x")],
)
def test_a_cell_that_is_no_number_is_refused_where_it_is_wanted(cell: str, value: object) -> None:
    schema, text = schema_of("abc"), f"1,2,3\n4,{cell},6\n"
    few, many = (parse(schema, text, "ab", large) for large in (False, True))
    if value == "x":
        assert few == many
        assert f"'b', row 2: '{cell}' is not a number" in str(few)
    else:
        for read in (few, many):
            assert isinstance(read, dict)
            np.testing.assert_array_equal(read["b"], [2, np.nan if value is None else value])
    read = parse(schema, text, "ac", True)
    assert isinstance(read, dict)
    assert [column.tolist() for column in read.values()] == [[1, 4], [3, 6]]


@pytest.mark.parametrize("text", ["a,b\n1,2\n3,\n", "a,b\n1,2\n 3,4\n", "a,b\n1,2\n3,NA\n", "a,b\n1,2\n3,true\n"])
def test_what_is_refused_is_read_all_the_same(text: str) -> None:
    body = text.partition("\n")[2]
    wanted = dict.fromkeys(("b", "a"), Kind.NUMBER)
    few, many = (schema_of("ab").parse(ByteSlice(body.encode()), wanted, 0, large) for large in (False, True))
    assert list(few) == list(many) == ["b", "a"]
    for name in wanted:
        np.testing.assert_array_equal(few[name], many[name])


LARGE = "a,1,2\n" * 40_000
"""Enough lines to be read by PyArrow."""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("a\0b,1,2\n", "holds NUL bytes"),
        ("a\rb,1,2\n", "has 1 cell, the header 3"),
        ("a,1,oops\n", "column 'y_pred', row 20001: 'oops' is not a number"),
    ],
)
@pytest.mark.parametrize("before", ["", "z" * 200_000 + ",1,2\n"])
def test_what_a_small_file_may_not_hold_a_large_one_may_not(cli: Cli, before: str, line: str, told: str) -> None:
    header, row = "t,y_true,y_pred\n", 20_000 - bool(before)
    Path("large.csv").write_bytes((header + LARGE[: 6 * row] + before + line + LARGE).encode())
    assert told in cli("compute", "mse", "large.csv").err
    Path("small.csv").write_bytes((header + line).encode())
    assert told.partition(", row")[0] in cli("compute", "mse", "small.csv").err


@pytest.mark.parametrize("rest", ["", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("word", ["nan(ind)", "-nan(ind)", "NaN(abc_1)", "nan", "-nan", "NA"])
def test_words_for_no_number_are_the_same_in_small_and_large_files(cli: Cli, word: str, rest: str) -> None:
    Path("data.csv").write_text(f"t,y_true,y_pred\na,1,2\na,{word},2\n{rest}")
    result = cli("compute", "mse", "data.csv", "--nan", "omit", "-f", "value")
    assert (result.out, result.status) == ("1.0\n", 0)
    assert "1 of" in result.err
