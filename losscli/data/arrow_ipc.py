"""Read Arrow's own formats: files (Feather), streams, Feather of version 1. All data is validated before its use."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import BinaryIO

import pyarrow as pa
from pyarrow import ipc

from losscli.data.files import Input, no_copy_error
from losscli.errors import DataError

FILE_MAGIC = b"ARROW1"
VERSION_1_MAGIC = b"FEA1"
ENDS_OF_STREAM = (b"\xff\xff\xff\xff\x00\x00\x00\x00", b"\x00\x00\x00\x00")
"""What a writer puts behind the last batch; old ones leave out the first half."""

BYTES_OF_CHILD = 1 << 29
"""What the process that reads a file of version 1 needs besides the data."""

_CONVERT = f"""
import errno, os, sys
try:
    import resource
except ImportError:  # Windows
    pass
else:
    limit = {BYTES_OF_CHILD} + 32 * os.path.getsize(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
import pyarrow as pa, pyarrow.feather
table = pyarrow.feather.read_table(sys.argv[1], memory_map=False)
if table.nbytes > 2 * os.path.getsize(sys.argv[1]) + (1 << 20):  # nothing is compressed
    sys.exit("its columns are longer than the file")
table.validate(full=True)
try:
    with pa.ipc.new_file(sys.argv[2], table.schema) as writer:
        writer.write_table(table)
except OSError as error:
    print(error.errno or errno.EIO)
"""


def open_ipc(source: Input, stack: ExitStack) -> FeatherReader | StreamReader:
    """Open a file or a stream, as its first bytes say; `stack` closes what is opened.

    Raises:
        DataError: It is damaged; PyArrow has errors of its own for that, too.
    """
    head = source.head()
    if head.startswith(VERSION_1_MAGIC):
        try:
            copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="losscli-", suffix=".tmp"))  # noqa: SIM115
        except OSError as error:
            raise no_copy_error(error) from error
        _convert_version_1(stack.enter_context(source.file()), copy.name, source.name)
        return FeatherReader(copy.name, stack)
    if head.startswith(FILE_MAGIC):
        return FeatherReader(stack.enter_context(source.file()), stack)
    return StreamReader(source)


def _convert_version_1(path: str, target: str, name: str) -> None:
    """Write a file of version 1 as one of version 2.

    The reader of version 1 does not check what it reads, and may kill the process: another one has to be that process.
    """
    command = [sys.executable, "-P", "-W", "ignore", "-c", _CONVERT, path, target]
    environment = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"}  # others reserve more than they need
    child = subprocess.run(command, capture_output=True, check=False, text=True, errors="replace", env=environment)
    if child.returncode != 0:
        lines = child.stderr.strip().splitlines()
        reason = lines[-1] if lines and child.returncode > 0 else "reading it kills the process"
        raise DataError(f"{name}: is not feather, or is damaged ({reason})")
    if child.stdout:
        raise no_copy_error(OSError(int(child.stdout), ""))


def validated(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose buffers, offsets, indices and texts are sound.

    Raises:
        pa.ArrowInvalid: They are not.
    """
    if batch.num_rows < 0:
        raise pa.ArrowInvalid(f"a batch of {batch.num_rows} rows")
    batch.validate(full=True)
    return batch


class FeatherReader:
    """Reads record batches of a Feather or Arrow IPC file."""

    groups = 1

    def __init__(self, path: str, stack: ExitStack) -> None:
        self._file = stack.enter_context(pa.OSFile(path))
        self.close = self._file.close
        reader = ipc.open_file(self._file)
        self.schema = reader.schema
        self._n_batches = reader.num_record_batches
        self.length = sum(batch.num_rows for batch in self._read([_cheapest(self.schema)]))

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        return map(validated, self._read([self.schema.get_field_index(name) for name in columns]))

    def first_batch(self, columns: list[str]) -> pa.RecordBatch | None:
        """Return the first batch, None if there is none."""
        return next(self.batches(columns), None)

    def _read(self, columns: Sequence[int]) -> Iterator[pa.RecordBatch]:
        """Yield batches of some columns; the others are not read."""
        reader = ipc.open_file(self._file, options=ipc.IpcReadOptions(included_fields=list(columns)))
        for i in range(self._n_batches):
            yield reader.get_batch(i)


def _cheapest(schema: pa.Schema) -> int:
    """Return the column that has the fewest bytes: any of them tells the number of rows."""

    def bits(i: int) -> int:
        type_ = schema.field(i).type
        return type_.bit_width if pa.types.is_primitive(type_) else 1 << 16

    return min(range(len(schema)), key=bits)


class StreamReader:
    """Reads record batches of an Arrow IPC stream, one after the other."""

    groups = 1
    length = None

    def __init__(self, source: Input) -> None:
        self._stream = _RememberingStream(source.stream)
        self._reader = ipc.open_stream(pa.PythonFile(self._stream, "r"))
        self.schema = self._reader.schema
        self._first: pa.RecordBatch | None = None

    def first_batch(self, columns: list[str]) -> pa.RecordBatch | None:
        """Return the first batch, None if there is none; it is kept for who reads them all."""
        if self._first is None:
            self._first = next(self._reader, None)
        return None if self._first is None else validated(self._first.select(columns))

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        while (batch := self.first_batch(columns)) is not None:
            self._first = None
            yield batch
        if not self._stream.last.endswith(ENDS_OF_STREAM):
            raise pa.ArrowInvalid("the stream is cut short: its end is not marked")
        if self._stream.read(1):
            raise pa.ArrowInvalid("more data follows the end of the stream")

    def close(self) -> None:
        """Leave the stream to its owner."""


class _RememberingStream:
    """A stream that remembers the last bytes that were read of it."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.last = (self.last + data[-8:])[-8:]
        return data

    def close(self) -> None:
        self.closed = True
