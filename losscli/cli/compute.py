"""The command `losscli compute`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli import options as shared
from losscli.cli.command import SectionCommand, SectionOption
from losscli.cli.interval_options import INTERVAL_OPTIONS
from losscli.cli.model_options import NO_MODEL_OPTIONS
from losscli.cli.value_types import FILE, LOSSES, PENALTY
from losscli.errors import UsageError
from losscli.options import REDUCTIONS


@click.command(
    "compute",
    cls=SectionCommand,
    short_help="Compute losses: reduced, by group or by sample.",
    params=[
        click.Argument(["losses"], type=LOSSES),
        shared.DATA_ARGUMENT,
        *shared.LOSS_OPTIONS,
        *shared.DATA_OPTIONS,
        shared.SERIES_OPTION,
        *NO_MODEL_OPTIONS,
        SectionOption(
            "Evaluation",
            "--reduction",
            type=click.Choice([*REDUCTIONS, "none"]),
            default="mean",
            help="How per-sample losses become one number; none means --per-sample.",
        ),
        shared.GROUP_OPTION,
        SectionOption(
            "Evaluation",
            "--penalty",
            type=PENALTY,
            help="Add a penalty on --parameters to every value: l1, l2 or elastic_net.",
        ),
        SectionOption("Evaluation", "--parameters", type=FILE, help="Parameter array to penalize (any shape)."),
        *INTERVAL_OPTIONS,
        SectionOption("Output", "--per-sample", is_flag=True, help="Print one row per sample."),
        SectionOption("Output", "--gradient", is_flag=True, help="Print one row per sample, with gradients."),
        SectionOption(
            "Output", "--top", type=click.IntRange(min=1), metavar="K", help="Print only the K worst samples."
        ),
        *shared.OUTPUT_OPTIONS,
        *shared.GATE_OPTIONS,
        shared.JOBS_OPTION,
        *shared.ENGINE_OPTIONS,
    ],
)
def command(losses: str, data: tuple[str, ...], **values: Any) -> int:
    """Compute LOSSES on DATA.

    LOSSES are names joined by commas, with parameters after colons: mse,huber:delta=0.5. DATA is one table, two
    files (y_true, then y_pred), ROLE=FILE for each role, or standard input.

    \b
    Examples:
      losscli compute mse data.csv
      losscli compute mse true.npy pred.npy
      losscli compute bce,focal data.csv --true label --pred prob --top 10
    """
    from losscli.cli.finish import appended, finish, judge_gates, parse_gates, with_verdicts, write_and_finish
    from losscli.cli.output import FORMAT_OR_BADGE, Output
    from losscli.cli.summary import SummaryFile
    from losscli.pipeline import compute, stream_samples

    note = shared.NoteWriter(values["quiet"])
    output = Output.parse(values, data or ("-",), FORMAT_OR_BADGE)
    summary = SummaryFile.parse(values, data or ("-",), output, click.get_current_context().obj)
    observe = None if summary is None else summary.observe
    bound = shared.parse_losses(losses, values)
    gates = parse_gates(values, bound) if values["gates"] else []
    per_sample = bool(values["per_sample"] or values["gradient"] or values["top"] or values["reduction"] == "none")
    if values["parameters"] == "-":
        raise UsageError("is read from a file: standard input is for data", option=("parameters", "-"))
    options = shared.parse_options(
        values,
        reduction="mean" if values["reduction"] == "none" else values["reduction"],
        per_sample=per_sample,
        gradient=values["gradient"],
        penalty=values["penalty"],
        parameters=values["parameters"],
        value_only=output.format == "value"
        and not (per_sample or gates or values["baseline"] or values["ci"] or summary),
    )
    open_sources = shared.open_files(data, values)
    track = output.track(values["quiet"])
    if per_sample:
        from losscli.report.samples import samples

        if output.is_badge:
            raise UsageError("is a badge of a gate: rows have none", option=("output", values["output"]))
        stream = stream_samples(bound, open_sources, options, note, track, observe)
        if output.replaces(values["baseline"]):
            raise UsageError("is the baseline: choose another name for rows", option=("output", values["output"]))
        report = samples(stream, values["top"])
        judge = lambda: judge_gates(stream.evaluate(), gates)  # noqa: E731
        output.emit(with_verdicts(report, judge) if gates else report)
        evaluation = stream.evaluate()
        verdicts = judge_gates(evaluation, gates)
        with appended(summary, evaluation, verdicts):
            return finish(evaluation, note, verdicts)
    read_options = shared.parse_read_options(values)._replace(format=None)
    evaluation = compute(bound, open_sources, options, note, track, read_options, observe)
    from losscli.report import tables  # after the threads have started to work

    verdicts = judge_gates(evaluation, gates)
    with appended(summary, evaluation, verdicts):
        return write_and_finish(tables.summary(evaluation), evaluation, output, note, verdicts, values["baseline"])
