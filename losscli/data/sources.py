"""What DATA means: files, globs, folders, standard input and ROLE=FILE, as tables."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import chain
from typing import NamedTuple

from losscli.data import remote
from losscli.data.files import COMPRESSED_ENDINGS, ENDINGS, STDIN, Input
from losscli.data.table import ArraysTable, Chunk, Kind, Table
from losscli.errors import DataError, UsageError

PARTS = ("csv", "tsv", "parquet")

FAR = 8
"""Files that are opened at once where each takes its time to answer."""
_ROLE = re.compile(r"([A-Za-z_]\w*)=(.+)", re.DOTALL)


class ReadOptions(NamedTuple):
    """How to read: a format for all inputs, whether there is a header (None: find out), the delimiter."""

    format: str | None = None
    header: bool | None = None
    delimiter: str | None = None


class Sources(NamedTuple):
    """The tables that roles are looked for in: one for each role that was given a file, one for all others."""

    common: Table | None = None
    by_role: Mapping[str, Table] = {}

    def table(self, role: str) -> Table | None:
        return self.by_role.get(role, self.common)

    @property
    def tables(self) -> list[Table]:
        both = [*([self.common] if self.common else []), *self.by_role.values()]
        return list({id(table): table for table in both}.values())

    def close(self) -> None:
        """Let go of every file."""
        for table in self.tables:
            table.close()


# ------------------------------------------------------------------------------------------------- readers


def _text(source: Input, format: str, role: str | None, options: ReadOptions) -> Table:
    from losscli.data.csv.table import TextTable

    return TextTable(source, format, options.header, options.delimiter)


def _json(source: Input, format: str, role: str | None, options: ReadOptions) -> Table:
    from losscli.data.json import read_json

    return read_json(source, role)


def _jsonl(source: Input, format: str, role: str | None, options: ReadOptions) -> Table:
    from losscli.data.json import JsonLinesTable

    return JsonLinesTable(source)


def _npy(source: Input, format: str, role: str | None, options: ReadOptions) -> Table:
    from losscli.data.npy import read_npy

    return read_npy(source, role)


def _npz(source: Input, format: str, role: str | None, options: ReadOptions) -> Table:
    from losscli.data.npy import read_npz

    return read_npz(source, role)


def _arrow(source: Input, format: str, role: str | None, options: ReadOptions) -> Table:
    from losscli.data.arrow import ArrowTable

    return ArrowTable(source, format)


READERS: dict[str, Callable[[Input, str, str | None, ReadOptions], Table]] = {
    "csv": _text, "tsv": _text, "json": _json, "jsonl": _jsonl, "npy": _npy, "npz": _npz,
    "parquet": _arrow, "feather": _arrow,
}  # fmt: skip
"""Format -> reader; each imports what it needs when it is called."""


def open_table(path: str, role: str | None = None, options: ReadOptions | None = None) -> Table:
    """The table at a path; `-` is standard input; a glob or a folder of parts is one table.

    Raises:
        DataError: there is nothing there, or it is not of its format.
    """
    options = options or ReadOptions()
    path = remote.without_scheme(path)
    paths = _parts(path)
    if len(paths) == 1:
        return _open_one(paths[0], role, options)
    return _Parts(path, paths, role, options)


def _open_one(path: str, role: str | None, options: ReadOptions) -> Table:
    source = Input(path)
    try:
        if not source.head():
            raise DataError(f"{source.name}: is empty")
        format = options.format or source.format()
        table = READERS[format](source, format, role, options)
    except BaseException:
        source.close()
        raise
    table.source = source
    return table


def _parts(path: str) -> list[str]:
    if remote.is_uri(path):
        return _remote_parts(path)
    if path == STDIN or os.path.isfile(path):
        return [path]
    if os.path.isdir(path):
        return sorted(os.path.join(path, n) for n in os.listdir(path) if _is_part(n)) or [path]
    if any(mark in path for mark in "*?["):
        import glob

        found = sorted(p for p in glob.glob(path, recursive=True) if os.path.isfile(p))
        if not found:
            raise DataError(f"{path}: no file matches")
        return found
    return [path]


def _remote_parts(path: str) -> list[str]:
    found = remote.listed(path)
    if not found and "*" in path:
        raise DataError(f"{remote.shown(path)}: no file matches")
    if found in ([], [path]) or "*" in path:
        return found or [path]
    parts = [file for file in found if _is_part(remote.shown(file).rpartition("/")[2])]
    if not parts:
        raise DataError(f"{remote.shown(path)}: is a folder without any CSV or Parquet file in it")
    return parts


def _is_part(name: str) -> bool:
    stem, ending = os.path.splitext(name)
    ending = os.path.splitext(stem)[1] if ending in COMPRESSED_ENDINGS else ending
    return not name.startswith((".", "_")) and ENDINGS.get(ending.lower()) in PARTS


class _Files(NamedTuple):
    """Several files that hold the same columns as the first, opened one after the other from the one at `start` on."""

    paths: Sequence[str]
    start: int
    role: str | None
    options: ReadOptions

    def opened(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        """Each file, open until the next one is asked for; those that are far away are opened ahead."""
        from losscli.data.prefetch import ordered_map

        paths = self.paths[self.start :]
        jobs = FAR if paths and remote.is_uri(paths[0]) else 1
        for _, found in ordered_map(lambda path: _open_one(path, self.role, self.options), paths, jobs):
            if isinstance(found, Exception):
                raise found
            with closing(found) as table:
                lacking = [name for name in wanted if table.column(name) is None]
                if lacking:
                    raise DataError(f"{table.name}: has no column {lacking[0]!r}, which {self.paths[0]} has")
                yield table

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        """The pieces of each file, which know of the files that are still to come."""
        for i, table in enumerate(self.opened(wanted), self.start):
            for piece in _apart(table, wanted):
                piece.file, piece.following = i, self._replace(start=i + 1)
                piece.fraction_read = (i + (piece.fraction_read or 0)) / len(self.paths)
                yield piece


def _apart(table: Table, wanted: Mapping[str, Kind]) -> Iterator[Table]:
    """The pieces of a table that may be closed before they are read."""
    if table.can_split or (table.is_file_backed and table.format == "parquet"):
        return table.pieces(wanted)
    return (ArraysTable(table.name, table.format, chunk) for chunk in table.chunks(wanted))


class _Parts(Table):
    """Several files of the same columns as one table."""

    def __init__(self, name: str, paths: Sequence[str], role: str | None, options: ReadOptions) -> None:
        self._first = _open_one(paths[0], role, options)
        self._files = _Files(paths, 1, role, options)
        super().__init__(name, self._first.format, self._first.columns)
        self.can_split, self.small_pieces, self.is_file_backed = True, self._first.small_pieces, True

    def progress(self) -> float | None:
        return max(0, len(self.file_offsets) - 1) / len(self._files.paths)

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        rows = 0
        for table in chain([self._first], self._files.opened(wanted)):
            self.file_offsets.append((rows, table.name))
            for chunk in table.chunks(wanted):
                rows += len(next(iter(chunk.values())))
                yield chunk

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        return self._files._replace(start=0).pieces(wanted)

    def close(self) -> None:
        self._first.close()


# --------------------------------------------------------------------------------------------- DATA, as typed


def open_data(arguments: Sequence[str], roles: Sequence[str], options: ReadOptions | None = None) -> Sources:
    """Open DATA: one file for all roles; two for y_true and y_pred; ROLE=FILE for one role.

    Args:
        arguments: `FILE`, `ROLE=FILE` or `-`.
        roles: the roles that may be named.
        options: how to read.
    """
    named: dict[str, str] = {}
    bare: list[str] = []
    for argument in arguments:
        match = _ROLE.fullmatch(argument)
        if match is None or os.path.exists(argument):
            bare.append(argument)
            continue
        role, path = match.groups()
        if role not in roles:
            raise UsageError(f"{argument}: no loss here reads {role!r}; the roles are {', '.join(roles)}")
        if role in named:
            raise UsageError(f"{argument}: {role} is already read from {named[role]}")
        named[role] = path
    if len(bare) == 2 and not named:
        named, bare = dict(zip(("y_true", "y_pred"), bare, strict=True)), []
    if len(bare) > 1:
        raise UsageError(
            f"{len(bare)} files without a role: give one table, two files (y_true then y_pred), or ROLE=FILE; "
            "parts of one dataset are named by a folder or a quoted glob ('parts/*.csv')"
        )
    if [*named.values(), *bare].count(STDIN) > 1:
        raise UsageError("standard input can be read once only")
    with ExitStack() as opened:  # what was opened is closed again if the next one cannot be
        common = open_table(bare[0], None, options) if bare else None
        if common is not None:
            opened.callback(common.close)
        by_role = {}
        for role, path in named.items():
            by_role[role] = open_table(path, role, options)
            opened.callback(by_role[role].close)
        opened.pop_all()
    return Sources(common, by_role)
