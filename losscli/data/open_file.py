"""One open file per input, read at any offset by any thread, and refused once it has changed.

A path may name another file from one moment to the next, and a file may be written to while it is read. Parts of both
make a number that is neither's. So all parts of an input are read through the same open file, other processes check
that theirs is the same one, and each part is only used if the file is still as it was when the input was opened.
"""

from __future__ import annotations

import io
import os
import stat
import time
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from losscli.data import remote
from losscli.errors import DataError

CLOCK_TICK_NS = 20_000_000
"""Longest time in which a file system may give two writes the same time."""

BYTES_WRITTEN_AT_ONCE = 1 << 16
"""Size of files up to which no two writes are expected within a tick."""


class FileChangedError(DataError):
    """A file is not what it was when its input was opened."""


class FileState(NamedTuple):
    """What tells whether a file has changed.

    Attributes:
        size: Its number of bytes.
        version: When it was last written, in nanoseconds, or what a store calls this version of it.
        host, device, inode: Which file it is, where that can be told: other hosts number the same file otherwise.
    """

    size: int
    version: int | str | None
    host: str = ""
    device: int = 0
    inode: int = 0

    def is_same(self, other: FileState) -> bool:
        """Return whether it is the state of the same file with the same content."""
        is_comparable = (self.host, self.device) == (other.host, other.device)
        return self[:2] == other[:2] and (not is_comparable or self.inode == other.inode)


class OpenFile:
    """A file that stays open until nothing refers to it; in another process it is opened again, and compared.

    Attributes:
        path: An absolute path, or a URI.
        name: What messages call it.
        is_remote: Whether the path is a URI.
        state: What it was when it was opened first.
    """

    def __init__(self, path: str, name: str, descriptor: int | None = None) -> None:
        """Open a file, or take one that is open under a `descriptor`, as standard input is.

        Raises:
            OSError: It cannot be opened.
            DataError: The URI is invalid, or its scheme unknown.
        """
        self.path, self.name, self.is_remote = path, name, descriptor is None and remote.is_uri(path)
        self._handle, self._close = self._open(descriptor)
        self.state = self._read_state(is_opening=True)
        if descriptor is None and not self.is_remote:
            is_alias = path.startswith(("/dev/", "/proc/")) and self.is_regular  # for this process alone: /dev/fd/3
            self.path = os.path.realpath(path) if is_alias else os.path.abspath(path)
        age = time.time_ns() - self.state.version if isinstance(self.state.version, int) else CLOCK_TICK_NS
        if 0 <= age < CLOCK_TICK_NS and self.state.size > BYTES_WRITTEN_AT_ONCE and self.is_regular:
            time.sleep(CLOCK_TICK_NS / 1e9)  # a write within the same tick would go unnoticed
            self.state = self._read_state()

    def _open(self, descriptor: int | None = None) -> tuple[Any, Callable[[], object]]:
        """Return the open file, and what closes it: at the latest the end of this object."""
        if self.is_remote:
            handle = remote.open_file(self.path)
        elif descriptor is None:
            handle = io.FileIO(self.path)
        else:
            handle = io.FileIO(descriptor, closefd=False)
        return handle, weakref.finalize(self, handle.close)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the open file: another process opens it when it reads from it."""
        return self.__dict__ | {"_handle": None, "_close": None}

    def handle(self) -> Any:
        """Return the open file.

        Raises:
            DataError: It has to be opened again and cannot be.
            FileChangedError: It has to be opened again, and is another file now.
        """
        if self._handle is None:
            try:
                self._handle, self._close = self._open()
                state = self._read_state(is_opening=True)
            except OSError as error:
                raise DataError(f"{self.name}: cannot be read: {remote.summarize_error(error)}") from error
            if not state.is_same(self.state):
                raise self.changed(" or is another file there than here")
        return self._handle

    def release(self) -> None:
        """Close the file until it is read again: few can be open at a time."""
        if self._handle is not None:
            self._close()
            self._handle = None

    @property
    def is_regular(self) -> bool:
        """Whether it can be read at any offset: pipes and devices cannot."""
        return self.is_remote or stat.S_ISREG(os.fstat(self.handle().fileno()).st_mode)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return the bytes [offset, offset + size), fewer only at the end of the file.

        Raises:
            DataError: They cannot be read.
            FileChangedError: The file has changed.
        """
        data = self.read_unchecked(offset, size)
        self.check()
        return data

    def read_unchecked(self, offset: int, size: int) -> bytes:
        """Return bytes that may only be used once the file is checked: to ask a store each time would take long."""
        handle = self.handle()
        size = max(0, min(size, self.state.size - offset))
        try:
            data = handle.read_at(size, offset) if self.is_remote else _read_fully(handle.fileno(), size, offset)
        except OSError as error:
            self.check()
            raise DataError(f"{self.name}: cannot be read: {remote.summarize_error(error)}") from error
        if len(data) < size:
            raise self.changed()
        return data

    def check(self) -> None:
        """Check that the file is still as it was: all that has been read of it then belongs together.

        Raises:
            FileChangedError: It is not.
        """
        self.handle()
        try:
            is_same = self._read_state().is_same(self.state)
        except OSError:
            is_same = False
        if not is_same:
            raise self.changed()

    def _read_state(self, is_opening: bool = False) -> FileState:
        if self.is_remote:  # once it is open, only its path tells whether it has been replaced
            return FileState(*remote.read_version(self.path, self._handle if is_opening else None))
        status = os.fstat(self._handle.fileno())
        return FileState(status.st_size, status.st_mtime_ns, _host_name(), status.st_dev, status.st_ino)

    def changed(self, alternative: str = "") -> FileChangedError:
        """Return the error that the file has changed."""
        return FileChangedError(
            f"{self.name}: changed while it was read{alternative}: run it again when nothing writes to it"
        )


class FileReader(io.RawIOBase):
    """An open file with a position of its own, for libraries; reads are checked unless the caller does that."""

    def __init__(self, file: OpenFile, is_checked: bool = True) -> None:
        super().__init__()
        self._size, self._at = file.state.size, 0
        self._read_at = file.read_at if is_checked else file.read_unchecked

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        data = self._read_at(self._at, self._size if size is None or size < 0 else size)
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@cache
def _host_name() -> str:
    return os.uname().nodename


def _read_fully(descriptor: int, size: int, offset: int) -> bytes:
    """Return so many bytes, fewer only at the end of the file: one call returns at most 2 GB."""
    data = os.pread(descriptor, size, offset)
    while len(data) < size and (more := os.pread(descriptor, size - len(data), offset + len(data))):
        data += more
    return data
