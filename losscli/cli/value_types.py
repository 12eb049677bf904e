"""What the values of options and arguments are, so that help texts name it and a shell completes it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click
from click.types import StringParamType

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class CompletedText(StringParamType):
    """Text that a shell completes.

    Args:
        metavar: What help texts call it; None for the name of the parameter.
        kind: The function of `losscli.cli.shells.candidates` that knows what to offer.
        words: What that function is given besides.
    """

    def __init__(self, metavar: str | None, kind: str, *words: str) -> None:
        self.metavar, self.kind, self.words = metavar, kind, words

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return self.metavar

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[Any]]:  # only now: a command that evaluates has no use for it
        candidates = importlib.import_module("losscli.cli.shells.candidates")
        return list(getattr(candidates, self.kind)(ctx, incomplete, *self.words))


LOSSES = CompletedText(None, "losses")
LOSSES_TO_COMPARE = CompletedText("A,B,C", "losses")
SETTING = CompletedText("NAME=VALUE", "settings")
PENALTY = CompletedText("NAME:lambda=X", "penalties")
FAMILY = CompletedText("NAME", "families")
COMMAND_NAME = CompletedText("COMMAND", "commands")

FILE = CompletedText("FILE", "files")
PYTHON_FILE = CompletedText("FILE.py", "files")
JSON_FILE = CompletedText("FILE.json", "files")
DATA = CompletedText(None, "data_files")
MODEL_FILE = CompletedText("[NAME=]FILE", "named_files")
NAMES_OF_CLASSES = CompletedText("A,B,...|@FILE", "files_after_at")

COLUMN = CompletedText("COL", "column")
COLUMNS = CompletedText("COL", "columns")
UNITS_OF_ROWS = CompletedText("COL", "column", "@file")
GROUPS_OF_ROWS = CompletedText("COL[,COL]", "columns", "@file")
COLUMNS_OF_ROLE = CompletedText("ROLE=COLS", "columns_of_role")

OUTLIER_RULE = CompletedText("RULE", "outlier_rules", "mad:3.5", "iqr:1.5", "top:1%", "column:")
SORT_COLUMN = CompletedText("COL", "sort_columns")
NAME_OF_MODEL = CompletedText("NAME", "models")
INTERVAL_METHOD = CompletedText("METHOD", "words", "studentized", "bca", "percentile", "poisson")
FUNCTIONAL = CompletedText("FUNCTIONAL", "words", "auto", "mean", "median", "quantile:")
