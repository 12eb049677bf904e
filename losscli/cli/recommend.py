"""The command `losscli recommend`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli import options as shared
from losscli.cli.model_options import NO_MODEL_OPTIONS
from losscli.cli.options import SectionCommand, SectionOption


@click.command(
    "recommend",
    cls=SectionCommand,
    short_help="Recommend losses for a dataset, with reasons.",
    params=[
        shared.DATA_ARGUMENT,
        SectionOption(
            "Losses", "--from-logits", is_flag=True, help="Predictions are logits, even if they all lie in [0, 1]."
        ),
        *shared.DATA_OPTIONS,
        *NO_MODEL_OPTIONS,
        *shared.OUTPUT_OPTIONS,
    ],
)
def command(data: tuple[str, ...], from_logits: bool, **values: Any) -> int:
    """Recommend losses for DATA: which suit it, which do not, and why.

    Parameters are computed from the data: huber's delta from the robust scale of the residuals, class weights from
    the class shares. The last line is the command that compares the recommended losses. -f value prints their names
    only.

    \b
    Examples:
      losscli recommend data.csv
      losscli recommend true.npy pred.npy
      losscli recommend data.csv --true label --pred 'prob_*' -f json
    """
    from losscli.cli.output import Output
    from losscli.pipeline import recommend
    from losscli.report import tables

    note = shared.NoteWriter(values["quiet"])
    output = Output.parse(values, data or ("-",))
    found = recommend(
        shared.open_files(data, values),
        shared.parse_options(values),
        note,
        output.track(values["quiet"]),
        from_logits=from_logits,
        paths=data,
        read_options=shared.parse_read_options(values),
    )
    output.emit(tables.recommendation(found, only_losses=output.format == "value"))
    note.release()
    for text in found.notes:
        note(text)
    if found.command and (not data or "-" in data):
        note("the data came through a pipe: give it to the command in the same way")
    if found.command and output.format not in ("table", "markdown"):
        note(f"to compare them: {found.command}")
    return 0
