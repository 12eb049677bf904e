"""Options of the commands that compare several models: where their predictions are."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from losscli.cli.command import SectionOption
from losscli.cli.value_types import COLUMN, MODEL_FILE, NAME_OF_MODEL
from losscli.declaration.names import equals_sign
from losscli.errors import UsageError

if TYPE_CHECKING:
    from losscli.data.sources import ReadOptions
    from losscli.pipeline import OpenSources

LEADERBOARD_OPTION = SectionOption(
    "Output", "--leaderboard", is_flag=True, help="Print a row per model and a column per loss, by mean rank."
)

DECOMPOSE_OPTION = SectionOption(
    "Evaluation",
    "--decompose",
    is_flag=True,
    help="Split consistent losses: value = miscalibration - discrimination + uncertainty; add the bias.",
)

MODEL_OPTIONS = [
    SectionOption(
        "Columns",
        "--model",
        "model_files",
        multiple=True,
        type=MODEL_FILE,
        help="File of the predictions of a model, or a quoted pattern whose * is the name: 'runs/*/preds.csv' "
        "(repeatable).",
    ),
    SectionOption(
        "Columns", "--model-column", type=COLUMN, help="Column of the models' names, of data with a row per model."
    ),
    SectionOption(
        "Evaluation",
        "--reference",
        type=NAME_OF_MODEL,
        help="Model that the others are compared with.  [default: the best under each loss]",
    ),
]


def refuse_models(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Refuse an option of models where there is one model."""
    if value:
        name, text = parameter.name or "", value[0]
        problem = f"{context.info_name} takes one model: several are compared by 'losscli compare'"
        raise UsageError(problem, option=("model" if name == "model_files" else name, text))


NO_MODEL_OPTIONS = [
    SectionOption("Columns", *names, multiple=True, hidden=True, expose_value=False, callback=refuse_models)
    for names in (("--model", "model_files"), ("--model-column",))
]
"""The same for commands of one model, which they refuse."""


def open_model_files(
    data: Sequence[str], values: Mapping[str, Any], read_options: ReadOptions, groups: Sequence[str]
) -> OpenSources:
    """Return what opens the files of models, and DATA with the truth, if there is any.

    Raises:
        UsageError: Models are named in another way, too.
    """
    from losscli.data.model_sources import open_with_models

    if len(values["preds"]) > 1:
        problem = "names the column in the files of all models: give it once, or leave out the files"
        raise UsageError(problem, option=("y_pred", values["preds"][1]))
    if values.get("model_column"):
        problem = "names the models of one table: leave it out, or leave out the files of models"
        raise UsageError(problem, option=("model_column", values["model_column"]))
    is_terminal = sys.stdin is None or sys.stdin.isatty()
    return lambda roles: open_with_models(
        data or (None if is_terminal else ()),
        values["model_files"],
        roles,
        read_options,
        groups,
        requested_columns(values),
    )


def requested_columns(values: Mapping[str, Any]) -> dict[str, str]:
    """Return role -> columns as typed, of the roles that tell whether files of models hold the truth."""
    named = dict(text.partition(equals_sign(text))[::2] for text in values["columns"])
    return named | ({"y_true": values["true"]} if values["true"] else {})


def model_inputs(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is read of models: what it is in words, and its file, folder or pattern."""
    for text in values.get("model_files", ()):
        yield "the file of a model's predictions", text
        yield "the file of a model's predictions", text.partition("=")[2]
