"""Options of the commands that compare several models: where their predictions are."""

from __future__ import annotations

from losscli.cli.options import SectionOption

DECOMPOSE_OPTION = SectionOption(
    "Evaluation",
    "--decompose",
    is_flag=True,
    help="Split consistent losses: value = miscalibration - discrimination + uncertainty; add the bias.",
)

LEADERBOARD_OPTION = SectionOption(
    "Output", "--leaderboard", is_flag=True, help="Print a row per model and a column per loss, by mean rank."
)

MODEL_OPTIONS = [
    SectionOption(
        "Columns",
        "--model",
        "model_files",
        multiple=True,
        metavar="[NAME=]FILE",
        help="File of the predictions of a model, or a quoted pattern whose * is the name: 'runs/*/preds.csv' "
        "(repeatable).",
    ),
    SectionOption(
        "Columns", "--model-column", metavar="COL", help="Column of the models' names, of data with a row per model."
    ),
    SectionOption(
        "Evaluation",
        "--reference",
        metavar="NAME",
        help="Model that the others are compared with.  [default: the best under each loss]",
    ),
]
