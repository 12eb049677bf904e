"""Files that are named by a URI (s3://, gs://, hdfs://, abfs://, file://): opened, listed, and called by a name.

Arrow's file systems read them; what those do not know is left to fsspec, if that is installed. Credentials and regions
come from where each of them looks for them: the environment, configuration files, or the URI itself.
"""

from __future__ import annotations

import io
import re
from functools import lru_cache
from typing import Any

from losscli.errors import DataError

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LOCAL = "file://"


def is_uri(path: str) -> bool:
    """Whether a path is a URI of a file somewhere else."""
    return _URI.match(path) is not None and not path.startswith(_LOCAL)


def without_scheme(path: str) -> str:
    """A `file://` URI as the path it stands for, anything else as it is.

    Raises:
        DataError: the URI is none.
    """
    return _located(path)[1] if path.startswith(_LOCAL) else path


def shown(path: str) -> str:
    """The path for messages: without what a URI may hold of credentials."""
    return re.sub(r"(://)[^/@:]*:[^/@]*@", r"\1", path.partition("?")[0]) if is_uri(path) else path


def open_file(path: str) -> Any:
    """A file or URI to be read from any place.

    Raises:
        OSError: it cannot be opened.
        DataError: the URI is none, or nothing here knows its scheme.
    """
    if not is_uri(path):
        return open(path, "rb", buffering=0)
    system, place = _located(path)
    return system.open_input_file(place)


class Raw(io.RawIOBase):
    """A file somewhere else, to be buffered."""

    def __init__(self, path: str) -> None:
        """Open it; raises as `open_file`."""
        self._file = open_file(path)
        self.size: int = self._file.size()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return int(self._file.readinto(buffer))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        self._file.close()
        super().close()


def listed(path: str) -> list[str]:
    """The files in a folder, or that match a pattern with `*`; a file itself; nothing where there is none.

    Raises:
        DataError: the URI is none, or the place cannot be read.
    """
    import fnmatch

    from pyarrow.fs import FileSelector, FileType

    system, place = _located(path)
    uri, query, options = path.partition("?")
    root = uri.removesuffix(place.lstrip("/"))
    try:
        if "*" in place:
            folder = place[: place.index("*")].rpartition("/")[0]
            selector = FileSelector(folder, recursive="/" in place[len(folder) + 1 :], allow_not_found=True)
            found = [info for info in system.get_file_info(selector) if fnmatch.fnmatchcase(info.path, place)]
        else:
            info = system.get_file_info(place)
            folder = info.type == FileType.Directory
            found = system.get_file_info(FileSelector(place)) if folder else [info]
    except OSError as error:
        raise DataError(f"{shown(path)}: cannot be read: {reason(error)}") from error
    return sorted(root + info.path.lstrip("/") + query + options for info in found if info.type == FileType.File)


@lru_cache(maxsize=1024)
def _located(path: str) -> tuple[Any, str]:
    """The file system of a URI, and the path there."""
    from pyarrow import ArrowException
    from pyarrow.fs import FileSystem

    try:
        system, place = FileSystem.from_uri(path)
    except (ArrowException, OSError, NotImplementedError) as error:
        found = _by_fsspec(path) if "nrecognized filesystem" in str(error) else None
        if found is None:
            raise DataError(f"{shown(path)}: cannot be read: {reason(error).replace(path, shown(path))}") from error
        system, place = found
    return system, place


def _by_fsspec(path: str) -> tuple[Any, str] | None:
    """The file system by fsspec, which knows others; None where it is not installed or does not know this one."""
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    try:
        from fsspec.core import url_to_fs

        system, place = url_to_fs(path)
    except (ImportError, ValueError):
        return None
    return PyFileSystem(FSSpecHandler(system)), str(place)


def reason(error: BaseException) -> str:
    """Why a file cannot be read, on one line."""
    text = (getattr(error, "strerror", None) or str(error)).strip()
    return str(text.splitlines()[0].rstrip(".")) if text else type(error).__name__
