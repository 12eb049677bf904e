"""The command `losscli list`. Not called list.py: a module of that name would hide the built-in in this package."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli.command import SectionCommand, SectionOption
from losscli.cli.options import OUTPUT_OPTIONS, PLUGIN_OPTION
from losscli.cli.value_types import FAMILY
from losscli.declaration.names import normalize_name
from losscli.errors import UsageError

COLUMNS_FOR_ALIASES = 120
"""A narrower terminal shows other names of losses only if few are asked for."""


@click.command(
    "list",
    cls=SectionCommand,
    short_help="List the losses.",
    params=[
        click.Argument(["text"], nargs=-1, type=FAMILY, metavar="[FAMILY or TEXT]"),
        SectionOption("Losses", "--family", type=FAMILY, help="List one family only."),
        PLUGIN_OPTION,
        *OUTPUT_OPTIONS,
    ],
)
def command(text: tuple[str, ...], family: str | None, plugins: tuple[str, ...], **values: Any) -> int:
    """List the losses by family, the common ones first.

    FAMILY lists one family. TEXT lists the losses that have it in their names, also Chinese ones and those of other
    libraries, in their summary or formula.

    \b
    Examples:
      losscli list regression
      losscli list cross entropy
      losscli list 交叉熵
    """
    from losscli.catalogue import catalogue_entries, find_entries
    from losscli.cli.output import Output
    from losscli.report import tables

    output = Output.parse(values | {"plugins": plugins})
    if plugins:
        from losscli.registry import load_plugin

        for path in plugins:
            load_plugin(path)
    entries = catalogue_entries(has_plugins=bool(plugins))
    if family is not None:
        families = {normalize_name(entry["family"]): entry["family"] for entry in entries}
        if normalize_name(family) not in families:
            raise UsageError(f"no family {family!r}; they are {', '.join(families)}")
        entries = [entry for entry in entries if entry["family"] == families[normalize_name(family)]]
    if text:
        entries = find_entries(entries, " ".join(text))
    width = output.style.width
    output.emit(tables.catalogue(entries, shows_aliases=bool(text) or not width or width >= COLUMNS_FOR_ALIASES))
    return 0
