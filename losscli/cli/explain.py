"""`losscli explain`."""

from __future__ import annotations

from typing import Any

import click

from losscli.cli.options import output_options


@click.command("explain")
@click.argument("loss")
@click.option("--plugin", "plugins", multiple=True, metavar="FILE.py", help="Load losses of your own (repeatable).")
@output_options
def command(loss: str, plugins: tuple[str, ...], quiet: bool, **values: Any) -> int:
    """Explain LOSS: formula, what it reads, parameters, gradient, properties, when to use it, and where other
    libraries differ.
    """
    from losscli import registry
    from losscli.cli.output import Output
    from losscli.errors import UsageError
    from losscli.explain import explain
    from losscli.report.formats import explanation

    values["format_"] = values["format_"] or (None if values["output"] else "table")
    output = Output.of(values)
    if not hasattr(explanation, output.format):
        raise UsageError(f"explain prints table, markdown or json, not {output.format}")
    for plugin in plugins:
        registry.load_plugin(plugin)
    name, colon, _ = loss.partition(":")
    if colon:
        raise UsageError(f"{loss}: explain takes a loss without its parameters, and says what they do: explain {name}")
    explained = explain(registry.find(loss))
    output.emit_with(lambda write: getattr(explanation, output.format)(explained, write, output.style))
    return 0
