"""Losses for times that may be censored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from losscli.data.said_columns import said_times
from losscli.recommend.role_profile import RoleProfile
from losscli.recommend.rules.findings import Finding, avoid, consider, refuse, use
from losscli.recommend.summary import percent, short


def times(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for one prediction a row."""
    arrays = d.sample.arrays
    seen = d.average(arrays["event"].ravel())
    time, predicted = arrays["time"].ravel(), arrays["y_pred"].ravel()
    if not seen:
        yield avoid("concordance_loss", "no event was seen: no pair of rows can be compared")
        yield avoid("cox", "no event was seen: there is nothing to be likely")
        return
    rises = np.corrcoef(np.argsort(np.argsort(time)), np.argsort(np.argsort(predicted)))[0, 1] if d.n > 2 else 0.0
    read = "higher y_pred should mean an earlier event"
    yield use("concordance_loss", f"the share of pairs in the wrong order, with {percent(seen)} events seen; {read}")
    if rises > 0:
        mend = "y_pred rises with time, so it may be a predicted time, not a risk"
        yield consider("concordance_loss:predicts=time", mend)
    if predicted.min() >= 0 and predicted.max() <= 1:
        middle = short(float(np.median(time)))
        reason = f"suits if y_pred is the probability to survive one time: set `at` to it (the median is {middle})"
        yield consider(f"ipcw_brier:at={middle}", f"{reason}; it sees calibration, too")
    yield consider("cox", f"suits if y_pred is a log-hazard: only differences count; {read}")
    yield consider("aft", "suits if y_pred is the location of log time")
    yield refuse("mse", "a censored time is no target: the event is later than that")


def curves(d: RoleProfile) -> Iterator[Finding]:
    """Yield findings for several predictions a row."""
    predicted = d.sample.arrays["y_pred"]
    width, time = predicted.shape[1], d.sample.arrays["time"].ravel()
    if predicted.min() < 0 or predicted.max() > 1:
        yield consider(
            "logistic_hazard_nll:from_logits=true", f"y_pred may be logits of the hazards of {width} intervals"
        )
        return
    said = said_times(d.names)
    ends = said or np.quantile(time, [(k + 1) / (width + 1) for k in range(width)])
    if bool((np.diff(predicted, axis=1) <= 0).all() and ends[0] > 0 and (np.diff(ends) > 0).all()):
        grid = "/".join(short(float(end)) for end in ends)
        falls = "y_pred falls along each row, as a survival curve does"
        aim = (
            "times are those that the names of its columns say"
            if said
            else f"set times to those of its {width} columns"
        )
        yield (use if said else consider)(f"integrated_brier:times={grid}", f"{falls}: {aim}")
    whole = bool((time == np.floor(time)).all() and time.max() < width)
    if whole:
        yield use("logistic_hazard_nll", f"time is the number of an interval, y_pred has a hazard for each of {width}")
