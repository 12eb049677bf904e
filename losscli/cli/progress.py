"""A progress bar, for work that takes longer than about a second and is watched on a terminal."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")

PATIENCE = 1.0
"""Seconds before anything is shown."""


def rows_of(item: Any) -> int:
    """The rows of a batch that was evaluated."""
    return len(item.batch)


def track(
    items: Iterator[Item], part: Callable[[], float | None], quiet: bool, rows: Callable[[Item], int] = rows_of
) -> Iterator[Item]:
    """The items, with a bar on stderr once it has taken a while.

    `part` tells how much is done, 0 to 1, and `rows` how many rows an item is.
    """
    if not gc.isenabled():
        gc.freeze()  # what is there is imports, and stays
        gc.enable()
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield from items
        return
    start, count = time.monotonic(), 0
    for item in items:
        count += rows(item)
        yield item
        if time.monotonic() - start > PATIENCE:
            break
    else:
        return
    yield from _shown(items, part, rows, count)


def _shown(
    items: Iterator[Item], part: Callable[[], float | None], rows: Callable[[Item], int], count: int
) -> Iterator[Item]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.fields[rows]:,} rows"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rows=count)
        for item in items:
            count += rows(item)
            done = part()
            bar.update(task, rows=count, completed=done or 0, total=None if done is None else 1.0)
            yield item
