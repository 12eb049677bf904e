"""Options that commands share, and what the pipeline is given for the values typed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from losscli import shell
from losscli.cli.sections import combine, option
from losscli.errors import UsageError
from losscli.messages import word

if TYPE_CHECKING:
    from losscli.data.sources import ReadOptions
    from losscli.declaration.loss import BoundLoss
    from losscli.options import EvaluationOptions
    from losscli.pipeline import OpenSources

OUTPUT_FORMATS = ("table", "tsv", "csv", "json", "jsonl", "markdown", "value")
INPUT_FORMATS = ("csv", "tsv", "json", "jsonl", "npy", "npz", "parquet", "feather")
DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


def parse_delimiter(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the character that separates cells."""
    if value is None:
        return None
    value = DELIMITER_NAMES.get(value.lower(), value)
    if len(value) != 1 or value in '"\r\n':
        raise click.BadParameter("must be one character (or tab)")
    return value


def parse_number(ctx: click.Context, param: click.Parameter, value: str | None) -> int | float | str | None:
    """Return a number if the text is one, else the text, which a later check refuses in plain words."""
    for read in (int, float):
        with suppress(ValueError):
            return None if value is None else read(value)
    return value


plugin_option = option(
    "Losses", "--plugin", "plugins", multiple=True, metavar="FILE.py", help="Load losses of your own (repeatable)."
)

loss_options = combine(
    option(
        "Losses",
        "-P",
        "--param",
        "params",
        multiple=True,
        metavar="NAME=VALUE",
        help="Set a parameter on every loss that has it (repeatable).",
    ),
    option("Losses", "--from-logits", is_flag=True, help="Predictions are logits. Short for -P from_logits=true."),
    option(
        "Losses",
        "--box-format",
        type=click.Choice(("xyxy", "xywh", "cxcywh")),
        help="Meaning of a box's four numbers. Short for -P box_format=FORMAT.",
    ),
    plugin_option,
)

data_options = combine(
    option("Data", "--input-format", type=click.Choice(INPUT_FORMATS), help="Input format, if not by name."),
    option("Data", "--header/--no-header", default=None, help="Whether text data starts with column names."),
    option("Data", "--delimiter", metavar="CHAR", callback=parse_delimiter, help="Character between cells."),
    option(
        "Data",
        "--nan",
        type=click.Choice(["error", "omit", "propagate"]),
        default="error",
        show_default=True,
        help="What to do with rows that lack a value.",
    ),
    option("Columns", "--true", "true", metavar="COL", help="Column of the true values."),
    option(
        "Columns",
        "--pred",
        "preds",
        multiple=True,
        metavar="COL",
        help="Column of the predictions; a list or pattern for vectors. Repeat it to compare models.",
    ),
    option("Columns", "--weight", "weight", metavar="COL", help="Column of the sample weights."),
    option(
        "Columns",
        "--column",
        "columns",
        multiple=True,
        metavar="ROLE=COLS",
        help="Columns of a role: a name, a comma list or a pattern such as prob_* (repeatable).",
    ),
    option("Columns", "--id", "id_", metavar="COL", help="Key column that pairs files and names rows."),
    option("Columns", "--classes", metavar="A,B,...", help="Class names, in order."),
)

group_option = option("Evaluation", "--group-by", metavar="COL[,COL]", help="Evaluate each group of rows.")

interval_options = combine(
    option(
        "Evaluation",
        "--ci",
        metavar="LEVEL",
        callback=parse_number,
        help="Add bootstrap confidence intervals, such as --ci 0.95.",
    ),
    option(
        "Evaluation",
        "--resamples",
        metavar="B",
        callback=parse_number,
        help="Number of resamples.  [default: 9999; 1000 from 10001 rows on]",
    ),
    option("Evaluation", "--seed", metavar="S", callback=parse_number, help="Seed of the resampling.  [default: 0]"),
    option(
        "Evaluation",
        "--ci-method",
        metavar="METHOD",
        help="studentized (default for means), bca, percentile (default for medians) or poisson (used from 65537 "
        "rows on).",
    ),
)

output_options = combine(
    option(
        "Output",
        "-f",
        "--format",
        "format_",
        type=click.Choice(OUTPUT_FORMATS),
        help="Output format.  [default: table on a terminal, else tsv]",
    ),
    option("Output", "-o", "--output", metavar="FILE", help="Write to a file; its ending sets the format."),
    option(
        "Output",
        "--precision",
        type=click.IntRange(1, 17),
        metavar="DIGITS",
        help="Significant digits of tables and Markdown.",
    ),
    option(
        "Output",
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="When to use colour.",
    ),
    option("Output", "-q", "--quiet", is_flag=True, help="Print no notes and no progress."),
    option("Output", "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."),
)

