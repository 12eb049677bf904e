"""Options that commands share, and what the pipeline is given for the values typed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from losscli.cli.command import SectionOption, is_nothing_to_read
from losscli.cli.value_types import (
    COLUMN,
    COLUMNS,
    COLUMNS_OF_ROLE,
    DATA,
    FILE,
    GROUPS_OF_ROWS,
    JSON_FILE,
    NAMES_OF_CLASSES,
    PYTHON_FILE,
    SETTING,
)
from losscli.data.files import FORMATS, is_delimiter
from losscli.declaration.names import equals_sign, half_width, names_in_list
from losscli.errors import UsageError
from losscli.messages import did_you_mean_path, escape_controls, word
from losscli.options import ENGINES, NAN_POLICIES
from losscli.report.formats import MODULE_OF_FORMAT
from losscli.shell import option

if TYPE_CHECKING:
    from losscli.data.sources import ReadOptions
    from losscli.declaration.loss import BoundLoss
    from losscli.options import EvaluationOptions
    from losscli.pipeline import OpenSources

DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


class Delimiter(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """The character that separates cells."""

    name = "char"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        character = DELIMITER_NAMES.get(value.lower(), value)
        if not is_delimiter(character):
            self.fail("must be one character (or tab)", param, ctx)
        return character


class NumberOrText(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A number if the text is one, else the text, which a later check refuses in plain words."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | float | str:
        for read in (int, float):
            with suppress(ValueError):
                return read(half_width(value) if isinstance(value, str) else value)
        return str(value)


PLUGIN_OPTION = SectionOption(
    "Losses", "--plugin", "plugins", multiple=True, type=PYTHON_FILE, help="Load losses of your own (repeatable)."
)

LOSS_OPTIONS = [
    SectionOption(
        "Losses",
        "-P",
        "--param",
        "params",
        multiple=True,
        type=SETTING,
        help="Set a parameter on every loss that has it (repeatable).",
    ),
    SectionOption(
        "Losses", "--from-logits", is_flag=True, help="Predictions are logits. Short for -P from_logits=true."
    ),
    SectionOption(
        "Losses",
        "--box-format",
        type=click.Choice(("xyxy", "xywh", "cxcywh")),
        help="Meaning of a box's four numbers. Short for -P box_format=FORMAT.",
    ),
    PLUGIN_OPTION,
]

DATA_ARGUMENT = click.Argument(["data"], nargs=-1, type=DATA, metavar="[DATA]...")
DATA_OPTIONS = [
    SectionOption(
        "Data",
        "--input-format",
        type=click.Choice(FORMATS),
        metavar="FORMAT",
        help=f"Format of the data, if content and name do not show it: {', '.join(FORMATS)}.",
    ),
    SectionOption(
        "Data", "--header/--no-header", default=None, help="Whether the first line of text data has the column names."
    ),
    SectionOption("Data", "--delimiter", metavar="CHAR", type=Delimiter(), help="Character between cells."),
    SectionOption(
        "Data", "--decimal", metavar="CHAR", help="Decimal sign of text data, such as --decimal ,  [default: .]"
    ),
    SectionOption(
        "Data", "--comment", metavar="TEXT", help="Leave out lines of text data that start with TEXT, such as #."
    ),
    SectionOption(
        "Data",
        "--nan",
        type=click.Choice(NAN_POLICIES),
        default="error",
        help="What to do with rows that lack a value.",
    ),
    SectionOption("Columns", "--true", "true", type=COLUMNS, help="Column of the true values."),
    SectionOption(
        "Columns",
        "--pred",
        "preds",
        multiple=True,
        type=COLUMNS,
        help="Column of the predictions; a list or pattern for vectors. compare, plot and report take several, a model "
        "each.",
    ),
    SectionOption("Columns", "--weight", "weight", type=COLUMN, help="Column of the sample weights."),
    SectionOption(
        "Columns",
        "--column",
        "columns",
        multiple=True,
        type=COLUMNS_OF_ROLE,
        help="Columns of a role: a name, a comma list or a pattern such as prob_* (repeatable).",
    ),
    SectionOption("Columns", "--id", "id_", type=COLUMN, help="Key column: pairs the rows of files, and names rows."),
    SectionOption(
        "Columns",
        "--classes",
        type=NAMES_OF_CLASSES,
        help="Class names in order: a list, or a file with one name per line.",
    ),
]

SERIES_OPTION = SectionOption(
    "Columns", "--series", type=COLUMN, help="Column of each row's time series, also in the file of train."
)

GROUP_HELP = "Evaluate each group of rows; @file is the file that a row came from."
GROUP_OPTION = SectionOption("Evaluation", "--group-by", type=GROUPS_OF_ROWS, help=GROUP_HELP)

OUTPUT_OPTIONS = [
    SectionOption(
        "Output",
        "-f",
        "--format",
        "format_",
        type=click.Choice(tuple(MODULE_OF_FORMAT)),
        metavar="FORMAT",
        help=f"{', '.join(MODULE_OF_FORMAT)}.  [default: table on a terminal, else tsv]",
    ),
    SectionOption("Output", "-o", "--output", type=FILE, help="Write to a file; its ending sets the format."),
    SectionOption(
        "Output",
        "--precision",
        type=click.IntRange(1, 17),
        metavar="DIGITS",
        help="Significant digits of tables, Markdown, HTML and LaTeX.",
    ),
    SectionOption(
        "Output", "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="When to use colour."
    ),
    SectionOption("Output", "-q", "--quiet", is_flag=True, help="Print no notes and no progress."),
    SectionOption("Output", "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."),
]

GATE_OPTIONS = [
    SectionOption(
        "Gates",
        "--fail-if",
        "gates",
        multiple=True,
        metavar="CONDITION",
        help="Exit with status 1 if a condition is true, such as 'mse>0.5' or 'huber.p95>=3' (repeatable).",
    ),
    SectionOption(
        "Gates",
        "--baseline",
        type=JSON_FILE,
        help="An earlier JSON result: adds its values and the relative change, for gates such as 'mse.change>2%'.",
    ),
    SectionOption(
        "Output",
        "--summary",
        type=FILE,
        help="Append a summary in Markdown (gates, values, worst rows) to a file, for the page of a CI job.",
    ),
]

JOBS_OPTION = SectionOption(
    "Scale", "-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Number of threads.  [default: all cores]"
)

ENGINE_OPTIONS = [
    SectionOption(
        "Scale",
        "--engine",
        type=click.Choice(ENGINES),
        default="local",
        help="Evaluate files with threads or on a Dask cluster.",
    ),
    SectionOption(
        "Scale",
        "--scheduler",
        metavar="ADDRESS",
        help="Dask scheduler, such as tcp://host:8786.  [default: start a cluster on this machine]",
    ),
    SectionOption(
        "Scale",
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Worker processes to start, or to wait for with --scheduler.",
    ),
]


class NoteWriter:
    """Writes notes to stderr, each once, after the results: an error stands alone. Writes nothing if it is quiet."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._known: dict[str, None] = {}
        self._is_held = True

    def __call__(self, note: str) -> None:
        text = escape_controls(f"losscli: note: {word(note, option)}")
        if self._quiet or text in self._known:
            return
        self._known[text] = None
        if not self._is_held:
            self._write(text)

    def release(self) -> None:
        """Write the notes so far, and from now on each as it comes."""
        if self._is_held:
            self._is_held = False
            for text in self._known:
                self._write(text)

    @staticmethod
    def _write(text: str) -> None:
        if sys.stderr is not None and sys.stderr.isatty():  # wrap at words
            import shutil
            import textwrap

            width = max(shutil.get_terminal_size().columns, 40)
            indent = {"subsequent_indent": "  ", "break_long_words": False, "break_on_hyphens": False}
            text = textwrap.fill(text, width, **indent)  # type: ignore[arg-type]
        sys.stderr.write(text + "\n")


