"""The start of delimited text: comments, the delimiter, the names of the columns, and where the rows begin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from losscli.data.csv.cells import cell_number, has_surrogates, is_decimal_comma, not_utf8
from losscli.data.csv.lines import (
    BLANKS,
    DELIMITERS,
    are_all_numbers,
    cells_by_column,
    check_decimals,
    check_lines,
    check_rules,
    has_numbers,
    split_cells,
)
from losscli.data.csv.quotes import Quoting
from losscli.data.csv.schema import UTF8, ByteSlice
from losscli.data.files import format_ending
from losscli.data.table import ROWS_SAMPLED
from losscli.data.values import MISSING, shorten
from losscli.errors import DataError
from losscli.messages import Hint

BYTES_SAMPLED = 1 << 14
"""Bytes that tell how the lines are built and what the columns hold."""

COMMENT = "#"
"""The sign of comments at the start of a text, if no other is given."""

ENDINGS_WITHOUT_HEADER = (".txt", ".dat")
"""Endings of files whose only column may be of numbers without a name, as NumPy writes it."""

COMMENTS_KEPT = 50
"""How many comments are searched for names of columns."""

_SEPARATOR_LINE = rb'"?sep=([^\w"\r\n])"?(?:\r\n|\r|\n)'
_LINE_END = rb"\r\n|\r|\n"
_COMMENT_AFTER_SIGN = rb"[^\r\n]*+(?:\r\n|\r|\n|\Z)"
_BLANK_LINE = rb" *+(?:\r\n|\r|\n)"
_LIBSVM_LINE = rb"[-+]?[\d.]+ +(?:qid:\d+ +\d+:|\d+:[-+\d.]+ +\d+:[-+\d.])"


class TextOptions(NamedTuple):
    """What is said about a text, None where it is to be found out."""

    header: bool | None = None
    delimiter: str | None = None
    decimal: str | None = None
    comment: str | None = None


class Header(NamedTuple):
    """What the start of a text says.

    Attributes:
        names: The names of the columns.
        has_names: Whether the text holds them; if not, they are places, from 1.
        start: The position of the first row.
        delimiter: The delimiter; a space for any blanks.
        comment: What starts a comment in the rows; empty if nothing does.
        has_carriage_returns: Whether a carriage return alone ends the first line.
        rows: The cells of the first rows.
    """

    names: list[str]
    has_names: bool
    start: int
    delimiter: str
    comment: str
    has_carriage_returns: bool
    rows: list[list[str]]


class _Start(NamedTuple):
    """Where the first line begins that is no comment, the comment right above it, and what was said above."""

    position: int
    comment: str | None = None
    comments: tuple[str, ...] = ()
    delimiter: str | None = None


def read_header(name: str, head: bytes, is_whole: bool, format: str, options: TextOptions) -> Header:
    """Return what the first bytes of a text say, which hold at least one line that is no comment.

    Raises:
        DataError: the first line may be a row of numbers, or the text can be read in two ways.
    """
    found = find_start(head, options)
    is_automatic = options.comment is None and found.comments != ()
    if found.position >= len(head) and is_automatic:  # there is nothing but such lines: they are the data
        found, is_automatic = find_start(head, options._replace(comment="")), False
    if found.position >= len(head):
        raise DataError(f"{name}: " + ("has no line that is not a comment" if found.comments else "is empty"))
    start = found.position
    _refuse_libsvm(name, head, start)
    delimiter = options.delimiter or found.delimiter
    sample = _sample(head, start, is_whole, options.comment or COMMENT * is_automatic)
    if delimiter is None:
        delimiter = _find_delimiter(name, sample, format, options)
    end = Quoting(delimiter).first_line_end(head, start)
    has_carriage_returns = head.endswith(b"\r", start, end)
    sample = _sample(head, start, is_whole, options.comment or COMMENT * is_automatic, delimiter)
    check_rules(name, sample)
    lines = split_cells(sample, delimiter)
    cells, rows = (lines[0], lines[1:]) if lines else ([], [])
    for i, cell in enumerate(cells):
        if has_surrogates(cell):
            raise not_utf8(f"{name}: the first line, cell {i + 1}")
    above = None if found.comment is None else _names_above(found.comment, cells, delimiter)
    chosen = _choose_names(name, cells, rows, above, delimiter, options)
    if chosen is not None:
        if chosen is not above and options.header is None:
            _refuse_other_names(name, found.comments)
        names, rows, end = chosen, lines, start
    else:
        names = [cell.strip() for cell in cells]
        names = _add_row_names(name, names, rows, sample, delimiter)
        check_lines(name, names, rows, sample, delimiter, options.comment, options.decimal)
    if options.decimal is None:
        check_decimals(name, names, rows)
    comment = options.comment or ""
    if is_automatic:
        if options.header is False and found.comment is not None and _may_be_row(found.comment, cells, delimiter):
            problem = f"{name}: lines that start with {COMMENT} above the first row may be comments or rows"
            raise DataError(problem, Hint.COMMENT, sign=COMMENT)
        first = [row[0] for row in rows]
        if are_all_numbers(first, options.decimal or ".") and not MISSING.issuperset(first):
            comment = COMMENT  # in a column of numbers it can start nothing but a comment
    return Header(
        names, chosen is None or chosen is above, end, delimiter, comment, has_carriage_returns, rows[:ROWS_SAMPLED]
    )


def _refuse_libsvm(name: str, head: bytes, start: int) -> None:
    """Raise a DataError if the first line is one of libsvm, as data for rankings often is."""
    if re.compile(_LIBSVM_LINE).match(head, start):
        problem = f"{name}: is libsvm text (label qid:1 1:0.3), which has features and no predictions"
        raise DataError(f"{problem}: write columns y_true, y_pred and query instead")


def find_start(head: bytes, options: TextOptions) -> _Start:
    """Return where the first line is that is no comment; at the end of the bytes if there is none."""
    position, delimiter = 0, None
    if b"=" in head[:5] and (line := re.match(_SEPARATOR_LINE, head, re.IGNORECASE)) is not None:
        position, delimiter = line.end(), line[1].decode("ascii", "replace")
    sign = (COMMENT if options.comment is None else options.comment).encode()
    skipped = [re.escape(sign) + _COMMENT_AFTER_SIGN] * bool(sign) + [_BLANK_LINE] * (options.header is not False)
    found = re.compile(rb"(?:" + rb"|".join(skipped) + rb")++").match(head, position) if skipped else None
    if found is None:
        return _Start(position, delimiter=delimiter)
    text = found[0]
    end = len(text) - (2 if text.endswith(b"\r\n") else text.endswith((b"\r", b"\n")))
    last = text[max(text.rfind(b"\r", 0, end), text.rfind(b"\n", 0, end)) + 1 : end]
    comment = _comment(last, sign) if sign and last.startswith(sign) else None
    lines = re.finditer(rb"(?:\A|[\r\n])(" + re.escape(sign) + rb"[^\r\n]*)", text) if sign else ()
    comments = [_comment(line[1], sign) for line in islice(lines, COMMENTS_KEPT)]
    return _Start(
        found.end(), comment, tuple(dict.fromkeys([*comments, *([] if comment is None else [comment])])), delimiter
    )


def _comment(line: bytes, sign: bytes) -> str:
    """Return the text of a comment, after its signs."""
    return line[len(sign) :].decode(*UTF8).lstrip(sign.decode())


def has_first_lines(head: bytes, options: TextOptions) -> bool:
    """Return whether the bytes hold the whole of the first two lines that are no comments, whatever the delimiter."""
    if len(head) > BYTES_SAMPLED and has_first_lines(head[:BYTES_SAMPLED], options):  # nearly always
        return True
    likely = options.delimiter or (DELIMITERS + BLANKS if b'"' in head else DELIMITERS[0])
    for delimiter in likely:
        rest = head
        for _ in range(2):
            start = find_start(rest, options).position
            end = Quoting(delimiter).first_line_end(rest, start)
            if end == len(rest):
                return False
            rest = rest[end:]
    return True


def _sample(head: bytes, start: int, is_whole: bool, comment: str, delimiter: str = ",") -> bytes:
    """Return the first lines, without comments."""
    stop = len(head)
    if not is_whole or stop - start > BYTES_SAMPLED:
        stop = max(start, head.rfind(b"\n", start, start + BYTES_SAMPLED) + 1)
        if head.find(b"\n", start, stop - 1) < 0:  # lines that are longer than a sample: two of them
            stop = head.find(b"\n", stop) + 1 or (len(head) if is_whole else max(stop, head.rfind(b"\r") + 1))
    quoting = Quoting(delimiter, comment)
    stop = max(stop, quoting.first_line_end(head, start))
    if stop < len(head) and quoting.is_inside(head, start, stop):
        stop = quoting.last_line(head, start, stop)
    return ByteSlice(*quoting.without_comments(head, start, stop)).bytes()


def _find_delimiter(name: str, sample: bytes, format: str, options: TextOptions) -> str:
    """Return the delimiter that is most frequent in the first line; blanks if there is none and they fit all lines.

    Raises:
        DataError: the lines hold decimal commas that were not asked for.
    """
    line = re.split(_LINE_END, sample, maxsplit=1)[0]
    if options.decimal is None:
        for delimiter in (";", "\t", BLANKS):
            cells = next(iter(split_cells(line, delimiter)), [])
            if len(cells) > 1 and all(map(is_decimal_comma, cells)):
                problem = f"{name}: the first line holds numbers with decimal commas ({shorten(line.decode(*UTF8))})"
                raise DataError(problem, Hint.DECIMAL_COMMA)
    text = line.decode(*UTF8)
    text = re.sub(r'"[^"]*"', "", text) if '"' in text else text
    likely = [d for d in DELIMITERS if d != options.decimal and d in text]
    best = "\t" if format == "tsv" and "\t" in likely else max(likely, key=text.count) if likely else None
    if best in (None, "\t"):
        rows = split_cells(sample, BLANKS)
        widths, by_tabs = ({len(row) for row in several} for several in (rows, split_cells(sample, "\t")))
        is_tab_inside = "\t" in text.strip()
        fits = len(widths) == 1 and min(widths) > 1 and has_numbers(rows[1:] or rows)  # no labels of two words
        if fits and (best is None or len(by_tabs) > 1 or not is_tab_inside):
            return BLANKS
        first = len(rows[0]) if rows else 0
        has_row_names = {len(row) for row in rows[1:]} == {first + 1} and has_numbers(rows[1:])
        if best is None and has_row_names and (first > 1 or _has_row_names(sample, BLANKS)):
            return BLANKS
    if best is None and options.decimal == "," and _has_quoted_decimals(sample):
        return ","
    return best or ("\t" if format == "tsv" else ";" if options.decimal == "," else ",")


def _has_quoted_decimals(sample: bytes) -> bool:
    """Return whether cells are separated by commas, and numbers with decimal commas are in quotes."""
    rows = split_cells(sample, ",")
    widths = {len(row) for row in rows}
    return len(widths) == 1 and min(widths) > 1 and any(is_decimal_comma(cell) for row in rows[1:] for cell in row)


def _names_above(comment: str, cells: Sequence[str], delimiter: str) -> list[str] | None:
    """Return the names in the comment above the first line, if it holds as many names as the line has cells."""
    for separator in dict.fromkeys([delimiter, *DELIMITERS, BLANKS]):
        found = split_cells(comment.strip().encode(*UTF8) if separator != "," else comment.encode(*UTF8), separator)
        names = [name.strip() for name in found[0]] if found else []
        if len(names) == len(cells) and all(cell_number(name, ".") is None for name in names if name):
            are_words = all(re.search(r"\w", name) for name in names if name) and len(set(names)) == len(names)
            return names if any(names) and are_words else None
    return None


def _refuse_other_names(name: str, comments: Sequence[str]) -> None:
    """Raise a DataError if a comment names both roles where the columns go by their places."""
    for comment in comments:
        if re.search(r"\by_true\b", comment) and re.search(r"\by_pred\b", comment):
            problem = (
                f"{name}: the comment {shorten(comment.strip())} may name the columns: let it hold the names alone"
            )
            raise DataError(f"{problem}, right above the first row", Hint.HAS_HEADER)


def _may_be_row(comment: str, cells: Sequence[str], delimiter: str) -> bool:
    """Return whether a comment may be a row like the first one, with a text in its first cell."""
    found = split_cells(comment.encode(*UTF8), delimiter)
    if not found or len(found[0]) != len(cells) or cell_number(cells[0], ".") is not None:
        return False
    return len(cells) == 1 or any(cell_number(cell, ".") is not None for cell in found[0][1:])


def _choose_names(
    name: str,
    cells: Sequence[str],
    rows: Sequence[Sequence[str]],
    above: list[str] | None,
    delimiter: str,
    options: TextOptions,
) -> list[str] | None:
    """Return the names of the columns if the first line is a row; None if it holds them.

    Raises:
        DataError: the first line may be a row of numbers.
    """
    decimal = options.decimal or "."
    are_names = all(cell_number(cell, decimal) is None for cell in cells)
    has_numbers_below = any(are_all_numbers(below, decimal) for below in cells_by_column(rows, len(cells)))
    if options.header is False:  # of several files some may have a header all the same
        return None if are_names and len(cells) > 1 and has_numbers_below else [str(i + 1) for i in range(len(cells))]
    if above is not None:
        if not are_names:
            return above
        if options.header is None and not has_numbers_below:
            problem = f"{name}: either the comment above the first line or the line holds the names of the columns"
            raise DataError(problem, Hint.HAS_NAMES)
    cells = [cell.strip() for cell in cells]
    are_numbers = all(cell not in MISSING and cell_number(cell, decimal) is not None for cell in cells)
    if options.header is not None or not cells:
        return None
    if not are_numbers:
        _refuse_values(name, cells, decimal)
        return None
    is_counted = cells == [str(i) for i in range(len(cells))]  # as pandas names columns without names
    if len(cells) == 1:
        if format_ending(name).lower() in ENDINGS_WITHOUT_HEADER:
            return ["1"]
        is_header = is_counted and not any(row[0].strip().isdigit() for row in rows)
    else:
        if delimiter == BLANKS and not is_counted:  # as NumPy writes arrays
            return [str(i + 1) for i in range(len(cells))]
        is_header = is_counted and delimiter != BLANKS
    if not is_header:
        raise _numbers_error(name, cells)
    return None


def _refuse_values(name: str, cells: Sequence[str], decimal: str) -> None:
    """Raise the error for a first line with numbers that are unlike names: years and quantiles may be names."""
    values = [cell for cell in cells if re.search(r"\d", cell) and cell_number(cell, decimal) is not None]
    fractions = [cell_number(cell, decimal) or 0 for cell in values if not cell.isdigit()]
    are_quantiles = all(0 < value < 1 for value in fractions) and fractions == sorted(fractions)
    if not are_quantiles or len(set(values)) < len(values):
        raise _numbers_error(name, cells)


def _numbers_error(name: str, cells: Sequence[str]) -> DataError:
    shown = shorten(", ".join(cells))
    return DataError(f"{name}: the first line holds numbers ({shown}), not column names", Hint.HAS_HEADER)


def _has_row_names(sample: bytes, delimiter: str) -> bool:
    """Return whether the lines are as R writes them: quoted names, and rows that begin with one more quoted name."""
    rows = split_cells(sample, delimiter)
    lines = [line for line in re.split(_LINE_END, sample) if line.strip()][: len(rows)]
    if len(lines) < 2 or len(lines) != len(rows) or {len(row) for row in rows[1:]} != {len(rows[0]) + 1}:
        return False
    return lines[0].count(b'"') == 2 * len(rows[0]) and all(line.lstrip().startswith(b'"') for line in lines)


def _is_printed_frame(sample: bytes) -> bool:
    """Return whether lines are as R and pandas print a frame: as long as each other, the names right of the first cell.

    The index then has no name.
    """
    header, *lines = [line for line in re.split(_LINE_END, sample) if line.strip()]
    indent = len(header) - len(header.lstrip(b" "))
    ends = [len(line) - len(line.lstrip(b" ").partition(b" ")[2]) - 1 for line in lines]
    return max(ends, default=indent) < indent and {*map(len, lines)} == {len(header)}


def _add_row_names(
    name: str, names: list[str], rows: Sequence[Sequence[str]], sample: bytes, delimiter: str
) -> list[str]:
    """Return the names with an empty one for a column of row names, which has none in what R writes.

    Raises:
        DataError: the rows have one cell more than the header, and it is not certain why.
    """
    if not names or not rows or {len(row) for row in rows} != {len(names) + 1}:
        return names
    if _has_row_names(sample, delimiter) or (delimiter == BLANKS and _is_printed_frame(sample)):
        return ["", *names]
    if len(names) < 2:
        return names
    problem = f"{name}: row 1 has {len(rows[0])} cells, the header {len(names)}"
    if not any(row[-1].strip() for row in rows):
        raise DataError(f"{problem}: rows end with a delimiter, which the header lacks: add it there")
    raise DataError(
        f"{problem}: if rows begin with a name, write the file without it (R: row.names=FALSE, pandas: index=False) "
        "or give it a name in the header"
    )
