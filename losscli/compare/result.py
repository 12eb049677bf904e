"""What a comparison gives back: losses and what outliers do to them, outlier rows, winners; as JSON and frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from losscli.compare.across_groups import GroupWins
from losscli.compare.agreement import Agreement
from losscli.compare.columns import COMPARISON_COLUMNS, MODEL_COLUMNS
from losscli.compare.decomposition import PART_COLUMNS, ScoreParts
from losscli.compare.leaderboard import Leaderboard, make_leaderboard
from losscli.compare.models import ModelRanking, ModelStanding, intervals_of_models
from losscli.compare.order import SortOrder
from losscli.compare.sensitivity import Sensitivity
from losscli.result_base import Plottable, Result, ResultSequence, short_text, shown
from losscli.result_names import distinct_names
from losscli.results import Evaluation, LossResult, finite_or_none, json_header, jsonable

if TYPE_CHECKING:
    import pandas as pd

    from losscli.baseline import BaselineFile

SLOW_COLUMNS = ("rank", "pull", "stress", "skill", "bounded_value", "bounded_gradient")
"""Columns that take longest to measure, or rest on such. The table of several models does not show them; JSON does."""

GATE_COLUMNS = tuple(
    key
    for key in (*COMPARISON_COLUMNS, *MODEL_COLUMNS, "relative_low", "relative_high", *PART_COLUMNS)
    if key not in ("value", "verdict")
)
"""The columns that a gate can test, beside those of an evaluation."""


@dataclass(frozen=True, eq=False, repr=False)
class ComparedLoss(Result):
    """A loss and its outlier sensitivity; what means nothing on this data is None.

    `standing` says how the model did under this loss, where there are several, and `is_reference` that the differences
    are to it. `is_ranked` is false under a loss that ranks nothing. `decomposition` are the parts of the value, if they
    were asked for. The other fields are those of the result, sensitivity, standing and parts, by their names.
    """

    result: LossResult
    rank: int | None
    sensitivity: Sensitivity
    standing: ModelStanding | None = None
    is_reference: bool = field(default=False, repr=False)
    is_ranked: bool = field(default=True, repr=False)
    decomposition: ScoreParts | None = None
    label: str = field(init=False, repr=False, compare=False)
    value: float = field(init=False, repr=False, compare=False)
    model: str | None = field(init=False, repr=False, compare=False)
    group_columns: dict[str, str] = field(init=False, repr=False, compare=False)
    inflation: float | None = field(init=False, repr=False, compare=False)
    pull: float | None = field(init=False, repr=False, compare=False)
    stress: float | None = field(init=False, repr=False, compare=False)
    effective_n: float | None = field(init=False, repr=False, compare=False)
    top_share: float | None = field(init=False, repr=False, compare=False)
    skill: float | None = field(init=False, repr=False, compare=False)
    bounded_value: bool | None = field(init=False, repr=False, compare=False)
    bounded_gradient: bool | None = field(init=False, repr=False, compare=False)
    effective_n_normal: float | None = field(init=False, repr=False, compare=False)
    difference: float | None = field(init=False, repr=False, compare=False)
    diff_low: float | None = field(init=False, repr=False, compare=False)
    diff_high: float | None = field(init=False, repr=False, compare=False)
    relative: float | None = field(init=False, repr=False, compare=False)
    relative_low: float | None = field(init=False, repr=False, compare=False)
    relative_high: float | None = field(init=False, repr=False, compare=False)
    p: float | None = field(init=False, repr=False, compare=False)
    verdict: str | None = field(init=False, repr=False, compare=False)
    flip: int | None = field(init=False, repr=False, compare=False)
    mcb: float | None = field(init=False, repr=False, compare=False)
    dsc: float | None = field(init=False, repr=False, compare=False)
    unc: float | None = field(init=False, repr=False, compare=False)
    bias: float | None = field(init=False, repr=False, compare=False)
    bias_low: float | None = field(init=False, repr=False, compare=False)
    bias_high: float | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        standing = self.standing or ModelStanding()
        for name in ("label", "value", "model", "group_columns"):
            object.__setattr__(self, name, getattr(self.result, name))
        parts = (self.decomposition or ScoreParts()).cells
        for name, value in (vars(self.sensitivity) | standing._asdict() | parts).items():
            object.__setattr__(self, name, value)

    def __float__(self) -> float:
        return self.result.value

    def __repr__(self) -> str:
        return f"ComparedLoss({short_text(self.result.full_name)}: rank={self.rank}, value={self.value:.6g})"

    @property
    def statistics(self) -> dict[str, Any]:
        """Column -> what a gate tests. Only the best model has a `flip`, and the reference no `p`."""
        if self.standing is None:
            return self.measures
        cells = self.cells
        if self.flip is None:
            del cells["flip"]
        if self.is_reference:
            del cells["p"]
        return cells

    @property
    def cells(self) -> dict[str, Any]:
        """Column -> its cell, of all columns that a comparison adds to those of a result."""
        standing = {} if self.standing is None else self.standing._asdict()
        return {"rank": self.rank, **self._sensitivity_columns, **standing, **self.parts}

    @property
    def measures(self) -> dict[str, Any]:
        """Column -> its cell, without the value and the columns of other models' rows."""
        standing = {} if self.standing is None else self.standing._asdict()
        shown = {key: cell for key, cell in standing.items() if cell is not None}
        return {"rank": self.rank, **self._sensitivity_columns, **shown, **self.parts}

    @property
    def _sensitivity_columns(self) -> dict[str, Any]:
        """Column -> its cell: what effective_n is measured against is no column."""
        return {key: cell for key, cell in vars(self.sensitivity).items() if key in COMPARISON_COLUMNS}

    @property
    def parts(self) -> dict[str, float | None]:
        """Column -> its cell, of the decomposition; empty if it was not asked for."""
        return {} if self.decomposition is None else self.decomposition.cells

    def to_dict(self) -> dict[str, Any]:
        """Return the loss as JSON has it."""
        result = self.result
        standing = {} if self.standing is None else self.standing._asdict()
        measures = {
            key: cell if isinstance(cell, (bool, str)) else finite_or_none(cell)
            for key, cell in (asdict(self.sensitivity) | standing).items()
        }
        return {
            **result.group_json,
            "loss": self.label,
            "name": result.name,
            "params": {key: jsonable(value) for key, value in result.params.items()},
            "rank": self.rank,
            "value": finite_or_none(self.value),
            **{key: finite_or_none(value) for key, value in result.extra_columns.items()},
            "status": result.status,
            "n": result.n,
            "weight_sum": finite_or_none(result.summary.weight_sum),
            **({} if result.ci is None else {"ci": result.ci.to_dict()}),
            **measures,
            **({} if self.decomposition is None else self.decomposition.to_dict()),
            "clipped": result.summary.clipped,
            "signature": result.signature,
        }


