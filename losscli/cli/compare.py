"""`losscli compare`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import click

from losscli.cli.options import (
    Notes,
    baseline_option,
    columns_from,
    data_options,
    gate_option,
    interval_from,
    interval_options,
    jobs_option,
    loss_options,
    losses_from,
    output_options,
    request_from,
    sources_from,
)
from losscli.errors import UsageError


def _which_losses(data: Sequence[str]) -> str:
    """What to say where no losses are named: the first argument may have been meant to be them."""
    meant = data[0] if data and not os.path.exists(data[0]) else ""
    example = " ".join(["losscli compare --losses", meant or "mse,mae,huber", *(data[1:] if meant else data)])
    return f"--losses says which losses to compare, as in '{example}'"


@click.command("compare")
@click.argument("data", nargs=-1, metavar="[[ROLE=]FILE]...")
@click.option("--losses", metavar="A,B,C", help="The losses to compare.  [required]")
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
@click.option("--group-by", metavar="COL[,COL]", help="Compare within each group.")
@interval_options
@gate_option
@baseline_option
@loss_options
@data_options
@jobs_option
@output_options
def command(
    data: tuple[str, ...],
    losses: str | None,
    outliers: str | None,
    show_outliers: int | None,
    sort: str | None,
    group_by: str | None,
    gates: tuple[str, ...],
    baseline: str | None,
    params: tuple[str, ...],
    jobs: int | None,
    quiet: bool,
    **values: Any,
) -> int:
    """Rank losses on one dataset by how far its outlier rows move them.

    Two questions are kept apart: how far outlier rows move the number that is reported (inflation, stress), and how
    far they would drag a fit (pull). Values of different losses are in different units: it is not they that are ranked.
    With several models (--pred a --pred b, or a pattern) it says which one wins under each loss, and how sure that is.

    \b
    losscli compare --losses mse,mae,huber data.csv
    cat data.csv | losscli compare --losses mse,mae,huber
    losscli compare --losses mse,mae data.csv --pred model_a --pred model_b
    """  # fmt: skip
    from losscli import binding
    from losscli.cli.finish import baseline_from, gates_from, report_and_exit_status
    from losscli.cli.output import Output
    from losscli.cli.progress import track
    from losscli.compare.compare import CompareOptions, compare_run
    from losscli.compare.result import GATED, MEASURES
    from losscli.report import tables
    from losscli.results import STATISTICS

    if not losses:
        raise UsageError(_which_losses(data))
    note = Notes(quiet)
    output = Output.of(values)
    bound = losses_from(losses, params, values)
    conditions = gates_from(gates, bound, (*MEASURES, *GATED), intervals=values["ci"] is not None,
                            baseline=baseline is not None)  # fmt: skip
    earlier, interval = baseline_from(baseline), interval_from(values)
    asked = CompareOptions.of(outliers, sort, show_outliers or 0, values["ci"] is not None)
    carry = (asked.rule.column,) if asked.rule and asked.rule.column else ()
    gated_statistics = {gate.statistic for gate in conditions}
    request = request_from(
        values, several_models=True, carry=carry, group_by=columns_from(group_by), jobs=jobs,
        value_only=gated_statistics.isdisjoint(STATISTICS), **interval,
    )  # fmt: skip
    dataset, run = binding.bind(bound, sources_from(data, bound, values), request, note)
    compared = compare_run(dataset, run, asked, lambda items: track(items, dataset.progress, quiet, rows=int))
    compared = compared.with_baseline(earlier) if earlier else compared
    output.emit(tables.comparison(compared))
    for text in compared.notes:
        note(text)
    return report_and_exit_status(
        compared.evaluation, note, conditions, {loss.result.key: loss.measures for loss in compared}
    )
