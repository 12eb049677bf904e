"""The effective number of rows that a loss has for normal errors: what `effective_n` is measured against."""

from __future__ import annotations

import numpy as np

from losscli.compare.subset import ADDITIVE_REDUCTIONS, LossOnRows
from losscli.declaration.properties import Property
from losscli.errors import LosscliError

FARTHEST_ERROR, ERRORS = 10.0, 2001
"""Where the integral over normal errors ends, in standard deviations, and how many points it has: to 3e-5."""


def effective_share_if_normal(loss: LossOnRows, scale: float | None) -> float | None:
    """Return E[l]² / E[l²] for normal errors of standard deviation `scale`: 1/3 for mse, 2/pi for mae.

    So many of n rows are left, by Kish's formula, if errors are normal. None where other things than one residual
    decide the loss of a row, or its value is no mean.
    """
    evaluator = loss.evaluator
    is_of_residual_alone = Property.TRANSLATION_INVARIANT in evaluator.bound.properties
    if scale is None or not is_of_residual_alone or evaluator.coupled or "row_mask" in evaluator.form.hooks:
        return None
    if loss.reduction not in ADDITIVE_REDUCTIONS or loss.batch.arrays["y_pred"].size != len(loss.batch):
        return None
    z = np.linspace(-FARTHEST_ERROR, FARTHEST_ERROR, ERRORS)
    rows = loss.batch.take(np.zeros(ERRORS, dtype=np.intp))
    shape = (-1, *rows.arrays["y_pred"].shape[1:])
    rows = rows.changed(y_true=np.zeros(ERRORS).reshape(shape), y_pred=(scale * z).reshape(shape))
    try:
        with np.errstate(all="ignore"):
            values = evaluator(rows).per_sample
            values = values / np.abs(values).max()
            density = np.exp(-z * z / 2)
            share = (density @ values) ** 2 / (density @ values**2) / density.sum()
    except LosscliError:
        return None
    return float(share) if np.isfinite(share) else None
