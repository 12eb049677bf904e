"""JSON Lines against the json module, line by line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.fuzz.check import Case, Failure, Reading, Unclear, check_data, fuzz
from tests.fuzz.mutate import damaged
from tests.fuzz.test_json import SETTINGS, TOKENS, columns, read_document
from tests.fuzz.values import read_columns

NASTY_NUMBERS = [
    *("-0", "-0.0", "01", "-01", "1.", ".5", "+1", "1e", "1.e5", "1E+2", "0e0", "1e400", "-1e999", "1e-400", "5e-324"),
    *("NaN", "Infinity", "-Infinity", "nan", "inf", "0x10", "1_0", "null", "true", "false", "True", "None", '"1"'),
    *("9007199254740993", "12345678901234567890", "9" * 310, "9" * 700, "9" * 5000, "0." + "1" * 700, "[1]", "[1, 2]"),
    *("[]", "[1, null]", "[1, NaN]", "[1,]", "[[1]]", "{}", '{"a": 1}', '{"a": 1, "a": 2}', "", "1 2", '"a":1', "\x00"),
]
NASTY_STRINGS = [
    *('"":"', '":"', '":)"', '"x\\":y"', '"a,b"', '"{"', '"\\u00e9"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\u12"'),
    *('"\\x"', '"\t"', '"\\n"', '"\x01"', '"\x7f"', '"\u2028"', '"é"', '""', '"', "'a'", '"a"b"', '"\\\\"', "1", "-0"),
    *("1.0", "true", "null", '["a"]'),
]
"""Values as they are written, right and wrong."""


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object that has no key twice."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


@st.composite
def written_records(draw: st.DrawFn) -> str:
    """Draw lines of records that are written alike, but for a few keys, values and characters."""
    is_odd = st.integers(0, draw(st.sampled_from([5, 30, 200]))).map(lambda i: i == 0)
    ends = draw(st.sampled_from([(", ", ": "), (",", ":"), (" ,\t", " :  ")]))
    keys = draw(st.permutations(["y_true", "y_pred", "g", "x"]))
    fill = draw(st.sampled_from(["", '"note": {"a": 1, "b": ["\\u00e9"]}']))
    width = draw(st.sampled_from([0, 0, 0, 2]))
    plain = st.one_of(st.integers(-99, 99), st.floats(-1e6, 1e6), st.sampled_from([1e-7, 1e22])).map(json.dumps)
    vector = st.lists(plain, min_size=width, max_size=width).map(lambda texts: f"[{ends[0].join(texts)}]")
    number = vector if width else plain
    has_gaps = draw(st.booleans())
    lines = []
    for _ in range(draw(st.integers(2, 12))):
        pairs = []
        for key in keys:
            text, values = json.dumps(key), number
            if key == "g":
                values = st.sampled_from(['"a"', '"b"', '"c d"'])
            if draw(is_odd):
                values = st.sampled_from(NASTY_STRINGS if key == "g" else NASTY_NUMBERS)
                text = draw(st.sampled_from([text, text, '"\\u0079_true"', '"x"']))
            if not (has_gaps and draw(is_odd)):
                pairs.append(text + ends[1] + draw(values))
        if draw(is_odd):
            pairs = draw(st.permutations([*pairs, *pairs[:1]]))
        line = "{" + ends[0].join([*pairs, *([fill] if fill else [])]) + "}"
        if draw(is_odd):
            at = draw(st.integers(0, len(line)))
            line = line[:at] + draw(st.sampled_from(["\n", ",", "}", "{", '"', "\ufeff", " ", "\r", "x"])) + line[at:]
        lines.append(line)
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines)


def read_lines(case: Case) -> Reading | Unclear | None:
    """Return one record a line as the json module reads it, empty lines are none; else all lines as one document."""
    records = []
    for line in case.files[0][1].split(b"\n"):
        if not line.strip():
            continue
        try:
            record = json.loads(line, object_pairs_hook=object_of)
        except (ValueError, RecursionError):
            return read_document(case)
        if not isinstance(record, dict):
            return read_document(case)
        records.append(record)
    keys = dict.fromkeys(key for record in records for key in record)
    return read_columns({key: [record.get(key) for record in records] for key in keys}, case.options)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw lines: plain records, with nasty values, joined or parted in odd ways, or damaged."""
    style = draw(st.sampled_from(["plain", "nasty", "joined", "damaged", "written", "written"]))
    data = draw(columns(style != "nasty"))
    lines = [json.dumps(dict(zip(data, row, strict=True))) for row in zip(*data.values(), strict=True)]
    end = draw(st.sampled_from(["\n", "\n", "\r\n", *([] if style == "plain" else ["\n\n", " \n", "\r", "\n\t\n"])]))
    if style == "written":
        text = draw(written_records()) + draw(st.sampled_from(["", end]))
    elif style == "joined":
        ends = st.sampled_from(
            ["\n", "\n", ",\n", "\n,", ",", "", " ", "]\n[", "},\n{", "\n\ufeff", "\n[", "]\n", "\n1\n"]
        )
        text = "".join(line + draw(ends) for line in lines)
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(["", "", "\n"])) + text[at:]
    else:
        text = end.join(lines) + draw(st.sampled_from(["", end]))
    encoded = text.encode("utf-8", "surrogatepass")
    if style == "damaged":
        encoded = draw(damaged(encoded, TOKENS))
    group = ("--group-by", "g") if draw(st.booleans()) else ()
    cut = draw(st.integers(20, 120))
    return Case("jsonl", (("data.jsonl", encoded),), (*SETTINGS, *group), is_valid=style == "plain", cut=cut)


def check(case: Case) -> tuple[Failure | None, str]:
    return check_data(case, read_lines)


@pytest.mark.slow
def test_jsonl() -> None:
    fuzz(cases(), check)
