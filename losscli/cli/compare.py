"""`losscli compare`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli.options import (
    Notes,
    data_options,
    gate_option,
    interval_from,
    interval_options,
    loss_options,
    losses_from,
    output_options,
    request_from,
    sources_from,
)


@click.command("compare")
@click.argument("data", nargs=-1, metavar="[[ROLE=]FILE]...")
@click.option("--losses", required=True, metavar="A,B,C", help="The losses to compare.")
@click.option(
    "--outliers",
    metavar="RULE",
    help="What flags outlier rows: mad:3.5 (the default where there is a residual), iqr:1.5, top:1% by the "
    "losses (the default elsewhere), column:NAME.",
)
@click.option(
    "--show-outliers",
    type=click.IntRange(min=1),
    metavar="K",
    help="List the K worst outlier rows, with each one's share of every loss.",
)
@click.option("--sort", metavar="COL", help="Sort by a column, -COL from the largest.  [default: rank]")
@interval_options
@gate_option
@loss_options
@data_options
@output_options
def command(
    data: tuple[str, ...],
    losses: str,
    outliers: str | None,
    show_outliers: int | None,
    sort: str | None,
    gates: tuple[str, ...],
    params: tuple[str, ...],
    quiet: bool,
    **values: Any,
) -> int:
    """Rank losses on one dataset by how far its outlier rows move them.

    Two questions are kept apart: how far outlier rows move the number that is reported (inflation, stress), and how
    far they would drag a fit (pull). Values of different losses are in different units: it is not they that are ranked.

    \b
    losscli compare --losses mse,mae,huber data.csv
    cat data.csv | losscli compare --losses mse,mae,huber
    """  # fmt: skip
    from losscli import plan, report
    from losscli.analysis.compare import MEASURES, compare_run, order_of
    from losscli.analysis.outliers import parse
    from losscli.cli.conclusion import conclude, gates_from
    from losscli.cli.output import Output
    from losscli.cli.progress import track

    note = Notes(quiet)
    output = Output.of(values)
    bound = losses_from(losses, params, values)
    interval = interval_from(values)
    conditions = gates_from(gates, bound, MEASURES, intervals=interval["ci"] is not None)
    rule, _ = (parse(outliers) if outliers else None), order_of(sort, interval["ci"])  # refused before all is read
    request = request_from(values, carry=(rule.column,) if rule and rule.column else (), **interval)
    dataset, run = plan.prepare(bound, sources_from(data, bound, values), request, note)
    compared = compare_run(
        dataset, run, outliers, lambda items: track(items, dataset.progress, quiet), sort=sort, show=show_outliers or 0
    )
    output.emit(report.comparison(compared))
    for text in compared.notes:
        note(text)
    measures = {loss.label: loss.measures for loss in compared}
    return conclude(compared.evaluation, note, conditions, measures)
