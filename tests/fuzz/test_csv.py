"""CSV against the csv module."""

from __future__ import annotations

import csv
import io
import math
import re

import numpy as np
import pytest
from hypothesis import strategies as st

from tests.fuzz.check import REFUSED, UNCLEAR, Case, Failure, Reading, Unclear, check_data, fuzz
from tests.fuzz.mutate import damaged

MISSING = {
    "",
    *["NA", "N/A", "n/a", "#N/A", "nan", "NaN", "NAN", "-nan", "-NaN", "null", "NULL", "Null", "None", "none", "<NA>"],
}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?|[+-]?nan", re.ASCII | re.IGNORECASE)
C_NAN = re.compile(r"[+-]?nan\(\w*\)", re.ASCII | re.IGNORECASE)
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def number_in(cell: str) -> float | None:
    """Return a cell as a number: NaN if it means a missing one, None if it is none."""
    text = cell.strip()
    if text in MISSING or C_NAN.fullmatch(text):
        return math.nan
    if text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    if not text.isascii():  # digits of other scripts: as Python reads them
        try:
            return float(text)
        except ValueError:
            return None
    return float(text) if NUMBER.fullmatch(text) else None


def read_csv(case: Case) -> Reading | Unclear | None:
    """Return the columns y_true, y_pred and g as the csv module reads them."""
    data = case.files[0][1]
    options = dict(zip(case.options[::2], case.options[1::2], strict=True))
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return REFUSED
    encoding = next((name for mark, name in BOMS if data.startswith(mark)), "utf-8")
    data = next((data[len(mark) :] for mark, _ in BOMS if data.startswith(mark)), data)
    try:
        text = data.decode(encoding, "strict" if encoding != "utf-8" else "surrogateescape")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=options["--delimiter"]) if row]
    except (UnicodeDecodeError, csv.Error):
        return REFUSED
    if not rows or re.match(r"\s*(#|sep=)", text) or not text.strip():
        return UNCLEAR if rows else REFUSED
    header = [name.strip() for name in rows[0]]
    wanted = [options["--true"], options["--pred"], *([options["--group-by"]] if "--group-by" in options else [])]
    if any(header.count(name) != 1 for name in wanted) or any(len(row) != len(header) for row in rows[1:]):
        return REFUSED
    columns = [[row[header.index(name)] for row in rows[1:]] for name in wanted]
    y, p = ([number_in(cell) for cell in cells] for cells in columns[:2])
    if any(cell.lstrip()[:1] in ("[", "(") for cells in columns[:2] for cell in cells):
        return UNCLEAR  # a vector in a cell
    if None in y or None in p:
        return REFUSED
    groups = columns[2] if len(columns) > 2 else None
    return Reading(np.array(y, dtype=float), np.array(p, dtype=float), groups)


NASTY_NUMBERS = [
    *("", "NA", "nan", "nan(ind)", "-nan(ind)", "NaN", "null", "1_000", "1,5", " 1", "2 ", "\t3", "+4", "1e3", "1E-3"),
    *(
        "1e400",
        "-inf",
        "Infinity",
        "true",
        "FALSE",
        "0x10",
        "1f",
        "1d5",
        "1e",
        ".5",
        "5.",
        ".",
        "-",
        "٣",
        "１",
        "1\xa0",
    ),
    *("9007199254740993", "1" + "0" * 60, "123456789012345678901234567890", "0." + "1" * 40, "1e-320", "-0"),
    *('"1"', '"1', '1"', '""', '" 1"', '"1" ', '1""', "'1'", '"1\n"', '"\n1"', "1\r", "\x0b1", "1\x00", "[1]", "(1)"),
]
NASTY_TEXTS = [
    *("", "a", "b", '5" pipe', 'a"b', '"q"', '"a,b"', '"a\nb"', '"a\r\nb"', '"a""b"', '""""', '"a"b', '"a" ', "a\rb"),
    *("é", "\ufeff", "x" * 90, "\x00", "\ud800", "#c", "NA", "nan", "1", "01", "1.0", " a", "a ", '"', "\\", '\\"'),
    *("\x1b[31m", "\u2028", "\x85", "\x0c", "'", "[1, 2]", "true", "True"),
]  # fmt: skip
PLAIN_NUMBERS = st.one_of(
    st.integers(-99, 99).map(str), st.floats(-1e6, 1e6).map(repr), st.sampled_from(["0", "1", "-2.5", "1e3"])
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw delimited text: plain, with nasty cells, or damaged."""
    style = draw(st.sampled_from(["plain", "quotes", "nasty", "nasty", "damaged"]))
    delimiter = draw(st.sampled_from([",", ",", ",", ";", "\t", "|"]))
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n", *([] if style == "plain" else ["\r", "\n\n", "\r\r\n"])]))
    names = draw(st.permutations(["y_true", "y_pred", "g"]))
    if style in ("nasty", "damaged") and draw(st.booleans()):
        extra = st.sampled_from(
            ["", "id", "y_true", "y_true.1", "x", '"a"', '"a\nb"', 'a"b', "é", " y_pred", "1", "nan"]
        )
        names = [*names, *draw(st.lists(extra, max_size=2))]
    number, text = PLAIN_NUMBERS, st.sampled_from(["a", "b", "c d", "NA", "x1", "é"])
    if style == "quotes":  # newlines, quotes and delimiters in well-formed quotes; stray quotes in unquoted cells
        text = st.sampled_from(['5" pipe', 'a"', 'a"b"c', '"a,b;c"', '"a\nb"', '"a\r\nb"', '"a""b"', '""""', "a", "b"])
    lines = [delimiter.join(names)]
    for _ in range(draw(st.integers(1, 12))):
        cells = [draw(number if name in ("y_true", "y_pred") else text) for name in names]
        if style in ("nasty", "damaged") and draw(st.integers(0, 3)) == 0:  # few, or nothing would be read
            at = draw(st.integers(0, len(names) - 1))
            cells[at] = draw(st.sampled_from(NASTY_NUMBERS if names[at] in ("y_true", "y_pred") else NASTY_TEXTS))
        if style == "nasty" and draw(st.integers(0, 30)) == 0:
            cells = cells[:-1] if draw(st.booleans()) else [*cells, "1"]
        lines.append(delimiter.join(cells))
        if style == "nasty" and draw(st.integers(0, 20)) == 0:
            lines.append(draw(st.sampled_from(["", " ", "\t", '""', "#"])))
    last_end = end if style == "plain" else draw(st.sampled_from([end, "", "\n", "\n\n"]))
    data = (end.join(lines) + last_end).encode("utf-8", "surrogatepass")
    if style == "nasty" and draw(st.integers(0, 6)) == 0:
        mark = draw(st.sampled_from([b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf\xef\xbb\xbf"]))
        data = mark + (data.decode("utf-8", "replace").encode("utf-16-le") if mark == b"\xff\xfe" else data)
    if style == "damaged":
        data = draw(damaged(data, [b'"', b"\r", b"\n", b"\0", b'"\n"', b",", b"_", b"\xff", b"\xef\xbb\xbf", b" "]))
    options = ["--true", "y_true", "--pred", "y_pred", "--delimiter", delimiter]
    if draw(st.booleans()):
        options += ["--group-by", "g"]
    cut = draw(st.integers(20, 120))
    return Case("csv", (("data.csv", data),), tuple(options), is_valid=style == "plain", cut=cut)


def check(case: Case) -> tuple[Failure | None, str]:
    return check_data(case, read_csv)


@pytest.mark.slow
def test_csv() -> None:
    fuzz(cases(), check)
