"""`losscli compute`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from losscli.cli.options import (
    Notes,
    data_options,
    loss_options,
    losses_from,
    output_options,
    request_from,
    sources_from,
)

if TYPE_CHECKING:
    from losscli.results import Evaluation


@click.command("compute")
@click.argument("losses")
@click.argument("data", nargs=-1, metavar="[[ROLE=]FILE]...")
@loss_options
@data_options
@click.option("--reduction", type=click.Choice(["mean", "sum", "median", "none"]), default="mean", show_default=True,
              help="How per-sample losses become one number; mean is the loss's own (rmse: the root of the mean); "
                   "none is --per-sample.")  # fmt: skip
@click.option("--per-sample", is_flag=True, help="A row a sample.")
@click.option("--gradient", is_flag=True, help="With --per-sample: gradients by the prediction.")
@click.option("--top", type=click.IntRange(min=1), metavar="K", help="Only the K worst samples, by the first loss.")
@click.option("--group-by", metavar="COL[,COL]", help="A row a group and loss.")
@output_options
def command(
    losses: str,
    data: tuple[str, ...],
    params: tuple[str, ...],
    from_logits: bool,
    plugins: tuple[str, ...],
    reduction: str,
    per_sample: bool,
    gradient: bool,
    top: int | None,
    group_by: str | None,
    quiet: bool,
    **values: Any,
) -> int:
    """Evaluate LOSSES on DATA: reduced, or a row a sample.

    LOSSES are names joined by commas, with parameters after colons: mse,huber:delta=0.5. DATA is one table, two
    files (y_true, then y_pred), ROLE=FILE for each role, or standard input.

    \b
    losscli compute mse data.csv
    losscli compute mse true.npy pred.npy
    losscli compute bce,focal:gamma=1 data.csv --true label --pred prob --top 10
    """  # fmt: skip
    from losscli import plan, report
    from losscli.cli.output import Output
    from losscli.cli.progress import track
    from losscli.results import results_by_group, results_of

    note = Notes(quiet)
    output = Output.of(values)
    bound = losses_from(losses, params, from_logits, plugins)
    per_sample = per_sample or gradient or top is not None or reduction == "none"
    request = request_from(
        values,
        reduction="mean" if reduction == "none" else reduction,
        gradient=gradient,
        group_by=tuple((group_by or "").split(",")) if group_by else (),
    )
    dataset, run = plan.prepare(bound, sources_from(data, bound, values), request, note)
    evaluated = track(run.over(dataset.batches()), dataset.progress, quiet)
    if per_sample:
        output.emit(report.samples(dataset, run, evaluated, lambda: results_of(dataset, run).to_dict(), top))
        evaluation = results_of(dataset, run)
    else:
        for _ in evaluated:
            pass
        evaluation = results_by_group(dataset, run) if group_by else results_of(dataset, run)
        output.emit(report.summary(evaluation))
    return conclude(evaluation, note)


SMALL_GROUP = 30
"""Rows below which a group's number says little."""


def conclude(evaluation: Evaluation, note: Notes) -> int:
    """Say what should be known of the numbers; 4 where one of them is not finite."""
    from losscli.errors import NoResultError

    info = evaluation.data
    if info.n_omitted:
        note(f"{info.n_omitted} of {info.n} rows lack a value and were left out")
    for result in evaluation:
        where = "".join(f" ({column} {value})" for column, value in (result.group or {}).items())
        if result.summary.clipped:
            note(f"{result.label}{where}: in {result.summary.clipped} of {result.n} rows a probability was below eps "
                 "and was clipped: eps sets their loss, not the data")  # fmt: skip
        if not result.summary.exact:
            note(f"{result.label}{where}: median and p95 are ≈, right to 0.1 %")
    small = sorted((r.n, " ".join(r.group.values())) for r in evaluation if r.group is not None and r.n < SMALL_GROUP)
    if small:
        count = len({name for _, name in small})
        groups = "1 group has" if count == 1 else f"{count} groups have"
        note(f"{groups} fewer than {SMALL_GROUP} rows, {small[0][1]} only {small[0][0]}: their numbers say little")
    bad = [f"{result.label} is {result.value}" for result in evaluation if result.status != "ok"]
    if bad:
        raise NoResultError(f"{', '.join(bad)}: not a finite number; --top 5 shows the rows")
    return 0
