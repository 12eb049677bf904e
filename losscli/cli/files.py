"""The file that results are written to: whole or not at all, compressed as its name says, checked before the work."""

from __future__ import annotations

import errno
import importlib
import io
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any

from losscli.cli.streams import BYTES_PER_WRITE, LONE_SURROGATES, DescriptorWriter
from losscli.data.files import COMPRESSION_BY_ENDING, ENDINGS_OF_PACKED_FILES, MODULE_BY_COMPRESSION, STDIN
from losscli.errors import OutputError, UsageError
from losscli.report.formats import WriteRows
from losscli.signals import check_signals

EARLIEST_DATE = (1980, 1, 1, 0, 0, 0)
"""That of the member of a ZIP archive: the same results make the same file."""

_DESCRIPTOR = re.compile(r"/dev/(?:fd/(\d+)|(stdin|stdout|stderr))|/proc/self/fd/(\d+)")


def split_endings(path: str) -> tuple[str, str]:
    """Return the ending that names the format and the one that names the compression; empty if there is none."""
    stem, ending = os.path.splitext(path)
    if ending.lower() in ENDINGS_OF_PACKED_FILES:
        return os.path.splitext(stem)[1].lower(), ending.lower()
    return ending.lower(), ""


def descriptor_of(path: str) -> int | None:
    """Return the open descriptor that a path names, as `/dev/stdout` does; None if it names none."""
    match = _DESCRIPTOR.fullmatch(path)
    if match is None:
        return None
    number = match[1] or match[3]
    return int(number) if number else ("stdin", "stdout", "stderr").index(match[2])


def is_device(path: str) -> bool:
    """Return whether a path is an open descriptor, a pipe or a device: written as it comes, not replaced."""
    return descriptor_of(path) is not None or (os.path.exists(path) and not os.path.isfile(path))


def check_path(path: str, name: str = "output") -> None:
    """Check that a file can be written there, without touching it; `name` is the option that names it.

    Raises:
        UsageError: It cannot.
    """
    option = (name, path)
    if (number := descriptor_of(path)) is not None:
        try:
            os.fstat(number)
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror}", option=option) from error
        return
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise UsageError(f"there is no folder {os.path.dirname(path) or folder}", option=option)
    try:
        exists = os.path.exists(path) or bool(os.stat(path))
    except FileNotFoundError:
        exists = False
    except (OSError, ValueError) as error:  # a name that is too long, or that holds a NUL
        raise UsageError(f"cannot be written: {getattr(error, 'strerror', error)}", option=option) from error
    if os.path.isdir(path):
        raise UsageError("is a folder", option=option)
    if exists and not os.access(path, os.W_OK):
        raise UsageError("cannot be written: the file is write-protected", option=option)
    if not exists and not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"cannot be written: no permission to write to the folder {folder}", option=option)


def check_is_not_read(path: str, inputs: Iterable[tuple[str, str]], name: str = "output") -> None:
    """Check that a file to write is none of those that are read, of which it would take the place.

    Args:
        path: The file to write.
        inputs: What is read: what it is in words, and its path: a file, a folder, a glob or `-`.
        name: The option that names the file to write.

    Raises:
        UsageError: It is one of them.
    """
    if not os.path.isfile(path):
        return
    written = os.stat(path)
    for what, given in inputs:
        if any(os.path.samestat(written, read) for read in _states_of(given)):
            raise UsageError(f"is {what}: choose another name", option=(name, path))


def append_text(path: str, text: str, name: str) -> None:
    """Append text to a file by one write, so that of several processes each appends its own in one piece.

    Raises:
        OutputError: It cannot be written; `name` is the option that names the file.
        OutputClosedError: The reader of a pipe went away.
    """
    data = text.encode("utf-8", LONE_SURROGATES)
    try:
        if (number := descriptor_of(path)) is not None:
            DescriptorWriter(number, path).write(data)
            return
        with _opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, path) as descriptor:
            DescriptorWriter(descriptor, path).write(data)
    except OutputError as error:
        raise OutputError(error.message.problem, option=(name, path)) from error


