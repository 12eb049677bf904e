"""What was probably meant by an option or a condition that is wrong."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

import click

from losscli.cli.command import LONG_DASHES, may_have_wrong_dashes
from losscli.cli.habits import OTHER_OPTIONS, WORDS_FOR_DATA, WORDS_FOR_HELP
from losscli.cli.words import is_file, lists_of_losses, sort_words, spell_command, split_words
from losscli.errors import UsageError
from losscli.messages import close_names, join_names

CUTOFF_OF_OPTIONS = 0.7
"""How alike a name is to that of an option with a typing error, without dashes."""


def option_names(command: click.Command) -> list[str]:
    """Return the long options of a command as they are typed."""
    return [
        name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--")
    ] + ["--help"]


def squash(option: str) -> str:
    """Return an option's name without what is easily mistyped: dashes, underscores and capitals."""
    return re.sub(r"[-_]", "", option).lower()


def refuse_wrong_dashes(command: click.Command, words: Sequence[str]) -> None:
    """Refuse `-format` and an option after a long dash: the one would be `-f ormat`, the other a file.

    Raises:
        click.UsageError: A word is such an option.
    """
    names = {squash(name): name for name in option_names(command)}
    letters = {
        name[1:]: name for parameter in command.params for name in parameter.opts if re.fullmatch("-[A-Za-z]", name)
    }
    others, options = split_words(command, words)
    for word in (*others, *options):
        bare, _, value = word.partition("=")
        letter = letters.get(bare[1:], "")
        if letter and (bare[0] in LONG_DASHES or value):
            spelled = shlex.join([letter, value] if value else [letter])
            why = "a letter has no equals sign" if value else "it starts with a long dash"
            raise click.UsageError(f"no such option: {word} (did you mean {spelled}? {why})")
        if may_have_wrong_dashes(bare) and (meant := names.get(squash(bare.lstrip(LONG_DASHES)))):
            why = (
                "an option of several letters starts with two dashes"
                if word[0] == "-"
                else "it starts with a long dash"
            )
            raise click.UsageError(f"no such option: {bare} (did you mean {meant}? {why})")


def unknown_option(name: str, ctx: click.Context, typed: Sequence[str]) -> click.UsageError:
    """Return the error for an option that a command lacks: which one was meant, or which command has it."""
    return click.UsageError(f"no such option: {name}{_option_meant(name, ctx, typed)}", ctx)


def _option_meant(name: str, ctx: click.Context, typed: Sequence[str]) -> str:
    own = option_names(ctx.command)
    same = {squash(known): known for known in own}
    if meant := same.get(squash(name)):
        return f" (did you mean {meant}?)"
    takes_losses = "losses" in {p.name for p in ctx.command.params if isinstance(p, click.Argument)}
    if takes_losses and squash(name) in ("loss", "losses", "metric", "metrics"):
        words, options = split_words(ctx.command, [word.removeprefix(f"{name}=") for word in typed if word != name])
        losses, data = sort_words(words)
        command = spell_command(ctx.info_name or "", losses or ["mse"], data, options)
        listed = "--losses is an option of compare and report; " if squash(name) == "losses" else ""
        before = "before the data" if "data" in {p.name for p in ctx.command.params} else "without an option"
        return f"; {listed}losses come {before}, as in {command}"
    plain = name.lstrip("-").replace("_", "-").lower()
    if plain in WORDS_FOR_HELP:
        return " (did you mean --help?)"
    if plain in ("v", "version"):
        return "; losscli --version says which version this is" * (name != "-v")
    if file := next((word for word in typed if word.startswith(name) and os.path.exists(word)), ""):
        return f"; the file is ./{file}"
    if plain in WORDS_FOR_DATA and "data" in {p.name for p in ctx.command.params}:
        words, options = split_words(ctx.command, [word.removeprefix(f"{name}=") for word in typed if word != name])
        losses, data = sort_words(words)
        return f"; files come without an option, as in {spell_command(ctx.info_name or '', losses, data, options)}"
    other = OTHER_OPTIONS.get(plain, "")
    if f"--{other.partition(' ')[0]}" in own:
        return f" (did you mean --{other}?)"
    if having := commands_with(name):
        return f"; it is an option of {join_names(having)}"
    if takes := parameter_meant(plain.replace("-", "_"), name, ctx, typed):
        return f"; {takes}"
    every = {squash(known): known for command in all_commands().values() for known in option_names(command)}
    for known in same, every:
        for close in [squash(name)] * (squash(name) in known) or close_names(
            squash(name), known, cutoff=CUTOFF_OF_OPTIONS
        ):
            where = "" if known is same else f" It is an option of {join_names(commands_with(known[close]))}"
            if known is same and squash(name) in every:
                continue  # of another command, without a typing error
            return f" (did you mean {known[close]}?{where})"
    return f"; 'losscli help {ctx.info_name}' lists the options"


