"""Timing of calls within a process, in turn, so that all of them see the same machine."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any


def time_call(call: Callable[[], Any]) -> float:
    """Return the wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def time_in_turn(calls: Sequence[Callable[[], Any]], rounds: int) -> list[float]:
    """Return the median seconds of each call. A call must have run once before, which is not counted."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, call_times in zip(calls, times, strict=True):
            gc.collect()
            call_times.append(time_call(call))
    return [statistics.median(call_times) for call_times in times]
