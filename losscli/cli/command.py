"""What all commands share: options in sections, help that starts with the usual ones, hints on typing errors."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

SITE = "https://losscli.github.io/losscli/"

SECTIONS = ("Losses", "Data", "Columns", "Evaluation", "Output", "Gates", "Scale")
"""The sections of a help text."""

USUAL_OPTIONS = (
    "losses",
    "family",
    "kind",
    "target",
    "true",
    "preds",
    "model_files",
    "group_by",
    "top",
    "show_outliers",
    "ci",
    "gates",
    "format_",
    "output",
)
"""The options that a help text shows first, in a section of their own."""

MAX_EXAMPLES = 3

LONG_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
"""Characters that word processors and web pages make of dashes."""


class IncompleteCommandError(click.UsageError):
    """A command lacks what it cannot do without. `details` are lines that show how it is typed."""

    def __init__(self, message: str, ctx: click.Context) -> None:
        super().__init__(message, ctx)
        usage = ctx.command.get_usage(ctx)
        examples = "\n".join(f"  {line}" for line in examples_of(ctx.command)[:MAX_EXAMPLES])
        more = f"'losscli help {ctx.info_name}' shows every option, 'losscli list' names the losses."
        self.details = f"{usage}\nExamples:\n{examples}\n{more}\n"


class SectionOption(click.Option):
    """An option that belongs to a section of the help text. An empty value, as of a variable not set, is an error."""

    def __init__(self, section: str, *names: str, **attributes: Any) -> None:
        super().__init__(names, show_default=attributes.get("default") is not None, **attributes)
        self.section = section

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return what the help text adds in brackets: the default alone."""
        return {name: value for name, value in super().get_help_extra(ctx).items() if name == "default"}

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value typed, of the option's type."""
        if self.name != "comment" and "" in (value if isinstance(value, (tuple, list)) else (value,)):
            raise click.UsageError(f"{self.opts[-1]}: its value is empty: leave out the option", ctx)
        return super().type_cast_value(ctx, value)


class SectionCommand(click.Command):
    """A command whose help text groups its options."""

    def options_by_section(self, ctx: click.Context) -> dict[str, list[click.Option]]:
        """Return section -> the options to show there, without the sections that have none."""
        shown = [p for p in self.get_params(ctx) if isinstance(p, click.Option) and not p.hidden]
        found: dict[str, list[click.Option]] = {section: [] for section in SECTIONS}
        for option in shown:
            found[getattr(option, "section", "Output")].append(option)
        return {section: options for section, options in found.items() if options}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usual options, then the others section by section."""
        sections = self.options_by_section(ctx)
        usual = {option.name: option for options in sections.values() for option in options}
        usual = {name: usual[name] for name in USUAL_OPTIONS if name in usual}
        write_options("Usual options", list(usual.values()), ctx, formatter)
        for section, options in sections.items():
            write_options(section, [option for option in options if option.name not in usual], ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write where there is more to read."""
        formatter.write_paragraph()
        formatter.write_text("\b\n'losscli list' names the losses, 'losscli explain huber' explains one.\n" + SITE)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what was typed.

        Raises:
            click.UsageError: It is wrong, or lacks something.
        """
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        typed = list(args)
        if not typed or any(map(may_have_wrong_dashes, typed)):
            from losscli.cli import mistaken_options, mistakes

            mistakes.refuse_nothing(ctx, typed)
            mistaken_options.refuse_wrong_dashes(self, typed)
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter as error:
            name = (error.param and error.param.name) or "argument"
            verb = "are" if name.endswith("s") else "is"
            raise IncompleteCommandError(f"{name.upper()} {verb} missing", ctx) from None
        except click.NoSuchOption as error:
            from losscli.cli import mistaken_options

            raise mistaken_options.unknown_option(error.option_name, ctx, typed) from None
        except click.UsageError as error:
            if type(error) is not click.UsageError:
                raise
            from losscli.cli import mistakes

            raise mistakes.too_many_words(error, ctx, typed) from None


def may_have_wrong_dashes(word: str) -> bool:
    """Return whether a word may be an option with a long dash, or one of several letters with one dash."""
    return word[:1] in LONG_DASHES or (len(word) > 2 and word[0] == "-" and word[1] != "-")


def is_nothing_to_read() -> bool:
    """Return whether standard input is closed, a terminal, or the null device."""
    if sys.stdin is None or sys.stdin.isatty():
        return True
    try:
        return os.path.samestat(os.fstat(sys.stdin.fileno()), os.stat(os.devnull))
    except (OSError, ValueError):  # it is no file, as in a test
        return False


def write_options(
    heading: str, options: Sequence[click.Option], ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    """Write a section of a help text, if it has options."""
    records = [record for option in options if (record := option.get_help_record(ctx)) is not None]
    if records:
        with formatter.section(heading):
            formatter.write_dl(records, col_max=28)


def examples_of(command: click.Command) -> list[str]:
    """Return the examples in the help text of a command."""
    lines = inspect.cleandoc(command.help or "").partition("Examples:\n")[2].splitlines()
    return [line.strip() for line in lines if line.strip()]
