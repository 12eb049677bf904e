"""Options that commands share, as bundles; what was typed, as objects."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from losscli import shell
from losscli.errors import UsageError
from losscli.messages import word

if TYPE_CHECKING:
    from losscli.data.sources import ReadOptions, Sources
    from losscli.declaration.loss import BoundLoss
    from losscli.options import EvaluationOptions
    from losscli.penalty import Applied

Command = Callable[..., Any]

FORMATS = ("table", "tsv", "csv", "json", "jsonl", "markdown", "value")
INPUT_FORMATS = ("csv", "tsv", "json", "jsonl", "npy", "npz", "parquet", "feather")


def bundle(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, in the order they are listed."""

    def apply(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


def delimiter_of(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """One character; `tab` and `\\t` are names of the tab."""
    if value is None:
        return None
    value = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(value.lower(), value)
    if len(value) != 1 or value in '"\r\n':
        raise click.BadParameter("must be one character (or tab)")
    return value


loss_options = bundle(
    click.option("-P", "--param", "params", multiple=True, metavar="NAME=VALUE",
                 help="Set a parameter on every listed loss that has it (repeatable)."),
    click.option("--from-logits", is_flag=True, help="Predictions are logits: short for -P from_logits=true."),
    click.option("--box-format", type=click.Choice(("xyxy", "xywh", "cxcywh")),
                 help="What the four numbers of a box are: short for -P box_format=..."),
    click.option("--plugin", "plugins", multiple=True, metavar="FILE.py",
                 help="Load losses of your own from a Python file (repeatable)."),
)  # fmt: skip

data_options = bundle(
    click.option("--true", "true", metavar="COL", help="Column of the true values."),
    click.option("--pred", "preds", multiple=True, metavar="COL",
                 help="Column of the predictions; a list or pattern for vectors; compare takes several models."),
    click.option("--weight", "weight", metavar="COL", help="Column of sample weights."),
    click.option("--column", "columns", multiple=True, metavar="ROLE=COLS",
                 help="Columns of a role: a name, a comma list or a pattern as prob_* (repeatable)."),
    click.option("--id", "id_", metavar="COL", help="Key that pairs two files and names the rows."),
    click.option("--classes", metavar="A,B,...", help="Names of the classes, in order."),
    click.option("--nan", type=click.Choice(["error", "omit", "propagate"]), default="error", show_default=True,
                 help="What to do with rows that lack a value."),
    click.option("--input-format", type=click.Choice(INPUT_FORMATS), help="Format of the data, if not by its name."),
    click.option("--header/--no-header", default=None, help="Whether text data starts with column names."),
    click.option("--delimiter", metavar="CHAR", callback=delimiter_of, help="What separates the cells of text data."),
)  # fmt: skip

jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads that read and evaluate.  [default: all cores]",
)

engine_options = bundle(
    click.option("--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True,
                 help="Where files are evaluated: by threads, or by the workers of a Dask cluster."),
    click.option("--scheduler", metavar="ADDRESS",
                 help="With --engine dask: a running cluster, as tcp://host:8786; otherwise one is started here."),
    click.option("--workers", type=click.IntRange(min=1), metavar="N",
                 help="With --engine dask: processes to start, or with --scheduler workers to wait for."),
)  # fmt: skip

output_options = bundle(
    click.option("-f", "--format", "format_", type=click.Choice(FORMATS),
                 help="Output format; table on a terminal, tsv in a pipe."),
    click.option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all; format by its ending."),
    click.option("--precision", type=click.IntRange(1, 17), metavar="DIGITS",
                 help="Significant digits of tables and markdown."),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
                 help="Colour on stdout."),
    click.option("-q", "--quiet", is_flag=True, help="No notes and no progress on stderr."),
    click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."),
)  # fmt: skip


gate_option = click.option(
    "--fail-if", "gates", multiple=True, metavar="CONDITION",
    help="Exit with 1 where a condition is true, as 'mse>0.5' or 'huber.p95>=3' (repeatable).",
)  # fmt: skip

baseline_option = click.option(
    "--baseline", metavar="FILE.json",
    help="An earlier JSON result: adds its values and the relative change, for gates as 'mse.change>2%'.",
)  # fmt: skip


def number_or_text(ctx: click.Context, param: click.Parameter, value: str | None) -> int | float | str | None:
    """A number where it can be read as one; else the text as it is, to be refused in other words than click's."""
    for read in (int, float):
        with suppress(ValueError):
            return None if value is None else read(value)
    return value


interval_options = bundle(
    click.option("--ci", metavar="LEVEL", callback=number_or_text,
                 help="A bootstrap confidence interval of each value, as --ci 0.95."),
    click.option("--resamples", metavar="B", callback=number_or_text,
                 help="With --ci: how often rows are resampled.  [default: 9999; 1000 from 10001 rows on]"),
    click.option("--seed", metavar="S", callback=number_or_text,
                 help="With --ci: the same seed gives the same digits.  [default: 0]"),
    click.option("--ci-method", metavar="METHOD",
                 help="With --ci: studentized (of means, the default), bca, percentile (of medians, the default), or "
                      "poisson (always from 65537 rows on)."),
)  # fmt: skip


def engine_from(values: dict[str, Any]) -> dict[str, Any]:
    """Where it is evaluated, as a Request has it."""
    if values["engine"] == "local":
        for name in ("scheduler", "workers"):
            if values[name] is not None:
                raise UsageError(f"--{name} goes with --engine dask")
    return {name: values[name] for name in ("engine", "scheduler", "workers")}


