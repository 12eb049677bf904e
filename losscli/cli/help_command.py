"""The command `losscli help`. Not called help.py: a module of that name would hide the built-in in this package."""

from __future__ import annotations

import click

from losscli.cli.command import SectionCommand
from losscli.cli.mistaken_options import all_commands
from losscli.cli.mistakes import unknown_command
from losscli.cli.value_types import COMMAND_NAME


@click.command(
    "help",
    cls=SectionCommand,
    short_help="Show the help of a command.",
    params=[click.Argument(["name"], type=COMMAND_NAME, required=False, metavar="[COMMAND]")],
)
@click.pass_context
def command(ctx: click.Context, name: str | None) -> int:
    """Show the help of a command, as COMMAND --help does; without one, the list of commands.

    \b
    Examples:
      losscli help
      losscli help compute
      losscli help compare
    """
    group = ctx.parent
    if group is None or name is None:
        click.echo((group or ctx).get_help())
        return 0
    found = all_commands()
    if name not in found:
        raise unknown_command(name, [name], tuple(found))
    context = click.Context(found[name], info_name=name, parent=group, help_option_names=group.help_option_names)
    click.echo(found[name].get_help(context))
    return 0
