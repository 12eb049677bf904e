"""Baselines: the change since an earlier result is that of plain arithmetic, or the file is refused."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.fuzz.check import Case, Failure, fuzz
from tests.fuzz.commands import TABLE, run_command
from tests.fuzz.mutate import damaged

NAME = "base.json"
LIMIT = 0.02
NO_PASS = "cannot be judged"
NASTY = [
    None,
    True,
    False,
    "",
    "1",
    [],
    {},
    [1],
    10**400,
    -(10**30),
    float("nan"),
    float("inf"),
    0,
    -0.0,
    1e308,
    5e-324,
    "x",
]
KEYS = [
    "loss",
    "value",
    "signature",
    "losses",
    "group",
    "model",
    "name",
    "schema_version",
    "data",
    "n",
    "params",
    "ci",
    "gates",
]
TOKENS = [
    b"null",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b'"',
    b"NaN",
    b"1e999",
    b"\xff",
    b"\\ud800",
    b"[" * 500,
    b"\0",
    b"9" * 5000,
]


@cache
def document() -> dict[str, Any]:
    """Return the result of today's run."""
    outcome, _ = run_command("mse", (), (), (0,))
    assert outcome is not None
    return json.loads(outcome.out)  # type: ignore[no-any-return]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw an earlier result: with another value, with nasty entries, or damaged."""
    style = draw(st.sampled_from(["plain", "nasty", "nasty", "damaged"]))
    found = json.loads(json.dumps(document()))
    value = draw(st.one_of(st.floats(0.01, 9), st.sampled_from([found["losses"][0]["value"], 1, 0])))
    found["losses"][0]["value"] = value
    if style == "nasty":
        for _ in range(draw(st.integers(1, 3))):
            key = draw(st.sampled_from(KEYS))
            place = draw(st.sampled_from([found, found["losses"][0]] if found.get("losses") else [found]))
            if not isinstance(place, dict):
                continue
            change = draw(st.sampled_from(["set", "set", "drop", "twice", "loss"]))
            if change == "set":
                place[key] = draw(st.sampled_from(NASTY))
            elif change == "drop":
                place.pop(key, None)
            elif change == "twice" and isinstance(found.get("losses"), list):
                found["losses"].append(draw(st.sampled_from([found["losses"][0], *NASTY])))
            elif change == "loss":
                place["signature"] = draw(
                    st.sampled_from(["", "mse", "mse|n=5", "|", "=", "mae|n=5|nan=error", "\ud800"])
                )
            if not isinstance(found.get("losses"), list) or not found["losses"]:
                break
    data = json.dumps(found, indent=draw(st.sampled_from([None, 2]))).encode()
    if style == "damaged":
        data = draw(damaged(data, TOKENS))
    return Case("baselines", (TABLE, (NAME, data)), (f"mse.change>{LIMIT:.0%}",), is_valid=style == "plain")


def check(case: Case) -> tuple[Failure | None, str]:
    """Compare the verdict on the change with plain arithmetic on the earlier value."""
    options = (f"--fail-if={case.options[0]}", "--baseline", NAME)
    outcome, failure = run_command("mse", options, case.files[1:], (0, 1, 2, 3, 4))
    if failure or outcome is None:
        return failure, "unsound"
    word = f"status {outcome.status}"
    now = document()["losses"][0]["value"]
    try:
        earlier = json.loads(case.files[1][1])["losses"]
        entries = [one for one in earlier if one["loss"] == "mse"]
        if len(entries) > 1:
            return None, f"{word}, unclear"
        (entry,) = entries
        before = entry["value"]
        is_number = isinstance(before, (int, float)) and not isinstance(before, bool) and abs(before) < math.inf
        wanted = int((now - before) / abs(before) > LIMIT) if is_number and before else None
        if before == 0:
            wanted = None
    except Exception:
        wanted = None
    if wanted is None:
        is_judged = outcome.status == 0 or (outcome.status == 1 and NO_PASS not in outcome.err)
        return (Failure("is compared, and should not be", outcome.out) if is_judged else None), word
    if outcome.status in (0, 1) and outcome.status != wanted:
        return Failure(f"status {outcome.status}, not {wanted}", outcome.err), word
    if outcome.status not in (0, 1) and case.is_valid:
        return Failure("is refused, and should not be", outcome.err), word
    return None, word


@pytest.mark.slow
def test_baselines() -> None:
    fuzz(cases(), check)
