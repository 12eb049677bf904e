"""The files that a path stands for: one, those in a folder, in the folders of a Hive-partitioned one, or of a glob.

The folders of `sales/year=2026/region=eu/part-0.parquet` are keys: columns `year` and `region` of all rows below them.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from losscli.data import remote
from losscli.data.coded_text import CodedText
from losscli.data.files import FORMAT_BY_ENDING, STDIN, STDIN_NAME, format_ending
from losscli.data.table import Chunk, Column, Kind, Table, count_chunk_rows
from losscli.data.values import as_text, parse_number, to_number
from losscli.errors import DataError, UsageError

FORMATS_OF_PARTS = ("csv", "tsv", "parquet")
"""Formats of the files in a folder that are read as one table."""

MAX_FILES_NOTED = 5

MISSING_KEY = "__HIVE_DEFAULT_PARTITION__"
"""How writers of partitioned folders name the folder of rows whose key is missing."""

FILE_COLUMN = "@file"
"""The column of the files that rows come from, where it is asked for."""

Keys = Mapping[str, str | None]
"""Name of a key -> its value, None if it is missing."""


class FoundFile(NamedTuple):
    """A file that is read as a table, or as a part of one.

    Attributes:
        path: Where it is.
        name: What groups call it: its path in the folder that was given, or else the path as given.
        keys: What the folders above it say of its rows.
        version: Its size and time if it is one of several local files.
    """

    path: str
    name: str
    keys: Keys = MappingProxyType({})
    version: tuple[int, int] | None = None

    def with_name_as_key(self) -> FoundFile:
        """Return the file with its name as a key of its rows."""
        return self._replace(keys={FILE_COLUMN: self.name, **self.keys})


def find_files(path: str) -> list[FoundFile]:
    """Return the files that a path stands for, in order; the path itself if it is neither a folder nor a glob.

    Raises:
        DataError: No file matches, or the folders of some files have other keys than those of others.
    """
    name = remote.hide_credentials(path)
    is_remote = "://" in path and remote.is_uri(path)
    is_glob = "*" in path if is_remote else not os.path.exists(path) and any(mark in path for mark in "*?[")
    if path == STDIN or (not is_remote and not is_glob and not os.path.isdir(path)):
        return [FoundFile(path, STDIN_NAME if path == STDIN else name)]
    files = remote.list_files(path) if is_remote else _expand(path) if is_glob else _walk(path)
    if is_remote and not is_glob and files in ([], [path]):
        return [FoundFile(path, name)]
    files = [file for file in files if is_glob or _is_part(remote.hide_credentials(file).rpartition("/")[2])]
    files = [file for file in files if not is_glob or not _is_marker(remote.hide_credentials(file).rpartition("/")[2])]
    if not files:
        missing = "no file matches" if is_glob else "is a folder without any CSV or Parquet file in it"
        raise DataError(f"{name}: {missing}")
    place = remote.place_of if is_remote else str  # a URI quotes what is in it, and keys have quotes of their own
    top = _literal_folder(place(path)) if is_glob else place(path).rstrip("/")
    found = []
    for file in files:
        below = place(file)[len(top) :]
        called = remote.hide_credentials(file) if is_glob else below.lstrip("/")
        found.append(FoundFile(file, called, _keys_of(below), None if is_remote else _version(file)))
    other = next((file for file in found if set(file.keys) != set(found[0].keys)), None)
    if other is None:
        return found
    if is_glob:  # its folders are named by hand, and some names happen to look like keys
        return [file._replace(keys={}) for file in found]
    shown = [f"the keys {', '.join(file.keys)}" if file.keys else "no keys" for file in (found[0], other)]
    raise DataError(
        f"{name}: the folders of {remote.hide_credentials(found[0].path)} have {shown[0]}, "
        f"those of {remote.hide_credentials(other.path)} {shown[1]}: name the files of one kind by a quoted glob"
    )


def find_all_files(paths: Sequence[str]) -> list[FoundFile]:
    """Return the files that all paths stand for.

    Raises:
        UsageError: a file is given twice.
        DataError: there is nothing at a path.
    """
    found = [remote.strip_file_scheme(path) if "://" in path else path for path in paths]
    if len(found) == 1:
        return find_files(found[0])
    files = [
        file._replace(keys={}, name=remote.hide_credentials(file.path)) for path in found for file in find_files(path)
    ]
    known: dict[str, str] = {}
    for file in files:
        if (other := known.setdefault(os.path.realpath(file.path), file.name)) is not file.name:
            same = "" if other == file.name else f", as {other}"
            raise UsageError(f"{file.name}: is given twice{same}")
    return files


def _version(path: str) -> tuple[int, int] | None:
    """Return the size and time of a file, None if it is gone."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _is_part(name: str) -> bool:
    """Return whether a file in a folder is a part of its table."""
    return not _is_marker(name) and FORMAT_BY_ENDING.get(format_ending(name).lower()) in FORMATS_OF_PARTS


