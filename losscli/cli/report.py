"""The command `losscli report`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from losscli.cli import options as shared
from losscli.cli.command import SectionCommand, SectionOption
from losscli.cli.compare import OUTLIERS_OPTION
from losscli.cli.interval_options import INTERVAL_OPTIONS
from losscli.cli.model_options import DECOMPOSE_OPTION, MODEL_OPTIONS
from losscli.cli.value_types import FILE, LOSSES_TO_COMPARE
from losscli.errors import UsageError

if TYPE_CHECKING:
    from losscli.gates import Gate, GateVerdict


@click.command(
    "report",
    cls=SectionCommand,
    options_metavar="--losses A,B,C [OPTIONS]",
    short_help="Write one page: verdict, table, pictures, worst rows.",
    params=[
        shared.DATA_ARGUMENT,
        SectionOption(
            "Losses", "--losses", multiple=True, type=LOSSES_TO_COMPARE, help="Losses to report.  [required]"
        ),
        *shared.LOSS_OPTIONS,
        *shared.DATA_OPTIONS,
        shared.SERIES_OPTION,
        *MODEL_OPTIONS,
        OUTLIERS_OPTION,
        DECOMPOSE_OPTION,
        shared.GROUP_OPTION,
        *INTERVAL_OPTIONS,
        SectionOption(
            "Output", "--top", type=click.IntRange(1, 100), default=10, metavar="K", help="How many worst rows to list."
        ),
        SectionOption("Output", "--title", metavar="TEXT", help="Heading of the page.  [default: name of the data]"),
        SectionOption(
            "Output",
            "-f",
            "--format",
            "format_",
            type=click.Choice(("html",)),
            help="Format of the page: html is the only one.",
        ),
        SectionOption("Output", "-o", "--output", type=FILE, help="Write to a file, such as report.html."),
        *(option for option in shared.OUTPUT_OPTIONS if option.name in ("quiet", "debug")),
        *shared.GATE_OPTIONS,
        shared.JOBS_OPTION,
    ],
)
def command(data: tuple[str, ...], losses: tuple[str, ...], **values: Any) -> int:
    """Write one HTML page on losses: what to believe, the table, pictures, the worst rows, how it was computed.

    The page is one file that needs no network. It can be sent, printed and archived. Intervals are bootstrap intervals
    with --ci or for up to 65536 rows, else they are by the normal distribution. matplotlib draws the pictures: pip
    install 'losscli[plot]'.

    \b
    Examples:
      losscli report data.csv --losses mse,mae,huber -o report.html
      losscli report data.csv --losses mse,mae --group-by site -o report.html
      losscli report data.csv --losses mse --pred old --pred new -o report.html
    """
    from losscli.cli.finish import appended, finish, judge_gates, parse_gates
    from losscli.cli.matplotlib_settings import ignore_matplotlib_settings
    from losscli.cli.output import Output
    from losscli.cli.summary import SummaryFile
    from losscli.compare.result import GATE_COLUMNS
    from losscli.page.build import PageOptions
    from losscli.pipeline import report
    from losscli.results import STATISTICS
    from losscli.shell import option

    if not losses:
        from losscli.cli.mistakes import example_with_losses

        example = example_with_losses("report", data, "-o", "report.html")
        raise UsageError(f"--losses says which losses to report, as in {example}")
    check_destination(values)
    note = shared.NoteWriter(values["quiet"])
    output = Output.parse({**values, "format_": "html", "precision": None, "color": "never"}, data or ("-",))
    summary = SummaryFile.parse(values, data or ("-",), output, click.get_current_context().obj)
    if output.replaces(values["baseline"]):
        raise UsageError("is the baseline: choose another name for the page", option=("output", values["output"]))
    bound = shared.parse_losses(",".join(losses), values)
    gates = parse_gates(values, bound, GATE_COLUMNS) if values["gates"] else []
    options = shared.parse_options(
        values,
        models=values["preds"],
        outliers=values["outliers"],
        decompose=values["decompose"],
        value_only={gate.statistic for gate in gates}.isdisjoint(STATISTICS) and not summary,
    )
    ignore_matplotlib_settings()
    page_options = PageOptions(
        values["title"], values["top"], typed_command(), option, any(map(is_of_model_in_group, gates))
    )
    track = output.track(values["quiet"])
    content = report(bound, shared.open_files(data, values), options, page_options, note, track)
    from losscli.page.html import render  # after the threads have started to work

    verdicts = judge_gates(content.evaluation, gates, content.statistics)
    page = render(replace(content, gates=gate_lines(verdicts)))
    with output.open() as write:
        write(page)
    with appended(summary, content.evaluation, verdicts, notes=content.notes, worst=content.worst):
        return finish(content.evaluation, note, verdicts, content.notes)


def is_of_model_in_group(gate: Gate) -> bool:
    """Return whether a gate is on how a model stands in a group."""
    from losscli.compare.models import ModelStanding
    from losscli.gates import MODEL

    selectors = (gate.selector, *gate.other_readings)
    names_group = any(column != MODEL for selector in selectors for column, _ in selector)
    return gate.statistic in ModelStanding._fields and names_group


def gate_lines(verdicts: Sequence[GateVerdict]) -> list[tuple[str, bool]]:
    """Return what the gates say: each failure, and the conditions that are not true anywhere."""
    if not verdicts:
        return []
    from losscli.gates import failures

    failed = {verdict.gate.text for verdict in verdicts if verdict.failed}
    passed = {verdict.gate.text: f"not {verdict.gate.text}" for verdict in verdicts if verdict.gate.text not in failed}
    passed |= {
        verdict.gate.text: f"not {verdict.gate.text}, by an interval that is too short: few rows carry the value"
        for verdict in verdicts
        if verdict.warning and verdict.gate.text in passed
    }
    return [*((words, True) for words in failures(verdicts)), *((words, False) for words in passed.values())]


def check_destination(values: Mapping[str, Any]) -> None:
    """Check that the page does not go to a terminal unasked, and that the file's ending does not name another format.

    Raises:
        UsageError: It does.
    """
    from losscli.cli.files import is_device, split_endings

    path = values["output"]
    if path is None:
        if sys.stdout is not None and sys.stdout.isatty():
            raise UsageError("a page is not for a terminal: -o report.html writes it to a file")
        return
    ending, _ = split_endings(path)
    if path != "-" and ending not in (".html", ".htm") and not values["format_"] and not is_device(path):
        raise UsageError("a page is HTML: name it *.html, or add --format html", option=("output", path))


def typed_command() -> str:
    """Return the command as it was typed, quoted for a shell, the options in the order of the help text."""
    import shlex

    context = click.get_current_context()
    words = ["losscli", "report", *context.params["data"]]
    for parameter in context.command.params:
        name = parameter.name or ""
        if not isinstance(parameter, click.Option) or name not in context.params:
            continue
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = context.params[name]
        flag = parameter.opts[0] if value is not False else (parameter.secondary_opts or [""])[0]
        for one in value if parameter.multiple else (value,):
            words += [flag] if parameter.is_flag else [flag, str(one)]
    return shlex.join(words)
