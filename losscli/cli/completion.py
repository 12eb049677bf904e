"""The command `losscli completion`."""

from __future__ import annotations

import os
from typing import Any

import click

from losscli.cli.command import SectionCommand
from losscli.cli.shells import SCRIPTS, script_of
from losscli.errors import UsageError

INSTALLATION = """\
Completion of commands, options, losses, files and columns in a shell.

bash  in ~/.bashrc:
        eval "$(losscli completion bash)"
      or once, where the package bash-completion is installed:
        folder=~/.local/share/bash-completion/completions
        mkdir -p $folder && losscli completion bash > $folder/losscli

zsh   in ~/.zshrc, after compinit:
        eval "$(losscli completion zsh)"
      or once, in a folder that is added to fpath before compinit:
        losscli completion zsh > ~/.zfunc/_losscli
      with in ~/.zshrc:
        fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit

fish  once:
        losscli completion fish > ~/.config/fish/completions/losscli.fish

Open a new shell, and press TAB.
"""


class ShellName(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """The name of a shell."""

    name = "shell"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        return click.Choice(tuple(SCRIPTS)).shell_complete(ctx, param, incomplete)


class CompletionCommand(SectionCommand):
    """A command whose help text says how each shell loads the script."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write how each shell loads the script."""
        formatter.write(
            "\nInstallation:\n" + "".join(f"  {line}".rstrip() + "\n" for line in INSTALLATION.splitlines()[2:])
        )


@click.command(
    "completion",
    cls=CompletionCommand,
    short_help="Print the completion script for a shell.",
    params=[click.Argument(["shell"], type=ShellName(), required=False, metavar="[bash|zsh|fish]")],
)
def command(shell: str | None) -> int:
    """Print the script by which a shell completes commands, options, losses, files and columns.

    Without a shell it says how to install the script in each.

    \b
    Examples:
      losscli completion
      losscli completion bash
      eval "$(losscli completion bash)"
    """
    if shell is None:
        click.echo(INSTALLATION, nl=False)
        return 0
    if shell not in SCRIPTS:
        same = os.path.basename(shell).lower()
        meant = f" (did you mean losscli completion {same}?)" if same in SCRIPTS else ""
        raise UsageError(f"no completion for {shell!r}: the shells are {', '.join(SCRIPTS)}{meant}")
    click.echo(script_of(shell), nl=False)
    return 0
