"""Bytes from a file or standard input: compression and format found out, nothing guessed from content alone
where the name says it."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from losscli.data import remote
from losscli.errors import DataError

STDIN = "-"
HEAD = 1 << 16
PIPE = 1 << 20

FORMATS = ("csv", "tsv", "json", "jsonl", "npy", "npz", "parquet", "feather")
ENDINGS = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".txt": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".npy": "npy", ".npz": "npz", ".parquet": "parquet", ".pq": "parquet", ".feather": "feather", ".arrow": "feather",
}  # fmt: skip
COMPRESSION = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
DECOMPRESSION_ERRORS = {("zlib", "error"), ("_lzma", "LZMAError")}
"""Module and name of errors that derive from nothing more telling; importing them only to name them costs time."""
COMPRESSED_ENDINGS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
MAGIC = {b"\x93NUMPY": "npy", b"PK\x03\x04": "npz", b"PAR1": "parquet", b"ARROW1": "feather", b"FEA1": "feather"}


class Input:
    """One input: its name in messages, its compression and format, and its bytes as a stream or as a file."""

    def __init__(self, path: str) -> None:
        """Open it.

        Raises:
            DataError: there is no such file, or it cannot be read.
        """
        self.name = "standard input" if path == STDIN else remote.shown(path)
        self.remote = remote.is_uri(path)
        self.path = path if path == STDIN or self.remote else os.path.abspath(path)  # others may open it elsewhere
        self._raw = self._open(path, self.name)
        self._size = _size(self._raw)
        head = self._raw.peek(HEAD)
        self.compression = next((kind for magic, kind in COMPRESSION.items() if head.startswith(magic)), None)
        try:
            self._check_ending()
        except DataError:
            self.close()
            raise
        self._stream = io.BufferedReader(ErrorMappingStream(self._decompressed(), self), buffer_size=HEAD)

    @staticmethod
    def _open(path: str, name: str) -> io.BufferedReader[Any]:
        if path == STDIN:
            enlarge_pipe(sys.stdin.buffer)
            return io.BufferedReader(cast(io.RawIOBase, _unbuffered(sys.stdin.buffer)), buffer_size=HEAD)
        try:
            if os.path.isdir(path):
                raise DataError(f"{path}: is a folder without any CSV or Parquet file in it")
            if remote.is_uri(path):
                return io.BufferedReader(remote.Raw(path), buffer_size=HEAD)
            return cast("io.BufferedReader[Any]", open(path, "rb", buffering=HEAD))
        except FileNotFoundError:
            raise DataError(f"{name}: no such file{_similar(path)}") from None
        except OSError as error:
            raise DataError(f"{name}: cannot be read: {remote.reason(error)}") from None

    def _check_ending(self) -> None:
        ending = COMPRESSED_ENDINGS.get(os.path.splitext(self.name)[1].lower())
        if ending and self.compression != ending and self._raw.peek(1):
            raise DataError(f"{self.name}: is not {ending}-compressed, as its name says; it may be damaged")

    def _decompressed(self) -> BinaryIO:
        raw = cast(BinaryIO, self._raw)
        if self.compression == "gzip":
            import gzip

            return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
        if self.compression == "bzip2":
            import bz2

            return cast(BinaryIO, bz2.BZ2File(raw))
        if self.compression == "xz":
            import lzma

            return cast(BinaryIO, lzma.LZMAFile(raw))
        if self.compression == "zstd":
            import pyarrow

            return cast(BinaryIO, pyarrow.CompressedInputStream(pyarrow.PythonFile(self._raw, "r"), "zstd"))
        return raw

    def close(self) -> None:
        """Let go of the file (standard input stays open: it is not ours)."""
        if self.path != STDIN:
            self._raw.close()

    @property
    def stream(self) -> io.BufferedReader[Any]:
        """The decompressed bytes, to be read once from the start."""
        return self._stream

    def head(self) -> bytes:
        """The first bytes, still to be read."""
        return self._stream.peek(HEAD)[:HEAD]

    def progress(self) -> float | None:
        if not self._size:
            return None
        return min(1.0, self._raw.tell() / self._size)

    def size_of_file(self) -> int | None:
        """How many bytes there are, where they can be read from any place on: in a file that is not compressed."""
        return self._size if self.path != STDIN and self.compression is None and self._regular() else None

    def _regular(self) -> bool:
        return self.remote or stat.S_ISREG(os.fstat(self._raw.fileno()).st_mode)

    @contextmanager
    def file(self) -> Iterator[str]:
        """A path with the decompressed bytes, for formats that are read from the end; a copy where need be."""
        if self.path != STDIN and self.compression is None and not self.remote:
            yield self.path
            return
        import shutil
        import tempfile

        with tempfile.NamedTemporaryFile(prefix="losscli-", suffix=".tmp") as copy:
            shutil.copyfileobj(self._stream, copy, 1 << 20)
            copy.flush()
            yield copy.name

    def format(self) -> str:
        """The format: by the name's ending, else by the first bytes."""
        name = self.name
        stem, ending = os.path.splitext(name)
        if ending.lower() in COMPRESSED_ENDINGS:
            ending = os.path.splitext(stem)[1]
        head = self.head()
        found = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)
        named = ENDINGS.get(ending.lower()) if self.path != STDIN else None
        if named:
            if found and named != found and named in ("csv", "tsv", "json", "jsonl"):
                raise DataError(f"{self.name}: is named {ending} but holds {found}: --input-format {found} reads it")
            return named
        return found or self._sniff_text(head)

    def _sniff_text(self, head: bytes) -> str:
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        if start[:1] == b"[":
            return "json"
        if start[:1] == b"{":
            first, newline, rest = start.partition(b"\n")
            whole = first.rstrip().endswith(b"}") and rest.lstrip()[:1] == b"{"
            return "jsonl" if newline and whole else "json"
        first_line = start.partition(b"\n")[0]
        return "tsv" if b"\t" in first_line and b"," not in first_line else "csv"


