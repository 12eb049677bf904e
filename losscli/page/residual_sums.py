"""What outliers do to losses of a residual, from sums of all rows by their residuals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from losscli.compare.notes import outlier_notes
from losscli.compare.outliers import OutlierRule, robust_scale
from losscli.compare.result import ComparedLoss
from losscli.compare.sensitivity import OutlierContext, measure_pull
from losscli.compare.stress import stress
from losscli.compare.subset import ADDITIVE_REDUCTIONS, RowSubset
from losscli.data.batch import Batch
from losscli.declaration.properties import Property
from losscli.evaluation.run import RunState
from losscli.messages import Message
from losscli.plot.observers import ResidualSpread
from losscli.plot.residual_bins import flag_entries, key_and_weight


class ResidualSums:
    """All rows by their residual, in buckets, and which of these are outliers by a rule.

    `like` is some rows, for the roles and the shapes of what a loss takes.
    """

    def __init__(
        self, spread: ResidualSpread, run: RunState, rule: OutlierRule, like: Batch, is_weighted: bool
    ) -> None:
        self.spread, self.run = spread, run
        self.table = spread.sums.table()
        self.flags = flag_entries(rule, self.table, is_weighted)
        key = self.table.key
        rows = like.take(np.zeros(key.size, dtype=np.intp))
        y_true, y_pred = rows.arrays["y_true"], rows.arrays["y_pred"]
        rows = rows.changed(y_true=np.zeros(y_true.shape), y_pred=key.reshape(y_pred.shape))
        # a loss that residuals alone decide has the same values on these rows
        self.subset = RowSubset(replace(rows, weight=self.table.weight), run)
        scale = robust_scale(*key_and_weight(self.table, is_weighted), self.flags.mad)
        self.context = OutlierContext(self.subset, key, scale, self.flags.rows)

    def notes(self, losses: Sequence[ComparedLoss]) -> Iterator[Message]:
        """Yield what outliers do to the losses, and which columns are left out."""
        n, rows = int(self.table.n_rows.sum()), self.flags.rows
        n_outliers = None if rows is None else int(self.table.n_rows[rows].sum())
        yield from outlier_notes(losses, n, self.flags, self.context, n_outliers)

    def inlier_value(self, i: int) -> float | None:
        """Return the value of a loss that is a mean over the rows that are no outliers; None if it has none."""
        evaluator = self.run.evaluators[i]
        reduction = evaluator.bound.loss.reduction
        if i not in self.spread.indices or reduction not in ADDITIVE_REDUCTIONS or self.run.reduction != "mean":
            return None
        if "denominator" in evaluator.form.hooks or self.flags.rows is None or self.flags.rows.all():
            return None
        kept = ~self.flags.rows
        total = float(self.table.sums[self.spread.indices.index(i)][kept].sum())
        mean = total / float(self.table.weight[kept].sum())
        value = reduction.of_mean(mean)
        return value if value > 0 else None

    def pull_and_stress(self, i: int) -> tuple[float | None, float | None] | None:
        """Return the pull and the stress of a loss; None where more than residuals decide it."""
        evaluator, inlier_value = self.run.evaluators[i], self.inlier_value(i)
        is_of_residual = Property.TRANSLATION_INVARIANT in evaluator.bound.properties
        if inlier_value is None or not is_of_residual or set(evaluator.form.names) != {"y_true", "y_pred"}:
            return None
        loss, context = self.subset.losses[i], self.context
        return measure_pull(context, loss), stress(loss, context.inliers, context.scale, inlier_value)
