"""Completion in a shell: a script asks this program for the words that may come next on a line."""

from __future__ import annotations

import os

import click

VARIABLE = "_LOSSCLI_COMPLETE"
"""The variable of the environment by which a script asks, as the scripts of click do."""

SCRIPTS = {"bash": "losscli.bash", "zsh": "_losscli", "fish": "losscli.fish"}
"""Shell -> the file beside this one that the shell loads."""


def script_of(shell: str) -> str:
    """Return the text that a shell loads."""
    import pkgutil

    return (pkgutil.get_data(__name__, SCRIPTS[shell]) or b"").decode()


def answer(program: click.Group, instruction: str) -> int:
    """Print what may come next on the line that a script sends, nothing if it makes no sense; return the status."""
    from losscli.cli.shells.protocol import PROTOCOLS

    try:
        shell = PROTOCOLS[instruction.partition("_")[0]](program, {}, "losscli", VARIABLE)
        os.write(1, shell.complete().encode("utf-8", "surrogateescape"))
    except Exception:  # whatever it is: a message would be written into the line that is being typed
        return 1
    return 0
