"""Files behind a URI (s3://, gs://, hdfs://, abfs://): open them, list them, name them in messages.

PyArrow's file systems read them. fsspec, if it is installed, reads those that PyArrow does not know. Credentials and
regions come from where each of them looks: the environment, configuration files, or the URI itself.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from functools import lru_cache
from typing import Any

from losscli.errors import DataError

_URI = re.compile(r"(?!file://)[A-Za-z][A-Za-z0-9+.-]+://")

UNRESERVED = "/=:@,+!$&'()*;~"
"""Characters of a path that a URI holds as they are."""


def is_uri(path: str) -> bool:
    """Return whether a path is a URI of a file that is not local."""
    return _URI.match(path) is not None


def strip_file_scheme(path: str) -> str:
    """Return the path that a `file://` URI stands for; anything else as it is.

    Raises:
        DataError: The URI is invalid.
    """
    return _find_file_system(path)[1] if path.startswith("file://") else path


def place_of(uri: str) -> str:
    """Return the path in its store that a URI stands for.

    Raises:
        DataError: The URI is invalid, or its scheme unknown.
    """
    return _find_file_system(uri)[1]


def hide_credentials(path: str) -> str:
    """Return a path for messages: a URI without its user, password and query."""
    return re.sub(r"(://)[^/@:]*:[^/@]*@", r"\1", path.partition("?")[0]) if is_uri(path) else path


def open_file(uri: str) -> Any:
    """Open a URI for reading at any offset.

    Raises:
        OSError: It cannot be opened.
        DataError: The URI is invalid, or its scheme unknown.
    """
    system, place = _find_file_system(uri)
    return system.open_input_file(place)


def read_version(uri: str, file: Any = None) -> tuple[int, int | str | None]:
    """Return the size in bytes of the file that is there now, or is open, and what tells this version from others.

    That is its ETag or when it was written, in nanoseconds, as far as its store says.

    Raises:
        OSError: There is no such file.
        DataError: The URI is invalid, or its scheme unknown.
    """
    system, place = _find_file_system(uri)
    with nullcontext(file) if file is not None else system.open_input_file(place) as found:
        size, tag = found.size(), (found.metadata() or {}).get(b"ETag")
    if tag:
        return size, tag.decode()
    if (store := getattr(getattr(system, "handler", None), "fs", None)) is not None:  # fsspec's
        store.invalidate_cache()  # of what was listed
        return size, str(store.checksum(place))
    return size, system.get_file_info(place).mtime_ns


def list_files(path: str) -> list[str]:
    """Return the files in a folder and the folders of keys in it, or that match a pattern with `*`, or a file itself.

    Raises:
        DataError: The URI is invalid, or the folder cannot be read.
    """
    import fnmatch
    from urllib.parse import quote, unquote

    from pyarrow.fs import FileSelector, FileType, PyFileSystem

    system, place = _find_file_system(path)
    try:
        if "*" in place:
            folder = place[: place.index("*")].rpartition("/")[0]
            selector = FileSelector(folder, recursive="/" in place[len(folder) + 1 :], allow_not_found=True)
            found = [info for info in system.get_file_info(selector) if fnmatch.fnmatchcase(info.path, place)]
        else:
            kind = system.get_file_info(place).type
            if kind != FileType.Directory:
                return [path] if kind == FileType.File else []
            found = system.get_file_info(FileSelector(place))
            if any(info.type == FileType.Directory and "=" in info.base_name for info in found):
                found = system.get_file_info(FileSelector(place, recursive=True))
                below = len(place.rstrip("/")) + 1
                found = [info for info in found if all("=" in key for key in info.path[below:].split("/")[:-1])]
    except OSError as error:
        raise DataError(f"{hide_credentials(path)}: cannot be read: {summarize_error(error)}") from error
    uri, query, options = path.partition("?")
    root = uri.removesuffix(place.lstrip("/"))
    root = unquote(uri).removesuffix(place.lstrip("/")) if root == uri else root
    safe = UNRESERVED if not isinstance(system, PyFileSystem) else None  # fsspec takes a path as it is
    paths = [info.path.lstrip("/") for info in found if info.type == FileType.File]
    return sorted(root + (quote(each, safe) if safe else each) + query + options for each in paths)


@lru_cache(maxsize=1024)
def _find_file_system(path: str) -> tuple[Any, str]:
    """Return the file system of a URI and the path in it: PyArrow's, or else fsspec's."""
    from pyarrow import ArrowException
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    try:
        return FileSystem.from_uri(path)  # type: ignore[no-any-return]
    except (ArrowException, OSError, NotImplementedError) as error:
        if "nrecognized filesystem" in str(error):
            try:
                from fsspec.core import url_to_fs

                system, place = url_to_fs(path)
                return PyFileSystem(FSSpecHandler(system)), str(place)
            except (ImportError, ValueError):  # not installed, or a scheme that it does not know
                pass
        name = hide_credentials(path)
        raise DataError(f"{name}: cannot be read: {summarize_error(error).replace(path, name)}") from error


def summarize_error(error: BaseException) -> str:
    """Return why a file cannot be read, on one line."""
    text = (getattr(error, "strerror", None) or str(error)).strip()
    return str(text.splitlines()[0].rstrip(".")) if text else type(error).__name__