def _is_marker(name: str) -> bool:
    """Return whether a file is none of data but what writers leave beside it: _SUCCESS, .part-0.csv.crc."""
    return name.startswith((".", "_")) or name.endswith(".crc")


def _is_key_folder(name: str) -> bool:
    return "=" in name[1:] and not name.startswith((".", "_"))


def _walk(folder: str) -> list[str]:
    """Return the files in a folder and in the folders of keys below it, sorted."""
    found = []
    for each in _folders(folder, _is_key_folder):
        found += [entry.path for entry in os.scandir(each) if entry.is_file()]
    return _once(found)


def _expand(pattern: str) -> list[str]:
    """Return the files that match a pattern, sorted."""
    return _once([path for path in _matches(pattern) if os.path.isfile(path)])


def _matches(pattern: str) -> Iterator[str]:
    """Yield the paths that match a pattern; those below `**` once, however many links lead there."""
    import glob

    parts = pattern.split("/")
    if "**" not in parts:
        _check_permissions(parts)
        yield from glob.glob(pattern)
        return
    at = parts.index("**")
    tops = _matches("/".join(parts[:at])) if parts[:at] not in ([], [""]) else ["/" if at else "."]
    for top in tops:
        for folder in _folders(top, lambda name: not name.startswith(".")) if os.path.isdir(top) else ():
            below = "" if folder == "." else glob.escape(os.path.join(folder.removeprefix("./"), ""))
            yield from _matches(below + ("/".join(parts[at + 1 :]) or "*"))


def _check_permissions(parts: Sequence[str]) -> None:
    """Check that no folder on the way of a pattern hides what is in it: `glob` passes over such a folder.

    Raises:
        DataError: One does.
    """
    import glob

    for i in range(1, len(parts)):
        right = os.R_OK | os.X_OK if glob.has_magic(parts[i]) else os.X_OK
        for folder in glob.glob("/".join(parts[:i]) or "/"):
            if os.path.isdir(folder) and not os.access(folder, right):
                raise DataError(f"{folder}: cannot be read: {os.strerror(errno.EACCES)}")


def _folders(top: str, is_wanted: Any) -> Iterator[str]:
    """Yield a folder and the wanted ones below it, each once: by way of links only if there is no other."""
    seen: set[str] = set()
    folders, links = deque([top]), deque[str]()
    while folders or links:
        folder = folders.popleft() if folders else links.popleft()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        yield folder
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise DataError(f"{folder}: cannot be read: {remote.summarize_error(error)}") from None
        for entry in entries:
            if is_wanted(entry.name) and entry.is_dir():
                (links if entry.is_symlink() else folders).append(entry.path)


def _once(paths: Sequence[str]) -> list[str]:
    """Return paths sorted; of those of the same file the one with the fewest folders."""
    by_file: dict[str, str] = {}
    for path in sorted(paths, key=lambda path: (path.count("/"), path)):
        by_file.setdefault(os.path.realpath(path), path)
    return sorted(by_file.values())


def _literal_folder(pattern: str) -> str:
    """Return what stands before the first folder or name of a pattern that has a mark in it."""
    first = min(at for at in map(pattern.find, "*?[") if at >= 0)
    return pattern[: pattern.rfind("/", 0, first) + 1]


def _keys_of(path: str) -> dict[str, str | None]:
    """Return the keys in the folders of a path."""
    keys: dict[str, str | None] = {}
    for folder in filter(_is_key_folder, path.split("/")[:-1]):
        name, _, value = folder.partition("=")
        keys[unquote(name)] = None if value in ("", MISSING_KEY) else unquote(value)
    return keys


def key_columns(files: Sequence[FoundFile]) -> list[Column]:
    """Return the columns that the keys of all files make."""
    columns = []
    for name in files[0].keys:
        values = [value for file in files if (value := file.keys[name]) is not None]
        is_number = name != FILE_COLUMN and all(parse_number(value) is not None for value in values)
        columns.append(Column(name, Kind.NUMBER if is_number else Kind.TEXT))
    return columns