def parameter_meant(key: str, name: str, ctx: click.Context, typed: Sequence[str]) -> str:
    """Return how the parameter of a loss is typed that was taken for an option; empty if no loss has it."""
    from losscli.cli.shells.candidates import catalogue_as_stored, entries_by_name, entry_called

    having = [entry["name"] for entry in catalogue_as_stored() if key in {one["name"] for one in entry["params"]}]
    if not having:
        return ""
    known = entries_by_name()
    pieces = ",".join(lists_of_losses(ctx) or sort_words(split_words(ctx.command, typed)[0])[0]).split(",")
    losses = [entry["name"] for piece in pieces if (entry := entry_called(piece.partition(":")[0], known))]
    loss = next((one for one in losses if one in having), having[0])
    at = next((i for i, word in enumerate(typed) if word.partition("=")[0] == name), 0)
    value = typed[at].partition("=")[2] or next(iter(typed[at + 1 :]), "")
    shown = value if re.fullmatch(r"[-+.\w]+", value) else "VALUE"
    return f"{key} is a parameter, as in {loss}:{key}={shown}"


def all_commands() -> dict[str, click.Command]:
    """Return every command by its name."""
    from losscli.cli import COMMANDS, cli

    context = click.Context(cli, resilient_parsing=True)
    found = {name: cli.get_command(context, name) for name in COMMANDS}
    return {name: command for name, command in found.items() if command is not None}


def commands_with(option: str) -> list[str]:
    """Return the commands that have an option."""
    return [
        name
        for name, command in all_commands().items()
        if any(option in (*parameter.opts, *parameter.secondary_opts) for parameter in command.params)
    ]


# --------------------------------------------------------------------------------------------------------- gates


def refuse_unquoted(condition: str) -> None:
    """Refuse a condition that has no comparison: the shell took it, or spaces split it.

    Raises:
        UsageError: It has none. The message has the option to type, and names the file that the shell wrote.
    """
    if "[" not in condition and re.search(r"[<>].*(?:[,;&]|\b(?:and|or)\b).*[<>]", condition):
        pieces = [one.strip() for one in re.split(r"[,;&]+|\b(?:and|or)\b", condition) if one.strip()]
        each = " ".join(f"--fail-if {shlex.quote(one)}" for one in pieces)
        raise UsageError(f"each condition has its option: {each}", option=("fail_if", condition))
    if re.search(r"(?:[<>≤≥＜＞]|[=!]=)=?\s*[^\s<>=!]", condition) or re.fullmatch(r"[^:\[]+[=!].*", condition):
        return
    comparison, made = ">0.5", ""
    if re.fullmatch(r"[-+.\de]+%?", condition) or is_file(condition):
        raise UsageError("a condition compares a loss, as in --fail-if 'mse>0.5'", option=("fail_if", condition))
    words = click.get_current_context().params.get("data", ())
    pieces = [word for word in words if re.fullmatch(r"[<>=!]*\s*=?[-+.\de]*%?", word)]
    if operator := re.search(r"[<>=!]+\s*$", condition):
        comparison = pieces[0] if pieces else "0.5"
        condition = condition[: operator.end()].rstrip()
    elif pieces:
        comparison = "".join(pieces[:2])
        comparison = comparison if comparison[0] in "<>=!" else f">{comparison}"
    elif found := redirected_number():
        sign, name = found
        comparison, made = (
            f"{sign}{name}",
            f"; the shell took {sign} for itself, and sent the output to the file {name!r}",
        )
        made = made if sign == ">" else f"; the shell took {sign} for itself, and read the file {name!r}"
    raise UsageError(
        f"quote the condition: --fail-if {shlex.quote(condition + comparison)}{made}", option=("fail_if", condition)
    )


def redirected_number() -> tuple[str, str] | None:
    """Return the sign and the name of the file here that stdout or stdin is, if its name is a number such as 0.5."""
    try:
        names = [name for name in os.listdir() if re.fullmatch(r"=?[-+]?[\d.]+(?:e[-+]?\d+)?%?", name)]
        for descriptor, sign in ((1, ">"), (0, "<")):
            for name in names:
                if os.path.samestat(os.fstat(descriptor), os.stat(name)):
                    return sign, name
    except OSError:
        pass
    return None
