"""A progress bar for work that takes longer than about a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from losscli.pipeline import Item

SECONDS_BEFORE_BAR = 1.0


def track_with_bar(
    items: Iterator[Item], fraction_read: Callable[[], float | None], count_rows: Callable[[Item], int], /
) -> Iterator[Item]:
    """Pass items on, and show a bar on stderr once they take a while; a `Track` of the pipeline."""
    start, rows = time.monotonic(), 0
    for item in items:
        rows += count_rows(item)
        yield item
        if time.monotonic() - start > SECONDS_BEFORE_BAR:
            break
    else:
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.fields[rows]:,} rows"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rows=rows)
        for item in items:
            rows += count_rows(item)
            fraction = fraction_read()
            bar.update(task, rows=rows, completed=fraction or 0, total=None if fraction is None else 1.0)
            yield item
