"""Commands whose help groups the options into sections."""

from __future__ import annotations

from typing import Any

import click

SECTIONS = ("Losses", "Data", "Columns", "Evaluation", "Output", "Gates", "Scale")
"""The sections of a help text, the usual ones first."""


class SectionOption(click.Option):
    """An option that belongs to a section of the help text."""

    def __init__(self, section: str, *names: str, **attributes: Any) -> None:
        super().__init__(names, **attributes)
        self.section = section


class SectionCommand(click.Command):
    """A command whose help text groups its options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options section by section."""
        records: dict[str, list[tuple[str, str]]] = {section: [] for section in SECTIONS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                records[getattr(parameter, "section", "Output")].append(record)
        for section, rows in records.items():
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows, col_max=28)
