"""What was probably meant by a command line that is wrong: the exact command to type, where it can be known."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

import click

from losscli.cli.command import LONG_DASHES, IncompleteCommandError, is_nothing_to_read, may_have_wrong_dashes
from losscli.cli.words import (
    is_file,
    is_loss,
    omit_option,
    quote_names,
    sort_words,
    spell_command,
    split_words,
    typed_words,
)
from losscli.errors import UsageError
from losscli.messages import close_names, did_you_mean, join_names

OTHER_COMMANDS = {"version": "losscli --version", "losses": "losscli list", "ls": "losscli list"}
"""What other tools call a command -> how it is typed."""

OTHER_OPTIONS = {
    "bootstrap": "ci",
    "by": "group-by",
    "confidence": "ci",
    "csv": "format csv",
    "fail-under": "fail-if",
    "fail-on": "fail-if",
    "groups": "group-by",
    "json": "format json",
    "key": "id",
    "metric": "losses",
    "metrics": "losses",
    "out": "output",
    "prediction": "pred",
    "predictions": "pred",
    "sample-weight": "weight",
    "sep": "delimiter",
    "target": "true",
    "threads": "jobs",
    "threshold": "fail-if",
    "weights": "weight",
    "y-pred": "pred",
    "y-true": "true",
}
"""What other tools call an option -> the option, and its value."""


# ------------------------------------------------------------------------------------------- nothing, or too much


def refuse_nothing(ctx: click.Context, typed: Sequence[str]) -> None:
    """Refuse a command without a word, if it lacks losses or there is nothing to read.

    Raises:
        IncompleteCommandError: It does; the examples say how it is typed.
    """
    names = {parameter.name for parameter in ctx.command.params}
    if typed or not names & {"losses", "data"}:
        return
    if "losses" in names:
        losses = "--losses" if "--losses" in option_names(ctx.command) else "LOSSES"
        lacks_data = "data" in names and is_nothing_to_read()
        missing = (
            f"{losses} and DATA are missing"
            if lacks_data
            else f"{losses} {'is' if losses[0] == '-' else 'are'} missing"
        )
        raise IncompleteCommandError(missing, ctx)
    if is_nothing_to_read():
        raise IncompleteCommandError("no data: name a file, or pipe it in", ctx)


def too_many_words(error: click.UsageError, ctx: click.Context, typed: Sequence[str]) -> click.UsageError:
    """Return the error for more words than a command takes; another error as it is."""
    if "unexpected extra" not in error.message:
        return error
    name = ctx.info_name or ""
    others, options = split_words(ctx.command, typed)
    losses, data = sort_words(others)
    if "losses" not in ctx.params or not losses:
        return click.UsageError(f"{error.message}; 'losscli help {name}' shows its arguments", ctx)
    command = spell_command(name, losses, (), options)
    if data:
        listed = join_names(data)
        return click.UsageError(f"{listed}: {name} reads no data; leave it out, as in {command}", ctx)
    return click.UsageError(f"join losses by commas: {command}", ctx)


def refuse_losses_as_data(data: Sequence[str]) -> None:
    """Refuse losses where files are named.

    Raises:
        UsageError: A word is a loss, and there is no such file. The message has the command to type.
    """
    ctx = click.get_current_context()
    name = ctx.info_name or ""
    typed = ctx.params.get("losses", ())
    listed = list(typed) if isinstance(typed, tuple) else [typed]
    found, rest = sort_words(data)
    options = omit_option(split_words(ctx.command, typed_words(ctx))[1], "--losses")
    if listed and (problem := unquoted_name(name, [*listed, *data], options)):
        raise UsageError(problem)
    if not found:
        return
    if not listed:
        command = spell_command(name, (), rest, options)
        raise UsageError(f"{found[0]} is a loss, and {name} takes none: {command}")
    losses = [loss.strip(", ") for loss in listed] + found
    raise UsageError(f"join losses by commas: {spell_command(name, losses, rest, options)}")


def unquoted_name(command: str, words: Sequence[str], options: Sequence[str]) -> str:
    """Return what to type where the name of a loss has spaces and no quotes; empty if there is none."""
    quoted = quote_names(words)
    if len(quoted) == len(words):
        return ""
    return f"quote a name that has spaces: {spell_command(command, *sort_words(quoted), options)}"


def misplaced_losses(text: str) -> str:
    """Return what is wrong where losses were expected and a file was typed; empty if it is something else."""
    ctx = click.get_current_context()
    name = ctx.info_name or ""
    if text == "help":
        return f"help is not a loss: 'losscli help {name}' shows the help"
    words, options = split_words(ctx.command, typed_words(ctx))
    if "--losses" in option_names(ctx.command):  # the first word of a name is the value of the option
        words = [text, *words]
    if problem := unquoted_name(name, words, omit_option(options, "--losses")):
        return problem
    losses, data = sort_words(words)
    looks_like_path = is_file(text) or bool(re.search(r"[./\\]", text))
    if not looks_like_path or "data" not in ctx.params:
        return (
            f"{text} is a file, not a loss: {name} takes losses, as in losscli {name} mse"
            if os.path.isfile(text)
            else ""
        )
    if not (losses or is_file(text)):
        return ""
    is_what = f"{text} is a {'folder' if os.path.isdir(text) else 'file'}, not a loss: " if os.path.exists(text) else ""
    command = spell_command(name, losses or ["mse"], data, omit_option(options, "--losses"))
    if name in ("compare", "report"):
        return f"{is_what}{command}"
    return f"{is_what}losses come before the data, as in {command}"


def example_with_losses(name: str, data: Sequence[str]) -> str:
    """Return the command that was meant by one without losses: those typed among the data, else usual ones."""
    losses, rest = sort_words(data)
    if not losses and rest and not is_file(rest[0]) and not re.search(r"[./\\]", rest[0]):
        losses, rest = rest[:1], rest[1:]  # with a typing error in it
    return spell_command(name, losses or ["mse", "mae", "huber"], rest)


# ------------------------------------------------------------------------------------------------------- commands


def unknown_command(typed: str, words: Sequence[str], commands: Sequence[str]) -> click.UsageError:
    """Return the error for a command that does not exist; `words` are all that was typed."""
    rest = list(words[1:])
    if typed in OTHER_COMMANDS:
        return click.UsageError(f"no such command: {typed!r}; type {OTHER_COMMANDS[typed]}")
    others = [word for word in rest if not word.startswith("-")]
    options = [word for word in rest if word.startswith("-")]
    bare = typed.strip(", ")
    if is_loss(bare):
        what = f"{typed!r} {'are losses' if ',' in bare else 'is a loss'}, not a command: "
        if others:
            return click.UsageError(what + command_of_words([typed, *rest]))
        computes = f"{spell_command('compute', [bare], ['data.csv'])} computes {'them' if ',' in bare else 'it'}"
        explains = f"{spell_command('explain', [bare], ())} explains {'them' if ',' in bare else 'it'}"
        return click.UsageError(f"{what}{computes}, {explains}")
    if is_file(typed):
        command = command_of_words([typed, *rest])
        advice = (
            "" if sort_words(others)[0] else f"; {shlex.join(['losscli', 'recommend', typed])} says which losses suit"
        )
        what = "a folder" if os.path.isdir(typed) else "a file"
        return click.UsageError(f"{typed!r} is {what}, not a command: {command}{advice}")
    if meant := did_you_mean(typed, commands):
        return click.UsageError(f"no such command: {typed!r} ({meant})")
    if quoted := unquoted_name("compute", [typed, *others], options):
        return click.UsageError(f"no such command: {typed!r}; {quoted}")
    if others or options:
        problem = unknown_loss(typed)
        if (found := re.search(r"did you mean ([^,?]+)", problem)) and is_loss(found[1]):
            command = command_of_words([found[1], *rest])
            return click.UsageError(f"no such command: {typed!r} (did you mean {command}?)")
        if problem.endswith(")"):  # it says why this is no loss
            return click.UsageError(f"no such command: {typed!r}; {problem}")
    return click.UsageError(f"no such command: {typed!r} (the commands are {', '.join(commands)})")


def command_of_words(words: Sequence[str]) -> str:
    """Return the command that computes the losses among words of the files among them."""
    from losscli.cli.compute import command

    others, options = split_words(command, words)
    losses, data = sort_words(others)
    return spell_command("compute", losses or ["mse"], data, options)


def unknown_loss(name: str) -> str:
    """Return what is said of a name that may be that of a loss in another library, or a typing error."""
    from losscli.registry import find

    try:
        find(name)
    except UsageError as error:
        return error.message.problem
    return ""


# -------------------------------------------------------------------------------------------------------- options


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
    others, options = split_words(command, words)
    for word in (*others, *options):
        bare = word.partition("=")[0]
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
    other = OTHER_OPTIONS.get(name.lstrip("-").replace("_", "-").lower(), "")
    if f"--{other.partition(' ')[0]}" in own:
        return f" (did you mean --{other}?)"
    if having := commands_with(name):
        return f"; it is an option of {join_names(having)}"
    every = sorted({known for command in all_commands().values() for known in option_names(command)})
    of_others = [known for known in every if squash(known) == squash(name)]
    if (close := close_names(name, own)) and not of_others:
        return f" (did you mean {close[0]}?)"
    for known in of_others or close_names(name, every):
        return f" (did you mean {known}? It is an option of {join_names(commands_with(known))})"
    return f"; 'losscli help {ctx.info_name}' lists the options"


def all_commands() -> dict[str, click.Command]:
    """Return every command by its name."""
    from losscli.cli import COMMANDS, cli

    context = click.Context(cli, resilient_parsing=True)
    found = {name: cli.get_command(context, name) for name in COMMANDS}
    return {name: command for name, command in found.items() if command is not None}


def commands_with(option: str) -> list[str]:
    """Return the commands that have an option."""
    return [name for name, command in all_commands().items() if option != "--help" and option in option_names(command)]


# --------------------------------------------------------------------------------------------------------- gates


def refuse_unquoted(condition: str) -> None:
    """Refuse a condition that has no comparison: the shell took it, or spaces split it.

    Raises:
        UsageError: It has none. The message has the option to type, and names the file that the shell wrote.
    """
    if re.search(r"(?:[<>≤≥＜＞]|[=!]=)=?\s*[^\s<>=!]", condition) or re.fullmatch(r"[^:\[]+[=!].*", condition):
        return
    comparison, made = ">0.5", ""
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