def files_without_rows(
    tables: Sequence[Table], groups: Sequence[Mapping[str, str] | None], note: Callable[[str], None]
) -> set[tuple[str]]:
    """Note the files that none of the groups is of, and return them as groups; none unless groups are files alone."""
    files = next((table.file_names for table in tables if table.file_names), ())
    known = {group.get(FILE_COLUMN) for group in groups if group}
    lacking = [name for name in files if known and name not in known]
    if lacking:
        more = f" and {len(lacking) - MAX_FILES_NOTED} more" if len(lacking) > MAX_FILES_NOTED else ""
        shown = ", ".join(lacking[:MAX_FILES_NOTED]) + more
        note(f"{len(lacking)} of {len(files)} files have no row that counts: {shown}")
    return {(name,) for name in lacking if all(len(group) == 1 for group in groups if group)}


class KeyedTable(Table):
    """A table, or a piece of one, with the keys of its folders as further columns."""

    def __init__(self, inner: Table, keys: Keys, columns: Sequence[Column]) -> None:
        """Add columns to a table; one that it has itself must hold the value of its folder.

        A column that is called like that of files is the table's own, and none is added.
        """
        if FILE_COLUMN in keys and inner.column(FILE_COLUMN) is not None:
            keys = {name: value for name, value in keys.items() if name != FILE_COLUMN}
            columns = [column for column in columns if column.name in keys]
        added = [column for column in columns if inner.column(column.name) is None]
        super().__init__(inner.name, inner.format, [*inner.columns, *added], inner.length, inner.path)
        self.inner, self._keys, self._key_columns = inner, keys, columns
        self.repeated, self.fraction_after, self.has_names = inner.repeated, inner.fraction_after, inner.has_names
        self.index_columns = inner.index_columns | {column.name for column in columns}
        self.has_rows = inner.has_rows

    def sample(self, name: str) -> NDArray[Any] | None:
        return None if self.inner.column(name) is None else self.inner.sample(name)

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        own = {name: kind for name, kind in wanted.items() if self.inner.column(name)}
        read = own or {column.name: column.kind for column in self.inner.columns[:1]}  # some rows have to be counted
        self.inner.row_numbers, self.inner.rows_before = self.row_numbers, self.rows_before
        done = self.rows_before
        for chunk in self.inner.chunks(read):
            self.fraction_read = self.inner.fraction_read
            rows = count_chunk_rows(chunk)
            found = {}
            for name, kind in wanted.items():
                if name in self._keys:
                    found[name] = self._repeat(name, kind, rows, done)
                    self._compare(name, found[name], chunk.get(name), done)
                else:
                    found[name] = chunk[name]
            yield found
            done += rows

    def _repeat(self, name: str, kind: Kind, rows: int, done: int) -> NDArray[Any] | CodedText:
        value = self._keys[name]
        if kind is Kind.CODES:
            return CodedText.of(np.zeros(rows), [value])
        if kind is Kind.TEXT:
            return np.full(rows, value, dtype=object)
        return np.full(rows, to_number(value, self.name, name, done))

    def _compare(self, name: str, keys: Any, own: Any, done: int) -> None:
        """Check that a column of the file holds what its folder says."""
        if own is None:
            return
        pairs = zip(as_text(own).tolist(), as_text(keys).tolist(), strict=True)
        wrong = next((i for i, (a, b) in enumerate(pairs) if a != b and not _are_equal(a, b)), None)
        if wrong is not None:
            problem = f"is {own[wrong]}, but its folder is {name}={self._keys[name]}"
            raise DataError(f"{self.name}: column {name!r}, row {done + wrong + 1}: {problem}")

    def detached_pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        own = {name: kind for name, kind in wanted.items() if self.inner.column(name)}
        return self.with_keys(self.inner.detached_pieces(own))

    def with_keys(self, pieces: Iterator[Table]) -> Iterator[Table]:
        """Yield pieces of this table with its keys."""
        return (KeyedTable(piece, self._keys, self._key_columns) for piece in pieces)

    def release(self) -> None:
        self.inner.release()

    def close(self) -> None:
        self.inner.close()


def _are_equal(a: str | None, b: str | None) -> bool:
    """Return whether two texts are the same number, as 1 and 1.0."""
    if a is None or b is None:
        return False
    number = parse_number(a)
    return number is not None and number == parse_number(b)
