"""What a comparison gives back: losses and what outliers do to them, rows that stand out, winners; as JSON, frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from losscli.compare.models import Agreement, ModelRanking
from losscli.compare.sensitivity import Sensitivity
from losscli.results import Evaluation, LossResult, finite_or_none, json_header, jsonable

if TYPE_CHECKING:
    import pandas as pd

    from losscli.baseline import BaselineFile

COLUMNS = {
    "rank": "1 = least sensitive: by inflation, ties by stress",
    "value": "the loss over all rows",
    "inflation": "of the number: value / value without the outlier rows",
    "pull": "of a fit: how far outliers drag its best constant, in robust sd",
    "stress": "inflation, were 1 in 100 of the other rows 10 robust sd off",
    "effective_n": "how many rows the number really rests on",
    "top_share": "share of the number that its largest 1 % of rows carry",
    "skill": "1 = perfect, 0 = no better than its best constant prediction",
    "bounded_value": "no = one row can make the number as large as it likes",
    "bounded_gradient": "no = one row can pull a fit as hard as it likes",
}

STANDING = {
    "winner": "under this loss: yes, no, or a tie, where the interval holds 0",
    "difference": "value less the best model's",
    "diff_low": "where the difference is by a paired bootstrap, from",
    "diff_high": "to",
    "flip": "fewest rows whose removal would make another model the winner",
}
"""The columns that several models add."""

GATED = tuple(key for key in STANDING if key != "winner")
"""Those of them that are numbers."""

MEASURES = tuple(key for key in COLUMNS if key != "value")
"""The columns that are compare's own."""


@dataclass(frozen=True)
class ComparedLoss:
    """A loss and its outlier sensitivity; what means nothing on this data is None.

    `standing` says how the model did under this loss, where there are several.
    """

    result: LossResult
    rank: int | None
    sensitivity: Sensitivity
    standing: Mapping[str, Any] | None = None

    def __getattr__(self, key: str) -> Any:
        """The measures of its sensitivity and its standing are its own."""
        if key in STANDING and self.standing is not None:
            return self.standing[key]
        if key.startswith("_") or key not in COLUMNS:
            raise AttributeError(key)
        return getattr(self.sensitivity, key)

    @property
    def label(self) -> str:
        return self.result.label

    @property
    def value(self) -> float:
        return self.result.value

    @property
    def model(self) -> str | None:
        return self.result.model

    @property
    def group_columns(self) -> dict[str, str]:
        """The group and the model that it is of, as columns."""
        return self.result.group_columns

    @property
    def measures(self) -> dict[str, Any]:
        """Column -> what it holds, without the value; what is of another model's row is not there."""
        standing = {key: cell for key, cell in (self.standing or {}).items() if cell is not None}
        return {"rank": self.rank, **asdict(self.sensitivity), **standing}

    def to_dict(self) -> dict[str, Any]:
        result = self.result
        measures = {k: v if isinstance(v, bool) else finite_or_none(v) for k, v in asdict(self.sensitivity).items()}
        standing = {k: v if isinstance(v, str) else finite_or_none(v) for k, v in (self.standing or {}).items()}
        ci = {} if result.ci is None else {"ci": result.ci.to_dict()}
        return {
            **result.group_json, "loss": self.label, "name": result.name,
            "params": {key: jsonable(value) for key, value in result.params.items()},
            "rank": self.rank, "value": finite_or_none(self.value),
            **{key: finite_or_none(value) for key, value in result.extra_columns.items()}, "status": result.status, "n": result.n,
            "weight_sum": finite_or_none(result.summary.weight_sum), **ci, **measures, **standing,
            "clipped": result.summary.clipped, "signature": result.signature,
        }  # fmt: skip


@dataclass(frozen=True)
class OutlierRow:
    """A flagged row: its number, its name where rows have names, its residual, and its share of each loss."""

    row: int
    id: str | None
    values: dict[str, float]
    residual: float | None
    shares: dict[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        named = {} if self.id is None else {"id": self.id}
        return {"row": self.row, **named, **{k: finite_or_none(v) for k, v in self.values.items()},
                "residual": finite_or_none(self.residual),
                "shares": {k: finite_or_none(v) for k, v in self.shares.items()}}  # fmt: skip


@dataclass(frozen=True)
class Flagged:
    """The rows that the rule flagged in a group, by the predictions of a model.

    `numbers` are those of the rows (None where the rule has no answer), `n` is of how many, `worst` the worst of them;
    `where` is the group and the model.
    """

    rule: str
    numbers: tuple[int, ...] | None
    n: int
    worst: tuple[OutlierRow, ...]
    group_json: Mapping[str, Any]
    group_columns: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        count = None if self.numbers is None else len(self.numbers)
        rows = {"rows": [row.to_dict() for row in self.worst]} if self.worst else {}
        share = None if count is None else count / self.n
        return {**self.group_json, "rule": self.rule, "n": count, "share": share, **rows}


@dataclass(frozen=True)
class Comparison(Sequence[ComparedLoss]):
    """Several losses on one dataset, least sensitive first; `notes` say what to do next.

    A sequence of compared losses: one a loss, or one a group, loss and model. `flagged` has an entry a group and model,
    `contests` one a group and loss, `agreements` one a group, where there are several models; `example` is a row as
    those that stand out are listed, where that was asked for.
    """

    losses: tuple[ComparedLoss, ...]
    flagged: tuple[Flagged, ...]
    notes: tuple[str, ...]
    evaluation: Evaluation
    contests: tuple[ModelRanking, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    example: OutlierRow | None = None

    def __len__(self) -> int:
        return len(self.losses)

    def __getitem__(self, index: Any) -> Any:
        return self.losses[index]

    def __iter__(self) -> Iterator[ComparedLoss]:
        return iter(self.losses)

    def with_baseline(self, earlier: BaselineFile) -> Comparison:
        """With the values of an earlier result."""
        evaluation = earlier.attach_to(self.evaluation)
        found = {result.key: result for result in evaluation}
        losses = tuple(replace(loss, result=found[loss.result.key]) for loss in self.losses)
        return replace(self, losses=losses, evaluation=evaluation)

    @property
    def rule(self) -> str:
        """What flagged outlier rows."""
        return self.flagged[0].rule

    @property
    def outliers(self) -> tuple[int, ...] | None:
        """The numbers of the rows that were flagged anywhere; None where the rule has no answer."""
        numbers = [flagged.numbers for flagged in self.flagged if flagged.numbers is not None]
        return tuple(sorted({row for rows in numbers for row in rows})) if numbers else None

    @property
    def rows(self) -> tuple[OutlierRow, ...]:
        """The worst of them, where they were asked for."""
        return tuple(row for flagged in self.flagged for row in flagged.worst)

    def to_dict(self) -> dict[str, Any]:
        """The document that `--format json` prints."""
        flagged = [one.to_dict() for one in self.flagged]
        models = {} if not self.contests else {
            "contests": [contest.to_dict() for contest in self.contests],
            "agreement": [agreement.to_dict() for agreement in self.agreements],
        }  # fmt: skip
        return json_header(self.evaluation.data) | {
            "outliers": flagged[0] if len(flagged) == 1 else flagged,
            "losses": [loss.to_dict() for loss in self.losses],
            **models,
        }

    def to_frame(self) -> pd.DataFrame:
        """A row a loss, or a row a group, loss and model."""
        import pandas as pd

        rows = [
            loss.group_columns | {"value": loss.value, **loss.result.extra_columns, **loss.measures}
            for loss in self.losses
        ]
        return pd.DataFrame(rows, index=pd.Index([loss.label for loss in self.losses], name="loss"))
