"""The commands that compare recommended losses on the data they were recommended for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from losscli import shell
from losscli.data.sources import ReadOptions
from losscli.options import EvaluationOptions

INTERVAL_LEVEL = "0.95"


def compare_command(
    losses: Sequence[str],
    paths: Sequence[str],
    options: EvaluationOptions,
    read_options: ReadOptions,
    found: Mapping[str, str],
    predictions: Sequence[str] = (),
    dependence: tuple[str, str] | None = None,
    box_format: str | None = None,
) -> str:
    """Return the command that compares the losses on this data, quoted for a shell.

    Args:
        losses: As typed.
        paths: DATA as typed.
        options: Columns, classes, key and the policy for missing values.
        read_options: How the data is read.
        found: Role -> columns that compare would not find by itself.
        predictions: The columns of several predictions, in place of that of y_pred.
        dependence: The option and its value by which dependent rows are resampled; None if rows are independent.
        box_format: How boxes are written, if their column does not say so; None if it does.
    """
    columns = dict(options.columns) | dict(found)
    predicted = predictions or [columns.get("y_pred", "")]
    others = {role: names for role, names in columns.items() if role not in ("y_true", "y_pred", "weight")}
    values = [
        ("losses", ",".join(losses)),
        ("y_true", columns.get("y_true")),
        *(("y_pred", name) for name in predicted),
        ("weight", columns.get("weight")),
        *(("columns", f"{role}={names}") for role, names in others.items()),
        ("id", options.id),
        ("classes", ",".join(options.classes)),
        ("nan", None if options.nan == "error" else options.nan),
        ("input_format", read_options.format),
        ("delimiter", "tab" if read_options.delimiter == "\t" else read_options.delimiter),
        ("header", read_options.header),
        ("decimal", read_options.decimal),
        ("comment", read_options.comment),
        ("box_format", box_format),
        *((("ci", INTERVAL_LEVEL), dependence) if dependence else ()),
    ]
    given = [(name, value) for name, value in values if value not in (None, "")]
    return shell.command("losscli", "compare", options=given, data=paths)
