"""`losscli compute`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli.options import (
    Notes,
    baseline_option,
    columns_from,
    data_options,
    engine_from,
    engine_options,
    gate_option,
    interval_from,
    interval_options,
    jobs_option,
    loss_options,
    losses_from,
    output_options,
    penalty_from,
    request_from,
    sources_from,
)


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
@click.option(
    "--penalty",
    metavar="NAME:lambda=X",
    help="Add a penalty on --parameters to every value, of each group too: l1, l2 or elastic_net (with ratio=0.5).",
)
@click.option("--parameters", metavar="FILE", help="The numbers that --penalty is of, of any shape.")
@click.option("--group-by", metavar="COL[,COL]", help="A row a group and loss.")
@interval_options
@gate_option
@baseline_option
@jobs_option
@engine_options
@output_options
def command(
    losses: str,
    data: tuple[str, ...],
    params: tuple[str, ...],
    reduction: str,
    per_sample: bool,
    gradient: bool,
    top: int | None,
    penalty: str | None,
    parameters: str | None,
    group_by: str | None,
    gates: tuple[str, ...],
    baseline: str | None,
    jobs: int | None,
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
    from losscli import binding
    from losscli.cli.finish import baseline_from, gates_from, report_and_exit_status
    from losscli.cli.output import Output
    from losscli.cli.progress import track
    from losscli.evaluation.engines import reduced

    note = Notes(quiet)
    output = Output.of(values)
    bound = losses_from(losses, params, values)
    conditions = gates_from(gates, bound, intervals=values["ci"] is not None, baseline=baseline is not None)
    earlier = baseline_from(baseline)
    per_sample = per_sample or gradient or top is not None or reduction == "none"
    interval = interval_from(values, per_sample)
    charge = penalty_from(penalty, parameters, per_sample, values)
    request = request_from(
        values,
        reduction="mean" if reduction == "none" else reduction,
        gradient=gradient,
        group_by=columns_from(group_by),
        jobs=jobs,
        value_only=output.format == "value" and not (per_sample or gates or baseline or values["ci"]),
        **interval,
        **engine_from(values),
    )
    dataset, run = binding.bind(bound, sources_from(data, bound, values), request, note)
    if per_sample:
        from losscli.report import tables
        from losscli.report.samples import samples
        from losscli.results import results_of

        if request.engine != "local":
            note(f"evaluated here, not by {request.engine.capitalize()}: rows are printed in order, from one place")
        evaluated = track(run.evaluate(dataset.batches()), dataset.progress, quiet)
        output.emit(samples(dataset, run, evaluated, lambda: results_of(dataset, run).to_dict(), top))
        evaluation = earlier.attach_to(results_of(dataset, run)) if earlier else results_of(dataset, run)
    else:
        for _ in track(reduced(dataset, run, request, note), dataset.progress, quiet, rows=int):
            from losscli.report import tables  # here, while other threads are at work
            from losscli.results import results_by_group, results_of
        evaluation = results_by_group(dataset, run) if group_by else results_of(dataset, run)
        evaluation = evaluation.with_penalty(charge) if charge else evaluation
        evaluation = earlier.attach_to(evaluation) if earlier else evaluation
        output.emit(tables.summary(evaluation))
    return report_and_exit_status(evaluation, note, conditions)
