"""Where reports go: stdout or a file, in the format that was asked for or that fits."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from losscli.errors import UsageError
from losscli.report.formats import ENDINGS, Style, Write, render

if TYPE_CHECKING:
    from losscli.report.tables import Report


class Output(NamedTuple):
    """A destination and a format, checked before any data is read."""

    path: str | None
    format: str
    style: Style

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Output:
        """What the output options say.

        Raises:
            UsageError: a file whose ending names no format, or a folder that is not there.
        """
        path = None if values["output"] in (None, "-") else values["output"]
        format_ = values["format_"] or (_format_of(path) if path is not None else "table" if _on_terminal() else "tsv")
        if path is not None:
            _check_folder(path)
        width = _terminal_width() if not path and _on_terminal() else None
        return cls(path, format_, Style(values["precision"], not path and _colour(values["color"]), width))

    def emit(self, report: Report) -> None:
        """Write a report."""
        self.emit_with(lambda write: render(report, self.format, write, self.style))

    def emit_with(self, draw: Callable[[Write], None]) -> None:
        """Write what a function draws."""
        with self._writer() as write:
            draw(write)
        if self.path is None:
            sys.stdout.flush()  # what is said on stderr comes after the results

    @contextmanager
    def _writer(self) -> Iterator[Write]:
        if self.path is None and sys.stdout is None:
            raise UsageError("cannot write the output: standard output is closed")
        if self.path is None:
            yield sys.stdout.write
        elif os.path.exists(self.path) and not os.path.isfile(self.path):  # /dev/null, a named pipe
            with open(self.path, "w", encoding="utf-8") as device:
                yield device.write
        else:
            with _whole_file(os.path.realpath(self.path)) as write:
                yield write


@contextmanager
def _whole_file(path: str) -> Iterator[Write]:
    """A file that takes its name when all of it is there."""
    import tempfile

    mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".losscli-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file.write
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _format_of(path: str) -> str:
    ending = os.path.splitext(path)[1].lower()
    if ending not in ENDINGS and not (os.path.exists(path) and not os.path.isfile(path)):
        raise UsageError(f"-o {path}: its ending names no format ({', '.join(ENDINGS)}); say which with --format")
    return ENDINGS.get(ending, "tsv")


def _check_folder(path: str) -> None:
    if not path:
        raise UsageError("-o: the name of the file is empty")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise UsageError(f"-o {path}: there is no folder {folder}")
    if os.path.isdir(path):
        raise UsageError(f"-o {path}: is a folder")


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _terminal_width() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def _colour(asked: str) -> bool:
    """--color, else NO_COLOR (no-color.org), else FORCE_COLOR (force-color.org), else whether it is a terminal."""
    if asked != "auto":
        return asked == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (_on_terminal() and os.environ.get("TERM") != "dumb")
