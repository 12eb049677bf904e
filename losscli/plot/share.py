"""The picture of how few rows carry a loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from losscli.errors import DataError
from losscli.messages import join_names
from losscli.plot.kinds import PictureRecipe, Request, has_shares, no_picture
from losscli.plot.observers import LossSpread
from losscli.plot.pictures import Axis, Line, Mark, Panel, Picture, Point, Rule
from losscli.plot.scales import human_percent
from losscli.plot.words import count_text, rows_text
from losscli.results import DataInfo, results_of
from losscli.statistics.concentration import ROWS_PER_TOP_ROW, Concentration, concentration, top_share
from losscli.statistics.keyed_sums import SumsByKey

POINTS_PER_CURVE = 400
"""Most points of a drawn curve."""

HALF = 0.5

FLAT_FROM = 0.85
"""The x axis ends at half of the rows if these carry this share of each loss: beyond it the curves are flat."""

LOSS_BUCKETS_REMARK = "rows are summed in buckets of 0.1 % of their loss: shares are right to that"


class LossCurve(NamedTuple):
    """The share of a loss that the worst rows carry, with its colour and what its worst hundredth carries."""

    curve: Concentration
    style: int
    top_share: float
    are_all_equal: bool

    @property
    def half_at(self) -> float:
        """The share of the rows, or of their weight, that carries half of the loss."""
        return min(float(np.interp(HALF, self.curve.loss, self.curve.rows)), 1.0)


class RowsOfLoss(NamedTuple):
    """The rows by their loss, and by what they add to the weighted sum."""

    by_loss: SumsByKey
    by_added: SumsByKey


def share_picture(request: Request, spread: LossSpread) -> Picture:
    """Return the picture of the share of each loss that the worst rows carry.

    Raises:
        DataError: No loss has shares, because one is negative or not finite, or all are 0.
    """
    tables = [
        RowsOfLoss(spread.table(i), spread.table_of_added(i)) if has_shares(evaluator, request.run.reduction) else None
        for i, evaluator in enumerate(request.evaluators)
    ]
    labels = [evaluator.label for evaluator in request.evaluators]
    data = results_of(request.dataset, request.run).data
    try:
        return picture_of_tables(labels, tables, data)
    except DataError as error:
        raise no_picture("share", request, str(error)) from None


def picture_of_tables(labels: Sequence[str], tables: Sequence[RowsOfLoss | None], data: DataInfo | None) -> Picture:
    """Return the picture of losses from their rows; None for a loss that is no sum.

    Raises:
        DataError: No loss has shares.
    """
    found: dict[str, LossCurve] = {}
    reasons: dict[str, str] = {}
    is_exact = True
    for i, (label, rows) in enumerate(zip(labels, tables, strict=True)):
        if rows is None:
            reasons[label] = "rows have shares of a sum, not of a median or a maximum"
        elif (curve := concentration(rows.by_loss)) is None:
            reasons[label] = explain_no_shares(rows.by_loss)
        else:
            is_equal = bool(rows.by_loss.key[0] == rows.by_loss.key[-1])
            found[label] = LossCurve(curve, i, top_share(rows.by_added, ROWS_PER_TOP_ROW), is_equal)
            is_exact &= rows.by_loss.is_exact
    remarks = [f"{label} has no shares: {reason}" for label, reason in reasons.items()]
    if not found:
        raise DataError("; ".join(remarks))
    remarks += [] if is_exact else [LOSS_BUCKETS_REMARK]
    n = max(loss.curve.n for loss in found.values())
    of_what = f"the weight of {rows_text(n)}" if data is not None and data.weighted else rows_text(n)
    title = "How few rows carry half of the loss"
    end = axis_end(found)
    panel = Panel(
        title,
        Axis(f"worst rows, % of {of_what}", 0.0, 100 * end),
        Axis("% of the loss", 0.0, 100.0),
        tuple(curve_marks(found, end)),
    )
    facts = {
        "n": {label: loss.curve.n for label, loss in found.items()},
        "rows_for_half": {label: loss.curve.rows_for(HALF) for label, loss in found.items()},
        "row_share_for_half": {label: loss.half_at for label, loss in found.items()},
        "top_share": {label: loss.top_share for label, loss in found.items()},
    }
    return Picture("share", title, (panel,), share_sentence(found), tuple(found), facts, data, remarks=tuple(remarks))


def explain_no_shares(table: SumsByKey) -> str:
    """Return why the losses of a table have no shares."""
    if not table.key.size:
        return "all of it is missing"
    if table.key[0] < 0:
        return "it is below 0 in some rows"
    return "it is 0 in all rows" if table.key[-1] == 0 else "it is not finite"


def axis_end(found: Mapping[str, LossCurve]) -> float:
    """Return the share of the rows to show: half of them, or all."""
    return HALF if all(loss.curve.share_of(HALF) >= FLAT_FROM for loss in found.values()) else 1.0


def curve_marks(found: Mapping[str, LossCurve], end: float) -> list[Mark]:
    """Return the curves up to an end of the x axis, with the points at half of the loss."""
    marks: list[Mark] = [Line("all alike", np.array([0.0, 100 * end]), np.array([0.0, 100 * end]), is_reference=True)]
    marks.append(Rule("", y=100 * HALF))
    for label, loss in found.items():
        x, y = thin_curve(loss.curve, end)
        marks.append(Line(label, 100 * x, 100 * y, style=loss.style))
        marks.append(Point(rows_text(loss.curve.rows_for(HALF)), 100 * loss.half_at, 100 * HALF, style=loss.style))
    return marks


def thin_curve(curve: Concentration, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Return points of a curve up to `end`: all of few, else those nearest to evenly spaced shares of either axis."""
    inside = curve.rows < end
    rows = np.append(curve.rows[inside], end)
    loss = np.append(curve.loss[inside], curve.share_of(end))
    if len(rows) <= POINTS_PER_CURVE:
        return rows, loss
    even = np.linspace(0, 1, POINTS_PER_CURVE // 2)
    places = np.concatenate([np.searchsorted(rows, end * even), np.searchsorted(loss, loss[-1] * even)])
    kept = np.unique(np.minimum(np.append(places, len(rows)), len(rows) - 1))
    return rows[kept], loss[kept]


def share_sentence(found: Mapping[str, LossCurve]) -> str:
    """Say how few rows carry half of the most concentrated loss, and how many of the least concentrated."""
    n = max(loss.curve.n for loss in found.values())
    if n == 1:
        return f"there is 1 row, which carries all of {join_names(list(found))}"
    equal = [label for label, loss in found.items() if loss.are_all_equal]
    if len(equal) == len(found):
        return f"all rows carry the same share of {join_names(equal)}"
    ordered: Sequence[tuple[str, LossCurve]] = sorted(found.items(), key=lambda item: item[1].half_at)
    (label, loss), (last, other) = ordered[0], ordered[-1]
    needed, most = loss.curve.rows_for(HALF), other.curve.rows_for(HALF)
    rows = "the worst row" if needed == 1 else f"the worst {rows_text(needed)}"
    text = f"{rows} ({share_of_rows(loss)}) carr{'ies' if needed == 1 else 'y'} half of "
    if most == needed:
        return text + join_names(list(found))
    return f"{text}{label}; of {last} it takes {count_text(most)} ({share_of_rows(other)})"


def share_of_rows(loss: LossCurve) -> str:
    """Return how many of the rows carry half of the loss, in per cent of all."""
    share = loss.curve.rows_for(HALF) / loss.curve.n
    digits = 2 if share < 0.1 or not math.isfinite(share) else 3
    return human_percent(share, digits if share < 0.995 else 2)


KIND = PictureRecipe(lambda request: (LossSpread(len(request.evaluators)),), share_picture)
