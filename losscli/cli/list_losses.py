"""`losscli list`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli.options import output_options


@click.command("list")
@click.option("--family", metavar="NAME", help="Only one family.")
@click.option("--plugin", "plugins", multiple=True, metavar="FILE.py", help="Load losses of your own (repeatable).")
@output_options
def command(family: str | None, plugins: tuple[str, ...], quiet: bool, **values: Any) -> int:
    """List the losses."""
    from losscli import registry
    from losscli.cli.output import Output
    from losscli.errors import UsageError
    from losscli.report import tables

    output = Output.of(values)
    for plugin in plugins:
        registry.load_plugin(plugin)
    losses = registry.all_losses()
    families = dict.fromkeys(loss.family for loss in losses)
    if family is not None and family.lower() not in families:
        raise UsageError(f"no family {family!r}; they are {', '.join(families)}")
    chosen = [loss for loss in losses if family is None or loss.family == family.lower()]
    output.emit(tables.catalogue(chosen))
    return 0
