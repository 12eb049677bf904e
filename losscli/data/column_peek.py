"""Names of the columns of a file, read in a moment: for whoever types a command, not for evaluating data.

Nothing here imports NumPy, pandas or PyArrow, and no more is read than the start of a file, or the end of a Parquet
file. What cannot be read so has no names; nothing is refused. Readers of data find names by themselves, with care.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from losscli.data import remote
from losscli.data.files import FORMAT_BY_ENDING, STDIN, Input, format_ending

BYTES_PEEKED = 1 << 16
BYTES_OF_JSON_PEEKED = 1 << 22
BYTES_OF_SHEETS_PEEKED = 1 << 22
"""Files of sheets that are larger take too long: all of a sheet is read for its first row."""

DELIMITERS_TRIED = (",", "\t", ";", "|")
ENTRIES_SEARCHED = 1000
SPACES_SKIPPED = 200


def peek_columns(paths: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """Return the names of the columns of files, folders and globs, each once, in order.

    Args:
        paths: Paths as typed. URIs, pipes, devices and standard input are left out.
        options: What is said about text: `header`, `delimiter`, `comment`, `input_format`.
    """
    found: dict[str, None] = {}
    for path in paths:
        for file in _first_file(os.path.expanduser(os.path.expandvars(path))):
            try:
                names = _names_in(file, options)
            except Exception:  # of any kind of damage; a TAB says nothing about it
                continue
            keys = (part.partition("=")[0] for part in file.split("/")[:-1] if "=" in part)
            found |= dict.fromkeys([*names, *keys])
    return [name for name in found if name and name.isprintable() and not name.startswith("__index_level_")]


def _first_file(path: str) -> Iterator[str]:
    """Yield the file at a path, or the first of a folder or a glob; nothing where reading may wait or has effects."""
    if path == STDIN or ("://" in path and remote.is_uri(path)):
        return
    if not os.path.exists(path) and any(mark in path for mark in "*?["):
        import glob

        path = min(glob.glob(path), default="")
    for _ in range(16):  # levels of folders
        if not os.path.isdir(path):
            break
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry, _ in zip(entries, range(ENTRIES_SEARCHED), strict=False))
        names = [name for name in names if not name.startswith((".", "_"))]
        parts = [name for name in names if FORMAT_BY_ENDING.get(format_ending(name)) in ("csv", "tsv", "parquet")]
        path = os.path.join(path, next(iter([*parts, *(name for name in names if "=" in name)]), ""))
        if path.endswith("/"):
            return
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            yield path
    except (OSError, ValueError):
        return


def _names_in(path: str, options: Mapping[str, Any]) -> Sequence[str]:
    source = Input(path)
    try:
        format = options.get("input_format") or source.format()
        if format in ("csv", "tsv"):
            from losscli.data.csv_peek import names_of_text

            return names_of_text(source.head(), options)
        if format in _READERS:
            return _READERS[format](source)
        if source.compression is not None:
            return ()
        from losscli.data import binary_peek

        with open(path, "rb") as file:
            return binary_peek.READERS[format](file)
    finally:
        source.close()


def _names_of_lines(source: Input) -> Sequence[str]:
    import json

    line = source.stream.readline(BYTES_OF_JSON_PEEKED)
    while line and not line.strip():
        line = source.stream.readline(BYTES_OF_JSON_PEEKED)
    first = json.loads(line.decode("utf-8-sig"))
    return list(first) if isinstance(first, dict) else ()


def _names_of_document(source: Input) -> Sequence[str]:
    """Return the keys of an object of arrays, of the first record, or the columns that pandas lists."""
    import json

    text = source.stream.read(BYTES_OF_JSON_PEEKED).decode("utf-8-sig", "ignore").lstrip()
    decoder = json.JSONDecoder()
    if text.startswith("["):
        first, _ = decoder.raw_decode(text, text.index("{"))
        return list(first)
    starts = dict(_members(text))
    if "columns" in starts and "data" in starts:  # pandas' orient="split"
        return [str(name) for name in decoder.raw_decode(text, starts["columns"])[0]]
    if "schema" in starts and "data" in starts:  # orient="table"
        return [field["name"] for field in decoder.raw_decode(text, starts["schema"])[0]["fields"]]
    return list(starts)


def _members(text: str) -> Iterator[tuple[str, int]]:
    """Yield the keys of an object of JSON, and where their values start, as far as the text goes."""
    import json
    import re

    token = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:]')
    depth, key, at = 0, None, 0
    while (found := token.search(text, at)) is not None:
        sign, at = found[0], found.end()
        if sign == "[":
            numbers = text[at : text.find("]", at)]
            if not any(mark in numbers for mark in '"[{'):
                at += len(numbers)
        depth += (sign in ("{", "[")) - (sign in ("}", "]"))
        if depth == 1 and sign == ":" and key is not None:
            after = text[at : at + SPACES_SKIPPED]
            yield key, at + len(after) - len(after.lstrip())
        key = json.loads(sign) if depth == 1 and sign.startswith('"') else None


def _names_of_archive(source: Input) -> Sequence[str]:
    import zipfile

    with zipfile.ZipFile(source.path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def _names_of_sheet(source: Input) -> Sequence[str]:
    if os.path.getsize(source.path) > BYTES_OF_SHEETS_PEEKED:
        return ()
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(source.path).get_sheet_by_index(0).to_python(nrows=1)
    return [cell for cell in rows[0] if isinstance(cell, str)]


_READERS: dict[str, Callable[[Input], Sequence[str]]] = {
    "jsonl": _names_of_lines,
    "json": _names_of_document,
    "npz": _names_of_archive,
    "excel": _names_of_sheet,
}