def parse_losses(text: str, values: Mapping[str, Any]) -> list[BoundLoss]:
    """Look up the losses typed and set the parameters of `-P` and of its short forms."""
    from losscli.declaration.grammar import RawValue, parse_setting, parse_specs
    from losscli.registry import load_plugin, resolve

    for path in values["plugins"]:
        load_plugin(path)
    settings = [(*parse_setting(setting, f"-P {setting}"), f"-P {setting}") for setting in values["params"]]
    if values["from_logits"]:
        settings.append(("from_logits", RawValue("true"), option("from_logits")))
    if values["box_format"]:
        settings.append(("box_format", RawValue(values["box_format"]), option("box_format", values["box_format"])))
    params: dict[str, RawValue] = {}
    typed: dict[str, str] = {}
    for name, value, as_typed in settings:
        if params.setdefault(name, value) != value:
            raise UsageError(f"{typed[name]} and {as_typed} contradict each other: leave one out")
        typed.setdefault(name, as_typed)
    try:
        return resolve(parse_specs(text), params)
    except UsageError:
        from losscli.cli.mistakes import misplaced_losses

        if problem := misplaced_losses(text):
            raise UsageError(problem) from None
        raise


def parse_options(values: Mapping[str, Any], **more: Any) -> EvaluationOptions:
    """Return the evaluation options typed; `more` are those that only one command has.

    Raises:
        UsageError: A value makes no sense whatever the data holds.
    """
    from losscli.options import EvaluationOptions

    preds = values["preds"]
    if len(preds) > 1 and "models" not in more:
        raise UsageError("is given twice: several models are compared by 'losscli compare'", option=("y_pred", ""))
    columns = {"y_true": values["true"], "y_pred": preds[0] if preds else None, "weight": values["weight"]}
    columns["series"] = values.get("series")
    for text in values["columns"]:
        role, _, names = text.partition(equals_sign(text))
        if not (role and names):
            raise UsageError("must be ROLE=COLS, as in y_pred=prob_*", option=("columns", text))
        if (other := columns.get(role)) is not None and other != names:
            raise UsageError(f"{role} is {other!r} as well: leave one out", option=("columns", text))
        columns[role] = names
    of_interval = ("ci", "resamples", "seed", "ci_method", "cluster", "block")
    of_models = ["model_files", "model_column", "reference"]
    shared = ["baseline", *of_interval, *of_models, "jobs", "engine", "scheduler", "workers"]
    return EvaluationOptions(
        columns={role: names for role, names in columns.items() if names},
        id=values["id_"],
        classes=parse_classes(values["classes"] or ""),
        group_by=tuple(names_in_list(values["group_by"])) if values.get("group_by") else (),
        nan=values["nan"],
        **{name: values[name] for name in shared if name in values},
        **more,
    )


