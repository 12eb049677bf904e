"""The text of losses: each piece is the loss of that name with those parameters, or all is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import strategies as st

import losscli
from losscli import registry
from tests.fuzz.check import Case, Failure, fuzz, is_close, losses_of
from tests.fuzz.commands import PREDICTED, TABLE, TRUE, run_command

PARAMETERS = {
    "mse": {}, "mae": {}, "rmse": {}, "log_cosh": {}, "huber": {"delta": (0.1, 9.0)}, "quantile": {"tau": (0.0, 1.0)},
    "smooth_l1": {"beta": (0.1, 9.0)}, "epsilon_insensitive": {"epsilon": (0.0, 3.0)}, "expectile": {"tau": (0.0, 1.0)},
}  # fmt: skip
JUNK = [
    *(
        ":",
        "=",
        ",",
        ",,",
        ":delta",
        ":delta=",
        "=1",
        ":=",
        "delta=1",
        ":delta=1:delta=2",
        ":tau=nan",
        ":tau=1e999",
        " ",
    ),
    *(
        "1",
        "0.5",
        "é",
        "均方误差",
        "\udc80",
        "\n",
        "\t",
        "\x1b[31m",
        ":tau=1_0",
        ":tau=0x1",
        ":tau=true",
        "*",
        "/",
        "2/4",
    ),
    *(
        ":beta=1/2",
        ":epsilon=-1",
        "loss",
        "@",
        "%",
        "{}",
        "nope",
        ":no=1",
        "mse ",
        "MSE",
        "x" * 300,
        "'",
        '"',
        "\\",
        ">",
    ),
]


def squash(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower().removesuffix("loss")


def names() -> dict[str, str]:
    """Return squashed names and aliases -> names."""
    return {squash(text): loss.name for loss in registry.all_losses() for text in (loss.name, *loss.aliases)}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw losses as typed: plain, in odd spelling, or with junk in between."""
    style = draw(st.sampled_from(["plain", "odd", "junk", "junk"]))
    pieces = []
    for name in draw(st.lists(st.sampled_from(sorted(PARAMETERS)), min_size=1, max_size=3, unique=True)):
        piece = name
        if style == "odd":
            piece = draw(st.sampled_from([name.upper(), name.title(), name.replace("_", "-"), f" {name}"]))
        for key, (low, high) in PARAMETERS[name].items():
            if draw(st.booleans()):
                piece += f":{key}={draw(st.floats(low, high))!r}"
        if style == "junk":
            at = draw(st.integers(0, len(piece)))
            piece = piece[:at] + draw(st.sampled_from(JUNK)) + piece[at:]
        pieces.append(piece)
    return Case("grammar", (TABLE,), (",".join(pieces),), is_valid=style == "plain")


def check(case: Case) -> tuple[Failure | None, str]:
    """Compare with a parser of three splits, and with the same loss as a function of arrays."""
    text = case.options[0]
    outcome, failure = run_command(text, (), (), (0, 2, 3, 4))
    if failure or outcome is None:
        return failure, "unsound"
    word = f"status {outcome.status}"
    if outcome.status not in (0, 4):
        return (Failure("is refused, and should not be", outcome.err) if case.is_valid else None), word
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    found = losses_of(outcome.out)
    known = names()
    if outcome.out and len(found) != len(pieces):
        return Failure("not a result for each loss", f"{text!r}: {[loss['loss'] for loss in found]}"), word
    for piece, loss in zip(pieces, found, strict=False):
        name, *settings = piece.split(":")
        params = dict(setting.split("=", 1) for setting in settings)
        if known.get(squash(name)) != loss["name"]:
            return Failure("another loss", f"{piece!r}: {loss['name']}"), word
        if len(params) != len(settings):
            return Failure("a parameter twice is read", piece), word
        try:
            numbers = {squash(key): float(value) for key, value in params.items()}
        except ValueError:
            continue  # words: true, mean
        if any("_" in value for value in params.values()):
            return Failure("1_0 is read as a number", piece), word
        now = {squash(key): value for key, value in loss["params"].items()}
        if any(now.get(key) != value for key, value in numbers.items()):
            return Failure("another parameter", f"{piece!r}: {loss['params']}"), word
        keys = {squash(key): key for key in loss["params"]}
        function = losscli.get_loss(loss["name"], **{keys[key]: value for key, value in numbers.items()})
        value = loss["value"] if loss["value"] is not None else float("nan")
        if not is_close(float(function.value(TRUE, PREDICTED)), value):
            return Failure("wrong number", f"{piece!r}: {value}"), word
    return None, word


@pytest.mark.slow
def test_grammar() -> None:
    fuzz(cases(), check)
