"""TSV and CSV: a header, then rows with full precision as they come."""

from __future__ import annotations

import csv as csv_module
from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

from losscli.report.formats import Style, Write
from losscli.report.tables import NUMERIC_KINDS, Report


def write_delimited(report: Report, write: Write, style: Style, *, delimiter: str) -> None:
    """Write a header and rows with a delimiter between cells."""
    report = report.detail or report
    writer = csv_module.writer(SimpleNamespace(write=write), delimiter=delimiter, lineterminator="\n")
    writer.writerow([column.key for column in report.columns])
    has_only_numbers = all(column.kind in NUMERIC_KINDS for column in report.columns)
    for block in report.blocks:
        if has_only_numbers:  # nothing to quote: joining takes two thirds of the csv module's time
            texts = (map(repr, fill_missing(cells)) for cells in block)
            write("".join(f"{line}\n" for line in map(delimiter.join, zip(*texts, strict=True))))
        else:
            writer.writerows(zip(*map(fill_missing, block), strict=True))


class Missing:
    """A missing cell: an empty one."""

    def __repr__(self) -> str:
        return ""


def fill_missing(cells: Sequence[Any]) -> Sequence[Any]:
    """Return cells in which missing ones have a text."""
    return [Missing() if cell is None else cell for cell in cells] if None in cells else cells


tsv = partial(write_delimited, delimiter="\t")
csv = partial(write_delimited, delimiter=",")
