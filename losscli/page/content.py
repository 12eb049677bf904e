"""What the page says, as numbers and words; `html.py` lays it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from losscli.compare.result import ComparedLoss
from losscli.plot.pictures import Picture
from losscli.result_names import ResultKey
from losscli.results import Evaluation, LossResult

LOSS_COLUMNS = {
    "value": ("value", "the loss over all rows"),
    "interval": ("interval", "a confidence interval of the value"),
    "inflation": ("inflation", "value / value without the outlier rows"),
    "pull": ("pull", "how far outliers drag the constant of a fit, in robust sd: deletion influence, DFBETA"),
    "stress": ("stress", "contamination: inflation if 1 in 100 of the other rows were 10 robust sd off"),
    "effective_n": (
        "effective n",
        "how many rows the number really rests on: Kish's effective sample size; of n normal errors mse has n/3",
    ),
    "top_share": ("worst 1\u00a0%", "share of the number that its largest 1 % of rows carry"),
    "skill": ("skill", "1 = perfect, 0 = no better than its best constant prediction"),
}
"""Column of the table -> its heading, and what it says."""

STANDING_COLUMNS = {
    "verdict": ("verdict", "best, worse, or undecided: the rows do not tell it from the best"),
    "difference": ("difference", "value minus the value of the reference, by default the best model"),
    "diff_low": ("low", "lower end of the difference's interval; all intervals hold at once"),
    "diff_high": ("high", "upper end of that interval"),
    "p": ("p", "of no difference, adjusted for the number of models (Holm)"),
}
"""The columns that several models add."""

BASELINE_COLUMNS = {
    "baseline": ("baseline", "the value in the earlier result"),
    "change": ("change", "of the value since then"),
}
"""The columns that a baseline adds."""


@dataclass(frozen=True)
class LossLine:
    """A line of the table: a result, and what outliers do to it; `estimated` names columns."""

    result: LossResult
    cells: Mapping[str, float | str | None]
    estimated: frozenset[str] = frozenset()

    @classmethod
    def of(cls, compared: ComparedLoss, result: LossResult) -> LossLine:
        """Return the line of a compared loss."""
        names = [name for name in (*LOSS_COLUMNS, *STANDING_COLUMNS) if name not in ("value", "interval")]
        return cls(result, {name: getattr(compared, name) for name in names})


class WorstLine(NamedTuple):
    """A row of the data among the worst: its cells by column, and its share of the loss (None: it has no share)."""

    cells: Mapping[str, Any]
    share: float | None


class WorstTable(NamedTuple):
    """The worst rows under a loss (and a model, if there are several), their columns, and why it is this loss."""

    loss: str
    model: str | None
    columns: tuple[str, ...]
    lines: tuple[WorstLine, ...]
    reason: str


class MethodFact(NamedTuple):
    """How something was computed: a term, and texts; `is_code` if they are to be read letter by letter."""

    term: str
    texts: Sequence[str]
    is_code: bool = False


class DrawnPicture(NamedTuple):
    """A picture and its SVG element."""

    picture: Picture
    svg: str


class GroupLine(NamedTuple):
    """A group: its values, its number of rows, and the value of each loss."""

    group: tuple[str, ...]
    n: int
    values: tuple[float | None, ...]


@dataclass(frozen=True, eq=False)
class PageContent:
    """All that the page says.

    Attributes:
        title: The heading.
        evaluation: The results over all rows, of each model, and of each group: what gates and the status are about.
        statistics: Key of a result -> what a comparison says of it, for gates.
        verdict: Sentences, the first of which is the one to read.
        lines: The table of losses.
        level: The level of the intervals.
        group_by: The columns that make groups.
        groups: The table of groups, the worst first by the loss `groups_sorted_by`; their values are of `group_losses`,
            by the predictions of `groups_model` (None: there is one model).
        pictures: What is drawn.
        worst: The worst rows; None where rows have no losses.
        decompositions: Loss (and model) -> miscalibration, discrimination, uncertainty; and bias, if it was asked for.
        is_estimated: Whether the decompositions are of a sample.
        facts: How it was computed.
        notes: What else to know.
        gates: What gates say, and whether they failed.
    """

    title: str
    evaluation: Evaluation
    statistics: Mapping[ResultKey, Mapping[str, float | None]]
    verdict: Sequence[str]
    lines: Sequence[LossLine]
    level: float
    group_by: Sequence[str] = ()
    groups: Sequence[GroupLine] = ()
    group_losses: Sequence[str] = ()
    groups_sorted_by: str = ""
    groups_model: str | None = None
    pictures: Sequence[DrawnPicture] = ()
    worst: WorstTable | None = None
    decompositions: Mapping[str, Mapping[str, float | None]] | None = None
    is_estimated: bool = False
    facts: Sequence[MethodFact] = ()
    notes: Sequence[str] = ()
    gates: Sequence[tuple[str, bool]] = ()
