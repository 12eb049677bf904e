"""Pieces of a table that are read by several threads, some of them ahead of their turn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from losscli.data.table import Chunk, Kind, RowOffsets, SplitInsideQuotes, Table

Item = TypeVar("Item")
Result = TypeVar("Result")

PREFETCH = 2
"""Items that are taken up before the oldest is done with, beside one for each thread: what bounds the memory."""


class Task(Generic[Item, Result]):
    """An item, and what came of it once `done` is set."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.done = threading.Event()
        self.result: Any = None

    def run(self, function: Callable[[Item], Result]) -> None:
        try:
            self.result = function(self.item)
        except Exception as error:
            self.result = error
        self.done.set()

    def wait(self) -> tuple[Item, Result | Exception]:
        self.done.wait()
        return self.item, self.result


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int
) -> Generator[tuple[Item, Result | Exception]]:
    """Each item with what the function made of it, in order; an exception is given, not raised.

    Items are taken by the thread that asks, so that a pipe is read while others work on what came before. With one job
    all is done by that thread.
    """
    if jobs == 1:
        for item in items:
            task: Task[Item, Result] = Task(item)
            task.run(function)
            yield task.wait()
        return
    waiting: SimpleQueue[Task[Item, Result] | None] = SimpleQueue()
    pending: deque[Task[Item, Result]] = deque()
    threads: list[threading.Thread] = []
    try:
        for item in items:
            task = Task(item)
            pending.append(task)
            waiting.put(task)
            if len(threads) < jobs:
                threads.append(threading.Thread(target=_work, args=(function, waiting), daemon=True))
                threads[-1].start()
            while pending and (pending[0].done.is_set() or len(pending) >= jobs + PREFETCH):
                yield pending.popleft().wait()
        while pending:
            yield pending.popleft().wait()
    finally:
        _stop(waiting, threads)


def _work(function: Callable[[Item], Result], waiting: SimpleQueue[Task[Item, Result] | None]) -> None:
    while (task := waiting.get()) is not None:
        task.run(function)


def _stop(waiting: SimpleQueue[Any], threads: list[threading.Thread]) -> None:
    """Let the threads finish what they are at, and nothing else: what is on its way out must not meet them."""
    while not waiting.empty():
        waiting.get()
    for _ in threads:
        waiting.put(None)
    for thread in threads:
        thread.join()


def ordered_map_with_fallback(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int, rest: Callable[[Item], Iterable[Item]]
) -> Generator[tuple[Item, Result | Exception]]:
    """As `in_order`; from an item that proves to be cut in the wrong place the `rest` of it takes over."""
    following: Iterable[Item] | None = items
    while following is not None:
        results, following = ordered_map(function, following, jobs), None
        for item, result in results:
            if isinstance(result, SplitInsideQuotes):
                results.close()
                following = rest(item)
                break
            yield item, result


def chunks_of(table: Table, wanted: Mapping[str, Kind], jobs: int) -> Iterator[Chunk]:
    """The chunks of a table that is read by pieces, in order.

    Raises:
        DataError: as the pieces do, with the number that a row has in the whole table; there are no rows.
    """
    done, numbering = 0, RowOffsets(table)
    pieces = ordered_map_with_fallback(
        lambda piece: list(piece.chunks(wanted)),
        table.pieces(wanted),
        jobs,
        lambda piece: piece.remaining_pieces(wanted),
    )
    for piece, result in pieces:
        numbering.tell(piece, done)
        for chunk in piece.chunks(wanted) if isinstance(result, Exception) else result:
            yield chunk
            done += len(next(iter(chunk.values())))
        table.fraction_read = piece.fraction_read
    if not done:
        raise table.empty_error()