@dataclass(frozen=True, eq=False, repr=False)
class OutlierRow(Result):
    """A flagged row: its number, its name where rows have names, its residual, and its share of each loss."""

    row: int
    id: str | None
    values: dict[str, float]
    residual: float | None
    shares: dict[str, float | None]

    def __repr__(self) -> str:
        residual = "" if self.residual is None else f", residual={self.residual:.6g}"
        return f"OutlierRow(row={self.row}{'' if self.id is None else f', id={short_text(self.id)!r}'}{residual})"

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON has it."""
        return {
            "row": self.row,
            **({} if self.id is None else {"id": self.id}),
            **{role: finite_or_none(value) for role, value in self.values.items()},
            "residual": finite_or_none(self.residual),
            "shares": {label: finite_or_none(share) for label, share in self.shares.items()},
        }


@dataclass(frozen=True, eq=False, repr=False)
class Flagged(Result):
    """The rows that the rule flagged in a group, by the predictions of a model.

    `numbers` are those of the rows (None where the rule has no answer), `n` is of how many, `worst` the worst of them;
    `group_json` and `group_columns` are the group and the model.
    """

    rule: str
    numbers: tuple[int, ...] | None
    n: int
    worst: tuple[OutlierRow, ...]
    group_json: Mapping[str, Any]
    group_columns: Mapping[str, str]

    def __repr__(self) -> str:
        count = "no answer" if self.numbers is None else f"{len(self.numbers)} of {self.n} rows"
        return f"Flagged({self.rule}: {count})"

    def to_dict(self) -> dict[str, Any]:
        """Return the flagged rows as JSON has them."""
        count = None if self.numbers is None else len(self.numbers)
        rows = {"rows": [row.to_dict() for row in self.worst]} if self.worst else {}
        share = None if count is None else count / self.n
        return {**self.group_json, "rule": self.rule, "n": count, "share": share, **rows}


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Plottable, ResultSequence[ComparedLoss]):
    """Several losses on one dataset, least sensitive first; `notes` say what to do next.

    A sequence of compared losses: one per loss, or one per group, loss and model. `flagged` has an entry per group and
    model, `contests` one per group and loss, `agreements` one per group, where there are several models; `example` is
    a row as outlier rows are listed, where that was asked for. `wins` count the groups in which each model is the best,
    an entry per loss. `order` is what the rows are sorted by, if that was asked for; if `shows_leaderboard`, the frame,
    the table and the HTML are those of the leaderboard.

    """

    _field_of_items = "losses"
    losses: tuple[ComparedLoss, ...]
    flagged: tuple[Flagged, ...]
    notes: tuple[str, ...]
    evaluation: Evaluation
    contests: tuple[ModelRanking, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    example: OutlierRow | None = None
    wins: tuple[GroupWins, ...] = ()
    order: SortOrder | None = None
    shows_leaderboard: bool = False

    def __repr__(self) -> str:
        if self.shows_leaderboard:
            return repr(self.leaderboard)
        ranked = [f"{loss.result.full_name}={loss.value:.6g}" for loss in self.losses]
        return f"Comparison({shown(ranked)}; n={self.evaluation.data.n_used})"

    def with_baseline(self, earlier: BaselineFile, note: Callable[[str], None]) -> Comparison:
        """Return the comparison with the values of an earlier result; `note` receives what is different there."""
        evaluation = earlier.attach_to(self.evaluation, note)
        by_key = {result.key: result for result in evaluation}
        losses = tuple(replace(loss, result=by_key[loss.result.key]) for loss in self.losses)
        return replace(self, losses=losses, evaluation=evaluation)

    @property
    def leaderboard(self) -> Leaderboard:
        """A row a model and a column a loss, by mean rank.

        Raises:
            UsageError: There is one model only.
        """
        models = list(dict.fromkeys(str(result.model) for result in self.evaluation))
        order = self.order if self.shows_leaderboard else None
        return make_leaderboard(self.contests, models, self.wins, self.evaluation.data, self.notes, order)

    @property
    def rule(self) -> str:
        """The rule that flagged outlier rows."""
        return self.flagged[0].rule

    @property
    def outliers(self) -> tuple[int, ...] | None:
        """The numbers of the rows that were flagged in any group; None where the rule has no answer."""
        numbers = [flagged.numbers for flagged in self.flagged if flagged.numbers is not None]
        return tuple(sorted({row for rows in numbers for row in rows})) if numbers else None

    @property
    def rows(self) -> tuple[OutlierRow, ...]:
        """The worst outlier rows, where they were asked for."""
        return tuple(row for flagged in self.flagged for row in flagged.worst)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        flagged = [entry.to_dict() for entry in self.flagged]
        intervals = {"intervals": self.intervals} if self.intervals else {}
        document = (
            json_header(self.evaluation.data)
            | intervals
            | {
                "outliers": flagged[0] if len(flagged) == 1 else flagged,
                "losses": [loss.to_dict() for loss in self.losses],
            }
        )
        if self.contests:
            document["contests"] = [ranking.to_dict() for ranking in self.contests]
            document["agreement"] = [agreement.to_dict() for agreement in self.agreements]
        if self.wins:
            document["wins"] = [found.to_dict() for found in self.wins]
        if self.shows_leaderboard:
            document["leaderboard"] = [row.to_dict() for row in self.leaderboard]
        return document

    @property
    def intervals(self) -> dict[str, Any]:
        """How the intervals were found, of differences where there are several models; empty where none were."""
        return intervals_of_models(self.contests) or dict(self.evaluation.intervals.get("intervals", {}))

    def to_frame(self) -> pd.DataFrame:
        """Return a row per loss, or a row per group, loss and model; a row per model if it shows the leaderboard."""
        import pandas as pd

        if self.shows_leaderboard:
            return self.leaderboard.to_frame()
        rows = []
        for loss in self.losses:
            cells = {"value": loss.value, **loss.result.extra_columns, **loss.cells}
            names = distinct_names(loss.group_columns, "group", ["loss", *COMPARISON_COLUMNS, *MODEL_COLUMNS, *cells])
            rows.append(dict(zip(names, loss.group_columns.values(), strict=True)) | cells)
        return pd.DataFrame(rows, index=pd.Index([loss.label for loss in self.losses], name="loss"))
