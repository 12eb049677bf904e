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
from losscli.messages import did_you_mean_path

STDIN, STDIN_NAME = "-", "standard input"
BYTES_PER_READ = 1 << 16
BYTES_PER_PIPE = 1 << 20
BYTES_PER_COPY = 1 << 20

FORMAT_BY_ENDING = (
    {".csv": "csv", ".txt": "csv", ".tsv": "tsv", ".tab": "tsv"}
    | {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".npy": "npy", ".npz": "npz"}
    | {".parquet": "parquet", ".pq": "parquet", ".feather": "feather"}
    | {".arrow": "arrow", ".arrows": "arrow", ".ipc": "arrow", ".safetensors": "safetensors"}
    | dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), "excel")
)
"""Ending of a file name -> format."""

FORMATS = tuple(dict.fromkeys(FORMAT_BY_ENDING.values()))

COMPRESSION_BY_ENDING = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
BYTES_THAT_TELL = 512
"""Bytes that tell compression and format."""

ZIP_START = b"PK\x03\x04"
ENDINGS_OF_PACKED_FILES = (*COMPRESSION_BY_ENDING, ".zip")
COMPRESSION_BY_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
MODULE_BY_COMPRESSION = {"gzip": "gzip", "bzip2": "bz2", "xz": "lzma"}
DECOMPRESSION_ERRORS = {("zlib", "error"), ("_lzma", "LZMAError"), ("zipfile", "BadZipFile")}
"""Module and name of errors that derive from Exception alone. Importing both modules to name them would cost time."""


