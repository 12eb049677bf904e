"""Why a value is NaN though no row lacks a value."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from typing import Any

from losscli.evaluation.evaluator import Evaluator
from losscli.statistics.summary import Summary


def remarks_of(memory: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return what notes say of the rows, from what the checks of each role remember."""
    return {what for of_role in memory.values() for what in of_role}


def why_nan(evaluator: Evaluator, summary: Summary, said: Container[str]) -> str:
    """Return why a value is NaN, if it is known: the loss is not defined, or what it divides by is 0.

    Of a loss that has a value per row, a remark among those that are `said` tells that it is not defined.
    """
    undefined = evaluator.bound.loss.undefined
    if not evaluator.dataset_wide and undefined in said:
        return undefined
    if summary.n and math.isfinite(summary.sum):
        divisor = evaluator.form.hooks.get("denominator")
        says = divisor.__doc__ if divisor is not None else None
        return f"it divides by {says}" if says else "its divisor is 0"
    return summary.nan_reason
