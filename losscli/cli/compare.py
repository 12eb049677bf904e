"""`losscli compare`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli.options import (
    Notes,
    data_options,
    gate_option,
    loss_options,
    losses_from,
    output_options,
    request_from,
    sources_from,
)


@click.command("compare")
@click.argument("data", nargs=-1, metavar="[[ROLE=]FILE]...")
@click.option("--losses", required=True, metavar="A,B,C", help="The losses to compare.")
@click.option("--outliers", metavar="RULE", help="What flags outlier rows.  [default: mad:3.5]")
@gate_option
@loss_options
@data_options
@output_options
def command(
    data: tuple[str, ...],
    losses: str,
    outliers: str | None,
    gates: tuple[str, ...],
    params: tuple[str, ...],
    quiet: bool,
    **values: Any,
) -> int:
    """Rank losses on one dataset by how far its outlier rows move them.

    Raw values of different losses are in different units, so it is not they that are ranked. A row is an outlier
    when the modified z-score of its residual, 0.6745 (e - median) / MAD, is beyond 3.5.

    \b
    losscli compare --losses mse,mae,huber data.csv
    cat data.csv | losscli compare --losses mse,mae,huber
    """  # fmt: skip
    from losscli import plan, report
    from losscli.analysis.compare import MEASURES, compare_run
    from losscli.cli.conclusion import conclude, gates_from
    from losscli.cli.output import Output
    from losscli.cli.progress import track

    note = Notes(quiet)
    output = Output.of(values)
    bound = losses_from(losses, params, values)
    conditions = gates_from(gates, bound, MEASURES)
    dataset, run = plan.prepare(bound, sources_from(data, bound, values), request_from(values), note)
    compared = compare_run(dataset, run, outliers, lambda items: track(items, dataset.progress, quiet))
    output.emit(report.comparison(compared))
    for text in compared.notes:
        note(text)
    measures = {loss.label: {key: getattr(loss, key) for key in MEASURES} for loss in compared}
    return conclude(compared.evaluation, note, conditions, measures)
