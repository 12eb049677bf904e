"""What was probably meant by a command line that is wrong: the exact command to type, where it can be known."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

import click

from losscli.cli.command import IncompleteCommandError, is_nothing_to_read
from losscli.cli.habits import OTHER_COMMANDS, OTHER_OPTIONS, SAME_COMMANDS, WORDS_FOR_HELP
from losscli.cli.mistaken_options import CUTOFF_OF_OPTIONS, all_commands, commands_with, option_names, squash
from losscli.cli.words import (
    is_file,
    is_loss,
    lists_of_losses,
    omit_option,
    quote_names,
    sort_words,
    spell_command,
    split_words,
    typed_words,
)
from losscli.errors import UsageError
from losscli.messages import close_names, did_you_mean, join_names

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
    if name == "help":
        known = tuple(all_commands())
        if others[0] not in known:
            return unknown_command(others[0], others, known)
        return click.UsageError(f"help takes one command, as in losscli help {others[0]}", ctx)
    if "losses" in ctx.params and (problem := unquoted_name(name, others, options)):
        return click.UsageError(problem, ctx)
    losses, data = sort_words(others, beside_files=False)
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
    listed = lists_of_losses(ctx)
    found, rest = sort_words(data)
    options = omit_option(split_words(ctx.command, typed_words(ctx))[1], "--losses")
    refuse_no_files(data)
    if listed and (problem := unquoted_name(name, [*listed, *data], options)):
        raise UsageError(problem)
    if not found:
        columns = [word for word in data if not (is_file(word) or re.search(r"[./\\=]", word))]
        if len(data) > 2 and columns:
            are = f"{join_names(columns)}: no such file{'s' * (len(columns) > 1)}"
            raise UsageError(f"{are}; columns are named by --true COL and --pred COL")
        return
    if not listed:
        command = spell_command(name, (), rest, options)
        raise UsageError(f"{found[0]} is a loss, and {name} takes none: {command}")
    losses = [loss.strip(", ") for loss in listed] + found
    raise UsageError(f"join losses by commas: {spell_command(name, losses, rest, options)}")


def refuse_no_files(data: Sequence[str]) -> None:
    """Refuse words that cannot be files: empty ones, conditions, and an equals sign.

    Raises:
        UsageError: A word is none.
    """
    for word in data:
        if is_file(word):
            continue
        if not word.strip():
            raise UsageError("the name of a file is empty, as a variable is that is not set")
        if re.fullmatch(r"[^<>/]+[<>]=?\s*[-+.\d]+%?", word):
            raise UsageError(f"{word} is a condition, and each has an option: --fail-if {shlex.quote(word)}")
        if word == "=":
            raise UsageError("a role and its file have no spaces between them, as in y_true=true.csv")


def no_data(ctx: click.Context) -> click.UsageError:
    """Return the error for a command without data: the files may have been given as columns."""
    named = [(role, ctx.params.get(key)) for role, key in (("y_true", "true"), ("y_pred", "preds"))]
    flat = [(role, value if isinstance(value, str) else (value or ("",))[0]) for role, value in named if value]
    if flat and all(os.path.isfile(file) for _, file in flat):
        command = spell_command(ctx.info_name or "", lists_of_losses(ctx), [f"{role}={file}" for role, file in flat])
        return click.UsageError(f"--true and --pred name columns; for files, type {command}", ctx)
    return IncompleteCommandError("no data: name a file, or pipe it in", ctx)


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
    if re.search(r"[<>]", text):
        refuse_no_files([text])
    if parts := losses_with_files(text):
        losses, data = sort_words([*parts, *(word for word in words if word != text)])
        command = spell_command(name, losses, data, omit_option(options, "--losses"))
        return f"a space comes between losses and data: {command}"
    if problem := unquoted_name(name, words, omit_option(options, "--losses")):
        return problem
    losses, data = sort_words(words)
    looks_like_path = is_file(text) or (text not in losses and bool(re.search(r"[./\\]", text)))
    if not looks_like_path or "data" not in ctx.params:
        return (
            f"{text} is a file, not a loss: {name} takes losses, as in losscli {name} mse"
            if os.path.isfile(text)
            else ""
        )
    if text in losses or not (losses or is_file(text)):  # a loss whose parameter is wrong, or nothing that is known
        return ""
    is_what = f"{text} is a {'folder' if os.path.isdir(text) else 'file'}, not a loss: " if os.path.exists(text) else ""
    command = spell_command(name, losses or ["mse"], data, omit_option(options, "--losses"))
    if name in ("compare", "report"):
        return f"{is_what}{command}"
    return f"{is_what}losses come before the data, as in {command}"


def losses_with_files(text: str) -> list[str]:
    """Return the losses and files that a word joins, as `mse,data.csv`; nothing if it is something else."""
    pieces = re.split(r"[,:=;\s]+", text)
    losses, data = sort_words(pieces)
    return pieces if losses and data and all(map(is_file, data)) and not os.path.exists(text) else []


def example_with_losses(name: str, data: Sequence[str], *more: str) -> str:
    """Return the command that was meant by one without losses: those typed among the data, else usual ones."""
    ctx = click.get_current_context()
    options = split_words(ctx.command, typed_words(ctx))[1]
    losses, rest = sort_words(data)
    if not losses and rest and not is_file(rest[0]) and not re.search(r"[./\\]", rest[0]):
        losses, rest = rest[:1], rest[1:]  # with a typing error in it
    return spell_command(name, losses or ["mse", "mae", "huber"], rest, options or more)


# ------------------------------------------------------------------------------------------------------- commands


def unknown_command(typed: str, words: Sequence[str], commands: Sequence[str]) -> click.UsageError:
    """Return the error for a command that does not exist; `words` are all that was typed."""
    rest = list(words[1:])
    if typed in OTHER_COMMANDS:
        return click.UsageError(f"no such command: {typed!r}; type {OTHER_COMMANDS[typed]}")
    others = [word for word in rest if not word.startswith("-")]
    options = [word for word in rest if word.startswith("-")]
    bare = typed.strip(", ")
    is_called_so = is_loss(bare, beside_files=False) and any(is_file(word) and not is_loss(word) for word in others)
    if is_loss(bare) or is_called_so or is_file(typed):
        moved = next((word for word in others if word in commands and not os.path.exists(word)), "")
        if moved:
            rest.remove(moved)
            return click.UsageError(f"the command comes first: {command_of_words([typed, *rest], moved)}")
    if is_loss(bare) or is_called_so:
        what = f"{typed!r} {'are losses' if ',' in bare else 'is a loss'}, not a command: "
        if others:
            return click.UsageError(what + command_of_words([f"{bare},", *rest]))
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
    if parts := losses_with_files(typed):
        return click.UsageError(f"no such command: {typed!r} (did you mean {command_of_words([*parts, *rest])}?)")
    same = SAME_COMMANDS.get(squash(typed))
    if meant := f"did you mean {same!r}?" if same else did_you_mean(typed, commands):
        return click.UsageError(f"no such command: {typed!r} ({meant})")
    if quoted := unquoted_name("compute", [typed, *others], options):
        return click.UsageError(f"no such command: {typed!r}; {quoted}")
    has_losses = bool(sort_words(others)[0])
    if typed.strip() and not has_losses and (problem := unknown_loss(typed)).endswith(")"):
        if (found := re.search(r"did you mean ([^,?]+)", problem)) and is_loss(found[1]) and any(map(is_file, others)):
            command = command_of_words([found[1], *rest])
            return click.UsageError(f"no such command: {typed!r} (did you mean {command}?)")
        return click.UsageError(f"no such command: {typed!r}; {problem}")  # it says why this is no loss, or which
    return click.UsageError(f"no such command: {typed!r} (the commands are {', '.join(commands)})")


def command_of_words(words: Sequence[str], name: str = "compute") -> str:
    """Return the command that is meant by words without one: with the losses, files and options among them."""
    name = "explain" if name == "help" else name
    command = all_commands()[name]
    others, options = split_words(command, words)
    taken = {parameter.name for parameter in command.params}
    if not taken & {"losses", "data"}:
        return shlex.join(["losscli", name, *words])
    losses, data = sort_words(others)
    return spell_command(
        name, (losses or ["mse"]) if "losses" in taken else (), data if "data" in taken else (), options
    )


def option_before_command(error: click.NoSuchOption, words: Sequence[str], commands: Sequence[str]) -> click.UsageError:
    """Return the error for an option that the program lacks: those of commands come after the command."""
    typed = next((word for word in words if word.startswith("-")), error.option_name)
    name = typed.partition("=")[0]
    if squash(name) in WORDS_FOR_HELP:
        return click.UsageError(f"no such option: {name} (did you mean --help?)")
    problem = f"no such option: {name}"
    if other := OTHER_OPTIONS.get(name.lstrip("-").replace("_", "-")):
        return click.UsageError(f"{problem} (did you mean --{other}, after the command?)")
    if having := commands_with(name if name.startswith("--") else error.option_name):
        moved = next((word for word in words if word in commands), "")
        if not moved:
            where = f"of {join_names(having)}" if len(having) < len(commands) // 2 else "of commands"
            return click.UsageError(f"{problem}; it is an option {where}, and comes after the command")
        rest = list(words)
        rest.remove(moved)
        return click.UsageError(f"{problem}; options come after the command: {command_of_words(rest, moved)}")
    if close := close_names(squash(name), ["help", "version"], cutoff=CUTOFF_OF_OPTIONS):
        return click.UsageError(f"{problem} (did you mean --{close[0]}?)")
    return click.UsageError(f"{problem}; the program has --help and --version, each command has its own")


def unknown_loss(name: str) -> str:
    """Return what is said of a name that may be that of a loss in another library, or a typing error."""
    from losscli.registry import find

    try:
        find(name)
    except UsageError as error:
        return error.message.problem
    return ""