def _states_of(path: str) -> Iterator[os.stat_result]:
    """Yield the states of the local files that a path stands for. Where they are read, errors say what is wrong."""
    from losscli.data.folders import find_files
    from losscli.data.remote import strip_file_scheme

    with suppress(OSError, ValueError):
        local = strip_file_scheme(path)
        for file in find_files(local) if "://" not in local else ():
            yield os.fstat(0) if file.path == STDIN else os.stat(file.path)


@contextmanager
def open_output(path: str) -> Iterator[WriteRows]:
    """Give the function that writes text to a file, a device or an open descriptor.

    A file appears under its name once all of it is written.

    Raises:
        OutputError: It cannot be written.
        OutputClosedError: The reader of a pipe went away.
    """
    with open_binary_output(path) as packed:
        yield lambda text: packed.write(text.encode("utf-8", LONE_SURROGATES) if isinstance(text, str) else text)


@contextmanager
def open_binary_output(path: str) -> Iterator[IO[bytes]]:
    """Give a binary file, written as `open_output` writes text: whole or not at all, compressed as the path says."""
    with ExitStack() as stack:
        raw = DescriptorWriter(stack.enter_context(_destination(path)), path)
        buffered: Any = stack.enter_context(io.BufferedWriter(raw, BYTES_PER_WRITE))
        yield stack.enter_context(_compress(buffered, path))


@contextmanager
def _destination(path: str) -> Iterator[int]:
    """Give the descriptor to write to: an open one, that of a device, or that of a file that gets its name later."""
    if (number := descriptor_of(path)) is not None:
        yield number
    elif is_device(path):
        with _opened(path, os.O_WRONLY, path) as device:
            yield device
    else:
        with _replaced(os.path.realpath(path), path) as descriptor:
            yield descriptor


@contextmanager
def _opened(file: str, flags: int, path: str) -> Iterator[int]:
    """Give the descriptor of a file; `path` is its name in messages."""
    try:
        descriptor = os.open(file, flags, 0o666)
    except OSError as error:
        raise OutputError.of(error, path) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _replaced(target: str, path: str) -> Iterator[int]:
    """Write a temporary file beside a file, and give it that name at the end."""
    folder = os.path.dirname(target)
    if not os.access(folder, os.W_OK | os.X_OK):  # the file itself may be written to
        import tempfile

        try:
            folder = tempfile.gettempdir()
        except OSError as error:  # all others are write-protected, too
            raise OutputError.of(error, path) from error
    temporary = os.path.join(folder, f".losscli-{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with _opened(temporary, flags, path) as descriptor:
            yield descriptor
        check_signals()
        _move(temporary, target, path)
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def _move(temporary: str, target: str, path: str) -> None:
    """Give a complete file another name. A file of that name that cannot be replaced is written into.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        if os.path.exists(target):
            os.chmod(temporary, os.stat(target).st_mode & 0o777)
        os.replace(temporary, target)
    except OSError as error:
        # a file that is mounted (containers do so), or one in a folder that may not be written to
        if error.errno not in (errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM):
            raise OutputError.of(error, path) from error
        import shutil

        try:
            with open(temporary, "rb") as complete, open(target, "r+b") as file:
                shutil.copyfileobj(complete, file)
                file.truncate()
        except OSError as failure:
            raise OutputError.of(failure, path) from failure


@contextmanager
def _compress(file: Any, path: str) -> Iterator[Any]:
    """Give a binary file whose data goes, compressed as the path says, to a file."""
    _, ending = split_endings(path)
    if ending == ".zip":
        import zipfile

        name = os.fsencode(os.path.basename(path)[: -len(ending)]).decode("utf-8", "replace")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            member = zipfile.ZipInfo(name, EARLIEST_DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as packed:
                yield packed
    elif ending == ".zst":
        import pyarrow

        with pyarrow.CompressedOutputStream(pyarrow.PythonFile(file, "w"), "zstd") as packed:
            yield packed
    elif ending == ".gz":
        import gzip

        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            yield packed
    elif ending:
        with importlib.import_module(MODULE_BY_COMPRESSION[COMPRESSION_BY_ENDING[ending]]).open(file, "wb") as packed:
            yield packed
    else:
        yield file
