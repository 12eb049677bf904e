"""Which option, argument or command the word at the cursor belongs to; click's types say what it may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class TypedLine(NamedTuple):
    """The words of a line after the name of the program: those before the cursor, the one at it, those after it."""

    before: tuple[str, ...]
    current: str
    after: tuple[str, ...] = ()


def offers(program: click.Command, line: TypedLine) -> list[CompletionItem[Any]]:
    """Return what the word at the cursor may be, as whole words."""
    root = click.Context(program, info_name="losscli", resilient_parsing=True)
    place = next((i for i, word in enumerate(line.before) if not word.startswith("-")), None)
    if place is None:
        return program.shell_complete(root, line.current)
    command = program.get_command(root, line.before[place]) if isinstance(program, click.Group) else program
    if command is None:
        return []
    before, current = list(line.before[place + 1 :]), line.current
    attached = ""
    if "--" not in before:
        attached = _attached_option(command, root, current)
        if attached:
            before.append(attached.removesuffix("="))
            current = current[len(attached) :]
    option = None if "--" in before else _option_to_complete(command, root, before)
    if option is None:
        context = _parse(command, root, before)
        if "--" not in before and current.startswith("-"):
            return command.shell_complete(context, current)
        argument = _argument_to_complete(command, context)
        if argument is None:
            return []
        typed = _parse(command, root, [*before, *line.after])
        return argument.shell_complete(typed, current)
    typed = _parse(command, root, [*before, current or "-", *line.after])
    items = option.shell_complete(typed, current)
    return [_with_prefix(item, attached) for item in items] if attached else items


def _parse(command: click.Command, root: click.Context, words: Sequence[str]) -> click.Context:
    """Return what the words say, as far as they are right."""
    name = command.name
    return command.make_context(name, list(words), root, resilient_parsing=True, ignore_unknown_options=True)


def _options_with_value(command: click.Command, context: click.Context) -> dict[str, click.Option]:
    return {
        name: parameter
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option) and not parameter.is_flag and not parameter.count
        for name in parameter.opts
    }


def _attached_option(command: click.Command, context: click.Context, word: str) -> str:
    """Return the option that a word starts with, whose value is attached: `--true=`, `-P`; empty if there is none."""
    if word.startswith("--"):
        name, equals, _ = word.partition("=")
        return name + equals if equals else ""
    if word.startswith("-") and len(word) > 2 and word[:2] in _options_with_value(command, context):
        return word[:2]
    return ""


def _option_to_complete(command: click.Command, context: click.Context, before: Sequence[str]) -> click.Option | None:
    """Return the option whose value comes next."""
    options = _options_with_value(command, context)
    option = None
    for word in before:
        option = None if option is not None else options.get(word)
    return option


def _argument_to_complete(command: click.Command, context: click.Context) -> click.Argument | None:
    """Return the first argument that can take one more value."""
    typed = click.core.ParameterSource.COMMANDLINE
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Argument) and (
            parameter.nargs == -1 or context.get_parameter_source(parameter.name or "") is not typed
        ):
            return parameter
    return None


def _with_prefix(item: CompletionItem[Any], prefix: str) -> CompletionItem[Any]:
    """Return a completion of the whole word."""
    if item.type == "file":
        return CompletionItem(item.value, "file", before=prefix + (item.before or ""))
    shown = item.shown or item.value
    return CompletionItem(prefix + item.value, item.type, item.help, shown=shown)
