"""Items that several threads work on, some of them ahead of their turn; results come in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import TypeVar

from losscli.data.table import Chunk, Kind, SplitInsideQuotes, SplittableTable, Table, count_chunk_rows

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

ITEMS_AHEAD = 2
"""Items that are started before the oldest is finished, besides one for each thread: this bounds the memory."""


def ordered_map(
    function: Callable[[ItemT], ResultT], items: Iterable[ItemT], jobs: int
) -> Generator[tuple[ItemT, ResultT | Exception]]:
    """Yield each item with the result of the function, in order; an exception is a result and is not raised.

    The calling thread takes the items, so that it reads a pipe while others work on earlier items. With one job it also
    calls the function.
    """

    def attempt(item: ItemT) -> tuple[ItemT, ResultT | Exception]:
        try:
            return item, function(item)
        except Exception as error:
            return item, error

    if jobs == 1:
        yield from map(attempt, items)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    pending: deque[Future[tuple[ItemT, ResultT | Exception]]] = deque()
    executor = ThreadPoolExecutor(jobs)
    try:
        for item in items:
            pending.append(executor.submit(attempt, item))
            while pending and (pending[0].done() or len(pending) >= jobs + ITEMS_AHEAD):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:  # threads finish only what they have started, and none runs while the interpreter shuts down
        executor.shutdown(cancel_futures=True)


def ordered_map_with_fallback(
    function: Callable[[ItemT], ResultT],
    items: Iterable[ItemT],
    jobs: int,
    items_from: Callable[[ItemT], Iterable[ItemT]],
) -> Generator[tuple[ItemT, ResultT | Exception]]:
    """Do as `ordered_map`; if an item is cut inside quotes, `items_from(item)` replaces it and the rest."""
    following: Iterable[ItemT] | None = items
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
            done += count_chunk_rows(chunk)
    if not done:
        raise table.empty_error()
