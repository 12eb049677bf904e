"""Tables from the DATA arguments: files, globs, folders, standard input and ROLE=FILE."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import chain
from typing import Any, NamedTuple

from numpy.typing import NDArray

from losscli.data import remote
from losscli.data.data_arguments import check_text_options, split_role
from losscli.data.files import FORMATS, STDIN, Input, format_ending, is_comment_sign, is_delimiter
from losscli.data.folders import FILE_COLUMN, FoundFile, KeyedTable, find_all_files, key_columns
from losscli.data.table import Chunk, Kind, SplittableTable, Table, count_chunk_rows
from losscli.errors import DataError, UsageError
from losscli.messages import Hint

REMOTE_FILES_AHEAD = 8
"""Remote files that are opened at once, because each takes its time to answer."""


class ReadOptions(NamedTuple):
    """How to read: a format for all inputs, and for text what is not to be found out.

    Attributes:
        format: The format.
        header: Whether text starts with column names.
        delimiter: The character between cells; a space for any blanks.
        decimal: The decimal sign, `.` or `,`.
        comment: What starts a line that is a comment; empty if there are no comments.
    """

    format: str | None = None
    header: bool | None = None
    delimiter: str | None = None
    decimal: str | None = None
    comment: str | None = None


def _check_same_shapes(first: Table, other: Table, wanted: Mapping[str, Kind]) -> None:
    """Raise the error for a column whose cells hold another count of numbers in one file of text than in the first."""
    shapes = {column.name: column.trailing for column in first.columns}
    for column in other.columns if other.format in ("csv", "tsv") else ():
        if wanted.get(column.name) is Kind.NUMBER and column.trailing != shapes.get(column.name):
            counts = [(shape or (1,))[0] for shape in (column.trailing, shapes.get(column.name, ()))]
            problem = f"{other.name}: column {column.name!r}: cells hold {counts[0]}"
            raise DataError(f"{problem} {'number' if counts[0] == 1 else 'numbers'}, in {first.name} {counts[1]}")


def check_read_options(
    input_format: str | None, header: bool | None, delimiter: str | None, decimal: str | None, comment: str | None
) -> ReadOptions:
    """Return how to read files.

    Raises:
        UsageError: The format is unknown, the header is no bool, the delimiter or the decimal sign cannot be one, or
            comments start with what other lines do.
    """
    if input_format is not None and not (isinstance(input_format, str) and input_format in FORMATS):
        raise UsageError(f"must be one of {', '.join(FORMATS)}", option=("input_format", input_format))
    if not (header is None or isinstance(header, bool)):
        raise UsageError("must be True, False or None", option=("header", header))
    if delimiter is not None and not (isinstance(delimiter, str) and is_delimiter(delimiter)):
        raise UsageError("must be one character", option=("delimiter", delimiter))
    if decimal is not None and not (isinstance(decimal, str) and decimal in (".", ",")):
        raise UsageError("must be a point or a comma", option=("decimal", decimal))
    if decimal is not None and decimal == delimiter:
        raise UsageError("is the delimiter, too", option=("decimal", decimal))
    if comment is not None and not (isinstance(comment, str) and is_comment_sign(comment)):
        raise UsageError("must be a sign such as # or //, of no letters or digits", option=("comment", comment))
    if comment and comment == delimiter:
        raise UsageError("is the delimiter, too", option=("comment", comment))
    return ReadOptions(input_format, header, delimiter, decimal, comment)


class Sources(NamedTuple):
    """The tables to look for roles in: one for each role that was given a file, one for all others.

    `is_pair` says that two files were given without roles; `given` are roles that were given as arrays. `models` are
    the tables of the predictions of several models by their names; the first is `common` if there is no other data.
    """

    common: Table | None = None
    by_role: Mapping[str, Table] = {}
    is_pair: bool = False
    given: tuple[str, ...] = ()
    models: Mapping[str, Table] = {}

    @property
    def models_hold_all(self) -> bool:
        """Whether there is no data but the files of models, each of which holds the targets, too."""
        return self.common is not None and self.common in self.models.values()

    def table(self, role: str) -> Table | None:
        return self.by_role.get(role, self.common)

    @property
    def tables(self) -> list[Table]:
        """All tables, each once."""
        several = [*([self.common] if self.common else []), *self.by_role.values(), *self.models.values()]
        return list(dict.fromkeys(several))

    def close(self) -> None:
        for table in self.tables:
            table.close()


def open_table(
    path: str, role: str | None = None, options: ReadOptions | None = None, model: str | None = None
) -> Table:
    """Open the table at a path; `-` is standard input; the files that match a glob, or in a folder, are one table.

    Messages name the `model` whose predictions a file holds.

    Raises:
        DataError: there is nothing there, or it is not of its format.
    """
    return _open_found([path], find_all_files([path]), role, options or ReadOptions(), model)


def _open_found(
    paths: Sequence[str], files: Sequence[FoundFile], role: str | None, options: ReadOptions, model: str | None = None
) -> Table:
    """Open the table of the files that paths stand for."""
    if len(files) == 1 and not files[0].keys:
        return _open_file(files[0].path, role, options, model)
    name = paths[0] if len(paths) == 1 else f"{files[0].name} and {len(files) - 1} more"
    return FileParts(name, paths, files, role, options)


def _open_file(path: str, role: str | None, options: ReadOptions, model: str | None = None) -> Table:
    source = Input(path)
    name = source.name
    try:
        if not source.head():
            raise DataError(f"{source.name}: is empty")
        format = options.format or source.format()
        if model is not None:
            source.rename(f"{name} (model {model!r})")
        table = _read(source, format, role, options)
        table.inputs = [name]
        source.check(is_last=False)
    except BaseException as error:
        with closing(source):
            if isinstance(error, DataError):
                source.check(is_last=False)  # this may be why
        raise
    table.source = source
    return table


def _read(source: Input, format: str, role: str | None, options: ReadOptions) -> Table:
    """Read an input by its format; each reader is imported when it is needed."""
    if format in ("csv", "tsv"):
        from losscli.data.csv.header import TextOptions
        from losscli.data.csv.table import open_csv

        return open_csv(source, format, TextOptions(*options[1:]))
    if format == "json":
        from losscli.data.json import read_json

        return read_json(source, role)
    if format == "jsonl":
        from losscli.data.json_lines import open_json_lines

        return open_json_lines(source)
    if format in ("npy", "npz"):
        from losscli.data.npy import read_npy, read_npz

        return read_npy(source, role) if format == "npy" else read_npz(source, role)
    if format == "safetensors":
        from losscli.data.safetensors import read_safetensors

        return read_safetensors(source, role)
    if format == "excel":
        from losscli.data.excel import read_excel

        return read_excel(source)
    from losscli.data.arrow import open_arrow

    return open_arrow(source, format)


class FileParts(SplittableTable):
    """Several files of the same columns as one table."""

    def __init__(
        self, name: str, paths: Sequence[str], files: Sequence[FoundFile], role: str | None, options: ReadOptions
    ) -> None:
        """Open the first file that has rows; the others are opened when they are read."""
        self._role, self._options = role, options
        self._keys = key_columns(files)
        self._files, self._first = self._open_first(files)
        super().__init__(name, self._first.format, self._first.columns, path=name)
        self.inputs = [remote.hide_credentials(path) for path in paths]
        typed = self.inputs[0]
        is_pattern = any(mark in typed for mark in "*?[")
        self.pattern = typed if is_pattern else f"{typed.rstrip('/')}/*{format_ending(self._first.name)}"
        self.n_files = len(self._files)
        self.index_columns = self._first.index_columns
        self.file_names = [file.name for file in files] if FILE_COLUMN in self.index_columns else ()
        self.repeated, self.has_names = self._first.repeated, self._first.has_names

    def sample(self, name: str) -> NDArray[Any] | None:
        return self._first.sample(name)

    @property
    def has_keys(self) -> bool:
        """Whether the folders of the files say what their rows have in common."""
        return bool(self._keys)

    def open_second(self) -> Table:
        """Open the second file, to be compared with the first."""
        return self._open(self._files[min(1, len(self._files) - 1)])

    def _open_first(self, files: Sequence[FoundFile]) -> tuple[Sequence[FoundFile], Table]:
        """Return the files from the first that has rows, or all if none has, and the first of these, open."""
        for i in range(len(files)):
            table = self._open(files[i])
            if table.has_rows or len(files) == 1:
                return files[i:], table
            table.close()
        return files, self._open(files[0])

    def _open(self, file: FoundFile) -> Table:
        """Open a file, which must be as it was when it was found."""
        table = _open_file(file.path, self._role, self._options)
        opened = table.source.open_file if table.source is not None else None
        if opened is not None and file.version is not None and opened.state[:2] != file.version:
            table.close()
            raise opened.changed()
        return KeyedTable(table, file.keys, self._keys) if self._keys else table

    def _open_files(self, start: int, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        """Yield each file from `start` on, open until the next one is asked for; remote files are opened ahead.

        Raises:
            DataError: a file cannot be read, or lacks a wanted column.
        """
        from losscli.data.prefetch import ordered_map

        jobs = REMOTE_FILES_AHEAD if remote.is_uri(self._files[0].path) else 1
        opened = ordered_map(self._open, self._files[start:], jobs)
        for _, table in opened:
            if isinstance(table, Exception):
                raise table
            with closing(table):
                lacking = [name for name in wanted if table.column(name) is None]
                if lacking:
                    raise DataError(f"{table.name}: has no column {lacking[0]!r}, which {self._first.name} has")
                if table.has_rows:  # writers leave files with nothing but a header
                    _check_same_shapes(self._first, table, wanted)
                    yield table

    def chunks(self, wanted: Mapping[str, Kind]) -> Iterator[Chunk]:
        rows = 0
        for i, table in enumerate(chain([self._first], self._open_files(1, wanted))):
            self.row_numbers.add_file(rows, table.name)
            self.fraction_read = i / len(self._files)
            for chunk in table.chunks(wanted):
                rows += count_chunk_rows(chunk)
                yield chunk

    def chunks_by_threads(self, wanted: Mapping[str, Kind], jobs: int) -> Iterator[Chunk]:
        if self.format not in ("csv", "tsv"):  # pieces of other formats may be too large to hold several of them
            return self.chunks(wanted)
        from losscli.data.prefetch import read_pieces

        return read_pieces(self, self.pieces(wanted), wanted, jobs)

    def pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        return self._pieces_of_files(0, wanted)

    def pieces_from(self, piece: Table, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        from losscli.data.csv.split import RangePiece

        inner = piece.inner if isinstance(piece, KeyedTable) else piece
        assert isinstance(inner, RangePiece)
        i = [remote.hide_credentials(file.path) for file in self._files].index(piece.name)
        rest = inner.remaining_pieces()
        yield from self._scale(i, piece.with_keys(rest) if isinstance(piece, KeyedTable) else rest)
        yield from self._pieces_of_files(i + 1, wanted)

    def _pieces_of_files(self, start: int, wanted: Mapping[str, Kind]) -> Iterator[Table]:
        first = [self._first] if start == 0 else []
        tables: Iterator[Table] = chain(first, self._open_files(max(start, 1), wanted))
        if FILE_COLUMN in wanted:
            from losscli.data.small_files import join_small

            tables = join_small(tables, wanted)
        for table in tables:
            yield from self._scale(start, table.detached_pieces(wanted))
            start += len(table.files)

    def _scale(self, i: int, pieces: Iterator[Table]) -> Iterator[Table]:
        """Yield pieces of the i-th file whose progress is that of all files."""
        for piece in pieces:
            piece.fraction_after = (i + (piece.fraction_after or 0)) / len(self._files)
            yield piece

    def close(self) -> None:
        self._first.close()


def open_data(
    arguments: Sequence[str],
    roles: Sequence[str],
    options: ReadOptions | None = None,
    by_file: bool = False,
    others: Sequence[Table] = (),
) -> Sources:
    """Open DATA: one file for all roles; two for y_true and y_pred; ROLE=FILE for one role; `-` is standard input.

    With `by_file` a column has the names of the files, and several files may be given for one role, or for all: then
    they are parts of one table. The options are for `others`, too, which are open.

    Raises:
        UsageError: a role that no loss reads or that was given twice; more files than roles to read from them; what is
            both a file and ROLE=FILE.
        DataError: a file cannot be read, or is not of its format.
    """
    options = options or ReadOptions()
    named: dict[str, list[str]] = {}
    bare: list[str] = []
    for argument in arguments:
        role, path = split_role(argument, roles)
        if role is None:
            bare.append(argument)
            continue
        if role not in roles:
            raise UsageError(f"{argument}: no loss here reads {role!r}; the roles are {', '.join(roles)}")
        if role in named and not by_file:
            raise UsageError(
                f"{argument}: {role} is already read from {named[role][0]}", Hint.GROUP_BY_FILE, column=FILE_COLUMN
            )
        named.setdefault(role, []).append(path)
    is_pair = len(bare) == 2 and not named and not (by_file and _are_parts(bare, options))
    if is_pair:
        named, bare = {"y_true": bare[:1], "y_pred": bare[1:]}, []
    if len(bare) > 1 and not by_file:
        raise UsageError(
            f"{len(bare)} files without a role: give one table, two files (y_true then y_pred), or ROLE=FILE; "
            "parts of one dataset are named by a folder or a quoted glob ('parts/*.csv')",
            Hint.GROUP_BY_FILE_OR_MODEL,
            column=FILE_COLUMN,
        )
    given: dict[str | None, list[str]] = {None: bare} if bare else {}
    given.update(named)
    if list(chain(*given.values())).count(STDIN) > 1:
        raise UsageError("standard input can be read only once")
    tables: dict[str | None, Table] = {}
    with ExitStack() as opened:  # closes what was opened if the next one cannot be
        for key, table in _open_each(given, options, by_file):
            tables[key] = opened.enter_context(closing(table))
        sources = Sources(tables.pop(None, None), {key: t for key, t in tables.items() if key}, is_pair)
        check_text_options([*sources.tables, *others], options)
        opened.pop_all()
    return sources


def _open_each(
    given: Mapping[str | None, Sequence[str]], options: ReadOptions, by_file: bool
) -> Iterator[tuple[str | None, Table]]:
    """Yield each role with the table of its paths; with `by_file`, those of several files name them, or else all."""
    if not by_file:
        for role, (path,) in given.items():
            yield role, open_table(path, role, options)
        return
    found = {role: find_all_files(paths) for role, paths in given.items()}
    has_several = any(len(files) > 1 for files in found.values())
    for role, files in found.items():
        is_named = len(files) > 1 or not has_several
        yield role, _open_found(given[role], [f.with_name_as_key() if is_named else f for f in files], role, options)


def _are_parts(paths: Sequence[str], options: ReadOptions) -> bool:
    """Return whether two paths are parts of one table, and no pair.

    They are if they have the same columns, and several, or if both have columns named like y_true and like y_pred.
    """
    if STDIN in paths or any(os.path.exists(p) and not (os.path.isfile(p) or os.path.isdir(p)) for p in paths):
        return False  # pipes can be read once
    from losscli.data.role_names import usual_names

    with ExitStack() as opened:
        tables = [opened.enter_context(closing(open_table(path, None, options))) for path in paths]
        first, second = ({column.name.lower() for column in table.columns} for table in tables)
    has_both = all((first & second).intersection(usual_names(role)) for role in ("y_true", "y_pred"))
    return has_both or (first == second and len(first) > 1)