gate_options = combine(
    option(
        "Gates",
        "--fail-if",
        "gates",
        multiple=True,
        metavar="CONDITION",
        help="Exit with status 1 if a condition is true, such as 'mse>0.5' or 'huber.p95>=3' (repeatable).",
    ),
    option(
        "Gates",
        "--baseline",
        metavar="FILE.json",
        help="Earlier JSON result. Adds its values and the relative change, for gates such as 'mse.change>2%'.",
    ),
)

jobs_option = option(
    "Scale", "-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Number of threads.  [default: all cores]"
)

engine_options = combine(
    option(
        "Scale",
        "--engine",
        type=click.Choice(["local", "dask"]),
        default="local",
        show_default=True,
        help="Evaluate files with threads or on a Dask cluster.",
    ),
    option(
        "Scale",
        "--scheduler",
        metavar="ADDRESS",
        help="Dask scheduler, such as tcp://host:8786.  [default: start a cluster on this machine]",
    ),
    option(
        "Scale",
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Worker processes to start, or to wait for with --scheduler.",
    ),
)


class NoteWriter:
    """Writes notes to stderr, each once; writes nothing if it is quiet."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.written: set[str] = set()

    def __call__(self, note: str) -> None:
        text = f"losscli: note: {word(note, shell.option)}"
        if self.quiet or text in self.written:
            return
        self.written.add(text)
        if sys.stderr is not None and sys.stderr.isatty():  # wrap at words
            import shutil
            import textwrap

            width = max(shutil.get_terminal_size().columns, 40)
            indent = {"subsequent_indent": "  ", "break_long_words": False, "break_on_hyphens": False}
            text = textwrap.fill(text, width, **indent)  # type: ignore[arg-type]
        sys.stderr.write(text + "\n")


def parse_losses(text: str, values: Mapping[str, Any]) -> list[BoundLoss]:
    """Look up the losses typed and set the parameters of `-P` and of its short forms."""
    from losscli.declaration.grammar import RawValue, parse_setting
    from losscli.pipeline import resolve_losses

    if os.path.isfile(text):
        raise UsageError(f"{text} is a file, not a loss: losses come before the data, as in compute mse {text}")
    load_plugins(values["plugins"])
    params = dict(parse_setting(setting, f"-P {setting}") for setting in values["params"])
    if values["from_logits"]:
        params["from_logits"] = RawValue("true")
    if values["box_format"]:
        params["box_format"] = RawValue(values["box_format"])
    return resolve_losses(text, params)


def load_plugins(paths: Sequence[str]) -> None:
    """Load the losses that Python files declare."""
    from losscli.registry import load_plugin

    for path in paths:
        load_plugin(path)


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
    for text in values["columns"]:
        role, equals, names = text.partition("=")
        if not (role and equals and names):
            raise UsageError("must be ROLE=COLS, as in y_pred=prob_*", option=("columns", text))
        columns[role] = names
    classes = tuple(name.strip() for name in (values["classes"] or "").split(",") if name.strip())
    group_by = values.get("group_by")
    shared = ("baseline", "ci", "resamples", "seed", "ci_method", "jobs", "engine", "scheduler", "workers")
    return EvaluationOptions(
        columns={role: names for role, names in columns.items() if names},
        id=values["id_"],
        classes=classes,
        group_by=() if group_by is None else tuple(name.strip() for name in group_by.split(",")),
        nan=values["nan"],
        **{name: values[name] for name in shared if name in values},
        **more,
    )


def open_files(data: Sequence[str], values: Mapping[str, Any]) -> OpenSources:
    """Return what opens the files of DATA, or standard input if there are none and something is piped in.

    Raises:
        UsageError: There is no data, or the output would overwrite it.
    """
    from losscli.data.sources import open_data

    if not data and (sys.stdin is None or sys.stdin.isatty()):
        print(click.get_current_context().get_help(), file=sys.stderr)
        raise UsageError("no data: name a file, or pipe it in")
    output = values["output"]
    for argument in data if output and os.path.exists(output) else ():
        path = argument if os.path.exists(argument) else argument.partition("=")[2]
        if os.path.exists(path) and os.path.samefile(output, path):
            raise UsageError("is the input: choose another name", option=("output", output))
    return lambda roles: open_data(data or ("-",), roles, parse_read_options(values))


def parse_read_options(values: Mapping[str, Any]) -> ReadOptions:
    """Return how text data is to be read."""
    from losscli.data.sources import ReadOptions

    return ReadOptions(values["input_format"], values["header"], values["delimiter"])
