"""Gates: each condition is judged as plain arithmetic judges it, or is refused."""

from __future__ import annotations

import math
import operator
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.fuzz.check import Case, Failure, fuzz, losses_of
from tests.fuzz.commands import TABLE, run_command

LOSSES = "mse,mae,huber:delta=0.5"
COMPARE = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
MSE, MAE, HUBER = (r"[\s_-]*".join(name) for name in ("mse", "mae", "huber"))
"""Names with spaces, dashes and underscores anywhere."""

CONDITION = re.compile(
    rf"\s*({MSE}|{MAE}|{HUBER}|{HUBER}\s*:\s*delta\s*=\s*0?\.50*)\s*(?:\.(\w+))?\s*(>=|<=|==|!=|>|<)\s*"
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?inf(?:inity)?)(%?)\s*",
    re.ASCII | re.IGNORECASE,
)
STATISTICS = [
    "",
    "",
    ".value",
    ".n",
    ".std",
    ".min",
    ".median",
    ".p95",
    ".max",
    ".sum",
    ".clipped",
    ".p96",
    ".change",
    ".low",
]
LIMITS = [
    "0",
    "1",
    "0.5",
    "2%",
    "1e-3",
    "-1",
    "inf",
    "-inf",
    "1e999",
    "nan",
    "1_0",
    "",
    "x",
    "0x1",
    "5",
    "1,5",
    "٣",
    "1e",
]
JUNK = [
    " ",
    "=",
    ">",
    "<",
    "!",
    "%",
    ".",
    ":",
    ",",
    "é",
    "\udc80",
    "\n",
    "\x1b",
    "mae",
    "1",
    "[a=b]",
    "{",
    "*",
    "x" * 200,
]


@cache
def results() -> dict[str, dict[str, Any]]:
    """Return the results of each loss."""
    outcome, _ = run_command(LOSSES, (), (), (0,))
    assert outcome is not None
    return {loss["name"]: loss for loss in losses_of(outcome.out)}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a condition: well formed, at the very value, or with junk in it."""
    name = draw(
        st.sampled_from(["mse", "mae", "huber", "huber:delta=0.5", "MSE", "huber:delta=1", "rmse", "huber:delta=.5"])
    )
    statistic = draw(st.sampled_from(STATISTICS))
    limit = draw(st.one_of(st.sampled_from(LIMITS), st.floats(-9, 9, width=16).map(repr)))
    values = results().get(name.partition(":")[0], {})
    if draw(st.booleans()) and (statistic[1:] or "value") in values:
        limit = repr(values[statistic[1:] or "value"])
    space = draw(st.sampled_from(["", "", " "]))
    text = f"{name}{statistic}{space}{draw(st.sampled_from(sorted(COMPARE)))}{space}{limit}"
    if draw(st.integers(0, 2)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(JUNK)) + text[at:]
    return Case("gates", (TABLE,), (text,))


def check(case: Case) -> tuple[Failure | None, str]:
    """Compare the status with plain arithmetic on the statistics; a limit that is not finite is refused."""
    text = case.options[0]
    outcome, failure = run_command(LOSSES, (f"--fail-if={text}",), (), (0, 1, 2, 4))
    if failure or outcome is None:
        return failure, "unsound"
    word = f"status {outcome.status}"
    if not text.isascii():
        return None, f"{word}, unclear"  # digits of other scripts
    match = CONDITION.fullmatch(text)
    name = re.sub(r"[\s_-]", "", match[1].partition(":")[0]).lower() if match else ""
    values = results().get(name, {})
    value = values.get((match[2] or "value") if match else "")
    if match is None or value is None or isinstance(value, (str, bool)):
        is_judged = outcome.status == 0 or (outcome.status == 1 and "cannot be judged" not in outcome.err)
        return (Failure("is judged, and should not be", text) if is_judged else None), word
    limit = float(match[4]) / (100 if match[5] else 1)
    wanted = 2 if math.isinf(limit) else int(COMPARE[match[3]](value, limit))
    if outcome.status != wanted:
        return Failure(f"status {outcome.status}, not {wanted}", f"{text!r}: {outcome.err}"), word
    return None, word


@pytest.mark.slow
def test_gates() -> None:
    fuzz(cases(), check)
