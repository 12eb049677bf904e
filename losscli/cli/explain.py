"""The command `losscli explain`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli.options import OUTPUT_OPTIONS, PLUGIN_OPTION, SectionCommand
from losscli.errors import UsageError


@click.command(
    "explain",
    cls=SectionCommand,
    short_help="Explain a loss: formula, gradient, use, pitfalls.",
    params=[click.Argument(["loss"]), PLUGIN_OPTION, *OUTPUT_OPTIONS],
)
def command(loss: str, plugins: tuple[str, ...], **values: Any) -> int:
    """Explain LOSS.

    Shows the formula, roles, parameters, gradient, properties, when to use it, and how other libraries differ.
    """
    from losscli.cli.output import Output
    from losscli.explain import explain
    from losscli.registry import find, load_plugin
    from losscli.report.formats import explanation

    values["format_"] = values["format_"] or (None if values["output"] else "table")
    output = Output.parse(values | {"plugins": plugins})
    if not hasattr(explanation, output.format):
        raise UsageError(f"explain prints table, markdown, html or json, not {output.format}")
    for path in plugins:
        load_plugin(path)
    name, colon, _ = loss.partition(":")
    if colon:
        raise UsageError(f"{loss}: explain takes a loss without its parameters, and says what they do: explain {name}")
    explained = explain(find(loss))
    with output.open() as write:
        getattr(explanation, output.format)(explained, write, output.style)
    return 0
