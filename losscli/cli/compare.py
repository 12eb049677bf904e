"""The command `losscli compare`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli import options as shared
from losscli.cli.command import SectionCommand, SectionOption
from losscli.cli.interval_options import INTERVAL_OPTIONS
from losscli.cli.model_options import DECOMPOSE_OPTION, LEADERBOARD_OPTION, MODEL_OPTIONS
from losscli.cli.value_types import LOSSES_TO_COMPARE, OUTLIER_RULE, SORT_COLUMN
from losscli.errors import UsageError

OUTLIERS_OPTION = SectionOption(
    "Evaluation",
    "--outliers",
    type=OUTLIER_RULE,
    help="Rule for outlier rows: mad:3.5 (default for losses of a residual), iqr:1.5, top:1% (default for "
    "others) or column:NAME.",
)


@click.command(
    "compare",
    cls=SectionCommand,
    options_metavar="--losses A,B,C [OPTIONS]",
    short_help="Rank losses by outlier sensitivity; compare models.",
    params=[
        shared.DATA_ARGUMENT,
        SectionOption(
            "Losses", "--losses", multiple=True, type=LOSSES_TO_COMPARE, help="Losses to compare.  [required]"
        ),
        *shared.LOSS_OPTIONS,
        *shared.DATA_OPTIONS,
        shared.SERIES_OPTION,
        *MODEL_OPTIONS,
        OUTLIERS_OPTION,
        DECOMPOSE_OPTION,
        shared.GROUP_OPTION,
        *INTERVAL_OPTIONS,
        LEADERBOARD_OPTION,
        SectionOption(
            "Output",
            "--sort",
            type=SORT_COLUMN,
            help="Sort by a column or a model's values; -COL sorts from the largest.  [default: rank]",
        ),
        SectionOption(
            "Output",
            "--show-outliers",
            type=click.IntRange(min=1),
            metavar="K",
            help="List the K worst outlier rows, with their share of every loss.",
        ),
        *shared.OUTPUT_OPTIONS,
        *shared.GATE_OPTIONS,
        shared.JOBS_OPTION,
    ],
)
def command(data: tuple[str, ...], losses: tuple[str, ...], **values: Any) -> int:
    """Rank losses by their sensitivity to outliers, or compare models.

    One model: rank 1 is the loss that outliers move least. The columns inflation and stress (contamination) say how far
    outliers move the value, pull (deletion influence) how far they move a fitted model, effective_n (Kish) how many
    rows the value rests on. Values of different losses have different units: they are not ranked.

    Several models (--pred a --pred b, a pattern, --model or --model-column): which model is best under each loss, and
    how sure that is.

    \b
    Examples:
      losscli compare --losses mse,mae,huber data.csv
      cat data.csv | losscli compare --losses mse,mae,huber
      losscli compare --losses mse,mae data.csv --pred model_a --pred model_b
      losscli compare --losses mse,mae truth.csv --model 'runs/*/preds.csv'
    """
    from losscli.cli.finish import appended, judge_gates, parse_gates, write_and_finish
    from losscli.cli.output import FORMAT_OR_BADGE, Output
    from losscli.cli.summary import SummaryFile
    from losscli.compare.result import GATE_COLUMNS, SLOW_COLUMNS
    from losscli.pipeline import compare
    from losscli.results import STATISTICS

    if not losses:
        from losscli.cli.mistakes import example_with_losses

        example = example_with_losses("compare", data)
        raise UsageError(f"--losses says which losses to compare, as in {example}")
    note = shared.NoteWriter(values["quiet"])
    output = Output.parse(values, data or ("-",), FORMAT_OR_BADGE)
    summary = SummaryFile.parse(values, data or ("-",), output, click.get_current_context().obj)
    bound = shared.parse_losses(",".join(losses), values)
    gates = parse_gates(values, bound, GATE_COLUMNS) if values["gates"] else []
    wanted = {gate.statistic for gate in gates} | {(values["sort"] or "").removeprefix("-")}
    options = shared.parse_options(
        values,
        models=values["preds"],
        outliers=values["outliers"],
        sort=values["sort"],
        leaderboard=values["leaderboard"],
        show_outliers=values["show_outliers"] or 0,
        decompose=values["decompose"],
        table_only=output.format not in ("json", "jsonl") and wanted.isdisjoint(SLOW_COLUMNS) and not summary,
        value_only={gate.statistic for gate in gates}.isdisjoint(STATISTICS) and not summary,
    )
    observe = None if summary is None else summary.observe
    compared = compare(bound, shared.open_files(data, values), options, note, output.track(values["quiet"]), observe)
    from losscli.report import tables  # after the threads have started to work

    verdicts = judge_gates(compared.evaluation, gates, {loss.result.key: loss.statistics for loss in compared})
    report = tables.comparison(compared)
    if compared.shows_leaderboard:
        from losscli.report.boards import leaderboard

        report = leaderboard(compared.leaderboard, compared.to_dict)._replace(detail=report.detail)
    with appended(summary, compared.evaluation, verdicts, compared, compared.notes):
        return write_and_finish(report, compared.evaluation, output, note, verdicts, values["baseline"], compared.notes)
