"""compare: how far outlier rows move each loss, and how many rows each number rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from losscli.analysis.outliers import DEFAULT, Flags, flag
from losscli.domain import Array, Mask
from losscli.evaluate import Evaluated, Run, feed
from losscli.results import Evaluation, LossResult, document, number, plain, results_of
from losscli.statistics.summary import Accumulator

if TYPE_CHECKING:
    import pandas as pd

    from losscli.data.dataset import Dataset

COLUMNS = {
    "rank": "1 = the loss that the outlier rows move least",
    "value": "the loss over all rows",
    "inflation": "value over all rows / value over the rows that are not outliers",
    "effective_n": "how many rows the number really rests on, of all",
}

MEASURES = ("rank", "inflation", "effective_n")
"""The columns that are compare's own."""


@dataclass(frozen=True)
class ComparedLoss:
    """A loss and its outlier sensitivity; what means nothing on this data is None."""

    result: LossResult
    rank: int | None
    inflation: float | None
    effective_n: float | None

    @property
    def label(self) -> str:
        return self.result.label

    @property
    def value(self) -> float:
        return self.result.value

    def to_dict(self) -> dict[str, Any]:
        return {
            "loss": self.label, "name": self.result.name,
            "params": {key: plain(value) for key, value in self.result.params.items()},
            "rank": self.rank, "value": number(self.value), "status": self.result.status, "n": self.result.n,
            "inflation": number(self.inflation), "effective_n": number(self.effective_n),
            "clipped": self.result.summary.clipped, "signature": self.result.signature,
        }  # fmt: skip


@dataclass(frozen=True)
class Comparison(Sequence[ComparedLoss]):
    """Several losses on one dataset, least sensitive first; `notes` say what to do next."""

    losses: tuple[ComparedLoss, ...]
    rule: str
    outliers: tuple[int, ...] | None
    notes: tuple[str, ...]
    evaluation: Evaluation

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
        outliers = {"rule": self.rule, "n": n, "share": share}
        return document(self.evaluation.data) | {
            "outliers": outliers,
            "losses": [loss.to_dict() for loss in self.losses],
        }

    def to_frame(self) -> pd.DataFrame:
        """A row a loss."""
        import pandas as pd

        rows = [{key: getattr(loss, key) for key in COLUMNS} for loss in self.losses]
        return pd.DataFrame(rows, index=pd.Index([loss.label for loss in self.losses], name="loss"))


def compare_run(dataset: Dataset, run: Run, rule: str | None = None,
                track: Callable[[Iterator[Evaluated]], Iterator[Evaluated]] = iter) -> Comparison:  # fmt: skip
    """Evaluate a dataset and compare the losses.

    Args:
        dataset: where the rows come from.
        run: the losses.
        rule: what flags outlier rows, `mad:3.5` by default.
        track: wraps the batches, to show progress.
    """
    rule = rule or DEFAULT
    flag(rule, None, None)  # a rule that is wrong is refused before anything is read
    batches = list(track(run.over(dataset.batches())))
    evaluation = results_of(dataset, run)
    weight = _joined([b.batch.weight for b in batches])
    flags = flag(rule, _residual(batches, run), weight)
    inflations = [_inflation(i, result, batches, flags, run) for i, result in enumerate(evaluation)]
    ranks = _ranks(inflations)
    compared = [
        ComparedLoss(result, rank, inflation, _effective_n(i, batches))
        for i, (result, rank, inflation) in enumerate(zip(evaluation, ranks, inflations, strict=True))
    ]
    ordered = sorted(compared, key=lambda loss: math.inf if loss.rank is None else loss.rank)
    rows = None if flags.rows is None else np.concatenate([b.batch.rows for b in batches])[flags.rows]
    named = None if rows is None else tuple(int(row) for row in rows)
    return Comparison(tuple(ordered), rule, named, tuple(_notes(ordered, evaluation, flags)), evaluation)


def _joined(parts: Sequence[Array | None]) -> Array | None:
    arrays = [part for part in parts if part is not None]
    return np.concatenate(arrays) if arrays else None


