"""Streams that lose nothing: every byte is written however few are taken at a time, or an error says why not."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from losscli.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

BYTES_PER_WRITE = 1 << 16
LONE_SURROGATES = "backslashreplace"
"""How characters are written that UTF-8 has no bytes for, as in file names that are not UTF-8: as JSON spells them."""


class OutputClosedError(Exception):
    """The reader of the output went away. Not an OSError: click would return status 1 for a broken pipe."""


class DescriptorWriter(io.RawIOBase):
    """Writes to a descriptor, which stays open.

    A raw file of Python writes part of the bytes after a stop signal or on a disk that is nearly full, and a text
    stream on top of it (`PYTHONUNBUFFERED`) does not look at how many they were.

    Attributes:
        path: The file as it was typed; None for standard output.
    """

    def __init__(self, descriptor: int, path: str | None = None) -> None:
        self._descriptor = descriptor
        self.path = path

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all bytes, and return how many they are.

        Raises:
            OutputClosedError: Nobody reads the pipe.
            OutputError: They cannot be written.
        """
        left = memoryview(data).cast("B")
        size = len(left)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                import select

                select.select([], [self._descriptor], [])
            except BrokenPipeError as error:
                raise OutputClosedError from error
            except OSError as error:
                raise OutputError.of(error, self.path) from error
        return size


class MessageWriter(DescriptorWriter):
    """Writes to a descriptor what no result depends on: bytes that cannot be written are dropped."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except (OutputClosedError, OutputError):
            return memoryview(data).nbytes


def protect_standard_streams() -> None:
    """Make sure that standard output loses nothing and that standard error never fails.

    A closed descriptor is opened on the null device. Otherwise a file that is opened later would get its number, and
    what libraries print would go into that file.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
    sys.stderr = _text_stream(MessageWriter(2), sys.stderr, is_line_buffered=True)
    if sys.stdout is not None:
        sys.stdout = _text_stream(DescriptorWriter(1), sys.stdout, is_line_buffered=False)


def _text_stream(raw: DescriptorWriter, before: TextIO | None, is_line_buffered: bool) -> TextIO:
    encoding, errors = (before.encoding, before.errors) if before is not None else ("utf-8", LONE_SURROGATES)
    buffered = io.BufferedWriter(raw, BYTES_PER_WRITE)
    return io.TextIOWrapper(buffered, encoding, errors, line_buffering=is_line_buffered)


def discard_output() -> None:
    """Point standard output at the null device, so that no flush at exit fails again."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return
