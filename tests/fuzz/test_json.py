"""JSON documents against the json module."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.fuzz.check import REFUSED, UNCLEAR, Case, Failure, Reading, Unclear, check_data, fuzz
from tests.fuzz.mutate import damaged
from tests.fuzz.values import read_columns

SETTINGS = ("--true", "y_true", "--pred", "y_pred")
NASTY_VALUES = [
    *(None, True, False, "", "1", "NA", "x", " 2 ", "1_000", "nan(ind)", "1e400", 10**400, -(10**30), 2**53 + 1, 1e308),
    *(float("nan"), float("inf"), [], [1], [[1]], {}, {"a": 1}, "\ud800", "\x00", "a\nb", 5e-324, -0.0, 0.1, "[1]"),
]
NASTY_GROUPS = [
    None,
    "",
    "a",
    "b",
    "\ud800",
    "\x1b[31m",
    "a\nb",
    "é",
    "\x00",
    "NA",
    "1",
    1,
    1.0,
    True,
    [1],
    {},
    "\u2028",
]
TOKENS = [
    *(b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"null", b"NaN", b"1e999", b"-", b"[[[[", b"{}", b"[]", b"\n"),
    *(b'"y_true":[1],', b"\xff", b"\xef\xbb\xbf", b"//", b"0", b"\\ud800", b"1" * 400, b"\x00", b"[" * 300),
]
plain_numbers = st.one_of(st.integers(-99, 99), st.floats(-1e6, 1e6))


def read_document(case: Case) -> Reading | Unclear | None:
    """Return an object of arrays, or a list of records, as the json module reads it."""
    try:
        document = json.loads(case.files[0][1])
    except (ValueError, RecursionError):
        return REFUSED
    if isinstance(document, dict):
        if not isinstance(document.get("y_true"), list) or not isinstance(document.get("y_pred"), list):
            return UNCLEAR  # pandas writes objects of objects, too
        return read_columns({key: value for key, value in document.items() if isinstance(value, list)}, case.options)
    if not isinstance(document, list) or not all(isinstance(record, dict) for record in document):
        return UNCLEAR if isinstance(document, list) else REFUSED
    keys = dict.fromkeys(key for record in document for key in record)
    return read_columns({key: [record.get(key) for record in document] for key in keys}, case.options)


@st.composite
def columns(draw: st.DrawFn, is_plain: bool) -> dict[str, list[Any]]:
    """Draw columns of equal length: numbers, vectors or anything."""
    n = draw(st.integers(1, 8))
    value: st.SearchStrategy[Any] = plain_numbers
    group: st.SearchStrategy[Any] = st.sampled_from(["a", "b", "c d"])
    if is_plain:
        width = draw(st.sampled_from([0, 0, 0, 1, 3]))
        value = st.lists(plain_numbers, min_size=width, max_size=width) if width else plain_numbers
    else:
        value = st.one_of(*[plain_numbers] * draw(st.integers(0, 12)), st.sampled_from(NASTY_VALUES))
        group = st.one_of(group, st.sampled_from(NASTY_GROUPS))
    names = draw(st.permutations(["y_true", "y_pred", "g"]))
    if not is_plain:
        names += draw(st.lists(st.sampled_from(["", "id", "x", "y_true.1", "é", "\ud800"]), max_size=2))
    return {name: [draw(group if name == "g" else value) for _ in range(n)] for name in names}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a document: an object of arrays or a list of records; plain, with nasty values, or damaged."""
    style = draw(st.sampled_from(["plain", "nasty", "nasty", "damaged"]))
    data = draw(columns(style == "plain"))
    document: Any = data
    if draw(st.booleans()):
        document = [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)]
        if style == "nasty":
            for record in document:
                if draw(st.integers(0, 9)) == 0:
                    record.pop(draw(st.sampled_from(sorted(record))))
    elif style == "nasty" and draw(st.integers(0, 5)) == 0:
        data["y_true"] = data["y_true"][1:]
    text = json.dumps(document, indent=draw(st.sampled_from([None, 1])), ensure_ascii=draw(st.booleans()))
    encoding = draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16"])) if style == "nasty" else "utf-8"
    encoded = text.encode(encoding, "surrogatepass")
    if style == "damaged":
        encoded = draw(damaged(encoded, TOKENS))
    group = ("--group-by", "g") if draw(st.booleans()) else ()
    return Case("json", (("data.json", encoded),), (*SETTINGS, *group), is_valid=style == "plain")


def check(case: Case) -> tuple[Failure | None, str]:
    return check_data(case, read_document)


@pytest.mark.slow
def test_json() -> None:
    fuzz(cases(), check)
