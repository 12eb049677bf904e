"""compare: what outliers do to each loss, and on how many rows each number rests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from losscli.analysis.kept import Kept
from losscli.analysis.outliers import Flags, default, flag, parse, scale
from losscli.analysis.sensitivity import Sensitivity, Setting, measure_all, shares_of
from losscli.errors import UsageError
from losscli.evaluate import Evaluated, Run
from losscli.results import Evaluation, LossResult, document, number, plain, results_of

if TYPE_CHECKING:
    import pandas as pd

    from losscli.data.dataset import Dataset

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

MEASURES = tuple(key for key in COLUMNS if key != "value")
"""The columns that are compare's own."""


@dataclass(frozen=True)
class ComparedLoss:
    """A loss and its outlier sensitivity; what means nothing on this data is None."""

    result: LossResult
    rank: int | None
    sensitivity: Sensitivity

    def __getattr__(self, key: str) -> Any:
        """The measures of its sensitivity are its own."""
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
    def measures(self) -> dict[str, Any]:
        """Column -> what it holds, without the value."""
        return {"rank": self.rank, **asdict(self.sensitivity)}

    def to_dict(self) -> dict[str, Any]:
        measures = {k: v if isinstance(v, bool) else number(v) for k, v in asdict(self.sensitivity).items()}
        return {
            "loss": self.label, "name": self.result.name,
            "params": {key: plain(value) for key, value in self.result.params.items()},
            "rank": self.rank, "value": number(self.value), "status": self.result.status, "n": self.result.n,
            **measures, "clipped": self.result.summary.clipped, "signature": self.result.signature,
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
        return {"row": self.row, **named, **{k: number(v) for k, v in self.values.items()},
                "residual": number(self.residual),
                "shares": {k: number(v) for k, v in self.shares.items()}}  # fmt: skip


@dataclass(frozen=True)
class Comparison(Sequence[ComparedLoss]):
    """Several losses on one dataset, least sensitive first; `notes` say what to do next.

    `outliers` are the numbers of the rows that `rule` flagged (None where it has no answer), `rows` the worst of them.
    """

    losses: tuple[ComparedLoss, ...]
    rule: str
    outliers: tuple[int, ...] | None
    notes: tuple[str, ...]
    evaluation: Evaluation
    rows: tuple[OutlierRow, ...] = ()

    def __len__(self) -> int:
        return len(self.losses)

    def __getitem__(self, index: Any) -> Any:
        return self.losses[index]

    def __iter__(self) -> Iterator[ComparedLoss]:
        return iter(self.losses)

    def to_dict(self) -> dict[str, Any]:
        """The document that `--format json` prints."""
        n = None if self.outliers is None else len(self.outliers)
        share = None if n is None else n / self.evaluation.data.n_used
        rows = {"rows": [row.to_dict() for row in self.rows]} if self.rows else {}
        return document(self.evaluation.data) | {
            "outliers": {"rule": self.rule, "n": n, "share": share} | rows,
            "losses": [loss.to_dict() for loss in self.losses],
        }

    def to_frame(self) -> pd.DataFrame:
        """A row a loss."""
        import pandas as pd

        rows = [{"rank": loss.rank, "value": loss.value} | asdict(loss.sensitivity) for loss in self.losses]
        return pd.DataFrame(rows, index=pd.Index([loss.label for loss in self.losses], name="loss"))


def order_of(text: str | None) -> tuple[str, bool]:
    """The column to sort by, and whether from the largest: `pull`, `-effective_n`.

    Raises:
        UsageError: there is no such column.
    """
    column, falling = (text or "rank").removeprefix("-"), bool(text) and str(text).startswith("-")
    if column not in ("loss", *COLUMNS):
        raise UsageError(f"--sort {text}: there is no column {column!r}; the columns are loss, {', '.join(COLUMNS)}")
    return column, falling


def compare_run(dataset: Dataset, run: Run, rule: str | None = None,
                track: Callable[[Iterator[Evaluated]], Iterator[Evaluated]] = iter, *, sort: str | None = None,
                show: int = 0) -> Comparison:  # fmt: skip
    """Evaluate a dataset and compare the losses.

    Args:
        dataset: where the rows come from.
        run: the losses.
        rule: what flags outlier rows; `mad:3.5` by default, `top:1%` where there is no residual.
        track: wraps the batches, to show progress.
        sort: the column to sort by, with a minus from the largest; by rank otherwise.
        show: how many outlier rows to list.
    """
    asked, order = (parse(rule) if rule else None), order_of(sort)
    kept = Kept.of(track(run.over(dataset.batches())), run)
    evaluation = results_of(dataset, run)
    residual = kept.residual
    chosen = asked or default(residual)
    flags = flag(chosen, kept, residual)
    setting = Setting(kept, residual, scale(residual, kept.batch.weight, flags.mad), flags.rows)
    measured = measure_all(setting, [result.value for result in evaluation])
    losses = [ComparedLoss(r, k, m) for r, k, m in zip(evaluation, _ranks(measured), measured, strict=True)]
    named = None if flags.rows is None else tuple(kept.batch.rows[flags.rows].tolist())
    rows = _worst(setting, dataset.id, show)
    return Comparison(
        tuple(_sorted(losses, *order)), chosen.text, named, tuple(_notes(losses, evaluation, flags, setting)),
        evaluation, rows,
    )  # fmt: skip


def _ranks(measured: Sequence[Sensitivity]) -> list[int | None]:
    """1 for the smallest inflation, ties by stress; losses that are equal in both share a rank."""
    keys = [None if m.inflation is None else (m.inflation, m.stress or math.inf) for m in measured]
    known = sorted(key for key in keys if key is not None)
    return [None if key is None else known.index(key) + 1 for key in keys]


def _sorted(losses: Sequence[ComparedLoss], column: str, falling: bool) -> list[ComparedLoss]:
    """By a column; what has no value there comes last."""

    def key(loss: ComparedLoss) -> Any:
        return loss.label if column == "loss" else getattr(loss, column)

    there = [loss for loss in losses if key(loss) is not None]
    return [*sorted(there, key=key, reverse=falling), *(loss for loss in losses if key(loss) is None)]


# ----------------------------------------------------------------------------------------------- the worst rows


def _worst(setting: Setting, id: str | None, count: int) -> tuple[OutlierRow, ...]:
    """The outlier rows that have the largest share of any loss."""
    kept, flagged = setting.kept, setting.outliers
    if flagged is None or not count:
        return ()
    places = np.flatnonzero(flagged)
    by_row = [i for i in range(len(kept.run.evaluators)) if kept.by_row(i)]
    shares = {kept.run.evaluators[i].label: shares_of(kept.outcome(i), kept.batch) for i in by_row}
    largest = np.max([s[places] for s in shares.values() if s is not None] or [np.zeros(len(places))], axis=0)
    worst = places[np.argsort(-largest, kind="stable")[:count]]
    return tuple(_row(setting, int(place), id, shares) for place in worst)


def _row(setting: Setting, place: int, id: str | None, shares: dict[str, Any]) -> OutlierRow:
    batch, residual = setting.kept.batch, setting.residual
    scalars = {role: float(array[place]) for role, array in batch.arrays.items()
               if role not in batch.tables and array[place].size == 1 and array.dtype.kind == "f"}  # fmt: skip
    return OutlierRow(
        int(batch.rows[place]),
        None if id is None else str(batch.extras[id][place]),
        scalars,
        None if residual is None or residual.ndim > 1 else float(residual[place]),
        {label: None if share is None else float(share[place]) for label, share in shares.items()},
    )


# ------------------------------------------------------------------------------------------------------- notes


def _notes(
    losses: Sequence[ComparedLoss], evaluation: Evaluation, flags: Flags, setting: Setting
) -> Iterator[str]:  # fmt: skip
    n = evaluation.data.n_used
    if flags.rows is None:
        yield f"no outlier rows by {flags.rule}: {flags.why}; rank, inflation, pull and stress are left out"
    else:
        yield from _of_outliers(losses, int(flags.rows.sum()), n, flags.rule)
    yield from _of_few_rows(losses, n)
    if flags.rows is not None and not flags.rows.all():
        for loss in losses:
            if loss.inflation is None:
                yield f"{loss.label} has no inflation: {_why_none(loss)}"
    if setting.residual is not None and setting.scale is None and flags.rows is not None:
        why = "their MAD is 0" if setting.residual.ndim == 1 else "there are several in a row"
        yield f"pull and stress are left out: the residuals have no robust scale ({why})"
    elif setting.residual is None and setting.outliers is not None:
        yield "pull and stress are left out: they are of losses of y_pred - y_true"


def _of_outliers(losses: Sequence[ComparedLoss], count: int, n: int, rule: str) -> Iterator[str]:
    if count == n:
        yield f"every row is an outlier by {rule}: rank, inflation, pull and stress are left out"
    elif count == 0:
        yield f"no row is an outlier by {rule}: inflation is 1 and pull 0"
    else:
        share = f"{count} of {n} rows ({100 * count / n:.2g} %)"
        yield f"{share} are outliers by {rule}: see --show-outliers {min(count, 5)}"


def _of_few_rows(losses: Sequence[ComparedLoss], n: int) -> Iterator[str]:
    """Which number rests on few rows: the one that does most."""
    known = [loss for loss in losses if loss.effective_n is not None]
    worst = min(known, key=lambda loss: loss.effective_n, default=None)
    if worst is None or n < 20 or worst.effective_n >= 0.2 * n:
        return
    top = -(-n // 100)
    largest = "its largest row carries" if top == 1 else f"its {top} largest rows carry"
    yield f"{worst.label} rests on about {worst.effective_n:.0f} of {n} rows: {largest} {100 * worst.top_share:.0f} %"


def _why_none(loss: ComparedLoss) -> str:
    if loss.result.summary.min < 0:
        return "some of its values are below 0, of which ratios mean nothing"
    return "its value over the other rows is not a finite number above 0"
