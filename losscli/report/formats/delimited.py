"""TSV and CSV: a header, full precision, row by row as they come."""

from __future__ import annotations

import csv as csv_module
from collections.abc import Iterator, Sequence
from typing import Any

from losscli.report.formats import Style, Write
from losscli.report.tables import Report

ABSENT = "-"


class _Sink:
    def __init__(self, write: Write) -> None:
        self.write = write


def tsv(report: Report, write: Write, style: Style) -> None:
    """Tabs between cells."""
    _delimited(report, write, "\t")


def csv(report: Report, write: Write, style: Style) -> None:
    """Commas between cells."""
    _delimited(report, write, ",")


def _delimited(report: Report, write: Write, delimiter: str) -> None:
    report = report.detail or report
    writer = csv_module.writer(_Sink(write), delimiter=delimiter, lineterminator="\n")
    writer.writerow([column.key for column in report.columns])
    numbers = all(column.kind.numeric for column in report.columns)
    for block in report.blocks:
        if numbers:  # nothing to quote: joining is half as fast again
            write("".join(f"{line}\n" for line in map(delimiter.join, zip(*map(_texts, block), strict=True))))
        else:
            writer.writerows(zip(*([_cell(cell) for cell in cells] for cells in block), strict=True))


def _texts(cells: Sequence[Any]) -> Iterator[str]:
    return (ABSENT if cell is None else repr(cell) for cell in cells) if None in cells else map(repr, cells)


def _cell(cell: Any) -> Any:
    return ABSENT if cell is None else cell
