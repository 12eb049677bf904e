"""The command `losscli list`. Not called list.py: a module of that name would hide the built-in in this package."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli.command import SectionCommand, SectionOption
from losscli.cli.options import OUTPUT_OPTIONS, PLUGIN_OPTION
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
    from losscli.catalogue import catalogue_entries
    from losscli.cli.output import Output
    from losscli.report import tables

    output = Output.parse(values | {"plugins": plugins})
    if plugins:
        from losscli.registry import load_plugin

        for path in plugins:
            load_plugin(path)
    entries = catalogue_entries(has_plugins=bool(plugins))
    families = dict.fromkeys(entry["family"] for entry in entries)
    if family is not None and family.lower() not in families:
        raise UsageError(f"no family {family!r}; they are {', '.join(families)}")
    output.emit(tables.catalogue([entry for entry in entries if family is None or entry["family"] == family.lower()]))
    return 0
