"""The words of a command line, sorted into losses, files and options."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

import click

from losscli.cli.command import is_nothing_to_read
from losscli.errors import UsageError

NEED_DATA = ("compute", "compare", "recommend", "report")
"""The commands that can do nothing without data."""


def split_words(command: click.Command, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words that are no options, and options with their values, as they were typed."""
    flags = {
        name: parameter.is_flag
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    others: list[str] = []
    options: list[str] = []
    i = 0
    while i < len(words):
        word = words[i]
        i += 1
        if word == "--":
            return others + list(words[i:]), options
        if not word.startswith("-") or word == "-":
            others.append(word)
            continue
        options.append(word)
        letters = [f"-{letter}" for letter in word[1:]]
        with_value = next((k for k, letter in enumerate(letters) if flags.get(letter) is False), None)
        is_short = not word.startswith("--") and with_value == len(letters) - 1
        if (flags.get(word) is False or is_short) and i < len(words):
            options.append(words[i])
            i += 1
    return others, options


def is_loss(word: str, beside_files: bool = True) -> bool:
    """Return whether a word is a loss or a list of losses, and where files may stand, not the name of one."""
    from losscli.declaration.grammar import parse_specs
    from losscli.registry import means_loss

    if beside_files and os.path.exists(word):
        return False
    try:
        return all(means_loss(spec.name) for spec in parse_specs(word))
    except UsageError:
        return False


def is_file(word: str) -> bool:
    """Return whether a word is a file, a folder, a pattern or a role with a file."""
    return word == "-" or any(os.path.exists(name) or "*" in name for name in (word, word.partition("=")[2]))


def sort_words(words: Sequence[str], beside_files: bool = True) -> tuple[list[str], list[str]]:
    """Return the losses among words, and the others, without the commas that stand between losses.

    Where files may stand, a file that is called like a loss is a file.
    """
    losses, others = [], []
    for word in words:
        bare = word.strip(", ")
        if is_loss(bare, beside_files=False) and not (beside_files and os.path.exists(word)):
            losses.append(bare)
        elif bare:
            others.append(word)
    return losses, others


def quote_names(words: Sequence[str]) -> list[str]:
    """Return words with those joined that are the name of a loss together, as `mean squared error` without quotes."""
    found = list(words)
    for start in range(len(words)):
        for end in range(len(words), start + 1, -1):
            piece = words[start:end]
            if any(not word.strip() or word.strip()[0] == "," or word.strip()[-1] == "," for word in piece):
                continue  # a list with spaces, or an empty word
            if not any(map(is_file, piece)) and not all(map(is_loss, piece)) and is_loss(" ".join(piece)):
                return [*found[:start], " ".join(piece), *quote_names(found[end:])]
    return found


def spell_command(name: str, losses: Sequence[str], data: Sequence[str], options: Sequence[str] = ()) -> str:
    """Return a command with losses, data and options, quoted for a shell; where data are missing, with an example."""
    listed = [",".join(dict.fromkeys(losses))] if losses else []
    if listed and name in ("compare", "report"):
        listed.insert(0, "--losses")
    files = [f"./{word}" if word[0] == "-" and word != "-" else word for word in data]  # not an option
    if not files and name in NEED_DATA and is_nothing_to_read():
        files = ["data.csv"]
    return shlex.join(["losscli", name, *listed, *files, *options])


def typed_words(ctx: click.Context) -> list[str]:
    """Return the words that were typed after the name of the command."""
    words = list(ctx.obj or ())
    return words[words.index(ctx.info_name) + 1 :] if ctx.info_name in words else []


def lists_of_losses(ctx: click.Context) -> list[str]:
    """Return the lists of losses that were typed: one where they are an argument, each where an option is repeated."""
    given = ctx.params.get("losses", ())
    return [given] if isinstance(given, str) else list(given or ())


def omit_option(words: Sequence[str], name: str) -> list[str]:
    """Return words without an option and its value."""
    found: list[str] = []
    skip = False
    for word in words:
        if not skip and word != name and not word.startswith(f"{name}="):
            found.append(word)
        skip = not skip and word == name
    return found
