"""`losscli recommend`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli.options import Notes, data_options, output_options, read_options, request_from, tables_from


@click.command("recommend")
@click.argument("data", nargs=-1, metavar="[[ROLE=]FILE]...")
@click.option("--from-logits", is_flag=True, help="Predictions are logits, even where they all lie in [0, 1].")
@data_options
@output_options
def command(data: tuple[str, ...], from_logits: bool, quiet: bool, **values: Any) -> int:
    """Look at DATA and say which losses suit it, which do not, and why.

    Parameters are worked out from the data: huber's delta from the robust scale of the residuals, weights from the
    shares of the classes. The last line is the command that compares the losses that suit. With -f value only their
    names are printed.

    \b
    losscli recommend data.csv
    losscli recommend true.npy pred.npy
    losscli recommend data.csv --true label --pred 'prob_*' -f json
    """  # fmt: skip
    from losscli import binding
    from losscli.cli.output import Output
    from losscli.cli.progress import track
    from losscli.evaluation.run import Evaluated
    from losscli.recommend.advise import recommend_from
    from losscli.report import tables

    note = Notes(quiet)
    output = Output.of(values)
    sources = tables_from(data, binding.OBSERVED, values)
    found = recommend_from(
        sources, request_from(values), note, data=data, options=read_options(values), logits=from_logits,
        track=lambda dataset, batches: (
            item.batch for item in track((Evaluated(b, ()) for b in batches), dataset.progress, quiet)
        ),
    )  # fmt: skip
    output.emit(tables.recommendation(found, only_losses=output.format == "value"))
    for text in found.notes:
        note(text)
    if found.command and (not data or "-" in data):
        note("the data came through a pipe: give it to the command in the same way")
    if found.command and output.format not in ("table", "markdown"):
        note(f"to compare them: {found.command}")
    return 0
