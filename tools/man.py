"""Write the man pages of losscli and of each command, from the help texts and the page on exit statuses.

`python tools/regenerate.py man` writes them to man/, and the wheel installs them to share/man/man1. They are in man(7),
which groff and mandoc read.
"""

from __future__ import annotations

import datetime
import inspect
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from losscli.cli import cli
from losscli.cli.command import SITE
from losscli.data.files import COMPRESSION_BY_ENDING, FORMATS
from losscli.version import __version__
from tools.pages.commands import (
    DEFAULT_IN_HELP,
    ENVIRONMENT,
    EXAMPLES,
    PROGRAM,
    commands,
    context_of,
    options_by_section,
)

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "man"
STATUSES = ROOT / "docs" / "reference" / "exit-status.md"
STATUS_ROW = re.compile(r"^\| ([\d, ]+) \| (.*) \|$", re.MULTILINE)
DATE_IN_HEAD = re.compile(r'^(\.TH \S+ 1 )"[\d-]+"', re.MULTILINE)

COLUMNS = 60
"""Most characters of a line, before some are escaped: linters want at most 80 then."""

LOSSES_AND_DATA = (
    (
        "LOSSES",
        "Names joined by commas, parameters after colons: mse,huber:delta=0.5. 'losscli list' names all losses.",
    ),
    (
        "DATA",
        "One table, two files (y_true, then y_pred), or ROLE=FILE for each role. A folder or a quoted pattern of CSV "
        "or Parquet files is one table. - is standard input, which is also read if there is no DATA.",
    ),
)

FILES = (
    (
        "DATA",
        f"{', '.join(FORMATS)}; compressed by {', '.join(COMPRESSION_BY_ENDING.values())} or zip. The content decides "
        "where the ending of the name is wrong.",
    ),
    (
        "s3://BUCKET/KEY",
        "A remote file of any store that fsspec reads. Its credentials come from where that store looks.",
    ),
    ("FILE.py", "Losses of your own, for --plugin."),
    ("FILE.json", "An earlier result that compute --format json wrote, for --baseline."),
)


def escape(text: str) -> str:
    """Return a text as roff takes it."""
    text = (
        text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti")
    )
    return re.sub(r"^\.", r"\\&.", text, flags=re.MULTILINE)


def filled(text: str) -> list[str]:
    """Return the lines of a paragraph, which whoever shows the page fills anew."""
    words = " ".join(text.split())
    lines = textwrap.wrap(words, COLUMNS, break_long_words=False, break_on_hyphens=False)
    return [" ".join(map(whole, line.split(" "))) for line in lines]


def whole(word: str) -> str:
    """Return a word as roff takes it; one with a hyphen is not divided, as its parts would be read as the whole."""
    return f"\\%{escape(word)}" if re.search(r"[-_].", word) else escape(word)


def section(title: str, *lines: str) -> list[str]:
    """Return a section of a page."""
    return [f".SH {title}", *lines]


def tagged(tag: str, text: str) -> list[str]:
    """Return a paragraph with a tag; the tag is roff already."""
    return [".TP", tag, *filled(text)]


