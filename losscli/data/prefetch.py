"""Items that several threads work on, some of them ahead of their turn; results come in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from losscli.data.table import Chunk, Kind, SplitInsideQuotes, SplittableTable, Table

Item = TypeVar("Item")
Result = TypeVar("Result")

ITEMS_AHEAD = 2
"""Items that are started before the oldest is finished, besides one for each thread: this bounds the memory."""


class Task(Generic[Item, Result]):
    """An item, and its result once `done` is set."""

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
    """Yield each item with the result of the function, in order; an exception is a result and is not raised.

    The calling thread takes the items, so that it reads a pipe while others work on earlier items. With one job it also
    calls the function.
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
                threads.append(threading.Thread(target=_run_tasks, args=(function, waiting), daemon=True))
                threads[-1].start()
            while pending and (pending[0].done.is_set() or len(pending) >= jobs + ITEMS_AHEAD):
                yield pending.popleft().wait()
        while pending:
            yield pending.popleft().wait()
    finally:
        while not waiting.empty():  # threads finish only what they have started
            waiting.get()
        for _ in threads:
            waiting.put(None)
        for thread in threads:  # no thread may run while the interpreter shuts down
            thread.join()


def _run_tasks(function: Callable[[Item], Result], waiting: SimpleQueue[Task[Item, Result] | None]) -> None:
    while (task := waiting.get()) is not None:
        task.run(function)


def ordered_map_with_fallback(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int, items_from: Callable[[Item], Iterable[Item]]
) -> Generator[tuple[Item, Result | Exception]]:
    """Do as `ordered_map`; if an item is cut inside quotes, `items_from(item)` replaces it and the rest."""
    following: Iterable[Item] | None = items
    while following is not None:
        results, following = ordered_map(function, following, jobs), None
        for item, result in results:
            if isinstance(result, SplitInsideQuotes):
                results.close()
                following = items_from(item)
                break
            yield item, result


def read_pieces(
    table: SplittableTable, pieces: Iterable[Table], wanted: Mapping[str, Kind], jobs: int
) -> Iterator[Chunk]:
    """Yield the chunks of the pieces of a table, in order.

    Raises:
        DataError: as the pieces do, with the number of the row in its file; there are no rows.
    """
    done = 0
    results = ordered_map_with_fallback(
        lambda piece: list(piece.chunks(wanted)), pieces, jobs, lambda piece: table.pieces_from(piece, wanted)
    )
    for piece, result in results:
        table.row_numbers.add_piece(done, piece)
        table.fraction_read = piece.fraction_after
        for chunk in piece.chunks(wanted) if isinstance(result, Exception) else result:
            yield chunk
            done += len(next(iter(chunk.values())))
    if not done:
        raise table.empty_error()
