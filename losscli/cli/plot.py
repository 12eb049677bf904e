"""The command `losscli plot`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli import options as shared
from losscli.cli.options import SectionCommand, SectionOption
from losscli.options import PICTURE_KINDS


@click.command(
    "plot",
    cls=SectionCommand,
    short_help="Draw losses: curves, or where a loss comes from.",
    params=[
        click.Argument(["losses"]),
        shared.DATA_ARGUMENT,
        *shared.LOSS_OPTIONS,
        *shared.DATA_OPTIONS,
        SectionOption(
            "Evaluation", "--kind", type=click.Choice(PICTURE_KINDS), help="What to draw.  [default: what fits]"
        ),
        SectionOption("Evaluation", "--outliers", metavar="RULE", help="Rule for outlier rows: mad:3.5 or iqr:1.5."),
        shared.GROUP_OPTION,
        *shared.INTERVAL_OPTIONS,
        *shared.OUTPUT_OPTIONS,
        shared.JOBS_OPTION,
    ],
)
def command(losses: str, data: tuple[str, ...], **values: Any) -> int:
    """Draw LOSSES: their curves and gradients, or with DATA where they come from."""
    import json

    from losscli.cli.output import Output
    from losscli.pipeline import plot
    from losscli.plot.kinds import PlotOptions

    note = shared.NoteWriter(values["quiet"])
    output = Output.parse(values, data or ("-",))
    bound = shared.parse_losses(losses, values)
    options = shared.parse_options(values, models=values["preds"])
    picture = plot(
        bound, shared.open_files(data, values), options, PlotOptions(values["kind"], values["outliers"]), note
    )
    with output.open() as write:
        write(json.dumps(picture.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return 0
