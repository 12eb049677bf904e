"""Notes on calibration, on order and on boxes: what to do about what was seen."""

from __future__ import annotations

from collections.abc import Iterator

from losscli.messages import Hint, Message
from losscli.recommend.calibration import CalibrationVerdict
from losscli.recommend.order import scale_of
from losscli.recommend.profile import Profile
from losscli.recommend.summary import short
from losscli.recommend.tasks import Task

STEEP_TEMPERATURE = 5.0
"""Scores that must be divided by more than this are hardly meant as logits."""


def list_calibration_notes(d: Profile) -> Iterator[str]:
    """Yield what to do about probabilities that are not calibrated."""
    r = d.recalibration
    if r is None or r.verdict is CalibrationVerdict.CALIBRATED:
        return
    if r.verdict is CalibrationVerdict.UNRELATED:
        problem = "labels do not rise with the predictions: is label 1 the class that they are of?"
        yield Message(problem, Hint.RELIABILITY)
    elif d.task is Task.BINARY_SCORES and r.temperature > STEEP_TEMPERATURE:
        steep = f"logits that fit these labels are {short(r.temperature, 3)} times smaller"
        yield f"{steep}: divide y_pred by that, or use hinge if they are scores without a scale"
    elif r.verdict in (CalibrationVerdict.OVERCONFIDENT, CalibrationVerdict.UNDERCONFIDENT):
        mend = f"divide their logits by {short(r.temperature, 3)}, or fit isotonic regression"
        yield Message(f"probabilities are {r.verdict}: {mend}", Hint.RELIABILITY)
    elif r.verdict is CalibrationVerdict.CURVED:
        yield Message("probabilities are miscalibrated: fit isotonic regression to other rows", Hint.RELIABILITY)
    else:
        mend = f"add {short(r.level.value, 3)} to their logits"
        yield Message(f"probabilities are {r.verdict} on average: {mend}", Hint.RELIABILITY)


def list_order_notes(d: Profile) -> Iterator[str]:
    """Yield how classes, whole numbers, documents and boxes are read, where that may be wrong."""
    may_have_order = d.task is Task.CLASSES and d.width > 2 and not d.is_order_given and not d.has_ordered_classes
    if may_have_order and (scale := scale_of(d.class_names)) is not None:
        yield Message(f"the classes look like a scale: rps suits if {', '.join(scale)} is it", Hint.NAME_CLASSES)
    if d.task is Task.RATINGS and d.pred.is_whole:
        yield "both columns hold a few whole numbers: if they are names of classes without an order, use zero_one"
    if d.width == 1 and (d.task is Task.RANKING or (d.task is Task.BINARY_SCORES and d.has_queries)):
        yield (
            "each row is a document of a query: for ranking_softmax put each query into one row, as columns "
            "y_true_0, y_true_1, ... and y_pred_0, ..."
        )
    if d.task is Task.BOXES and d.has_unnamed_format:
        yield f"boxes are read as {d.box_format} by their values, as their column does not say how they are written"
    if d.task is Task.BOXES and d.named_format == "xywh" and d.names:
        which = "the centre" if d.box_format == "cxcywh" else "a corner"
        other = "xywh if they are a corner" if d.box_format == "cxcywh" else "cxcywh if they are the centre"
        yield f"x and y are read as {which} of a box: set box_format={other}"
