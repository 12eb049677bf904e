"""Where reports go: stdout or a file, in the format asked for or the one that fits; and whether progress is shown."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from losscli.errors import UsageError
from losscli.messages import escape_controls
from losscli.report.formats import FORMAT_OF_ENDING, MODULE_OF_FORMAT, Style, Write

if TYPE_CHECKING:
    from losscli.pipeline import Track
    from losscli.report.tables import Report

LONE_SURROGATES = "backslashreplace"
"""How characters are written that UTF-8 has no bytes for, as in file names that are not UTF-8: as JSON spells them."""


class Output(NamedTuple):
    """A destination, a format and a style, checked before any data is read."""

    path: str | None
    format: str
    style: Style

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Output:
        """Return the output that the options ask for.

        Raises:
            UsageError: The file's ending names no format, or its folder does not exist.
        """
        path = None if values["output"] in (None, "-") else values["output"]
        is_terminal = sys.stdout is not None and sys.stdout.isatty()
        colour = values["color"] == "always"
        if values["color"] == "auto" and not os.environ.get("NO_COLOR"):  # no-color.org, force-color.org
            colour = bool(os.environ.get("FORCE_COLOR")) or (is_terminal and os.environ.get("TERM") != "dumb")
        if path is not None:
            check_folder(path)
            return cls(path, values["format_"] or format_of(path), Style(values["precision"], False, None))
        width = None
        if is_terminal:
            import shutil

            width = shutil.get_terminal_size().columns
        format_ = values["format_"] or ("table" if is_terminal else "tsv")
        return cls(None, format_, Style(values["precision"], colour, width))

    def track(self, quiet: bool) -> Track | None:
        """Return what shows progress on a terminal, None elsewhere."""
        if not gc.isenabled():  # it is off while modules are imported; these stay
            gc.freeze()
            gc.enable()
        if quiet or sys.stderr is None or not sys.stderr.isatty():
            return None
        from losscli.cli.progress import track_with_bar

        return track_with_bar

    def emit(self, report: Report) -> None:
        """Write a report."""
        module = importlib.import_module(f"losscli.report.formats.{MODULE_OF_FORMAT[self.format]}")
        with self.open() as write:
            getattr(module, self.format)(report, write, self.style)

    @contextmanager
    def open(self) -> Iterator[Write]:
        """Give the function that writes text; a file appears under its name once all of it is written."""
        if self.path is None:
            if sys.stdout is None:
                raise UsageError("cannot write the output: standard output is closed")
            if hasattr(sys.stdout, "reconfigure"):  # results are UTF-8 whatever the locale
                sys.stdout.reconfigure(encoding="utf-8", errors=LONE_SURROGATES)
            yield self._write_to_terminal if self.style.width and self.format != "table" else sys.stdout.write
            sys.stdout.flush()  # notes on stderr come after the results
        elif os.path.exists(self.path) and not os.path.isfile(self.path):  # /dev/null, a named pipe
            with open(self.path, "w", encoding="utf-8", errors=LONE_SURROGATES) as device:
                yield device.write
        else:
            with replace_file(os.path.realpath(self.path)) as write:
                yield write

    @staticmethod
    def _write_to_terminal(text: str) -> None:
        sys.stdout.write(escape_controls(text, keep="\n\t"))


def format_of(path: str) -> str:
    """Return the format that a file's ending names.

    Raises:
        UsageError: It names none.
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in FORMAT_OF_ENDING and not (os.path.exists(path) and not os.path.isfile(path)):
        endings = ", ".join(FORMAT_OF_ENDING)
        raise UsageError(f"its ending names no format ({endings}); say which with --format", option=("output", path))
    return FORMAT_OF_ENDING.get(ending, "tsv")


def check_folder(path: str) -> None:
    """Raise a UsageError if a file cannot be written there."""
    folder = os.path.dirname(path) or "."
    if not path:
        raise UsageError("the file name is empty", option=("output", ""))
    if not os.path.isdir(folder):
        raise UsageError(f"there is no folder {folder}", option=("output", path))
    if os.path.isdir(path):
        raise UsageError("is a folder", option=("output", path))


@contextmanager
def replace_file(path: str) -> Iterator[Write]:
    """Write a temporary file beside the path, and give it that name at the end."""
    import tempfile

    if os.path.exists(path):
        mode = os.stat(path).st_mode & 0o777
    else:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".losscli-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors=LONE_SURROGATES) as file:
            yield file.write
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
