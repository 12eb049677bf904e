"""Delimited text as other programs write it, against NumPy, pandas and the csv module: small, in parts, and piped."""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import losscli
from losscli.data.csv import split
from losscli.data.csv import table as csv_table
from losscli.data.csv.quotes import Quoting
from losscli.data.csv.schema import ByteSlice
from tests.conftest import Cli

N = 90
rng = np.random.default_rng(11)
Y, P = rng.normal(size=N).round(6) * 1e3, rng.normal(size=N)
FRAME = pd.DataFrame({"y_true": Y, "y_pred": P})
MSE = float(np.mean((Y - P) ** 2))
LABELS = rng.integers(0, 3, N)
SCORES = rng.dirichlet(np.ones(3), N)
CROSS_ENTROPY = float(-np.log(SCORES[np.arange(N), LABELS]).mean())


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Cut data into pieces of so many bytes."""

    def apply(size: int) -> None:
        monkeypatch.setattr(csv_table, "BYTES_PARSED_BY_CSV_MODULE", 64)
        monkeypatch.setattr(csv_table, "BYTES_PER_PIECE", size)
        monkeypatch.setattr(split, "BYTES_PAST_RANGE", 16)

    return apply


def savetxt(columns: object, **options: object) -> bytes:
    out = io.BytesIO()
    np.savetxt(out, np.asarray(columns), **options)  # type: ignore[arg-type]
    return out.getvalue()


def by_all_routes(data: bytes, loss: str, options: list[object], cli: Cli, cut: Callable[[int], None]) -> list[str]:
    """Return what is printed, or the error, for a file, a pipe, and both in parts with one and four threads."""
    Path("d.txt").write_bytes(data)
    results = [cli("compute", loss, "d.txt", *options, "-f", "value", "-q")]
    results += [cli("compute", loss, *options, "-f", "value", "-q", stdin=data)]
    cut(150)
    for jobs in (1, 4):
        results += [cli("compute", loss, "d.txt", *options, "-f", "value", "-q", "-j", jobs)]
        results += [cli("compute", loss, *options, "-f", "value", "-q", "-j", jobs, stdin=data)]
    return [r.out or r.err.replace("standard input", "d.txt") for r in results]


BOTH = np.stack([Y, P], axis=1)
NUMPY_CELLS = [str(row).replace("  ", "\n ") for row in SCORES]
READ: dict[str, tuple[bytes, str, list[object], float]] = {
    "savetxt": (savetxt(BOTH), "mse", [], MSE),
    "savetxt with a header": (savetxt(BOTH[:, ::-1], header="y_pred y_true"), "mse", [], MSE),
    "savetxt with two lines and a footer": (
        savetxt(BOTH, header="by model 7, today\ny_true y_pred", footer="end"), "mse", [], MSE,
    ),
    "savetxt with commas in its header alone": (savetxt(BOTH, header="y_true, y_pred"), "mse", [], MSE),
    "savetxt with two signs": (savetxt(BOTH[:, ::-1], header="y_pred y_true", comments="## "), "mse", [], MSE),
    "dashes for comments": (b"-- by hand\n" + FRAME.to_csv(index=False).encode(), "mse", ["--comment", "--"], MSE),
    "savetxt with commas": (savetxt(BOTH[:, ::-1], header="y_pred,y_true", delimiter=","), "mse", [], MSE),
    "savetxt with tabs": (savetxt(BOTH[:, ::-1], header="y_pred\ty_true", delimiter="\t"), "mse", [], MSE),
    "aligned": (FRAME.to_string(index=False, float_format=lambda value: repr(float(value))).encode(), "mse", [], MSE),
    "blanks around": (
        b"".join(b"  \t%s \t %s\t \r\n" % row for row in [(b"y_true", b"y_pred"), *(
            (repr(a).encode(), repr(b).encode()) for a, b in BOTH.tolist())]), "mse", [], MSE,
    ),
    "spaces asked for": (FRAME.to_csv(sep=" ", index=False).encode(), "mse", ["--delimiter", " "], MSE),
    "one comma in a name": (FRAME.assign(**{"a,b": 1}).to_csv(sep=" ", index=False).encode(), "mse",
                            ["--delimiter", "space"], MSE),
    "R": (
        b'"y_true" "y_pred"\n' + b"".join(b'"%d" %r %r\n' % (i, a, b) for i, (a, b) in enumerate(BOTH.tolist())),
        "mse", ["--true", "y_true"], MSE,
    ),
    "R with commas": (
        b'"y_true","y_pred"\n' + b"".join(b'"r %d",%r,%r\n' % (i, a, b) for i, (a, b) in enumerate(BOTH.tolist())),
        "mse", ["--true", "y_true"], MSE,
    ),
    "R, one column": (
        b'"y_pred"\n' + b"".join(b'"%d" %r\n' % (i, p) for i, p in enumerate(P.tolist())),
        "mse", ["--true", "y_pred"], 0,
    ),
    "printed with an index": (
        FRAME.set_axis([f"r{i}" for i in range(N)]).to_string(float_format=lambda value: repr(float(value))).encode(),
        "mse", [], MSE,
    ),
    "decimal commas in quotes": (FRAME.to_csv(decimal=",", index=False).encode(), "mse", ["--decimal", ","], MSE),
    "comments": (b"# a \"quote\n#, and\n" + FRAME.to_csv(index=False).encode(), "mse", [], MSE),
    "comments in between": (
        FRAME.to_csv(index=False).replace("\n", '\n% "odd, "lines\n').encode(), "mse", ["--comment", "%"], MSE,
    ),
    "comments beside quotes": (
        FRAME.assign(t="a\n// no comment").to_csv(index=False).replace("\n-", '\n//,"\n-').encode(), "mse",
        ["--comment", "//"], MSE,
    ),
    "a sign that starts no comment": (
        FRAME.assign(t="#1").to_csv(index=False, columns=["t", "y_true", "y_pred"]).encode(), "mse", [], MSE,
    ),
    "no comments": (b"#,y_true,y_pred\n" + FRAME.to_csv(header=False).encode(), "mse", ["--comment", ""], MSE),
    "Excel": (b"\xef\xbb\xbfSEP=;\r\n" + FRAME.to_csv(sep=";", index=False).encode(), "mse", [], MSE),
    "decimal commas": (FRAME.to_csv(sep=";", decimal=",", index=False).encode(), "mse", ["--decimal", ","], MSE),
    "decimal commas, tabs": (FRAME.to_csv(sep="\t", decimal=",", index=False).encode(), "mse",
                             ["--decimal", ","], MSE),
    "decimal commas, blanks": (FRAME.to_csv(sep=" ", decimal=",", index=False).encode(), "mse",
                               ["--decimal", ","], MSE),
    "decimal commas, no header": (FRAME.to_csv(sep=";", decimal=",", index=False, header=False).encode(), "mse",
                                  ["--decimal", ",", "--no-header"], MSE),
    "lists": (pd.DataFrame({"y_true": LABELS, "y_pred": SCORES.tolist()}).to_csv(index=False).encode(),
              "cross_entropy", [], CROSS_ENTROPY),
    "tuples": (pd.DataFrame({"y_true": LABELS, "y_pred": [*map(tuple, SCORES.tolist())]}).to_csv(index=False).encode(),
               "cross_entropy", [], CROSS_ENTROPY),
    "as NumPy prints them": (
        pd.DataFrame({"y_true": LABELS, "y_pred": NUMPY_CELLS}).to_csv(index=False).encode(), "cross_entropy", [],
        float(-np.log(np.array([[float(x) for x in cell[1:-1].split()] for cell in NUMPY_CELLS])[
            np.arange(N), LABELS]).mean()),
    ),
    "lists of one": (pd.DataFrame({"y_true": Y, "y_pred": [[p] for p in P]}).to_csv(index=False).encode(),
                     "mse", [], MSE),
    "tuples of one": (pd.DataFrame({"y_true": [(y,) for y in Y], "y_pred": P}).to_csv(index=False).encode(),
                      "mse", [], MSE),
    "lists of decimal commas": (
        pd.DataFrame({"y_true": LABELS, "y_pred": [
            "[" + " ".join(map(str, row)).replace(".", ",") + "]" for row in SCORES.tolist()
        ]}).to_csv(index=False, sep=";").encode(), "cross_entropy", ["--decimal", ","], CROSS_ENTROPY,
    ),
    "carriage returns": (FRAME.to_csv(index=False, lineterminator="\r").encode(), "mse", [], MSE),
    "all kinds of line ends": (
        "".join(line + end for line, end in zip(
            FRAME.to_csv(index=False).splitlines(), ["\n", "\r", "\r\n", "\r\r\n", "\n\n"] * N, strict=False
        )).encode(), "mse", [], MSE,
    ),
    "a quote as inches": (
        FRAME.assign(t=['5" pipe'] * N).to_csv(index=False, columns=["t", "y_true", "y_pred"],
                                               quoting=csv.QUOTE_NONE, quotechar="'").encode(), "mse", [], MSE,
    ),
}  # fmt: skip


EACH = [name if i % 2 else pytest.param(name, marks=pytest.mark.slow) for i, name in enumerate(READ)]


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH)
def test_text_is_read_alike_by_all_routes(name: str, cli: Cli, cut: Callable[[int], None]) -> None:
    data, loss, options, value = READ[name]
    printed = by_all_routes(data, loss, options, cli, cut)
    assert [float(text) for text in printed] == pytest.approx([value] * 6, rel=1e-12), printed
    assert printed[2:] == [printed[2]] * 4
    assert printed[0] == printed[1]


ROWS = b"3,2.5\n5,5\n2,4\n"
REFUSED: dict[str, tuple[bytes, list[object], list[str]]] = {
    "decimal commas": (b"a;b\n1,5;2,5\n", [], ["column 'a', row 1", "'1,5'", "--decimal ,"]),
    "decimal commas beside numbers": (b"step;fold;y;p\n1;2;1,5;2\n2;2;2;3\n", [], ["column 'y', row 1", "--decimal ,"]),
    "decimal commas without a header": (b"1,5;2,5\n3,5;4\n", [], ["first line", "--decimal ,"]),
    "decimal commas, asked for no header": (b"1,5;2,5\n3,5;4\n", ["--no-header"], ["first line", "--decimal ,"]),
    "points beside decimal commas": (b"y_true;y_pred\n1.5;2,5\n", ["--decimal", ","], ["row 1", "'1.5'"]),
    "thousands": (b'y_true,y_pred\n"1,234","2,345"\n', [], ["row 1", "'1,234'", "thousands"]),
    "thousands and decimals": (b'y_true,y_pred\n"1,234.5",2\n', [], ["row 1", "'1,234.5'", "thousands"]),
    "thousands with points": (b"y_true;y_pred\n1.234,5;2\n", ["--decimal", ","], ["row 1", "'1.234,5'", "thousands"]),
    "thousands with spaces": (b"y_true;y_pred\n1 234;2\n", [], ["row 1", "'1 234'", "thousands"]),
    "another delimiter": (b"y_true~y_pred\n3~2.5\n", [], ["'~'", "--delimiter '~'"]),
    "a decimal sign that is the delimiter": (b"y_true,y_pred\n3,2\n", ["--decimal", ","], ["','", "decimal sign"]),
    "a line for Excel alone": (b"sep=;\n", [], ["is empty"]),
    "a wrong delimiter": (b"y_true,y_pred\n3,2.5\n", ["--delimiter", ";"], ["','", "--delimiter ,"]),
    "a comment of another sign": (b"% by hand\ny_true,y_pred\n" + ROWS, [], ["row 1", "--comment %"]),
    "a comment below": (b"y_true,y_pred\n" + ROWS + b"# end\n", [], ["row 4", "--comment '#'"]),
    "a comment behind a number": (b"y_true,y_pred\n1,2 # odd\n", [], ["row 1", "'2 # odd'", "comment"]),
    "nothing but comments": (b"% y_true,y_pred\n% 1,2\n", ["--comment", "%"], ["no line that is not a comment"]),
    "names above text": (b"# y_true,y_pred\ncat,dog\nowl,cat\n", [], ["comment above", "--header"]),
    "comments that may be rows": (b"#a,1,2\nb,3,4\n", ["--no-header"], ["may be comments or rows", "--comment '#'"]),
    "numbers and text without a header": (b"a,1.5,2.5\nb,3.5,4\n", [], ["first line", "--no-header"]),
    "labels without a header": (b"0\n1\n1\n", [], ["first line", "--no-header"]),
    "R without quotes": (b"y_true y_pred\n1 3 2.5\n2 5 5\n", [], ["row 1 has 3 cells, the header 2", "row.names"]),
    "one cell more than names": (b" y_true y_pred\n1 2 3\n2 4 5\n", [], ["row 1 has 3 cells, the header 2"]),
    "rows that end with a delimiter": (b"y_true,y_pred\n1,2,\n2,4,\n", [], ["rows end with a delimiter", "add it"]),
    "labels between blanks": (b"y_true y_pred\ncat cat\ndog cat\n", [], ["'y_true y_pred'", "--delimiter ' '"]),
    "a comment of dashes": (b"-- by hand\ny_true,y_pred\n" + ROWS, [], ["--comment --"]),
    "a title": (b"My results\ny_true,y_pred\n" + ROWS, [], ["title"]),
    "a title above tabs": (b"My results\ny_true\ty_pred\n3\t2.5\n", [], ["title"]),
    "names in a comment of units": (b"# y_pred y_true\n# m m\n2 1\n4 2\n", [], ["'y_pred y_true'", "--no-header"]),
    "names in a longer comment": (b"# Columns: y_pred y_true\n2 1\n4 2\n", [], ["'Columns: y_pred y_true'"]),
    "percent": (b"y_true,y_pred\n1%,2%\n", [], ["row 1", "'1%'", "without the sign"]),
    "psql": (b" y_true | y_pred \n--------+--------\n      1 |      2\n", [], ["'--------+--------'", "psql --csv"]),
    "a box": ("┌────────┬────────┐\n│ y_true │ y_pred │\n".encode(), [], ["┬", "duckdb -csv"]),
    "Markdown": (b"| y_true | y_pred |\n|---:|---:|\n| 1 | 2 |\n", [], ["'|---:|---:|'", "printed table"]),
    "sqlite3 -column": (b"y_true  y_pred\n------  ------\n1       2     \n", [], ["'------ ------'", "sqlite3"]),
    "decimal commas between commas": (b'a,b\n"1,5",2\n"2,25",3\n', [], ["'1,5'", "--decimal ,"]),
    "ragged lists": (b'y_true,y_pred\n0,"[1, 2]"\n1,"[1, 2, 3]"\n', [], ["column 'y_pred', row 2", "3 numbers"]),
    "cut lists": (b"y_true,y_pred\n0,[1 2 3]\n1,[1 ... 3]\n", [], ["'y_pred', row 2", "cut when it was printed"]),
    "lists with gaps": (b'y_true,y_pred\n0,"[1, 2]"\n1,"[1, ]"\n', [], ["column 'y_pred', row 2"]),
    "lists of words": (b'y_true,y_pred\n0,"[1, 2]"\n1,"[1, x]"\n', [], ["column 'y_pred', row 2", "'x'"]),
    "a list where numbers are": (b"y_true,y_pred\n0,1\n1,[1 2]\n", [], ["column 'y_pred', row 2", "not one number"]),
    "two kinds of line ends": (b"y_true,y_pred\r1,2\r3,4\r\n", [], ["carriage return", "one kind"]),
    "GBK": ("y_true,y_pred,地区\n3,2.5,北京\n".encode("gbk"), [], ["cell 3", "not UTF-8", "iconv"]),
    "Latin-1": ("y_true,y_pred\n3,2\xb5\n".encode("latin1"), [], ["row 1", "not UTF-8", "iconv"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_text_is_refused_with_what_would_help(name: str, cli: Cli) -> None:
    data, options, words = REFUSED[name]
    Path("d.csv").write_bytes(data)
    for arguments, stdin in ((["d.csv"], None), ([], data)):
        result = cli("compute", "mse", *arguments, *options, **({} if stdin is None else {"stdin": stdin}))
        assert (result.status, result.out) == (3, ""), result
        assert result.err.count("\n") == 1
        assert [word for word in words if word not in result.err] == [], result.err
        assert "\\udc" not in result.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--decimal", ";"], "--decimal ';': must be a point or a comma"),
        (["--decimal", ",", "--delimiter", ","], "--decimal ,: is the delimiter, too"),
        (["--comment", "a"], "--comment a: must be a sign"),
        (["--comment", '"'], "must be a sign"),
        (["--comment", "-"], "must be a sign"),
        (["--comment", ";", "--delimiter", ";"], "is the delimiter, too"),
    ],
)
def test_values_of_options_are_checked(options: list[object], words: str, cli: Cli) -> None:
    Path("d.csv").write_bytes(b"y_true,y_pred\n" + ROWS)
    result = cli("compute", "mse", "d.csv", *options)
    assert (result.status, result.out) == (2, "")
    assert words in result.err


def test_python_takes_the_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d.csv").write_bytes(b"% by hand\n" + FRAME.to_csv(sep=";", decimal=",", index=False).encode())
    value = losscli.compute("mse", "d.csv", decimal=",", comment="%").value
    assert value == pytest.approx(MSE, rel=1e-12)
    with pytest.raises(losscli.LosscliError, match='decimal=";": must be a point or a comma'):
        losscli.compute("mse", "d.csv", decimal=";")


def test_other_commands_take_the_options(cli: Cli) -> None:
    Path("d.csv").write_bytes(b"% by hand\n" + FRAME.to_csv(sep=";", decimal=",", index=False).encode())
    options = ("--decimal", ",", "--comment", "%")
    assert cli("compare", "--losses", "mse", "d.csv", *options, "-f", "value").status == 0
    assert "--decimal , --comment %" in cli("recommend", "d.csv", *options).err


# ---------------------------------------------------------------------------------------- quotes, as the csv module


def text_of(seed: int, pieces: str, delimiter: str) -> str:
    source = random.Random(seed)
    return "".join(source.choice(pieces + delimiter) for _ in range(source.randrange(60)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "§"])
def test_lines_end_where_the_csv_module_ends_rows(delimiter: str) -> None:
    quoting, n_quoted = Quoting(delimiter), 0
    for seed in range(600):
        text = text_of(seed, '""\n\na,1', delimiter)
        data, rows, start = text.encode(), [], 0
        while start < len(data):
            end = quoting.find_line_end(data, start)[0] or len(data)
            read = list(csv.reader(io.StringIO(data[start:end].decode(), newline=""), delimiter=delimiter))
            assert len(read) == 1, text
            n_quoted += "\n" in "".join(read[0])
            rows += read
            start = end
        assert rows == list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), text
    assert n_quoted > 60


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_streams_are_cut_where_the_csv_module_ends_rows(size: int) -> None:
    for seed in range(200):
        text = text_of(seed, '""\n\na,1', ",") + "\nx,y"
        stream = io.BytesIO(text.encode())
        blocks = list(split.split_stream(stream.read, size, size))
        read = [row for block in blocks for row in csv.reader(io.StringIO(block.decode(), newline="")) if row]
        assert read == [row for row in csv.reader(io.StringIO(text, newline="")) if row], text


@pytest.mark.parametrize("size", [1, 3, 8])
def test_the_end_tells_whether_it_is_inside_quotes(size: int) -> None:
    n_inside = 0
    for seed in range(600):
        text = text_of(seed, '""\n,a', ",")
        inside, before = False, "\n"
        for run in re.findall('"+|[^"]', text):
            if run[0] == '"' and len(run) % 2:
                inside = not inside and before in ",\n"
            before = run[-1]
        assert Quoting(",").is_inside(text.encode(), 0, len(text), size=size) == inside, text
        n_inside += inside
    assert 100 < n_inside < 500


def test_parts_of_a_table_hold_vectors_of_one_length(cli: Cli) -> None:
    Path("parts").mkdir()
    Path("parts/a.csv").write_text('y_true,y_pred\n0,"[0.5, 0.5]"\n')
    Path("parts/b.csv").write_text('y_true,y_pred\n0,"[0.5, 0.5]"\n')
    assert float(cli("compute", "cross_entropy", "parts", "-f", "value").out) == pytest.approx(np.log(2))
    Path("parts/b.csv").write_text('y_true,y_pred\n0,"[0.5, 0.4, 0.1]"\n')
    result = cli("compute", "cross_entropy", "parts")
    assert (result.status, result.out) == (3, "")
    assert "b.csv: column 'y_pred': cells hold 3 numbers, in parts/a.csv 2" in result.err


def test_years_and_quantiles_are_names(cli: Cli) -> None:
    Path("d.csv").write_text("item,0.1,0.5,0.9,2020,y_true,y_pred\na,1,2,3,4,5,6\n")
    assert cli("compute", "mse", "d.csv", "-f", "value").out == "1.0\n"


def test_labels_of_two_words_are_one_column(cli: Cli) -> None:
    Path("t.csv").write_text("true label\nNew York\nSan Jose\n")
    Path("p.csv").write_text("predicted label\nOld York\nSan Jose\n")
    result = cli("compute", "zero_one", "t.csv", "p.csv", "--classes", "New York,Old York,San Jose", "-f", "value")
    assert result.out in ("0.5\n", ""), result


def test_comments_hide_quotes_and_quotes_hide_comments() -> None:
    data = b'#"\n1,"a\n#b"\n#c"\n2,"#"\n#,"\n3,4\n'
    quoting = Quoting(",", "#")
    text, start, stop = quoting.without_comments(data, 0, len(data))
    assert text[start:stop] == b'1,"a\n#b"\n2,"#"\n3,4\n'
    assert not quoting.is_inside(data, 0, len(data))
    assert quoting.find_line_end(data, 0, 5)[0] == len(b'#"\n1,"a\n#b"\n')
    assert [data[low:high] for low, high in quoting.comments(data, 0, len(data))] == [b'#"\n', b'#c"\n', b'#,"\n']


@pytest.mark.parametrize("cell", ['a"b', '"a\n"', '"""x"""', '5" pipe', '"\n""\n"'])
def test_quotes_take_linear_time(cell: str) -> None:
    """A cut within a megabyte of quotes is found in one pass: many passes would take minutes."""
    data = b"x,y\n" + f"{cell},1\n".encode() * (1_000_000 // len(cell))
    blocks = list(split.split_stream(io.BytesIO(data).read, 1 << 12, 1 << 12))
    assert b"".join(blocks) == data
    assert len(blocks) > 100


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_the_first_lines_take_linear_time(end: str, cli: Cli) -> None:
    """Many line ends in one cell, blank lines or comments are read in one pass: many passes would take minutes."""
    n = 250_000
    body = f'y_true,y_pred,n{end}1,2,"' + f'""{end}' * n + f'"{end}1,4,x{end}'
    for start in ("", end * n, f"#{end}" * n, f"#{end}{end}" * n):
        Path("d.csv").write_bytes((start + body).encode())
        assert cli("compute", "mse", "d.csv", "-f", "value").out == "5.0\n"
    Path("d.csv").write_bytes(end.encode() * n)
    assert cli("compute", "mse", "d.csv").err == "losscli: error: d.csv: is empty\n"


def test_the_first_line_ends_where_the_csv_module_says() -> None:
    random.seed(5)
    for _ in range(3000):
        text = "".join(random.choices(['"', "\n", "\r", "\r\n", ",", "a", "#"], k=random.randint(1, 12))) + "\nz"
        first = next(csv.reader(io.StringIO(text, newline="")))
        end = Quoting().first_line_end(text.encode(), 0)
        assert next(csv.reader(io.StringIO(text[:end], newline=""))) == first, text
        assert end == len(text) or text[end - 1] in "\r\n", text


def test_an_endless_column_name_is_cut_in_messages(cli: Cli) -> None:
    Path("d.csv").write_text("x" * 10_000 + ",b,c\n1,2,3\n")
    for arguments in (("mse", "d.csv"), ("mse", "d.csv", "--pred", "q")):
        result = cli("compute", *arguments)
        assert result.status == 3
        assert len(result.err) < 400


@pytest.mark.parametrize("start", ["", '"'])
def test_an_endless_line_is_refused(start: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (split, csv_table):
        monkeypatch.setattr(module, "BYTES_PER_LINE", 1 << 20)
    monkeypatch.setattr(csv_table, "BYTES_PER_PIECE", 1 << 16)
    data = b"y_true,y_pred\n" + b"1,2\n" * 30_000 + b"3," + start.encode() + b"4" * (3 << 20)
    Path("d.csv").write_bytes(data)
    for jobs in (1, 4):
        for result in (cli("compute", "mse", "d.csv", "-j", jobs), cli("compute", "mse", "-j", jobs, stdin=data)):
            assert (result.status, result.out) == (3, "")
            assert "row 30001: " in result.err
            assert "for more than 1 MB" in result.err
    Path("d.csv").write_bytes(b"y_true," + b"4" * (3 << 20))
    assert "first lines goes on for more than 1 MB" in cli("compute", "mse", "d.csv").err


def test_blank_lines_at_the_end_are_left_out() -> None:
    for body, kept in [
        (b"1\n2\n\n\n", b"1\n2\n"), (b"1\r\n\r\n", b"1\r\n"), (b"1\r\r", b"1\r"), (b"1\n", b"1\n"), (b"\n\n", b""),
        (b"1", b"1"), (b"1\r\n", b"1\r\n"), (b"", b""), (b"1\n\r\n", b"1\n"), (b"\r\n", b""),
    ]:  # fmt: skip
        assert ByteSlice(b"x" + body, 1).without_last_blank_lines().bytes() == kept
