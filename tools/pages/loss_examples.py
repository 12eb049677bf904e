"""A small file for each loss and what the command line makes of it, for readers to try."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from losscli.cli import run
from losscli.declaration.loss import Loss
from tools.pages.text import block

GOLDEN = Path(__file__).resolve().parent.parent.parent / "tests" / "golden"
DECIMALS = (3, 6, 9)
"""Decimals of numbers, the fewest that a loss takes: log-probabilities of 3 do not sum to 1."""
COLUMNS = 80


def example_of(loss: Loss) -> str:
    """Return a file of data, and a command that reads it with its output."""
    found = None
    for inputs, params in examples(loss.name):
        spec = loss.name + "".join(f":{name}={text_of(value)}" for name, value in params.items())
        lines = ",\n ".join(
            f"{json.dumps(role)}: {array_text(values, len(role) + 5)}" for role, values in inputs.items()
        )
        data, command = f"{{{lines}}}\n", f"losscli compute {spec} data.json"
        shown, notes = output_of(command, data)
        if shown and (found is None or not notes):
            session = f"$ {command}\n{shown}{notes}"
            found = "\n".join([block(data, "json", "data.json"), block(session, "console")])
        if shown and not notes:
            break
    if found is None:
        raise ValueError(f"tests/golden/{loss.name}.json: no case without weights gives a number")
    return found


def examples(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield arrays and parameters of golden cases: first those with the defaults, of several rows, of few digits."""
    cases = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    found = [
        case for case in cases if not case.get("weight") and "inf" not in json.dumps([case["inputs"], case["params"]])
    ]
    for case in sorted(found, key=effort):
        inputs = case["inputs"]
        for decimals in DECIMALS:
            yield {role: rounded(values, decimals) for role, values in inputs.items()}, case["params"]
        yield inputs, case["params"]


def effort(case: dict[str, Any]) -> tuple[bool, bool, int]:
    """Return how much there is to understand in a golden case."""
    return (
        bool(case["params"]),
        is_single(case["inputs"]),
        len(json.dumps(rounded([*case["inputs"].values()], DECIMALS[0]))),
    )


def is_single(inputs: dict[str, Any]) -> bool:
    """Tell whether a case has one row only."""
    return len(next(iter(inputs.values()))) == 1


def rounded(value: Any, decimals: int) -> Any:
    """Return nested lists with numbers that are short to read."""
    if isinstance(value, list):
        return [rounded(item, decimals) for item in value]
    return round(value, decimals) if isinstance(value, float) else value


def array_text(value: Any, column: int) -> str:
    """Return nested lists in JSON that start in a column: on one line if that is short, else a list per line."""
    text = json.dumps(value)
    if column + len(text) < COLUMNS or not isinstance(value, list) or not isinstance(value[0], list):
        return text
    return "[" + f",\n{' ' * (column + 1)}".join(array_text(item, column + 1) for item in value) + "]"


def text_of(value: Any) -> str:
    """Return the value of a parameter as it is typed."""
    if isinstance(value, list):
        return "/".join(map(text_of, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def output_of(command: str, data: str) -> tuple[str, str]:
    """Return what a command prints as a table, in a folder that holds data.json, and its notes or errors."""
    out, err = io.StringIO(), io.StringIO()
    with working_folder() as folder, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        (folder / "data.json").write_text(data, encoding="utf-8")
        run([*command.split()[1:], "-f", "table"])
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines()), err.getvalue()


@contextlib.contextmanager
def working_folder() -> Iterator[Path]:
    """Work in an empty folder for a while, on a terminal of 80 columns."""
    before, columns = Path.cwd(), os.environ.get("COLUMNS")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["COLUMNS"] = str(COLUMNS)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)
            os.environ.pop("COLUMNS") if columns is None else os.environ.update(COLUMNS=columns)
