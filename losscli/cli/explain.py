"""The command `losscli explain`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from losscli.cli.command import SectionCommand, SectionOption
from losscli.cli.mistakes import misplaced_losses
from losscli.cli.options import OUTPUT_OPTIONS, PLUGIN_OPTION
from losscli.cli.value_types import LOSSES
from losscli.errors import LosscliError, UsageError
from losscli.report.formats import MODULE_OF_FORMAT

if TYPE_CHECKING:
    from losscli.declaration.loss import BoundLoss


@click.command(
    "explain",
    cls=SectionCommand,
    short_help="Explain losses: formula, curve, use, pitfalls.",
    params=[
        click.Argument(["losses"], type=LOSSES, metavar="LOSS[,LOSS]..."),
        PLUGIN_OPTION,
        SectionOption(
            "Output",
            "-f",
            "--format",
            "format_",
            type=click.Choice(tuple(MODULE_OF_FORMAT)),
            metavar="[table|markdown|html|json]",
            help="Output format.  [default: table]",
        ),
        *(option for option in OUTPUT_OPTIONS if option.name not in ("format_", "precision")),
    ],
)
def command(losses: str, plugins: tuple[str, ...], **values: Any) -> int:
    """Explain a LOSS, or several side by side.

    Shows the formula, roles, parameters, gradient, properties, when to use it, and how other libraries differ. A
    terminal shows the curve, too.

    \b
    Examples:
      losscli explain huber
      losscli explain huber:delta=2
      losscli explain mse,huber,mae
    """
    from losscli.cli.output import Output
    from losscli.declaration.grammar import parse_specs
    from losscli.explain import explain
    from losscli.registry import load_plugin, resolve
    from losscli.report.formats import explanation

    values["format_"] = values["format_"] or (None if values["output"] else "table")
    output = Output.parse(values | {"plugins": plugins, "precision": None})
    if not hasattr(explanation, output.format):
        raise UsageError(f"explain prints table, markdown, html or json, not {output.format}")
    for path in plugins:
        load_plugin(path)
    try:
        bound = resolve(parse_specs(losses))
    except UsageError:
        if problem := misplaced_losses(losses):
            raise UsageError(problem) from None
        raise
    explained: Any = explain(bound[0])
    if len(bound) > 1:
        from losscli.explanations import Explanations

        explained = Explanations(tuple(map(explain, bound)))
    with output.open() as write:
        if output.format == "table" and output.style.width:
            width = explanation.width_of_text(output.style)
            explanation.table(explained, write, output.style, curve_text(bound, width, output.style.colour))
        else:
            getattr(explanation, output.format)(explained, write, output.style)
    return 0


def curve_text(bound: Sequence[BoundLoss], width: int, colour: bool) -> str:
    """Return the curves of losses as text; of one loss without a curve nothing, of several the reason."""
    from losscli.plot.curves import curves_picture
    from losscli.plot.terminal import draw_small

    try:
        picture = curves_picture(bound)
    except LosscliError as error:
        from losscli.explain import wrap_text

        return wrap_text(f"No curves in one picture: {error}", width, "") + "\n" if len(bound) > 1 else ""
    return draw_small(picture, width, colour)
