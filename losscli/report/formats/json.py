"""JSON and JSON Lines: always valid, numbers that are not finite are null."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator
from typing import Any

from losscli.report.formats import Style, Write
from losscli.report.tables import Report


def json(report: Report, write: Write, style: Style) -> None:
    """Write one document."""
    rows = list(row_objects(report)) if report.rows_key else []
    document = report.document()
    if report.rows_key:
        document = document | {report.rows_key: rows}
    write(json_module.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def jsonl(report: Report, write: Write, style: Style) -> None:
    """Write one object per row."""
    report = report.detail or report
    for record in row_objects(report) if report.records is None else report.records():
        write(json_module.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")


def row_objects(report: Report) -> Iterator[dict[str, Any]]:
    """Yield the rows as objects by column key."""
    from losscli.results import jsonable  # with NumPy, which the catalogue does without

    keys = [column.key for column in report.columns]
    for block in report.blocks:
        for row in zip(*block, strict=True):
            yield dict(zip(keys, map(jsonable, row), strict=True))
