"""The picture of how few rows carry a loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from losscli.errors import DataError
from losscli.plot.observers import LossSpread
from losscli.plot.pictures import Axis, Line, Mark, Panel, Picture, Point, Rule
from losscli.plot.scales import human_percent
from losscli.results import Evaluation
from losscli.statistics.concentration import Concentration, concentration

POINTS_PER_CURVE = 400
"""Most points of a drawn curve."""

HALF = 0.5


def share_picture(evaluation: Evaluation, spread: LossSpread) -> Picture:
    """Return the picture of the share of each loss that the worst rows carry.

    Raises:
        DataError: No loss has shares, because one is negative or not finite, or all are 0.
    """
    found = {
        result.label: curve
        for result, sums in zip(evaluation, spread.by_loss, strict=True)
        if (curve := concentration(sums.table())) is not None
    }
    if not found:
        raise DataError("no row has a share of these losses: a loss is negative or not finite, or all are 0")
    marks: list[Mark] = [Line("all alike", np.array([0.0, 100.0]), np.array([0.0, 100.0]), is_reference=True)]
    marks.append(Rule("", y=100 * HALF))
    for i, (label, curve) in enumerate(found.items()):
        x, y = thin_curve(curve)
        needed = curve.rows_for(HALF)
        marks.append(Line(label, 100 * x, 100 * y, style=i))
        at = min(float(np.interp(HALF, curve.loss, curve.rows)), 1.0)
        marks.append(Point(f"{needed:,} rows".replace(",", " "), 100 * at, 100 * HALF, style=i))
    n = max(curve.n for curve in found.values())
    panel = Panel(
        "How few rows carry half of the loss",
        Axis(f"worst rows, % of {n:,}".replace(",", " "), 0.0, 100.0),
        Axis("% of the loss", 0.0, 100.0),
        tuple(marks),
    )
    facts = {
        "rows_for_half": {label: curve.rows_for(HALF) for label, curve in found.items()},
        "n": {label: curve.n for label, curve in found.items()},
        "top_share": {label: curve.share_of(0.01) for label, curve in found.items()},
    }
    return Picture("share", panel.title, (panel,), sentence(found), tuple(found), facts, evaluation.data)


def thin_curve(curve: Concentration) -> tuple[np.ndarray, np.ndarray]:
    """Return points of a curve: all of few, else those nearest to evenly spaced shares of either axis."""
    if len(curve.rows) <= POINTS_PER_CURVE:
        return curve.rows, curve.loss
    even = np.linspace(0, 1, POINTS_PER_CURVE // 2)
    places = np.concatenate([np.searchsorted(axis, even) for axis in (curve.rows, curve.loss)])
    kept = np.unique(np.minimum(places, len(curve.rows) - 1))
    return curve.rows[kept], curve.loss[kept]


def sentence(found: dict[str, Concentration]) -> str:
    """Say how few rows carry half of the most concentrated loss, and how many of the least concentrated."""
    ordered: Sequence[tuple[str, Concentration]] = sorted(
        found.items(), key=lambda item: item[1].rows_for(HALF) / item[1].n
    )
    (label, curve), (last, other) = ordered[0], ordered[-1]
    needed = curve.rows_for(HALF)
    rows = "the worst row" if needed == 1 else f"the worst {needed} rows"
    text = f"{rows} ({human_percent(needed / curve.n)}) carr{'ies' if needed == 1 else 'y'} half of {label}"
    if last != label:
        text += f"; of {last} it takes {other.rows_for(HALF)} ({human_percent(other.rows_for(HALF) / other.n)})"
    return text
