"""The command `losscli list`. Not called list.py: a module of that name would hide the built-in in this package."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli.options import OUTPUT_OPTIONS, PLUGIN_OPTION, SectionCommand, SectionOption
from losscli.errors import UsageError


@click.command(
    "list",
    cls=SectionCommand,
    short_help="List the losses.",
    params=[
        SectionOption("Losses", "--family", metavar="NAME", help="List one family only."),
        PLUGIN_OPTION,
        *OUTPUT_OPTIONS,
    ],
)
def command(family: str | None, plugins: tuple[str, ...], **values: Any) -> int:
    """List the losses."""
    from losscli.cli.output import Output
    from losscli.registry import all_losses, load_plugin
    from losscli.report import tables

    output = Output.parse(values | {"plugins": plugins})
    for path in plugins:
        load_plugin(path)
    losses = all_losses()
    families = dict.fromkeys(loss.family for loss in losses)
    if family is not None and family.lower() not in families:
        raise UsageError(f"no family {family!r}; they are {', '.join(families)}")
    output.emit(tables.catalogue([loss for loss in losses if family is None or loss.family == family.lower()]))
    return 0
