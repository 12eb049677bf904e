"""A dataset: roles bound to columns of tables, read as batches of aligned rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.batch import Batch, RowPolicy
from losscli.data.columns import RoleColumns, label_of, suggest
from losscli.data.labels import AnyNames, ClassNames
from losscli.data.table import Chunk, Column, Kind, Table, as_text
from losscli.declaration.domains import Array, Domain, ValueOrigin
from losscli.errors import DataError

Parts = dict[int, Chunk]
"""Chunks of the same rows by the id of their table."""

SLICE = 1 << 18
"""Rows of a part, where tables are cut by rows."""

SLICES = 4
"""Slices of a part of which no value is kept: it takes no more memory then, and there are fewer to put together."""


class Part(NamedTuple):
    """The same rows of every table that has rows: a piece of each. Can be pickled where the tables are files."""

    pieces: tuple[Table, ...]

    def remaining_pieces(self, wanted: Mapping[str, Kind]) -> Iterator[Part]:
        """Parts in place of this one, which is torn, and of all that follow it."""
        return (Part((piece,)) for piece in self.pieces[0].remaining_pieces(wanted))


def ignore_note(text: str) -> None:
    """Where notes go that nobody is to read."""


@dataclass(eq=False, repr=False)
class Dataset:
    """Gives batches of aligned rows. May be read once.

    `extras` are columns that are carried along as text (ids, groups); `id` is the one of them that pairs files;
    `models` are the names of several models, each of which has a role of its own beside `y_pred`. `jobs` threads
    read ahead where that can be.
    `whole` are the arrays that have no rows, once they are read. `memory` is what the checks of each role remember from
    one batch to the next. Where there are `parts`, each of them `alone` is a dataset, too.
    """

    bound: Mapping[str, RoleColumns]
    domains: Mapping[str, Domain]
    policy: RowPolicy
    note: Callable[[str], None]
    classes: ClassNames = field(default_factory=ClassNames)
    id: str | None = None
    extras: Sequence[str] = ()
    models: tuple[str, ...] = ()
    jobs: int = 1
    memory: dict[str, dict[str, Any]] = field(default_factory=dict)
    whole: dict[str, NDArray[Any]] | None = None
    partial: bool = False
    _names: dict[str, AnyNames] = field(default_factory=dict, init=False)

    def batches(self) -> Iterator[Batch]:
        """All rows that count, in order.

        Raises:
            DataError: lengths that differ, a value that is no number, a missing value where that is an error.
        """
        return self.policy.apply(self._batches())

    def progress(self) -> float | None:
        """The part that has been read, 0 to 1, where it can be told."""
        told = [table.progress() if table.fraction_read is None else table.fraction_read for table in self.tables]
        parts = [part for part in told if part is not None]
        return min(parts) if parts else None

    @property
    def tables(self) -> list[Table]:
        return list({id(b.table): b.table for b in self.bound.values()}.values())

    @property
    def paths(self) -> list[str]:
        return [table.name for table in self.tables if table.name]

    @property
    def format(self) -> str:
        return "+".join(dict.fromkeys(table.format for table in self.tables))

    # ---------------------------------------------------------------------------------------------- reading

    def _batches(self) -> Iterator[Batch]:
        by_row = {name: b for name, b in self.bound.items() if self._by_row(name)}
        origins = {name: self._origin(b) for name, b in self.bound.items()}
        tables = self._read_tables()
        length = self._length()
        start = self.policy.n
        for parts in self._aligned(by_row):
            size = len(next(iter(next(iter(parts.values())).values())))
            rows = range(start + 1, start + size + 1)
            here = {name: origins[name] if name in tables else origins[name].at(rows) for name in self.bound}
            arrays = {name: self._assemble(b, parts[id(b.table)], here[name]) for name, b in by_row.items()}
            weight = arrays.pop("weight", None)
            weight = None if weight is None else weight.reshape(len(weight))  # (N, 1) is (N,)
            yield Batch(
                rows, arrays | tables, here, weight, self._carried(parts), tables=frozenset(tables), length=length
            )  # fmt: skip
            start += size

    def _length(self) -> int | None:
        """How many rows there are, where that is known beforehand."""
        lengths = (b.table.length for name, b in self.bound.items() if self._by_row(name))
        return next((length for length in lengths if length is not None), None)

    def _read_tables(self) -> dict[str, NDArray[Any]]:
        """The roles that have no rows, whole."""
        if self.whole is None:
            whole = [b for name, b in self.bound.items() if not self._by_row(name)]
            self.whole = {b.role: self._read_whole(b, self._origin(b)) for b in whole}
        return self.whole

    def _origin(self, bound: RoleColumns) -> ValueOrigin:
        columns = tuple(column.name for column in bound.columns) if bound.table.name else ()
        memory = self.memory.setdefault(bound.role, {})
        more = self.partial or bound.table.can_split
        quoted_name = {name: bound.table.quoted_name(name) for name in columns}
        return ValueOrigin(
            bound.role, bound.table.name, columns, memory=memory, note=self.note, count_is_partial=more, quoted_name=quoted_name,
            file_and_row=bound.table.file_and_row,
        )  # fmt: skip

    def _read_whole(self, bound: RoleColumns, origin: ValueOrigin) -> NDArray[Any]:
        chunks = bound.table.chunks({column.name: Kind.NUMBER for column in bound.columns})
        return np.concatenate([self._assemble(bound, chunk, origin) for chunk in chunks])

    def _assemble(self, bound: RoleColumns, chunk: Chunk, origin: ValueOrigin) -> NDArray[Any]:
        """The role's columns side by side, labels as numbers."""
        columns = [chunk[column.name] for column in bound.columns]
        domain = self.domains.get(bound.role)
        if len(columns) == 1:
            label = domain is not None and domain.is_label and columns[0].ndim == 1
            return self._codes(columns[0], bound, origin) if label else columns[0]
        for column, values in zip(bound.columns, columns, strict=True):
            if values.ndim > 1:
                raise DataError(f"{label_of(bound.table)}column {column.name!r} holds vectors: {bound.role} takes one "
                                "such column, or several of numbers")  # fmt: skip
        return np.stack(columns, axis=1)

    def _codes(self, labels: NDArray[Any], bound: RoleColumns, origin: ValueOrigin) -> Array:
        if self.domains[bound.role].accepts_any_label and not self.classes.names and labels.dtype.kind == "O":
            return self._names.setdefault(bound.role, AnyNames()).codes(labels)
        return self.classes.codes(labels, origin)

    # ----------------------------------------------------------------------------------------------- by parts

    def parts(self, kept: bool = True) -> Iterator[Part] | None:
        """Parts that can be evaluated apart, cut where the data alone decides; None where there are none.

        They are longer where no value of theirs is `kept`.
        """
        if self.infers_label_codes:
            return None
        tables = self.row_tables
        if len(tables) == 1 and tables[0].can_split:
            return (Part((piece,)) for piece in tables[0].pieces(self.wanted(tables[0])))
        lengths = {table.length for table in tables}
        length = lengths.pop() or 0
        joined = self.id is not None and len(tables) > 1
        if lengths or joined or length <= SLICE or not all(table.can_slice for table in tables):
            return None
        step = SLICE if kept else SLICE * SLICES
        return (Part(tuple(table.rows(i, min(i + step, length)) for table in tables)) for i in range(0, length, step))

    @property
    def row_tables(self) -> list[Table]:
        return list({id(b.table): b.table for name, b in self.bound.items() if self._by_row(name)}.values())

    @property
    def infers_label_codes(self) -> bool:
        """Whether labels are names that get their numbers as they come."""
        named = (b for b in self.bound.values() if b.role in self.domains and self.domains[b.role].accepts_any_label)
        return any(column.kind is Kind.TEXT for bound in named for column in bound.columns)

    def outline(self) -> Dataset:
        """What it takes to make datasets of parts elsewhere: no table has rows, no file is open."""
        tables = {id(table): table.outline() for table in self.tables}
        bound = {name: b._replace(table=tables[id(b.table)]) for name, b in self.bound.items()}
        policy, whole = RowPolicy(self.policy.nan), self._read_tables()
        return replace(self, bound=bound, policy=policy, note=ignore_note, memory={}, whole=whole)

    def standalone(self, part: Part) -> Dataset:
        """A part as a dataset that knows of no other, and is silent: its rows count from 1."""
        return self._of(part, RowPolicy(self.policy.nan), ignore_note, {})

    def continuing(self, part: Part) -> Dataset:
        """A part as what comes after all that was read of this dataset: errors name the right row."""
        return self._of(part, self.policy, self.note, self.memory)

    def _of(
        self, part: Part, policy: RowPolicy, note: Callable[[str], None], memory: dict[str, dict[str, Any]]
    ) -> Dataset:
        pieces = {id(table): piece for table, piece in zip(self.row_tables, part.pieces, strict=True)}
        bound = {name: b._replace(table=pieces.get(id(b.table), b.table)) for name, b in self.bound.items()}
        return Dataset(
            bound, self.domains, policy, note, self.classes, self.id, self.extras,
            memory=memory, whole=self._read_tables(), partial=True,
        )  # fmt: skip

    def renumber(self, batch: Batch, before: int) -> Batch:
        """A batch of a part that was `alone` as one of this dataset, with so many rows before the part."""
        rows = batch.rows + before
        origins = {name: self._origin(bound) for name, bound in self.bound.items()}
        here = {name: origin if name in batch.tables else origin.at(rows) for name, origin in origins.items()}
        return replace(batch, numbers=rows, origins=here, length=self._length())

    def iter_without_verdict(self) -> Iterator[Batch]:
        """The batches of a dataset that is a part, without the verdict on the rows that lack a value."""
        return self.policy.each(self._batches())

    # ------------------------------------------------------------------------------------ columns of a table

    def _by_row(self, role: str) -> bool:
        return role not in self.domains or self.domains[role].per_row

    def wanted(self, table: Table) -> dict[str, Kind]:
        """The columns that are read of a table."""
        by_row = [b for b in self.bound.values() if b.table is table and self._by_row(b.role)]
        wanted = {c.name: self._kind(b, c) for b in by_row for c in b.columns}
        return dict.fromkeys(self._carried_by(table), Kind.TEXT) | wanted

    def _kind(self, bound: RoleColumns, column: Column) -> Kind:
        """Labels are read as text where names can stand for them."""
        domain = self.domains.get(bound.role)
        if domain is None or not domain.is_label or column.trailing or bound.several:
            return Kind.NUMBER
        named = bool(self.classes.names) and not self.classes.numeric
        return Kind.TEXT if named or column.kind is Kind.TEXT else Kind.NUMBER

    def _carried_by(self, table: Table) -> list[str]:
        names = [*([self.id] if self.id else []), *self.extras]
        return [name for name in dict.fromkeys(names) if table.column(name) is not None]

    def _carried(self, parts: Parts) -> dict[str, NDArray[Any]]:
        """The extra columns, from the first table that has them."""
        extras: dict[str, NDArray[Any]] = {}
        for table in self.tables:
            for name in self._carried_by(table):
                if name in parts.get(id(table), {}):
                    values = parts[id(table)][name]
                    extras.setdefault(name, as_text(values) if values.dtype.kind == "f" else values)
        return extras

    # ------------------------------------------------------------------------------------------- aligning

    def _aligned(self, bound: Mapping[str, RoleColumns]) -> Iterator[Parts]:
        """Chunks of all tables, cut to the same rows."""
        tables = list({id(b.table): b.table for b in bound.values()}.values())
        if len(tables) > 1 and self.id:
            yield self._joined(tables, self.id)
            return
        streams = [_Stream(table, self._read(table)) for table in tables]
        while True:
            sizes = [stream.ready() for stream in streams]
            if not any(sizes):
                return
            if not all(sizes):
                raise _lengths_differ(streams)
            yield {id(stream.table): stream.take(min(sizes)) for stream in streams}

    def _read(self, table: Table) -> Iterator[Chunk]:
        wanted = self.wanted(table)
        if self.jobs == 1 or not (table.can_split and table.small_pieces):
            return table.chunks(wanted)
        from losscli.data.prefetch import chunks_of

        return chunks_of(table, wanted, self.jobs)

    def _joined(self, tables: Sequence[Table], key: str) -> Parts:
        """All rows of the first table, with the rows of the others that have the same key."""
        parts: Parts = {}
        order: dict[str, int] = {}
        for table in tables:
            if table.column(key) is None:
                raise DataError(f"{table.name}: no column {key!r} to join by{suggest(key, table)}")
            chunks = list(table.chunks(self.wanted(table)))
            whole = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
            positions = _positions(table, whole[key])
            order = order or positions
            _same_keys(tables[0], order, table, positions)
            table.order = np.array([positions[k] for k in order])
            parts[id(table)] = {name: values[table.order] for name, values in whole.items()}
        return parts


