"""Read a sheet of an Excel or OpenDocument workbook, by python-calamine (the extra `excel`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from losscli.data.files import Input
from losscli.data.json import to_array
from losscli.data.remote import summarize_error
from losscli.data.table import ArraysTable, Table
from losscli.errors import DataError

MAX_SHEETS_SHOWN = 5

Sheet = list[list[Any]]
"""Rows of cells; an empty text where a cell is blank."""


def read_excel(source: Input) -> Table:
    """Return the first sheet as a table, or the only one whose header names a role; blank cells and errors are missing.

    Raises:
        DataError: The extra is not installed, the workbook is damaged or empty, or several sheets name roles.
    """
    try:
        import python_calamine
    except ImportError:
        problem = "is an Excel workbook, which needs the extra: pip install 'losscli[excel]'; or save the sheet as CSV"
        raise DataError(f"{source.name}: {problem}") from None
    with source.file() as path:
        try:
            book = python_calamine.CalamineWorkbook.from_path(path)
            sheets = [
                (sheet.name, _trim(book.get_sheet_by_name(sheet.name).to_python(skip_empty_area=True)))
                for sheet in book.sheets_metadata
                if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
                and sheet.visible == python_calamine.SheetVisibleEnum.Visible
            ]
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            problem = f"is not an Excel workbook, or is damaged ({summarize_error(error)})"
            raise DataError(f"{source.name}: {problem}") from None
    return _to_table(source.name, _choose_sheet(source.name, sheets))


def _trim(rows: Sheet) -> Sheet:
    """Return rows without the blank ones before the first and behind the last."""
    filled = [i for i, row in enumerate(rows) if any(cell != "" for cell in row)]
    return rows[filled[0] : filled[-1] + 1] if filled else []


def _choose_sheet(name: str, sheets: Sequence[tuple[str, Sheet]]) -> Sheet:
    """Return the first sheet that is not blank, or the only one whose header names a role.

    Raises:
        DataError: All are blank, or several name roles.
    """
    from losscli.data.role_names import OTHER_NAMES

    filled = [(title, rows) for title, rows in sheets if rows]
    if not filled:
        raise DataError(f"{name}: is empty")
    names = {*OTHER_NAMES, *(other for others in OTHER_NAMES.values() for other in others)}
    holding = [sheet for sheet in filled if any(str(cell).strip().lower() in names for cell in sheet[1][0])]
    if len(holding) > 1:
        shown = ", ".join(repr(title) for title, _ in holding[:MAX_SHEETS_SHOWN])
        problem = f"several sheets could be meant ({shown}); save one of them as CSV, or as a workbook of its own"
        raise DataError(f"{name}: {problem}")
    return (holding or filled)[0][1]


def _to_table(name: str, rows: Sheet) -> Table:
    """Return a sheet as a table; its first row is the header."""
    header = [_header_text(cell) for cell in rows[0]]
    if len(rows) == 1:
        raise DataError(f"{name}: has a header but no rows")
    if all(isinstance(cell, (int, float)) for cell in rows[0]):
        raise DataError(f"{name}: has no header; the first row of the sheet must name the columns")
    columns: dict[str, list[Any]] = {}
    counts: Counter[str] = Counter()
    for j, title in enumerate(header):
        cells = [_cell(row[j] if j < len(row) else "") for row in rows[1:]]
        if title or any(cell is not None for cell in cells):
            columns[f"{title}.{counts[title]}" if counts[title] else title] = cells
            counts[title] += 1
    arrays = {title: to_array(cells, name, title) for title, cells in columns.items()}
    table = ArraysTable(name, "excel", arrays)
    table.repeated = frozenset(title for title, count in counts.items() if count > 1)
    return table


def _header_text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _cell(cell: Any) -> Any:
    """Return a cell: None if it is blank or an error, numbers as they are, dates as text."""
    if cell == "" or cell is None:
        return None
    return cell if isinstance(cell, (bool, int, float, str)) else str(cell)
