"""Where reports go: stdout or a file, in the format asked for or the one that fits; and whether progress is shown."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from losscli.cli.files import (
    check_is_not_read,
    check_path,
    descriptor_of,
    is_device,
    open_binary_output,
    open_output,
    split_endings,
)
from losscli.cli.model_options import model_inputs
from losscli.cli.streams import LONE_SURROGATES
from losscli.errors import OutputError, UsageError
from losscli.messages import escape_controls
from losscli.report.formats import FORMAT_OF_ENDING, MODULE_OF_FORMAT, Style, WriteRows

if TYPE_CHECKING:
    from losscli.pipeline import Track
    from losscli.report.tables import Report


BADGE = "badge"
FORMAT_OR_BADGE = FORMAT_OF_ENDING | {".svg": BADGE}
"""Ending -> format, of commands with gates."""

PICTURE_ENDINGS = (".svg", ".png", ".pdf")


class Output(NamedTuple):
    """A destination, a format and a style, checked before any data is read."""

    path: str | None
    format: str
    style: Style

    @classmethod
    def parse(
        cls,
        values: Mapping[str, Any],
        data: Sequence[str] = (),
        formats: Mapping[str, str] = FORMAT_OF_ENDING,
        default: str | None = None,
    ) -> Output:
        """Return the output that the options ask for.

        Args:
            values: The options.
            data: What is read.
            formats: The ending of files of each format.
            default: The format of standard output; None for a table on a terminal, else TSV.

        Raises:
            UsageError: The file's ending names no format, it cannot be written, or it is one that is read.
        """
        path = None if values["output"] in (None, "-") or descriptor_of(values["output"]) == 1 else values["output"]
        is_terminal = sys.stdout is not None and sys.stdout.isatty()
        colour = values["color"] == "always"
        if values["color"] == "auto" and not os.environ.get("NO_COLOR"):  # no-color.org, force-color.org
            colour = bool(os.environ.get("FORCE_COLOR")) or (is_terminal and os.environ.get("TERM") != "dumb")
        if path is not None:
            check_path(path)
            check_is_not_read(path, inputs_of(values, data))
            format_ = values["format_"] or format_of(path, formats, default or "tsv")
            if format_ == BADGE and not values["gates"]:
                raise UsageError(
                    "is a badge of a gate, which --fail-if gives; pictures come from 'losscli plot'",
                    option=("output", path),
                )
            return cls(path, format_, Style(values["precision"], False, None))
        width = None
        if is_terminal:
            import shutil

            width = shutil.get_terminal_size().columns
        format_ = values["format_"] or default or ("table" if is_terminal else "tsv")
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

    @property
    def is_badge(self) -> bool:
        """Whether a badge of the gates is written, not the results."""
        return self.format == BADGE

    def replaces(self, path: str | None) -> bool:
        """Return whether the output would replace a file."""
        if self.path is None or path is None or is_device(self.path):
            return False
        return os.path.exists(self.path) and os.path.exists(path) and os.path.samefile(self.path, path)

    def emit(self, report: Report) -> None:
        """Write a report."""
        module = importlib.import_module(f"losscli.report.formats.{MODULE_OF_FORMAT[self.format]}")
        with self.open() as write:
            getattr(module, self.format)(report, write, self.style)

    @contextmanager
    def open(self) -> Iterator[WriteRows]:
        """Give the function that writes text; a file appears under its name once all of it is written."""
        if self.path is None:
            if sys.stdout is None:
                raise OutputError("cannot write to standard output: it is closed")
            if hasattr(sys.stdout, "reconfigure"):  # results are UTF-8 whatever the locale
                sys.stdout.reconfigure(encoding="utf-8", errors=LONE_SURROGATES)
            is_escaped = self.format in ("table", "text")
            yield self._write_to_terminal if self.style.width and not is_escaped else self._write_to_stdout
            sys.stdout.flush()  # notes on stderr come after the results
        else:
            with open_output(self.path) as write:
                yield write

    def write_bytes(self, data: bytes) -> None:
        """Write bytes; a file appears under its name once all of it is written."""
        if self.path is not None:
            with open_binary_output(self.path) as file:
                file.write(data)
        elif sys.stdout is None:
            raise OutputError("cannot write to standard output: it is closed")
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    @staticmethod
    def _write_to_terminal(text: str | memoryview) -> None:
        sys.stdout.write(escape_controls(text if isinstance(text, str) else str(text, "utf-8"), keep="\n\t"))

    @staticmethod
    def _write_to_stdout(text: str | memoryview) -> None:
        if isinstance(text, str):
            sys.stdout.write(text)
        elif hasattr(sys.stdout, "buffer"):
            sys.stdout.flush()
            sys.stdout.buffer.write(text)
        else:  # a stream in memory, in which a program runs this command
            sys.stdout.write(str(text, "utf-8"))


def inputs_of(values: Mapping[str, Any], data: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what a command reads, but for the baseline: what it is, and its file, folder or glob."""
    for argument in data:
        yield "the input", argument
        yield "the input", argument.partition("=")[2]
    yield from model_inputs(values)
    for path in values.get("plugins", ()):
        yield "the plugin", path
    yield "the file of the parameters", values.get("parameters") or ""
    classes = values.get("classes") or ""
    yield "the file of the classes", classes.removeprefix("@") if classes.startswith("@") else ""


def format_of(path: str, formats: Mapping[str, str] = FORMAT_OF_ENDING, default: str = "tsv") -> str:
    """Return the format that a file's ending names.

    Raises:
        UsageError: It names none.
    """
    ending, compression = split_endings(path)
    if ending not in formats and not is_device(path):
        endings = ", ".join(formats)
        what = "ending" if not compression else f"ending before {compression}"
        where = "; pictures come from 'losscli plot'" if ending in PICTURE_ENDINGS else ""
        problem = f"its {what} names no format ({endings}); say which with --format{where}"
        raise UsageError(problem, option=("output", path))
    return formats.get(ending, default)
