"""A dataset: roles bound to columns of tables, read as batches of aligned rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.align import ChunkStream, align, check_keys_before_parts
from losscli.data.batch import (
    BYTES_PER_BATCH,
    MODEL_ROLE,
    Batch,
    RowPolicy,
    bytes_per_row,
    rows_per_batch,
    shift_numbers,
)
from losscli.data.coded_text import CodedText, text_of_column
from losscli.data.join import join_by_key
from losscli.data.keys import AlignedChunks, SharedKey, check_order
from losscli.data.label_codes import LabelCodes
from losscli.data.labels import ClassNames
from losscli.data.model_roles import is_of_model
from losscli.data.positions import UNKNOWN, find_positions, is_scores, split_positions
from losscli.data.queries import batches_of_queries, read_queries
from losscli.data.role_columns import RoleColumns
from losscli.data.shared_roles import check_shared
from losscli.data.table import Chunk, Kind, SliceableTable, SplittableTable, Table, check_one_per_row, count_chunk_rows
from losscli.declaration.domains import Domain, ValueOrigin
from losscli.declaration.row_lists import QUERY
from losscli.errors import DataError

ROWS_PER_PART = 1 << 18
"""Most rows of a part of tables that are cut by rows."""

BATCHES_PER_PART = 4
"""Most batches of such a part: observers may keep its rows."""

BYTES_OF_LONG_ROWS = 12 * BYTES_PER_BATCH
"""Most bytes of the rows that threads evaluate at a time, if one row is more than a batch may be."""

BYTES_PER_WIDE_PIECE, BYTES_OF_PIECES = 1 << 25, 1 << 27
"""About what a piece of wide rows takes while it is read; most that threads hold to read pieces, if one is not more."""
WIDE_ROW_BYTES = 1 << 7
"""Bytes of a row of all tables above which none is read without regard to the others."""

PIECES_AHEAD = 16
"""Most pieces of several tables that threads hold, if each table needs no more than one."""

PARTS_IN_ONE = 4
"""How many times longer parts are of which no value is kept: that takes no more memory, and leaves fewer to merge."""


class Part(NamedTuple):
    """The same rows of every table that has rows: a piece of each. Pieces of files can be pickled."""

    pieces: tuple[Table, ...]


def ignore_note(text: str) -> None:
    """Discard a note."""


@dataclass(eq=False, repr=False)
class Dataset:
    """Roles bound to columns, as batches of aligned rows. May be read once.

    Attributes:
        domains: role -> the domain that says how its values are read; a role without one is a number per row.
        id: the column that pairs the rows of several files.
        extras: columns that are carried along as text (ids, groups).
        shared_keys: keys by which rows that are paired in order are checked.
        models: names of several models; each has a role of its own besides `y_pred`.
        memory: what the checks of each role remember between batches.
        whole: the arrays of roles that have no rows, once they are read.
        is_part: whether other rows come before or after.
        by_query: whether the samples are queries, of the role `query` or all rows together, and not rows.
        label_role: the role of class labels, of which a row may hold several: then each is a sample.
        positions: where the labels of a row are, if there are several.
        labels: the numbers of labels.
        tables: the tables, in the order of the roles.
        row_tables: those of the tables that have rows.
        length: the number of rows, if known before they are read.
        format: the formats of the tables, joined by `+`.
        infers_label_codes: whether labels are names that are numbered in the order of appearance.
    """

    bound: Mapping[str, RoleColumns]
    domains: Mapping[str, Domain]
    policy: RowPolicy
    note: Callable[[str], None]
    classes: ClassNames = field(default_factory=ClassNames)
    id: str | None = None
    extras: Sequence[str] = ()
    shared_keys: Sequence[SharedKey] = ()
    models: tuple[str, ...] = ()
    jobs: int = 1
    memory: dict[str, dict[str, Any]] = field(default_factory=dict)
    whole: dict[str, NDArray[Any]] | None = None
    is_part: bool = False
    by_query: bool = False
    label_role: str | None = None

    def __post_init__(self) -> None:
        of_classes = {role for role, domain in self.domains.items() if not domain.per_row}
        self._by_row = {role: columns for role, columns in self.bound.items() if role not in of_classes}
        carried = self.extras if self.id is None else [self.id, *self.extras]
        self._carried: tuple[str, ...] = tuple(dict.fromkeys(carried))
        self.labels = LabelCodes(self.bound, self.domains, self.classes)
        self.tables = list(dict.fromkeys(columns.table for columns in self.bound.values()))
        self.row_tables = list(dict.fromkeys(columns.table for columns in self._by_row.values()))
        self._is_joined = self.id is not None and len({table.paired_with or table for table in self.row_tables}) > 1
        self.length = next((table.length for table in self.row_tables if table.length is not None), None)
        self.paths = [given for table in self.tables for given in table.inputs]
        self.format = "+".join(dict.fromkeys(table.format for table in self.tables))
        self.infers_label_codes = bool(self.labels.numbered)
        self.positions = find_positions(
            {role: c.shape for role, c in self.bound.items()}, self.label_role, self._scores_label
        )

    @property
    def _scores_label(self) -> str:
        """The start of messages on the shape of the scores."""
        return self.bound["y_pred"].table.label if "y_pred" in self.bound else ""

    @property
    def _row_bytes(self) -> int:
        """The bytes of a row of all tables as float64."""
        return sum(self._row_bytes_of(table) for table in self.row_tables)

    def _row_bytes_of(self, table: Table) -> int:
        """Return the bytes of a row as float64; a list whose length is not known yet counts as one number."""
        columns = [table.column(name) for name in self.wanted(table)]
        return bytes_per_row((0, *(size or 1 for size in column.trailing)) for column in columns if column is not None)

    @property
    def threads(self) -> int:
        """How many threads evaluate parts: fewer if one row is more than a batch may be, or a piece takes much."""
        row_bytes = self._row_bytes if self.positions is None else self._row_bytes // 2  # some positions at a time
        may_be_wide = row_bytes > BYTES_PER_BATCH >> 10 or any(0 in c.shape[1:] for c in self._by_row.values())
        is_cut = may_be_wide and any(isinstance(table, SplittableTable) for table in self.row_tables)
        piece_bytes = max(BYTES_PER_WIDE_PIECE if is_cut else 1, *(table.bytes_per_piece for table in self.row_tables))
        most = self.jobs if row_bytes <= BYTES_PER_BATCH else BYTES_OF_LONG_ROWS // row_bytes
        return max(1, min(self.jobs, most, BYTES_OF_PIECES // piece_bytes))

    @property
    def samples_per_row(self) -> int:
        return 1 if self.positions is None else self.positions.per_row

    def progress(self) -> float | None:
        """Return the fraction that has been read, 0 to 1, if known."""
        return min((table.fraction_read for table in self.tables if table.fraction_read is not None), default=None)

    def batches(self) -> Iterator[Batch]:
        """Yield all rows that count, in order.

        Raises:
            DataError: lengths that differ, a value that is not a number, a missing value if that is an error.
        """
        batches = self.policy.apply(self.batches_as_read())
        return batches_of_queries(batches, self._by_row.get(QUERY), self.id) if self.by_query else batches

    def batches_of_part(self) -> Iterator[Batch]:
        """Yield the batches of a part; rows that lack a value are counted and raise nothing."""
        return self.policy.apply(self.batches_as_read(), is_part=True)

    def batches_as_read(self) -> Iterator[Batch]:
        """Yield all rows in order, those that do not count too."""
        whole = self._read_whole()
        start = self.policy.n
        for chunks in self._aligned_chunks():
            self._check_class_count(chunks)
            size = count_chunk_rows(next(iter(chunks.values())))
            rows_before = start // max(1, self.samples_per_row)
            rows = range(rows_before + 1, rows_before + size + 1)
            origins = self._row_origins(rows)
            read = {role: columns for role, columns in self._by_row.items() if columns.role != QUERY}
            arrays = {role: self._array(c, chunks[c.table], origins[role]) for role, c in read.items()}
            check_shared(arrays, origins, self.bound, chunks, self.id)
            weight = arrays.pop("weight", None)
            weight = weight[:, 0] if weight is not None and weight.shape[1:] == (1,) else weight  # (N, 1) is (N,)
            extras: dict[str, NDArray[Any] | CodedText] = {}
            for table, chunk in chunks.items():  # the first table that has a column is the one to take it from
                for name in self._carried:
                    if name in chunk and name not in extras:
                        check_one_per_row(chunk[name], table, name)
                        extras[name] = text_of_column(chunk[name], repeats=name in self.policy.repeating)
            batch = Batch(rows, arrays | whole, origins, weight, extras, tables=frozenset(whole), length=self.length)
            batch.query = read_queries(self._by_row, chunks, origins)
            yield from self._samples(batch)
            start += size * self.samples_per_row

    def _samples(self, batch: Batch) -> Iterator[Batch]:
        """Yield a batch of rows as batches of samples.

        Raises:
            DataError: Rows hold other numbers of samples than those before.
        """
        positions = find_positions(
            {role: array.shape for role, array in batch.arrays.items()}, self.label_role, self._scores_label
        )
        if positions is None or self.label_role is None:
            yield batch
            return
        if self.positions is None or any(size in UNKNOWN for size in self.positions.axes):
            self.positions = positions
        if positions != self.positions:
            problem = f"{batch.origins[self.label_role].where(0)}: {positions.per_row} labels in a row"
            raise DataError(f"{problem}, {self.positions.per_row} in those before")
        yield from split_positions(batch, positions, self.label_role)

    def _check_class_count(self, chunks: AlignedChunks) -> None:
        """Raise a UsageError if the vectors of the predictions have not as many numbers as there are classes."""
        for role, columns in self._by_row.items() if self.classes.requested else ():
            if role == "y_pred" or role.startswith(MODEL_ROLE):
                widths = chunks[columns.table][columns.columns[0].name].shape[1:]
                if len(widths) == 1 and widths[0] > 1:
                    self.classes.check_count("y_pred", widths[0], "columns", columns.table.label)

    def _read_whole(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the roles that have no rows."""
        if self.whole is None:
            whole = {}
            for role, c in self.bound.items():
                if role not in self._by_row:
                    kind, origin = c.columns[0].kind if self.domains[role].is_label else Kind.NUMBER, self._origin(c)
                    chunks = c.table.chunks({column.name: kind for column in c.columns})
                    read = [self._array(c, chunk, origin) for chunk in chunks]
                    whole[role] = np.concatenate(read or origin.refuse_empty())
                    if self.domains[role].shapes[0].startswith("C"):
                        self.classes.check_count(role, len(whole[role]), "rows", c.table.label)
            self.whole = whole
        return self.whole

    def _origins(self, samples: NDArray[np.int64] | range) -> dict[str, ValueOrigin]:
        """Return where the values of these samples come from, by role."""
        found = self._row_origins(samples)
        if self.positions is None:
            return found
        return {role: self.positions.origin(origin, origin.rows) for role, origin in found.items()}

    def _row_origins(self, rows: NDArray[np.int64] | range) -> dict[str, ValueOrigin]:
        """Return where the values of these rows come from, by role."""
        return {role: self._origin(c, rows if role in self._by_row else None) for role, c in self.bound.items()}

    def _origin(self, columns: RoleColumns, rows: NDArray[np.int64] | range | None = None) -> ValueOrigin:
        table = columns.table
        names = tuple(column.name for column in columns.columns) if table.name else ()
        return ValueOrigin(
            columns.role,
            table.name,
            names,
            rows,
            memory=self.memory.setdefault(columns.role, {}),
            note=self.note,
            count_is_partial=self.is_part
            or isinstance(table, SplittableTable)
            or (rows is not None and len(rows) < (self.length or 0)),
            quoted_name={name: table.quoted_name(name) for name in names} if table.repeated else {},
            file_and_row=table.row_numbers.file_and_row,
        )

    def _array(self, columns: RoleColumns, chunk: Chunk, origin: ValueOrigin) -> NDArray[Any]:
        """Return a role's columns side by side, labels as numbers."""
        arrays: list[NDArray[Any]] = [chunk[column.name] for column in columns.columns]
        if columns.role in self.labels.numbered:
            arrays = [self.labels.number_names(columns.role, values, origin) for values in arrays]
        if len(arrays) > 1:
            for column, values in zip(columns.columns, arrays, strict=True):
                if values.ndim > 1:
                    raise DataError(
                        f"{columns.table.label}column {column.name!r} holds vectors: {columns.role} takes one such "
                        "column, or several of numbers"
                    )
            return np.stack(arrays, axis=1)
        values, domain = arrays[0], self.domains.get(columns.role)
        if values.dtype.kind != "O" and values.ndim > 2:
            is_split = self.label_role is not None and is_scores(columns.role)
            return values if is_split else values.astype(np.float64, copy=False)
        is_coded = domain is not None and domain.is_label and columns.role not in self.labels.numbered
        if not is_coded or (values.ndim > 1 and values.dtype.kind != "O"):
            return values
        if values.ndim > 1 and origin.rows is not None:  # names
            rows = np.repeat(np.asarray(origin.rows), values[0].size)
            return self.labels.code(columns.role, values.ravel(), replace(origin, rows=rows)).reshape(values.shape)
        return self.labels.code(columns.role, values, origin)

    def parts(self, kept: bool = True, rows: int | None = None) -> Iterator[Part] | None:
        """Yield parts that can be evaluated apart, or return None if there are none. The data alone decides the cuts.

        Parts are longer if their values are not `kept`; those of tables that are cut by rows may be of so many `rows`.
        """
        if self.infers_label_codes or self.samples_per_row == 0:
            return None
        self._read_whole()  # once, before the threads that evaluate parts ask for it
        tables = self.row_tables
        if len(tables) == 1 and isinstance(tables[0], SplittableTable):
            return (Part((piece,)) for piece in tables[0].pieces(self.wanted(tables[0])))
        sliceable = [table for table in tables if isinstance(table, SliceableTable)]
        lengths = {table.length for table in tables}
        length = lengths.pop() or 0
        most = rows_per_batch(self._row_bytes) * BATCHES_PER_PART
        step = rows or max(1, min(ROWS_PER_PART // max(1, self.samples_per_row), most))
        if lengths or self._is_joined or length <= step or len(sliceable) < len(tables):
            return None
        for table in sliceable:
            table.load(self.wanted(table))
        check_keys_before_parts(self.shared_keys, length)
        step = step if kept or rows else min(step * PARTS_IN_ONE, most)
        return (
            Part(tuple(table.rows(start, min(start + step, length)) for table in sliceable))
            for start in range(0, length, step)
        )

    def parts_from(self, part: Part) -> Iterator[Part]:
        """Yield parts in place of one that raised SplitInsideQuotes, and of all after it."""
        (table,) = self.row_tables
        assert isinstance(table, SplittableTable)
        return (Part((piece,)) for piece in table.pieces_from(part.pieces[0], self.wanted(table)))

    def outline(self) -> Dataset:
        """Return what workers need to read parts: the dataset without rows and open files. Can be pickled."""
        tables = {table: Table(table.name, table.format, table.columns, table.length) for table in self.tables}
        bound = {role: columns._replace(table=tables[columns.table]) for role, columns in self.bound.items()}
        policy, whole = self.policy.fresh_copy(), self._read_whole()
        return replace(self, bound=bound, policy=policy, note=ignore_note, memory={}, whole=whole, shared_keys=())

    def standalone(self, part: Part) -> Dataset:
        """Return a part as a dataset of its own, which discards notes: its rows count from 1."""
        return self.continuing(part, policy=self.policy.fresh_copy(), note=ignore_note, memory={})

    def continuing(self, part: Part, **changes: Any) -> Dataset:
        """Return a part as the rows after all that was read of this dataset: errors name the right row."""
        pieces = dict(zip(self.row_tables, part.pieces, strict=True))
        bound = {role: c._replace(table=pieces.get(c.table, c.table)) for role, c in self.bound.items()}
        whole = self._read_whole()
        return replace(self, bound=bound, whole=whole, models=(), jobs=1, is_part=True, shared_keys=(), **changes)

    def renumber(self, batch: Batch, rows_before: int) -> Batch:
        """Return a batch of a standalone part as one of this dataset, with so many rows before the part."""
        rows = shift_numbers(batch.numbers, rows_before)
        length = None if self.length is None else self.length * self.samples_per_row
        return replace(batch, numbers=rows, origins=self._origins(rows), length=length)

    def wanted(self, table: Table) -> dict[str, Kind]:
        """Return the columns that are read of a table; labels are text if names can stand for them."""
        wanted = {key.name: key.kind for key in self.shared_keys if table in key.tables}
        as_codes = dict.fromkeys(self.policy.repeating, Kind.CODES)
        wanted |= {name: as_codes.get(name, Kind.TEXT) for name in self._carried if table.column(name) is not None}
        named = bool(self.classes.names) and not self.classes.has_numeric_names
        for columns in self._by_row.values():
            if columns.table is table:
                domain = self.domains.get(columns.role)
                is_label = domain is not None and domain.is_label
                is_numbered = columns.role in self.labels.numbered
                is_label &= len(columns.columns) == 1 or is_numbered
                for column in columns.columns:
                    is_flat = not column.trailing or columns.role == self.label_role or is_numbered
                    is_text = is_label and is_flat and (named or column.kind is Kind.TEXT)
                    kind = Kind.CODES if columns.role == QUERY else Kind.TEXT if is_text else Kind.NUMBER
                    wanted[column.name] = kind
        return wanted

    def _aligned_chunks(self) -> Iterator[AlignedChunks]:
        """Return chunks of all tables, cut to the same rows."""
        tables = self.row_tables
        if self._is_joined and self.id is not None:
            return self._join(tables, self.id)
        row_bytes = self._row_bytes
        for table in tables:
            table.bytes_beside = row_bytes - self._row_bytes_of(table) if row_bytes > WIDE_ROW_BYTES else 0
        jobs = min(self.jobs, max(1, PIECES_AHEAD // len(tables)))
        several = [
            table.chunks_by_threads(self.wanted(table), jobs)
            if jobs > 1 and isinstance(table, SplittableTable)
            else table.chunks(self.wanted(table))
            for table in tables
        ]
        if len(tables) == 1:
            return ({tables[0]: chunk} for chunk in several[0] if count_chunk_rows(chunk))
        streams = [ChunkStream(table, self._label(table), c) for table, c in zip(tables, several, strict=True)]
        return check_order(align(streams), self.shared_keys)

    def _label(self, table: Table) -> str:
        """Return what messages call a table: its name, or the role that an array was given for."""
        return table.name or next(role for role, columns in self.bound.items() if columns.table is table)

    def _join(self, tables: Sequence[Table], key: str) -> Iterator[AlignedChunks]:
        """Yield all rows of the tables, paired by the key."""

        def leave_out(text: str, count: int) -> None:
            self.note(text)
            self.policy.left_out = count

        may_lack = any(map(is_of_model, self.bound))
        yield join_by_key(tables, key, self.wanted, self._label, leave_out if may_lack else None, self.policy.nan)
