"""Open inputs: bytes from a file, a URI or standard input, their compression and their format."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast

from losscli.data import remote
from losscli.data.open_file import FileReader, OpenFile
from losscli.errors import DataError
from losscli.messages import Hint

STDIN = "-"
BYTES_PER_READ = 1 << 16
BYTES_PER_PIPE = 1 << 20
BYTES_PER_COPY = 1 << 20

FORMAT_BY_ENDING = (
    {".csv": "csv", ".txt": "csv", ".tsv": "tsv", ".tab": "tsv"}
    | {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".npy": "npy", ".npz": "npz"}
    | {".parquet": "parquet", ".pq": "parquet", ".feather": "feather", ".arrow": "feather"}
)
"""Ending of a file name -> format."""

FORMATS = tuple(dict.fromkeys(FORMAT_BY_ENDING.values()))

COMPRESSION_BY_ENDING = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
FORMAT_BY_MAGIC = {b"\x93NUMPY": "npy", b"PK\x03\x04": "npz", b"PAR1": "parquet"}
FORMAT_BY_MAGIC |= {b"ARROW1": "feather", b"FEA1": "feather"}
COMPRESSION_BY_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
MODULE_BY_COMPRESSION = {"gzip": "gzip", "bzip2": "bz2", "xz": "lzma"}
DECOMPRESSION_ERRORS = {("zlib", "error"), ("_lzma", "LZMAError")}
"""Module and name of errors that derive from Exception alone. Importing both modules to name them would cost time."""


class Input:
    """One input: its name in messages, its compression, and its bytes as a stream or as a file.

    Attributes:
        name: The path as messages show it, without credentials.
        path: `-`, a URI, or an absolute path, which other processes can open too.
        is_remote: Whether the path is a URI.
        compression: `gzip`, `bzip2`, `xz`, `zstd` or None.
        stream: The decompressed bytes, to be read once.
        seekable_size: The number of bytes if they can be read from any offset, None for a pipe or a compressed file.
        open_file: What reads a regular file at any offset and checks that it has not changed; None for a pipe.
    """

    def __init__(self, path: str) -> None:
        """Open an input.

        Raises:
            DataError: The file does not exist, cannot be read, or is not compressed as its name says.
        """
        self.is_remote = "://" in path and remote.is_uri(path)
        self.name = remote.hide_credentials(path) if self.is_remote else "standard input" if path == STDIN else path
        self._opened = self._open(path)
        self.path = self._opened.path if self._opened else path
        self.open_file = self._opened if self._opened and self._opened.is_regular else None
        self._raw = self._read_in_order()
        self.compression: str | None = None
        self.stream = io.BufferedReader(ErrorMappingStream(self._decompress(), self), buffer_size=BYTES_PER_READ)
        can_seek = path != STDIN and self.compression is None
        self.seekable_size = self.open_file.state.size if self.open_file and can_seek else None

    def _open(self, path: str) -> OpenFile | None:
        """Return the open file, a pipe included; None for standard input that is replaced by a buffer."""
        if path == STDIN:
            with suppress(OSError, ValueError):
                return OpenFile(STDIN, self.name, sys.stdin.buffer.fileno())
            return None
        try:
            if os.path.isdir(path):
                raise DataError(f"{path}: is a folder without any CSV or Parquet file in it")
            return OpenFile(path, self.name)
        except FileNotFoundError:
            raise DataError(f"{self.name}: no such file{_suggest_path(path)}") from None
        except OSError as error:
            raise DataError(f"{self.name}: cannot be read: {remote.summarize_error(error)}") from None

    def _read_in_order(self) -> io.BufferedReader[Any]:
        """Return the bytes as they are, to be read once."""
        if self.path == STDIN:
            raw: Any = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
            _enlarge_pipe(raw)
        elif self.open_file is not None:
            raw = FileReader(self.open_file, is_checked=False)
        else:
            assert self._opened is not None
            raw = self._opened.handle()
        return io.BufferedReader(raw, buffer_size=BYTES_PER_READ)

    def check(self, is_last: bool = True) -> None:
        """Check that the file has not changed since it was opened; a pipe cannot.

        A remote file is asked for only by the last check: each takes its time to answer.

        Raises:
            FileChangedError: It has.
        """
        if self.open_file is not None and (is_last or not self.is_remote):
            self.open_file.check()

    def _decompress(self) -> BinaryIO:
        """Return the bytes, decompressed as the first of them say."""
        head = self._raw.peek(BYTES_PER_READ)
        self.compression = next((kind for magic, kind in COMPRESSION_BY_MAGIC.items() if head.startswith(magic)), None)
        named = COMPRESSION_BY_ENDING.get(os.path.splitext(self.name)[1].lower())
        if named and head and self.compression != named:
            self.close()
            raise DataError(f"{self.name}: is not {named}-compressed, as its name says; it may be damaged")
        if self.compression == "zstd":
            import pyarrow

            return cast(BinaryIO, pyarrow.CompressedInputStream(pyarrow.PythonFile(self._raw, "r"), "zstd"))
        if self.compression is not None:
            module = importlib.import_module(MODULE_BY_COMPRESSION[self.compression])
            return cast(BinaryIO, module.open(self._raw))
        return cast(BinaryIO, self._raw)

    def close(self) -> None:
        """Close the file, unless pieces of it are still to be read; leave standard input open."""
        if self.path != STDIN:
            self._raw.close()
            self._opened = self.open_file = None

    def head(self) -> bytes:
        """Return the first bytes without consuming them."""
        return self.stream.peek(BYTES_PER_READ)[:BYTES_PER_READ]

    def progress(self) -> float | None:
        """Return the fraction of bytes that has been read, None if the size is unknown."""
        size = self.open_file.state.size if self.open_file else 0
        return min(1.0, self._raw.tell() / size) if size else None

    @contextmanager
    def file(self) -> Iterator[str]:
        """Give the path of a local file with the decompressed bytes: the open file, or else a temporary copy."""
        if self.seekable_size is not None and not self.is_remote and self.open_file:
            # its own path may be that of another file by now; child processes can open this one, too
            path = f"/proc/{os.getpid()}/fd/{self.open_file.handle().fileno()}"
            if os.path.exists(path):
                yield path
                return
        import shutil
        import tempfile

        with tempfile.NamedTemporaryFile(prefix="losscli-", suffix=".tmp") as copy:
            shutil.copyfileobj(self.stream, copy, BYTES_PER_COPY)
            copy.flush()
            yield copy.name

    def format(self) -> str:
        """Return the format that the name's ending stands for, else the one that the first bytes suggest.

        Raises:
            DataError: The name is that of a text format, the first bytes are those of a binary one.
        """
        ending = format_ending(self.name)
        head = self.head()
        found = next((kind for magic, kind in FORMAT_BY_MAGIC.items() if head.startswith(magic)), None)
        named = FORMAT_BY_ENDING.get(ending.lower()) if self.path != STDIN else None
        if found and named != found and named in ("csv", "tsv", "json", "jsonl"):
            raise DataError(f"{self.name}: is named {ending} but holds {found}", Hint.INPUT_FORMAT, format=found)
        return named or found or _guess_text_format(head)


def format_ending(name: str) -> str:
    """Return the ending that names the format: that of the file, or the one before `.gz` and the like."""
    stem, ending = os.path.splitext(name)
    return os.path.splitext(stem)[1] if ending.lower() in COMPRESSION_BY_ENDING else ending


def is_delimiter(text: str) -> bool:
    """Return whether a text can separate cells: one character that is no quote and no line end."""
    return len(text) == 1 and text not in '"\r\n'


def _guess_text_format(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] == b"[":
        return "json"
    first_line, newline, rest = start.partition(b"\n")
    if start[:1] == b"{":
        is_record_per_line = newline and first_line.rstrip().endswith(b"}") and rest.lstrip()[:1] == b"{"
        return "jsonl" if is_record_per_line else "json"
    return "tsv" if b"\t" in first_line and b"," not in first_line else "csv"


class ErrorMappingStream(io.RawIOBase):
    """A stream whose failures are DataErrors that name the input."""

    def __init__(self, inner: BinaryIO, source: Input) -> None:
        self._inner, self._source = inner, source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            count: int = self._inner.readinto(buffer)  # type: ignore[attr-defined]
            self._source.check(is_last=not count)
            return count
        except DataError:
            raise
        except IsADirectoryError:
            raise DataError(f"{self._source.name}: is a folder") from None
        except Exception as error:
            self._source.check()
            is_damaged = isinstance(error, (EOFError, OSError, ValueError))
            if not is_damaged and (type(error).__module__, type(error).__name__) not in DECOMPRESSION_ERRORS:
                raise
            kind = f"{self._source.compression} data" if self._source.compression else "file"
            problem = f"the {kind} is damaged or cut short ({str(error).rstrip('.')})"
            raise DataError(f"{self._source.name}: {problem}") from None


def _enlarge_pipe(pipe: BinaryIO) -> None:
    """Enlarge the buffer of a pipe if the system supports that: its writer then waits less often."""
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, BYTES_PER_PIPE)


def _suggest_path(path: str) -> str:
    import difflib

    folder = os.path.dirname(path)
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return ""
    close = difflib.get_close_matches(os.path.basename(path), names, n=1, cutoff=0.75)
    return f" (did you mean {os.path.join(folder, close[0])}?)" if close else ""
