"""Options of the commands that compare several models: where their predictions are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from losscli.cli.options import SectionOption
from losscli.errors import UsageError
from losscli.messages import Hint

if TYPE_CHECKING:
    from losscli.gates import Gate

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
        metavar="[NAME=]FILE",
        help="File of the predictions of a model, or a quoted pattern whose * is the name: 'runs/*/preds.csv' "
        "(repeatable).",
    ),
    SectionOption(
        "Columns", "--model-column", metavar="COL", help="Column of the models' names, of data with a row per model."
    ),
]


def check_gates_of_parts(gates: Sequence[Gate], is_decomposed: Any) -> None:
    """Check that gates on the parts of a loss go with a decomposition.

    Raises:
        UsageError: One does not.
    """
    from losscli.compare.decomposition import PART_COLUMNS

    for gate in gates:
        if gate.statistic in PART_COLUMNS and not is_decomposed:
            problem = f"{gate.statistic} is of the decomposition of a loss"
            raise UsageError(problem, Hint.ADD_DECOMPOSITION, option=("fail_if", gate.text))