class _Stream:
    """Chunks of one table, taken in pieces of any size."""

    def __init__(self, table: Table, chunks: Iterator[Chunk]) -> None:
        self.table = table
        self._chunks = chunks
        self._chunk: Chunk = {}
        self._at = 0
        self._taken = 0

    def ready(self) -> int:
        """How many rows can be taken at once; 0 at the end."""
        while self._left() == 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._chunk, self._at = chunk, 0
        return self._left()

    def _left(self) -> int:
        return len(next(iter(self._chunk.values()))) - self._at if self._chunk else 0

    def take(self, size: int) -> Chunk:
        low, self._at = self._at, self._at + size
        self._taken += size
        return {name: values[low : self._at] for name, values in self._chunk.items()}

    def count(self) -> int:
        """All rows of the table; reads it to its end."""
        while size := self.ready():
            self.take(size)
        return self._taken


def _lengths_differ(streams: Sequence[_Stream]) -> DataError:
    (first, rows), *others = [(stream.table.name, stream.count()) for stream in streams]
    name, count = next(other for other in others if other[1] != rows)
    return DataError(
        f"lengths differ: {first} has {rows} rows, {name} has {count}; rows are paired in order, or by a key with "
        "--id COL"
    )


def _positions(table: Table, keys: NDArray[Any]) -> dict[str, int]:
    positions: dict[str, int] = {}
    for i, key in enumerate(keys.tolist()):
        if key is None:
            raise DataError(f"{table.name}: row {i + 1} has no key")
        if key in positions:
            raise DataError(f"{table.name}: rows {positions[key] + 1} and {i + 1} have the same key {key!r}")
        positions[key] = i
    return positions


def _same_keys(first: Table, order: Mapping[str, int], other: Table, positions: Mapping[str, int]) -> None:
    for a, mine, b, theirs in ((first, order, other, positions), (other, positions, first, order)):
        lacking = [key for key in mine if key not in theirs]
        if lacking:
            more = f" (and {len(lacking) - 1} more keys)" if len(lacking) > 1 else ""
            raise DataError(f"{b.name}: has no row with the key {lacking[0]!r}, which {a.name} has{more}")