class Notes:
    """Where notes go: stderr, unless they are to be quiet; each is said once."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.said: set[str] = set()

    def __call__(self, text: str) -> None:
        text = word(text, shell.option)
        if not self.quiet and text not in self.said:
            self.said.add(text)
            sys.stderr.write(_wrapped(f"losscli: note: {text}") + "\n")


def _wrapped(text: str) -> str:
    """Broken at words where a terminal would break within them; a line elsewhere."""
    if sys.stderr is None or not sys.stderr.isatty():
        return text
    import shutil
    import textwrap

    width = max(shutil.get_terminal_size().columns, 40)
    return textwrap.fill(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def losses_from(text: str, params: tuple[str, ...], values: dict[str, Any]) -> list[BoundLoss]:
    """The losses that were typed, with the parameters of -P and of the options that are short for it."""
    from losscli import registry
    from losscli.declaration import grammar

    if os.path.isfile(text):
        raise UsageError(f"{text} is a file, not a loss: losses come before the data, as in compute mse {text}")
    for plugin in values["plugins"]:
        registry.load_plugin(plugin)
    shared = dict(grammar.parse_setting(setting, f"-P {setting}") for setting in params)
    if values["from_logits"]:
        shared["from_logits"] = grammar.RawValue("true")
    if values["box_format"]:
        shared["box_format"] = grammar.RawValue(values["box_format"])
    return registry.resolve(grammar.parse(text), shared)


def penalty_from(text: str | None, path: str | None, per_sample: bool, values: dict[str, Any]) -> Applied | None:
    """The penalty on the parameters in a file, where both are given."""
    if text is None and path is None:
        return None
    if text is None or path is None:
        raise UsageError("--penalty and --parameters go together, as in --penalty l2:lambda=0.01 --parameters w.npy")
    if path == "-":
        raise UsageError("--parameters is read from a file: standard input is for data")
    if per_sample:
        raise UsageError("--penalty is added to the reduced value: there is none with a row a sample")
    from losscli import penalty

    return penalty.apply(penalty.parse(text), path, read_options(values)._replace(format=None))


def columns_from(text: str | None) -> tuple[str, ...]:
    """The columns of the comma list of --group-by.

    Raises:
        UsageError: a name is empty, or there twice.
    """
    if text is None:
        return ()
    names = tuple(name.strip() for name in text.split(","))
    twice = next((name for name in names if names.count(name) > 1), None)
    if not all(names) or twice is not None:
        what = f"{twice!r} is named twice" if all(names) else "a column has no name"
        raise UsageError(f"--group-by {text!r}: {what}; it takes column names joined by commas")
    return names


def request_from(values: dict[str, Any], several_models: bool = False, **more: Any) -> EvaluationOptions:
    """What the data options say.

    Raises:
        UsageError: what makes no sense whatever the data holds.
    """
    from losscli.options import EvaluationOptions

    preds = values["preds"]
    if len(preds) > 1 and not several_models:
        raise UsageError("--pred is given twice: several models are compared by 'losscli compare'")
    models = {"models": preds} if several_models else {}
    columns = {"y_true": values["true"], "y_pred": preds[0] if preds else None, "weight": values["weight"]}
    for text in values["columns"]:
        role, equals, names = text.partition("=")
        if not (role and equals and names):
            raise UsageError(f"--column {text}: must be ROLE=COLS, as in y_pred=prob_*")
        columns[role] = names
    classes = tuple(name.strip() for name in (values["classes"] or "").split(",") if name.strip())
    if len(set(classes)) < len(classes):
        raise UsageError(f"--classes {values['classes']}: a class is named twice")
    asked = {role: names for role, names in columns.items() if names}
    return EvaluationOptions(asked, values["id_"], classes, nan=values["nan"], **models, **more)


def interval_from(values: dict[str, Any], per_sample: bool = False) -> dict[str, Any]:
    """What the interval options say, as fields of a Request; refused before anything is read."""
    asked = {name: values[name] for name in ("ci", "resamples", "seed", "ci_method")}
    if set(asked.values()) == {None}:
        return {}
    from losscli.statistics.bootstrap.options import parse_resampling

    if per_sample and values["ci"] is not None:
        raise UsageError("--ci is of the reduced value: there is none with a row a sample")
    parse_resampling(*asked.values())
    return asked


def sources_from(data: tuple[str, ...], losses: list[BoundLoss], values: dict[str, Any]) -> Sources:
    """The tables that DATA names, of the roles that the losses read."""
    from losscli.binding import role_names

    return tables_from(data, role_names(losses), values)


def tables_from(data: tuple[str, ...], roles: Sequence[str], values: dict[str, Any]) -> Sources:
    """The tables that DATA names; standard input where nothing is named and something comes through a pipe."""
    from losscli.data.sources import open_data

    if not data and (sys.stdin is None or sys.stdin.isatty()):
        context = click.get_current_context()
        print(context.get_help(), file=sys.stderr)
        raise UsageError("no data: name a file, or pipe it in")
    refuse_overwriting_input(values["output"], data)
    sources = open_data(data or ("-",), roles, read_options(values))
    click.get_current_context().call_on_close(sources.close)
    return sources


def refuse_overwriting_input(output: str | None, data: tuple[str, ...]) -> None:
    """Refuse to write over what is read."""
    for argument in data:
        path = argument if os.path.exists(argument) else argument.partition("=")[2]
        if output and os.path.exists(output) and os.path.exists(path) and os.path.samefile(output, path):
            raise UsageError(f"-o {output}: is the input: choose another name")


def read_options(values: dict[str, Any]) -> ReadOptions:
    """How text data is to be read."""
    from losscli.data.sources import ReadOptions

    return ReadOptions(values["input_format"], values["header"], values["delimiter"])