class ErrorMappingStream(io.RawIOBase):
    """A stream whose failures are DataErrors that name the input."""

    def __init__(self, inner: BinaryIO, source: Input) -> None:
        self._inner, self._source = inner, source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            return self._inner.readinto(buffer)  # type: ignore[attr-defined, no-any-return]
        except IsADirectoryError:
            raise DataError(f"{self._source.name}: is a folder") from None
        except (EOFError, OSError, ValueError) as error:
            raise self._damaged(error) from None
        except Exception as error:
            if (type(error).__module__, type(error).__name__) not in DECOMPRESSION_ERRORS:
                raise
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> DataError:
        kind = f"{self._source.compression} data" if self._source.compression else "file"
        return DataError(f"{self._source.name}: the {kind} is damaged or cut short ({str(error).rstrip('.')})")


def _unbuffered(buffer: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, getattr(buffer, "raw", buffer))


def enlarge_pipe(pipe: BinaryIO) -> None:
    """Have a pipe hold more, where that can be said: whoever writes to it then waits less often."""
    try:
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE)
    except (ImportError, AttributeError, OSError, ValueError):
        return


def _size(raw: io.BufferedReader[Any]) -> int | None:
    if isinstance(raw.raw, remote.Raw):
        return raw.raw.size
    try:
        return os.fstat(raw.fileno()).st_size
    except (OSError, ValueError):
        return None


def _similar(path: str) -> str:
    import difflib

    folder = os.path.dirname(path) or "."
    try:
        names = os.listdir(folder)
    except OSError:
        return ""
    close = difflib.get_close_matches(os.path.basename(path), names, n=1, cutoff=0.75)
    return f" (did you mean {os.path.join(os.path.dirname(path), close[0])}?)" if close else ""