class Input:
    """One input: its name in messages, its compression, and its bytes as a stream or as a file.

    Attributes:
        name: The path as messages show it, without credentials.
        path: `-`, a URI, or an absolute path, which other processes can open too.
        is_remote: Whether the path is a URI.
        compression: `gzip`, `bzip2`, `xz`, `zstd`, `zip` or None.
        member: The name of the file in a ZIP archive of one, else None.
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
        self.name = remote.hide_credentials(path) if self.is_remote else STDIN_NAME if path == STDIN else path
        self._opened = self._open(path)
        self.path = self._opened.path if self._opened else path
        self.open_file = self._opened if self._opened and self._opened.is_regular else None
        self._raw = self._read_in_order()
        self.compression: str | None = None
        self.member: str | None = None
        self._archive_format: str | None = None
        self._pipes: list[io.BufferedReader[Any]] = []  # what `_raw` reads or is a copy of
        self._copy: Any = None  # a temporary file with what came through a pipe, where any offset has to be read
        self.stream = io.BufferedReader(ErrorMappingStream(self._decompress(), self), buffer_size=BYTES_PER_READ)
        can_seek = path != STDIN and self.compression is None
        self.seekable_size = self.open_file.state.size if self.open_file and can_seek else None

    def _open(self, path: str) -> OpenFile | None:
        """Return the open file, a pipe included; None for standard input that is replaced by a buffer."""
        if path == STDIN:
            if sys.stdin is None:
                raise DataError("standard input: is closed")
            with suppress(OSError, ValueError):
                return OpenFile(STDIN, self.name, sys.stdin.buffer.fileno())
            return None
        try:
            if os.path.isdir(path):
                raise DataError(f"{path}: is a folder without any CSV or Parquet file in it")
            return OpenFile(path, self.name)
        except FileNotFoundError:
            raise DataError(f"{self.name}: no such file{did_you_mean_path(path)}") from None
        except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
            raise DataError(f"{self.name}: cannot be read: {remote.summarize_error(error)}") from None

    def _read_in_order(self) -> io.BufferedReader[Any]:
        """Return the bytes as they are, to be read once."""
        if self.path == STDIN:
            raw: Any = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
            with suppress(OSError, ValueError):  # a buffer has no descriptor
                os.set_blocking(raw.fileno(), True)  # readers wait for data
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
        if 0 < len(head) < BYTES_THAT_TELL and not self._raw.seekable():  # a writer that begins with a few bytes
            self._pipes.append(self._raw)
            head = self._raw.read(BYTES_THAT_TELL)
            self._raw = io.BufferedReader(_RejoinedStream(head, self._raw), buffer_size=BYTES_PER_READ)
        self.compression = next((kind for magic, kind in COMPRESSION_BY_MAGIC.items() if head.startswith(magic)), None)
        named = COMPRESSION_BY_ENDING.get(os.path.splitext(self.name)[1].lower())
        if named and head and self.compression != named:
            self.close()
            raise DataError(f"{self.name}: is not {named}-compressed, as its name says; it may be damaged")
        if head.startswith(ZIP_START):
            return self._open_archive()
        if self.compression == "zstd":
            import pyarrow

            return cast(BinaryIO, pyarrow.CompressedInputStream(pyarrow.PythonFile(self._raw, "r"), "zstd"))
        if self.compression is not None:
            module = importlib.import_module(MODULE_BY_COMPRESSION[self.compression])
            return cast(BinaryIO, module.open(self._raw))
        return cast(BinaryIO, self._raw)

    def _open_archive(self) -> BinaryIO:
        """Return the only file in a ZIP archive; the archive itself if it is one of arrays or sheets."""
        from losscli.data.archive import open_archive

        try:
            if not self._raw.seekable():
                self._pipes.append(self._raw)
                self._copy = copy_to_file(self._raw)
                self._raw = self._copy.file
            archive = open_archive(cast(BinaryIO, self._raw), self.name)
        except BaseException:
            self.close()
            raise
        if archive.stream is None:
            self._raw.seek(0)
            self._archive_format = archive.format
            return cast(BinaryIO, self._raw)
        self.compression, self.member = "zip", archive.member
        return archive.stream

    def close(self) -> None:
        """Close the file, unless pieces of it are still to be read; leave standard input open."""
        if self._copy is not None:
            self._copy.close()
        if self.path != STDIN:
            self._raw.close()
            for pipe in self._pipes:
                pipe.close()
            self._opened = self.open_file = None

    def rename(self, name: str) -> None:
        """Set what messages call the input."""
        self.name = name
        if self._opened is not None:
            self._opened.name = name

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
        if self.compression is None and self._copy is not None:
            yield self._copy.name
            return
        if self.seekable_size is not None and not self.is_remote and self.open_file:
            # its own path may be that of another file by now; child processes can open this one, too
            path = f"/proc/{os.getpid()}/fd/{self.open_file.handle().fileno()}"
            if os.path.exists(path):
                yield path
                return
        with copy_to_file(self.stream) as copy:
            yield copy.name

    def format(self) -> str:
        """Return the format by the first bytes; where these leave it open, by the name's ending.

        Raises:
            DataError: The data is of a format that is not read.
        """
        from losscli.data.formats import detect_format

        if self._archive_format is not None:
            return self._archive_format
        ending = format_ending(self.member or self.name)
        named = FORMAT_BY_ENDING.get(ending.lower()) if self.path != STDIN or self.member else None
        return detect_format(self.name, self.head(), ending, named)


def copy_to_file(stream: BinaryIO) -> Any:
    """Return a temporary file with the rest of a stream, which is deleted when it is closed.

    Raises:
        DataError: There is no room for it.
    """
    import shutil
    import tempfile

    copy: Any = None
    try:
        copy = tempfile.NamedTemporaryFile(prefix="losscli-", suffix=".tmp")  # noqa: SIM115 - closed by who gets it
        shutil.copyfileobj(stream, copy, BYTES_PER_COPY)
        copy.seek(0)
    except BaseException as error:
        with suppress(OSError):  # it tries once more to write what did not fit
            if copy is not None:
                copy.close()
        if not isinstance(error, OSError):
            raise
        raise no_copy_error(error) from error
    return copy


def no_copy_error(error: OSError) -> DataError:
    """Return the error for a temporary file that cannot be made or written."""
    reason = error.strerror or (os.strerror(error.errno) if error.errno else error)
    return DataError(f"the data cannot be copied to a temporary file: {reason}; TMPDIR names its folder")


def format_ending(name: str) -> str:
    """Return the ending that names the format: that of the file, or the one before `.gz` and the like."""
    stem, ending = os.path.splitext(name)
    return os.path.splitext(stem)[1] if ending.lower() in ENDINGS_OF_PACKED_FILES else ending


def is_delimiter(text: str) -> bool:
    """Return whether a text can separate cells: one character that is no quote and no line end."""
    return len(text) == 1 and text not in '"\r\n'


def is_comment_sign(text: str) -> bool:
    """Return whether a text can start a comment: signs that no cell starts with, or nothing for no comments."""
    return text == "--" or (text.isprintable() and not any(c.isalnum() or c in "\"' .,+-_" for c in text))


class ErrorMappingStream(io.RawIOBase):
    """A stream whose failures are DataErrors that name the input."""

    def __init__(self, inner: BinaryIO, source: Input) -> None:
        self._inner, self._source, self._is_at_start = inner, source, True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            size: int = self._inner.readinto(buffer)  # type: ignore[attr-defined]
            while self._is_at_start and 0 < size < min(BYTES_THAT_TELL, len(buffer)):
                more = self._inner.readinto(buffer[size:])  # type: ignore[attr-defined]
                size, self._is_at_start = size + more, more > 0
            self._is_at_start = False
            self._source.check(is_last=not size)
            return size
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


class _RejoinedStream(io.RawIOBase):
    """Bytes that were read of a stream already, then the rest of it."""

    def __init__(self, start: bytes, rest: io.BufferedReader[Any]) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._start:
            return self._rest.readinto1(buffer)
        size = min(len(buffer), len(self._start))
        buffer[:size], self._start = self._start[:size], self._start[size:]
        return size


def _enlarge_pipe(pipe: BinaryIO) -> None:
    """Enlarge the buffer of a pipe if the system supports that: its writer then waits less often."""
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, BYTES_PER_PIPE)
