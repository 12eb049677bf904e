"""JSON Lines against the json module, line by line."""

from __future__ import annotations

import json

import pytest
from hypothesis import strategies as st

from tests.fuzz.check import Case, Failure, Reading, Unclear, check_data, fuzz
from tests.fuzz.mutate import damaged
from tests.fuzz.test_json import SETTINGS, TOKENS, columns, read_document
from tests.fuzz.values import read_columns


def read_lines(case: Case) -> Reading | Unclear | None:
    """Return one record a line as the json module reads it, empty lines are none; else all lines as one document."""
    records = []
    for line in case.files[0][1].split(b"\n"):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
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
    style = draw(st.sampled_from(["plain", "nasty", "joined", "damaged"]))
    data = draw(columns(style != "nasty"))
    lines = [json.dumps(dict(zip(data, row, strict=True))) for row in zip(*data.values(), strict=True)]
    end = draw(st.sampled_from(["\n", "\n", "\r\n", *([] if style == "plain" else ["\n\n", " \n", "\r", "\n\t\n"])]))
    if style == "joined":
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
