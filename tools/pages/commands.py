"""A page for each command with all its options, read from click, and the page that lists the commands."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from losscli.cli import COMMANDS, cli
from losscli.cli.command import SECTIONS
from tools.pages.text import block, code, front_matter, plain, table

PROGRAM = "losscli"
DEFAULT_IN_HELP = re.compile(r"\s*\[default: ([^]]*)\]$")
REPEATABLE_IN_HELP = re.compile(r"\s*\(repeatable\)")
EXAMPLES = re.compile(r"\x08?\n?Examples:\n((?:  .*\n?)+)")
SECTION_WITHOUT = "Output"
"""The section of options that name none, such as --help: as in the help text."""

ENVIRONMENT = (
    ("NO_COLOR", "If set and not empty, the output has no colours, as with --color never."),
    ("FORCE_COLOR", "If set and not empty, the output has colours, also in a pipe."),
    ("COLUMNS", "The width of tables, pictures and help texts, in characters."),
    ("TERM", "If it is dumb, the output has no colours."),
)
"""Variables that all commands read."""


def commands() -> dict[str, click.Command]:
    """Return the commands by name, in the order of the help text."""
    context = click.Context(cli, info_name=PROGRAM)
    found = {name: cli.get_command(context, name) for name in COMMANDS}
    return {name: command for name, command in found.items() if command is not None and not command.hidden}


def context_of(name: str, command: click.Command) -> click.Context:
    """Return the context in which a command writes its help text."""
    parent = click.Context(cli, info_name=PROGRAM, **cli.context_settings)
    return click.Context(command, info_name=name, parent=parent)


def command_page(name: str, command: click.Command) -> str:
    """Return the page of a command."""
    context = context_of(name, command)
    paragraphs, examples = description_of(command)
    module = inspect.getmodule(command.callback)
    source = "" if module is None else module.__name__.replace(".", "/") + ".py"
    summary = command.get_short_help_str(limit=1000)
    usage = " ".join([PROGRAM, name, *command.collect_usage_pieces(context)])
    parts = [
        front_matter(f"{PROGRAM} {name}", summary, source),
        f"# {PROGRAM} {name}\n",
        block(usage),
        *(f"{text}\n" for text in paragraphs),
        f"## Examples\n\n{block(examples, 'bash')}" if examples else "",
    ]
    for section, options in options_by_section(command, context).items():
        parts.append(f"## {section}\n")
        parts += [option_text(option, context) for option in options]
    return "\n".join(filter(None, parts))


def description_of(command: click.Command) -> tuple[list[str], str]:
    """Return the paragraphs of a command's help text as Markdown, and its examples."""
    text = inspect.cleandoc(command.help or "").replace("\r\n", "\n")
    found = EXAMPLES.search(text)
    examples = inspect.cleandoc(found[1]) if found else ""
    paragraphs = EXAMPLES.sub("", text).split("\n\n")
    return [paragraph_text(one) for one in paragraphs if one.strip("\x08\n ")], examples


def paragraph_text(paragraph: str) -> str:
    """Return a paragraph of a help text as Markdown: lines that click keeps (`\\b`) are kept."""
    if paragraph.startswith("\x08\n"):
        return block(paragraph[2:])
    return plain(" ".join(paragraph.split()))


def options_by_section(command: click.Command, context: click.Context) -> dict[str, list[click.Option]]:
    """Return the options that the help text shows, by section."""
    found: dict[str, list[click.Option]] = {section: [] for section in SECTIONS}
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and not parameter.hidden:
            found.setdefault(getattr(parameter, "section", SECTION_WITHOUT), []).append(parameter)
    return {section: options for section, options in found.items() if options}


def option_text(option: click.Option, context: click.Context) -> str:
    """Return what is said of an option, under a heading that can be linked to: `#--nan`."""
    names = [*option.opts, *option.secondary_opts]
    text, default = help_and_default(option, context)
    facts = [("Default", plain(default))] if default else []
    if isinstance(option.type, click.Choice):
        facts.insert(0, ("One of", ", ".join(code(str(choice)) for choice in option.type.choices)))
    if isinstance(option.type, (click.IntRange, click.FloatRange)):
        facts.insert(0, ("Range", range_text(option.type.min, option.type.max)))
    if option.multiple:
        facts.append(("Repeatable", "yes"))
    if option.envvar:
        variables = [option.envvar] if isinstance(option.envvar, str) else option.envvar
        facts.append(("Environment", ", ".join(map(code, variables))))
    listed = "".join(f"- {name}: {value}\n" for name, value in facts)
    heading = ", ".join(map(code, names)) + (f" {code(value)}" if (value := value_of(option, context)) else "")
    return f"### {heading} {{ #{anchor_of(option)} }}\n\n{text}\n" + (f"\n{listed}" if listed else "")


def range_text(low: float | None, high: float | None) -> str:
    """Return what numbers an option takes."""
    if low is None or high is None:
        return f"at least {low}" if high is None else f"at most {high}"
    return f"from {low} to {high}"


def anchor_of(option: click.Option) -> str:
    """Return the anchor of an option: its longest name."""
    return max(option.opts, key=len)


def value_of(option: click.Option, context: click.Context) -> str:
    """Return what follows the name of an option, "" for a flag; choices are listed below it."""
    if option.is_flag or option.count:
        return ""
    if isinstance(option.type, click.Choice) and option.metavar is None:
        return "CHOICE"
    return option.make_metavar(context)


def help_and_default(option: click.Option, context: click.Context) -> tuple[str, str]:
    """Return the help of an option as Markdown, and its default: click's, or the one that the help names."""
    text = option.help or ""
    found = DEFAULT_IN_HELP.search(text)
    text = REPEATABLE_IN_HELP.sub("", DEFAULT_IN_HELP.sub("", text))
    default = found[1] if found else option.get_help_extra(context).get("default", "")
    return plain(" ".join(text.split())), str(default)


# -------------------------------------------------------------------------------------------------- all commands


def commands_page() -> str:
    """Return the page that lists the commands."""
    rows = (
        [f"[{PROGRAM} {name}]({name}.md)", plain(command.get_short_help_str(limit=1000))]
        for name, command in commands().items()
    )
    paragraphs, examples = description_of(cli)
    return "\n".join(
        [
            front_matter("Commands", "All commands of losscli", "losscli/cli/__init__.py"),
            "# Commands\n",
            *(f"{text}\n" for text in paragraphs),
            block(examples, "bash"),
            table(["command", "what it does"], rows),
            "Each command has `--help`, which says what its page says; `losscli --version` prints the version.\n",
            "## Environment\n",
            table(["variable", "what it does"], ([code(name), plain(text)] for name, text in ENVIRONMENT)),
        ]
    )


def command_pages() -> Iterator[tuple[str, str]]:
    """Yield the path below docs/ and the text of each page about commands."""
    yield "reference/commands/index.md", commands_page()
    for name, command in commands().items():
        yield f"reference/commands/{name}.md", command_page(name, command)


def navigation() -> list[str]:
    """Return the lines of the navigation that list the commands."""
    return [f"- reference/commands/{name}.md" for name in commands()]