def definitions(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return paragraphs with a tag each."""
    return [line for name, text in rows for line in tagged(f".B {escape(name)}", text)]


def option_tag(option: click.Option, context: click.Context) -> str:
    """Return the names of an option in bold and its value in italics."""
    names = ", ".join(f"\\fB{escape(name)}\\fR" for name in (*option.opts, *option.secondary_opts))
    if option.is_flag:
        return names
    return f"{names} \\fI{escape(option.make_metavar(context))}\\fR"


def option_lines(option: click.Option, context: click.Context) -> list[str]:
    """Return what is said of an option."""
    text = option.help or ""
    default = option.get_help_extra(context).get("default")
    if default is not None and not DEFAULT_IN_HELP.search(text):
        text += f"  [default: {default}]"
    return tagged(option_tag(option, context), text)


def description(command: click.Command) -> tuple[list[str], list[str]]:
    """Return the paragraphs of a help text and its examples, as roff."""
    text = inspect.cleandoc(command.help or "")
    found = EXAMPLES.search(text)
    examples = inspect.cleandoc(found[1]).splitlines() if found else []
    lines: list[str] = []
    for paragraph in EXAMPLES.sub("", text).split("\n\n"):
        if not paragraph.strip("\x08\n "):
            continue
        lines += [".PP"] if lines else []
        if paragraph.startswith("\x08\n"):
            lines += [".EX", *map(escape, paragraph[2:].splitlines()), ".EE"]
        else:
            lines += filled(paragraph)
    return lines, [".EX", *map(escape, examples), ".EE"]


def statuses() -> list[str]:
    """Return the exit statuses, as the page on them has them."""
    rows = STATUS_ROW.findall(STATUSES.read_text(encoding="utf-8"))
    return definitions((number, text.replace("`", "").replace("\\|", "|")) for number, text in rows)


def page(name: str, summary: str, body: Sequence[str], others: Sequence[str]) -> str:
    """Return a page, dated today."""
    title = name.upper()
    see = [f".BR {whole(other)} (1)," for other in others]
    see[-1] = see[-1].rstrip(",")
    lines = [
        ".\\\" Made by 'python tools/regenerate.py man' from the help texts.",
        f'.TH {title} 1 "{datetime.date.today().isoformat()}" "losscli {__version__}" "losscli"',
        ".ad l",
        *section("NAME", f"{escape(name)} \\- {escape(summary)}"),
        *body,
        *section("SEE ALSO", *see, ".PP", escape(SITE)),
    ]
    return "\n".join(lines) + "\n"


def summary_of(command: click.Command) -> str:
    """Return what a command does in a line, as NAME has it: no capital, no full stop."""
    text = command.get_short_help_str(limit=1000).rstrip(".")
    return text[:1].lower() + text[1:]


def program_page() -> str:
    """Return the page of the program."""
    paragraphs, examples = description(cli)
    rows = ((f"{PROGRAM} {name}", command.get_short_help_str(limit=1000)) for name, command in commands().items())
    body = [
        *section("SYNOPSIS", f".B {PROGRAM}", "\\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]"),
        *section("DESCRIPTION", *paragraphs),
        *section("COMMANDS", *definitions(rows)),
        *section("ARGUMENTS", *definitions(LOSSES_AND_DATA)),
        *section("OPTIONS", *(line for p in options_of(cli) for line in option_lines(p, click.Context(cli)))),
        *section("EXAMPLES", *examples),
        *common_sections(),
    ]
    return page(PROGRAM, "evaluate losses from the command line", body, [f"{PROGRAM}-{name}" for name in commands()])


def options_of(command: click.Command) -> list[click.Option]:
    """Return the options of a command without sections."""
    context = click.Context(command, help_option_names=["-h", "--help"])
    return [parameter for parameter in command.get_params(context) if isinstance(parameter, click.Option)]


def command_page(name: str, command: click.Command) -> str:
    """Return the page of a command."""
    context = context_of(name, command)
    paragraphs, examples = description(command)
    usage = " ".join(escape(piece) for piece in command.collect_usage_pieces(context))
    options: list[str] = []
    for title, found in options_by_section(command, context).items():
        options += [f".SS {title}", *(line for option in found for line in option_lines(option, context))]
    body = [
        *section("SYNOPSIS", f".B {PROGRAM} {name}", usage),
        *section("DESCRIPTION", *paragraphs),
        *section("OPTIONS", *options),
        *section("EXAMPLES", *examples),
        *common_sections(),
    ]
    return page(f"{PROGRAM}-{name}", summary_of(command), body, [PROGRAM])


def common_sections() -> list[str]:
    """Return the sections that all pages have."""
    return [
        *section("EXIT STATUS", *statuses()),
        *section("ENVIRONMENT", *definitions(ENVIRONMENT)),
        *section("FILES", *definitions(FILES)),
    ]


def man_pages() -> dict[Path, str]:
    """Return path -> text of every man page, dated today."""
    found = {FOLDER / f"{PROGRAM}.1": program_page()}
    for name, command in commands().items():
        found[FOLDER / f"{PROGRAM}-{name}.1"] = command_page(name, command)
    return found


def without_date(text: str) -> str:
    """Return a page without the day that it was written."""
    return DATE_IN_HEAD.sub(r'\1""', text)


def make_page(path: Path, old: str) -> str:
    """Return the text of a page: the old one if today's differs in the date alone."""
    new = man_pages()[path]
    return old if without_date(old) == without_date(new) else new
