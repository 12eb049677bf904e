"""The decomposition of the losses that are consistent for a functional."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from losscli.errors import LosscliError
from losscli.page.findings import Findings
from losscli.statistics.calibration import decompose_rows


def decompositions(findings: Findings) -> Mapping[str, Mapping[str, float]]:
    """Return loss (and model) -> its parts, on all rows if they are here, else on the sample of them."""
    found: dict[str, Mapping[str, float]] = {}
    if findings.sample is None or findings.run.reduction != "mean":
        return found
    for each in findings.observed:
        batch = findings.sample.batch if each.model is None else findings.sample.batch.predicted_by(each.model)
        y_true, y_pred = batch.arrays.get("y_true"), batch.arrays.get("y_pred")
        if y_true is None or y_pred is None:
            continue
        for evaluator in findings.run.evaluators:
            try:
                with np.errstate(all="ignore"):
                    parts = decompose_rows(evaluator.bound, y_true, y_pred, batch.weight)
            except LosscliError:  # it is consistent for no functional, or not for one number per row
                continue
            name = evaluator.label if each.model is None else f"{evaluator.label} ({each.model})"
            found[name] = {key: float(value) for key, value in parts._asdict().items() if key != "score"}
    return found
