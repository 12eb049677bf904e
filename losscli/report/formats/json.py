"""JSON and JSON Lines: always valid, numbers that are not finite are null."""

from __future__ import annotations

import json as json_module
import math
from typing import Any

from losscli.report.formats import Style, WriteRows
from losscli.report.formats.rows import RowSyntax, write_rows
from losscli.report.tables import Report


def json(report: Report, write: WriteRows, style: Style) -> None:
    """Write one document."""
    # the document, which comes before the blocks, is known once all are
    blocks = list(report.blocks) if report.rows_key else []
    document = report.document()
    if report.rows_key:
        document = document | {report.rows_key: []}
    text = json_module.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if not report.rows_key or not blocks:
        write(text)
        return
    end = "]\n}\n"
    write(text.removesuffix(end))
    first, *others = json_keys(report)
    before = [",\n    {\n      " + first, *(",\n      " + key for key in others)]
    syntax = row_syntax(before, "\n    }")
    is_first = True

    def write_after_bracket(text: str | memoryview) -> None:
        nonlocal is_first
        write(text[1:] if is_first else text)
        is_first = False

    write_rows(blocks, syntax, report.jobs, write_after_bracket)
    write("\n  " + end)


def jsonl(report: Report, write: WriteRows, style: Style) -> None:
    """Write one object per row."""
    report = report.detail or report
    if report.records is not None:
        for record in report.records():
            write(json_module.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")
        return
    first, *others = json_keys(report)
    write_rows(report.blocks, row_syntax(["{" + first, *(", " + key for key in others)], "}\n"), report.jobs, write)


def row_syntax(before: list[str], end: str) -> RowSyntax:
    """Return the syntax of rows with this before each cell and at the end."""
    return RowSyntax(tuple(before), end, json_cell, '"', '[\\x00-\\x1f"\\\\]')


def json_keys(report: Report) -> list[str]:
    """Return the keys of the columns, each with the colon after it."""
    return [json_module.dumps(column.key, ensure_ascii=False) + ": " for column in report.columns]


def json_cell(cell: Any) -> str:
    """Return a cell as JSON."""
    if isinstance(cell, float):
        return repr(cell) if math.isfinite(cell) else "null"
    from losscli.results import jsonable  # with NumPy, which the catalogue does without

    return json_module.dumps(jsonable(cell), ensure_ascii=False, allow_nan=False)
