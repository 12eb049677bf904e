"""A progress bar, for work that takes longer than about a second and is watched on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from losscli.evaluate import Evaluated

PATIENCE = 1.0
"""Seconds before anything is shown."""


def track(items: Iterator[Evaluated], part: Callable[[], float | None], quiet: bool) -> Iterator[Evaluated]:
    """The items, with a bar on stderr once it has taken a while; `part` tells how much is done, 0 to 1."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield from items
        return
    start, rows = time.monotonic(), 0
    for item in items:
        rows += len(item.batch)
        yield item
        if time.monotonic() - start > PATIENCE:
            break
    else:
        return
    yield from _shown(items, part, rows)


def _shown(items: Iterator[Evaluated], part: Callable[[], float | None], rows: int) -> Iterator[Evaluated]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.fields[rows]:,} rows"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rows=rows)
        for item in items:
            rows += len(item.batch)
            done = part()
            bar.update(task, rows=rows, completed=done or 0, total=None if done is None else 1.0)
            yield item