def _residual(batches: Sequence[Evaluated], run: Run) -> Array | None:
    """y_pred - y_true where a loss is of it."""
    if not any(evaluator.bound.loss.of_residual for evaluator in run.evaluators):
        return None
    arrays = [b.batch.arrays for b in batches]
    with np.errstate(invalid="ignore"):
        return np.concatenate([a["y_pred"].reshape(len(a["y_pred"]), -1) - a["y_true"].reshape(len(a["y_true"]), -1)
                               for a in arrays])  # fmt: skip


def _inflation(
    i: int, result: LossResult, batches: Sequence[Evaluated], flags: Flags, run: Run
) -> float | None:  # fmt: skip
    """Value over all rows / value over the others; None where that means nothing."""
    if flags.rows is None or flags.rows.all():
        return None
    if not flags.rows.any():
        return 1.0 if result.value > 0 and math.isfinite(result.value) else None
    others = Accumulator(run.accumulators[i].own, run.reduction)
    start = 0
    for evaluated in batches:
        size = len(evaluated.batch)
        if len(evaluated.outcomes[i].per_sample) != size:
            return None
        feed(others, evaluated.outcomes[i], evaluated.batch, ~flags.rows[start : start + size])
        start += size
    inner = others.value()
    if others.moments.low < 0 or run.accumulators[i].moments.low < 0 or not inner > 0:
        return None
    ratio = result.value / inner
    return ratio if math.isfinite(ratio) else None


def _effective_n(i: int, batches: Sequence[Evaluated]) -> float | None:
    """(sum w l)² / sum w l²: 1/sum(share²) when a weight of 2 is two rows."""
    first = second = 0.0
    top = max((_largest(b.outcomes[i].per_sample) for b in batches), default=0.0)
    if not 0 < top < math.inf:
        return None
    for evaluated in batches:
        outcome, batch = evaluated.outcomes[i], evaluated.batch
        kept = _counted(outcome.counted, batch.absent, len(outcome.per_sample))
        values = outcome.per_sample[kept] / top  # scaled, so that no square overflows
        if values.size and values.min() < 0:
            return None
        weight = None if batch.weight is None or len(batch) != len(outcome.per_sample) else batch.weight[kept]
        first += float(values.sum() if weight is None else np.dot(values, weight))
        second += float(np.dot(values, values) if weight is None else np.dot(values * values, weight))
    return first * first / second if second > 0 else None


def _largest(values: Array) -> float:
    finite = values[~np.isnan(values)]
    return float(finite.max(initial=0.0))


def _counted(counted: Mask | None, absent: Mask | None, size: int) -> Mask:
    kept = np.ones(size, dtype=bool) if counted is None else counted
    return kept & ~absent if absent is not None and len(absent) == size else kept


def _ranks(inflations: Sequence[float | None]) -> list[int | None]:
    """1 for the smallest; equal ones share a rank."""
    known = sorted(value for value in inflations if value is not None)
    return [None if value is None else known.index(value) + 1 for value in inflations]


def _notes(losses: Sequence[ComparedLoss], evaluation: Evaluation, flags: Flags) -> Iterator[str]:
    n = evaluation.data.n_used
    data = " ".join(evaluation.data.paths) or "DATA"
    if flags.rows is None:
        yield f"no outlier rows by {flags.rule}: {flags.why}; inflation and rank are left out"
        return
    count = int(flags.rows.sum())
    if count == n:
        yield f"every row is an outlier by {flags.rule}: inflation and rank are left out"
    elif count == 0:
        yield f"no row is an outlier by {flags.rule}"
    else:
        yield f"{count} of {n} rows ({100 * count / n:.2g} %) are outliers by {flags.rule}"
    for loss in losses:
        if loss.effective_n is not None and loss.effective_n < 0.2 * n and n >= 20:
            rows = f"about {loss.effective_n:.0f} of {n} rows"
            yield f"{loss.label} rests on {rows}: see 'losscli compute {loss.label} {data} --top 10'"
        if loss.inflation is None and count not in (0, n):
            yield f"{loss.label} has no inflation: its value over the other rows is not a finite number above 0"
