"""The command `losscli recommend`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli import options as shared
from losscli.cli.command import SectionCommand, SectionOption
from losscli.cli.model_options import NO_MODEL_OPTIONS
from losscli.cli.value_types import FUNCTIONAL


@click.command(
    "recommend",
    cls=SectionCommand,
    short_help="Recommend losses for a dataset, with reasons.",
    params=[
        shared.DATA_ARGUMENT,
        SectionOption(
            "Losses", "--from-logits", is_flag=True, help="Predictions are logits, even if they all lie in [0, 1]."
        ),
        SectionOption(
            "Losses",
            "--target",
            type=FUNCTIONAL,
            default="auto",
            help="What forecasts should be: mean, median, quantile:TAU, or auto (the result says what it assumes).",
        ),
        *shared.DATA_OPTIONS,
        *NO_MODEL_OPTIONS,
        *shared.OUTPUT_OPTIONS,
    ],
)
def command(data: tuple[str, ...], from_logits: bool, target: str, **values: Any) -> int:
    """Recommend losses for DATA: which suit it, which do not, and why.

    The losses to use are consistent for what forecasts should be (--target): a mean, a median or a quantile. Their
    parameters are computed from the data: delta of huber from the robust scale of the residuals, class weights from
    the class shares. The last line is the command that compares these losses. With -f value only their names are
    printed.

    \b
    Examples:
      losscli recommend data.csv
      losscli recommend true.npy pred.npy
      losscli recommend labels=person.npy embeddings=faces.npy
      losscli recommend data.csv --target quantile:0.9
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
        target=target,
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
        for command_text in found.commands:
            note(f"to compare them: {command_text}")
    return 0
