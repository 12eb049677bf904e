"""Rows out: what PyArrow writes of many rows is what Python writes of few, in every format of rows."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from losscli.data.coded_text import CodedText
from losscli.errors import DataError
from losscli.report.formats import Style
from losscli.report.formats import delimited as delimited_format
from losscli.report.formats import json as json_format
from losscli.report.formats.arrow_rows import float_texts, rows_by_arrow, utf8_of_rows, write_many_rows
from losscli.report.formats.rows import text_of_rows, write_rows
from losscli.report.samples import select_worst
from losscli.report.tables import Report, ReportColumn

TEXTS = [
    "plain",
    "",
    None,
    "a,b",
    'say "so"',
    "two\nlines",
    "re\rturn",
    "tab\there",
    " blank ",
    "é😀",
    "\\",
    "\x1f",
    "\x7f",
]


def awkward_numbers() -> np.ndarray:
    rng = np.random.default_rng(5)
    powers = 10.0 ** np.arange(-20, 23)
    near = np.concatenate([powers, np.nextafter(powers, 0), np.nextafter(powers, np.inf), 5 * powers, 1.25 * powers])
    size = 3000
    return np.concatenate(
        [
            near,
            -near,
            2.0 ** np.arange(-1074, 1024),
            rng.integers(0, 1 << 64, size, dtype=np.uint64).view(np.float64),
            rng.normal(size=size) * 10.0 ** rng.integers(-12, 18, size),
            np.round(rng.normal(size=size), 2) * 10.0 ** rng.integers(-12, 18, size),
            rng.integers(-(1 << 53), 1 << 53, size) * 2.0 ** rng.integers(-40, 3, size),
            [0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1e15 + 0.125, 9007199254740993.0],
        ]
    )


def awkward_block(size: int = 300) -> list:
    rng = np.random.default_rng(6)
    texts = np.empty(size, dtype=object)
    texts[:] = (TEXTS * size)[:size]
    mixed = np.empty(size, dtype=object)
    mixed[:] = ([1, "one", 2.5, None] * size)[:size]
    coded = CodedText(np.arange(size, dtype=np.int32) % 4 - 1, np.array(["x", 'y"', "z,"], dtype=object))
    return [np.arange(size), texts, rng.choice(awkward_numbers(), size), mixed, coded, np.arange(size) / 2]


def awkward_report(block: list, jobs: int = 1) -> Report:
    columns = tuple(ReportColumn(key) for key in ("row", "te,xt", 'nu"m', "mixed", "coded", "half"))
    return Report(columns, [block], dict, (), rows_key="samples", jobs=jobs)


def written(write_format, report: Report) -> str:
    parts: list = []
    write_format(report, parts.append, Style())
    return "".join(part if isinstance(part, str) else str(part, "utf-8") for part in parts)


@pytest.mark.parametrize("cell", [repr, json_format.json_cell])
def test_many_numbers_have_the_digits_and_the_notation_of_python(cell):
    values = awkward_numbers()
    assert float_texts(values, cell).to_pylist() == [cell(value) for value in values.tolist()]


@pytest.mark.parametrize("columns", [[0, 1, 2, 3, 4, 5], [0, 2, 5]], ids=["with text", "of numbers"])
@pytest.mark.parametrize("name", ["csv", "tsv", "json"])
def test_many_rows_are_written_as_few_are(name, columns):
    block = [awkward_block()[i] for i in columns]
    delimiter = {"csv": ",", "tsv": "\t"}.get(name)
    if delimiter is None:
        syntax = json_format.row_syntax([f'"{i}": ' for i in columns], "}\n")
    else:
        syntax = delimited_format.delimited_syntax(len(columns), delimiter)
    assert str(rows_by_arrow(block, syntax), "utf-8") == text_of_rows(block, syntax)


@pytest.mark.parametrize(("write_format", "delimiter"), [(delimited_format.csv, ","), (delimited_format.tsv, "\t")])
def test_delimited_rows_are_those_of_the_csv_module(write_format, delimiter):
    block = awkward_block()
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    report = awkward_report(block)
    writer.writerow([column.key for column in report.columns])
    writer.writerows(zip(*(cells.tolist() for cells in block), strict=True))
    assert written(write_format, report) == out.getvalue()


def test_rows_of_several_threads_are_in_order():
    whole = [np.arange(3000), *(np.random.default_rng(i).normal(size=3000) for i in range(5))]
    blocks = [[cells[i : i + 100] for cells in whole] for i in range(0, 3000, 100)]
    syntax = delimited_format.delimited_syntax(len(whole), ",")
    parts: list[str | memoryview] = []
    write_many_rows(blocks, syntax, 3, parts.append)
    assert "".join(str(part, "utf-8") for part in parts) == text_of_rows(whole, syntax)


def test_a_document_of_rows_is_laid_out_as_json_indents_it():
    text = written(json_format.json, awkward_report(awkward_block(20)))
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


def test_a_lone_surrogate_is_written_as_by_python():
    texts = np.array(["\udc80"] * 100, dtype=object)
    assert utf8_of_rows([texts], json_format.row_syntax(['{"t": '], "}\n")) == '{"t": "\udc80"}\n' * 100


def test_rows_before_an_error_are_written():
    def blocks():
        yield [np.arange(100), np.zeros(100)]
        raise DataError("the next row is wrong")

    parts: list[str | memoryview] = []
    with pytest.raises(DataError, match="wrong"):
        write_many_rows(blocks(), delimited_format.delimited_syntax(2, ","), 2, parts.append)
    assert [str(part, "utf-8").splitlines()[-1] for part in parts] == ["99,0.0"]


def test_rows_are_written_by_arrow_once_they_are_many():
    parts: list[str | memoryview] = []
    blocks = [[np.zeros(rows)] * 8 for rows in (10, 33_000, 5)]
    write_rows(blocks, delimited_format.delimited_syntax(8, ","), 1, parts.append)
    assert [isinstance(part, str) for part in parts] == [True, False, False, True]


def test_an_error_while_rows_are_made_into_text_is_raised():
    syntax = json_format.row_syntax(['{"a": '], "}\n")
    with pytest.raises(TypeError):
        write_rows([[[object()]]], syntax, 1, print)


def test_writing_rows_by_arrow_imports_no_pandas():
    code = (
        "import sys, numpy as np\n"
        "from losscli.report.formats import arrow_rows, json\n"
        "texts = np.array(['a', 'b\"'] * 50, dtype=object)\n"
        "block = [np.arange(100), np.geomspace(1e-9, 1e16, 100), texts]\n"
        "arrow_rows.rows_by_arrow(block, json.row_syntax(['a', 'b', 'c'], 'd'))\n"
        "print('pyarrow' in sys.modules, 'pandas' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert (done.stdout, done.stderr) == ("True False\n", "")


@pytest.mark.parametrize("top", [1, 7, 40])
def test_the_worst_rows_are_the_first_of_all_sorted(top):
    rng = np.random.default_rng(8)
    losses = rng.integers(0, 6, 60).astype(float)
    losses[[3, 17]] = np.nan
    losses[29] = np.inf
    weight = rng.integers(0, 2, 60).astype(float)
    names = np.array([f"r{i}" for i in range(60)], dtype=object)
    batches = [{"id": names[i : i + 9], "weight": weight[i : i + 9], "a": losses[i : i + 9]} for i in range(0, 60, 9)]
    found = select_worst(iter(batches), "a", top)
    rows = [i for i in range(60) if weight[i]]
    rows.sort(key=lambda i: -np.inf if np.isnan(losses[i]) else -losses[i])
    assert found["id"].tolist() == [f"r{i}" for i in rows[:top]]
