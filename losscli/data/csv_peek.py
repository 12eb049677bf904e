"""Names of the columns of delimited text, from its first line."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from losscli.data.column_peek import DELIMITERS_TRIED


def names_of_text(head: bytes, options: Mapping[str, Any]) -> Sequence[str]:
    """Return the cells of the first line that is no comment; the places of columns where there are no names.

    Args:
        head: The first bytes.
        options: `header`, `delimiter` and `comment`, as far as they are said.
    """
    text = head.decode("utf-8-sig", "replace")
    sign = "#" if options.get("comment") is None else options["comment"]
    delimiter, comment = options.get("delimiter"), ""
    lines = text.splitlines(keepends=True)
    start = 0
    for line in lines:
        bare = line.strip().strip('"')
        if bare[:4].lower() == "sep=" and len(bare) == 5:
            delimiter = delimiter or bare[4]
        elif sign and line.startswith(sign):
            comment = line.lstrip(sign).strip()
        elif bare:
            break
        start += 1
    lines = lines[start:]
    if not lines:
        return ()
    delimiter = delimiter or _delimiter_of(lines[0])
    cells = _cells_of_line(lines, delimiter)
    if options.get("header") is False:
        return [str(place) for place in range(1, len(cells) + 1)]
    above = _cells_of_line([comment], _delimiter_of(comment)) if comment else []
    names = above if all(map(_is_number, cells)) and len(above) == len(cells) else cells
    return [name.strip() for name in names if not _is_number(name)]


def _delimiter_of(line: str) -> str:
    """Return the most frequent delimiter outside of quotes; a space, for any blanks, if there is none."""
    bare = "".join(line.split('"')[::2])
    best = max(DELIMITERS_TRIED, key=bare.count)
    return best if best in bare else " " if " " in bare.strip() else ","


def _cells_of_line(lines: Sequence[str], delimiter: str) -> list[str]:
    if delimiter == " ":
        lines = [" ".join(lines[0].split())]
    return next(csv.reader(lines, delimiter=delimiter), [])


def _is_number(cell: str) -> bool:
    with suppress(ValueError):
        float(cell)
        return True
    return False