def parse_classes(text: str) -> tuple[str, ...]:
    """Return class names, from a comma list or from the lines of a file, `@FILE`.

    Raises:
        UsageError: The file cannot be read, is not UTF-8 text, or holds no names.
    """
    if not text.startswith("@"):
        return tuple(filter(None, names_in_list(text)))
    try:
        with open(text[1:], encoding="utf-8-sig") as file:
            names = tuple(line.strip() for line in file.read().rstrip().split("\n"))
    except (OSError, ValueError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeError) else getattr(error, "strerror", None) or error
        meant = did_you_mean_path(text[1:]) if isinstance(error, FileNotFoundError) else ""
        raise UsageError(f"{text[1:]}: {reason}{meant}", option=("classes", text)) from None
    if names == ("",):
        raise UsageError(f"{text[1:]}: is empty: it must hold one name per line", option=("classes", text))
    return names


def open_files(data: Sequence[str], values: Mapping[str, Any]) -> OpenSources:
    """Return what opens the files of DATA, or standard input if there are none and something is piped in.

    Raises:
        UsageError: There is no data.
    """
    from losscli.cli.model_options import open_model_files
    from losscli.data.folders import FILE_COLUMN
    from losscli.data.sources import open_data

    read_options = parse_read_options(values)
    groups = [*names_in_list(values.get("group_by") or ""), values.get("cluster") or ""]
    if values.get("model_files"):
        return open_model_files(data, values, read_options, groups)
    if not data and is_nothing_to_read():
        from losscli.cli.mistakes import no_data

        raise no_data(click.get_current_context())
    if not all(map(os.path.exists, data)):
        from losscli.cli.mistakes import refuse_losses_as_data

        refuse_losses_as_data(data)
    return lambda roles: open_data(data or ("-",), roles, read_options, by_file=FILE_COLUMN in groups)


def parse_read_options(values: Mapping[str, Any]) -> ReadOptions:
    """Return how text data is to be read."""
    from losscli.data.sources import check_read_options

    return check_read_options(*(values[name] for name in ("input_format", "header", "delimiter", "decimal", "comment")))
