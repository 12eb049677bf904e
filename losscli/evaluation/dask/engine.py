"""Evaluate parts by the workers of a Dask cluster, which read the files themselves.

Results are merged in the order of the parts: those of a block by a worker, the rest here. Threads merge the same
blocks, so that the digits are those of one machine. Dask moves the parts of a dead worker to another one.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import wait
from contextlib import suppress
from functools import lru_cache
from typing import Any

from losscli.data.dataset import Dataset, Part
from losscli.data.open_file import FileChangedError
from losscli.data.table import SplitInsideQuotes
from losscli.errors import ClusterError, DataError, LosscliError
from losscli.evaluation.dask.cluster import TASK_SOURCE, count_threads, open_client, other_losscli, translate_errors
from losscli.evaluation.dask.task import identify_losscli
from losscli.evaluation.reduce import (
    PARTS_PER_MERGE,
    Block,
    Done,
    OrderedReducer,
    PartResult,
    Plan,
    evaluate_block,
    evaluate_part,
    report_progress,
)
from losscli.evaluation.run import RunState, SketchedStatistics
from losscli.options import EvaluationOptions, processors

MAX_TASKS_PER_THREAD = 3
"""Tasks for each thread of the cluster that are under way at a time: this bounds the memory."""

TASKS_PER_THREAD_BEFORE_DOUBLING = 2
"""Tasks for each thread of the cluster after which tasks have twice the parts, up to PARTS_PER_MERGE.

Few parts then still occupy many workers, and of many parts Dask's cost for each task does not count.
"""

SECONDS_WITHOUT_WORKERS = 30
"""Time in which a new worker must come once all are gone."""

MAX_UNREADABLE_IN_A_ROW = 3
"""Consecutive parts that workers could not read: more are no coincidence."""


class WorkerCannotRead(Exception):  # noqa: N818 - it may be readable here
    """A worker cannot read a file."""


def evaluate_on_cluster(
    dataset: Dataset, run: RunState, parts: Iterator[Part], options: EvaluationOptions
) -> Iterator[int]:
    """Evaluate parts by the workers of a cluster; yield the numbers of rows processed.

    Raises:
        UsageError: There can be no such cluster.
        ClusterError: It does not answer, has no workers, goes away, or its workers keep dying.
        LosscliError: The data does not fit a loss, or no row is left.
    """
    plan = Plan(dataset, run)
    reducer = OrderedReducer(plan)
    with open_client(options, processors()) as client:
        done = _collect_with_fallback(client, plan, reducer, parts)
        try:
            yield from reducer.reduce(report_progress(dataset, _check_readable(done)))
        finally:
            done.close()


def _collect_with_fallback(client: Any, plan: Plan, reducer: OrderedReducer, parts: Iterable[Part]) -> Generator[Done]:
    """Yield parts with their results; from a part that was cut inside quotes on, read the rest of the data in order."""
    following: Iterable[Part] | None = parts
    count = 0
    while following is not None:
        results, following = _collect_in_order(client, plan, reducer, following, count), None
        for some, found in results:
            if isinstance(found, SplitInsideQuotes):
                results.close()
                following = plan.dataset.parts_from(some[0])
                break
            yield some, found
            count += len(some)


def _check_readable(done: Iterable[Done]) -> Iterator[Done]:
    """Pass results on; raise a DataError if workers do not find the files, which are found here, or find others."""
    failed = 0
    for parts, found in done:
        if isinstance(found, FileChangedError):
            raise found
        yield parts, found
        failed = failed + 1 if isinstance(found, WorkerCannotRead) else 0  # if so, it is evaluated here by now
        if failed == MAX_UNREADABLE_IN_A_ROW:
            raise DataError(
                f"{found} on a worker, though it can be here: the files must be where every worker finds them by the "
                "same name (s3://, hdfs://, a shared folder)"
            )


def _collect_in_order(
    client: Any, plan: Plan, reducer: OrderedReducer, parts: Iterable[Part], count: int
) -> Generator[Done]:
    """Yield the parts after the first `count` with their results, in order; some tasks are sent ahead."""
    import cloudpickle

    _pickle_plugins_by_value(plan, cloudpickle)
    data = cloudpickle.dumps(plan.outline(), protocol=pickle.HIGHEST_PROTOCOL)
    plan_future = submit(client, 0, bytes, data)  # a task: Dask computes it again if it is lost
    limits = TaskLimits(client)
    pending: deque[tuple[Block, Any]] = deque()
    try:
        for i, block in enumerate(_cut_blocks(parts, count, limits)):
            task = cloudpickle.dumps((evaluate_task, (block, reducer.sketched)), protocol=pickle.HIGHEST_PROTOCOL)
            names = {"source": TASK_SOURCE, "expected": identify_losscli(), "task": task, "plan": plan_future}
            pending.append((block, submit(client, i, eval, "exec(source) or run_task(expected, task, plan)", names)))
            for piece in (piece for part in block for piece in part.pieces):
                piece.release()
            while pending and (pending[0][1].done() or len(pending) >= limits.tasks()):
                yield from collect(client, plan, pending)
        while pending:
            yield from collect(client, plan, pending)
    finally:
        with suppress(ClusterError), translate_errors():
            client.cancel([plan_future, *(future for _, future in pending)], force=True)


def submit(client: Any, order: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """Submit a task with a lower priority than earlier ones."""
    with translate_errors():
        return client.submit(function, *arguments, pure=False, priority=-order)


class TaskLimits:
    """How many tasks may be under way, and how many parts each has, from the changing number of threads."""

    def __init__(self, client: Any) -> None:
        self._client, self._seen, self._threads = client, 0.0, 1
        self._tasks, self._parts = 0, 1

    def tasks(self) -> int:
        """Return how many tasks may be under way."""
        return MAX_TASKS_PER_THREAD * self._count_threads()

    def parts(self) -> int:
        """Return how many parts the next task may have."""
        if self._tasks >= TASKS_PER_THREAD_BEFORE_DOUBLING * self._count_threads():
            self._tasks, self._parts = 0, min(2 * self._parts, PARTS_PER_MERGE)
        self._tasks += 1
        return self._parts

    def _count_threads(self) -> int:
        if time.monotonic() - self._seen > 1:
            self._threads = max(1, count_threads(self._client))
            self._seen = time.monotonic()
        return self._threads


def _cut_blocks(parts: Iterable[Part], count: int, limits: TaskLimits) -> Iterator[Block]:
    """Yield the parts of each task, after the first `count`; a task carries the rows of at most one part."""
    some: Block = ()
    most = 1
    for part in parts:
        most = most if some else min(limits.parts(), count & -count or PARTS_PER_MERGE)
        some = (*some, part)
        if len(some) == most or any(piece.path is None for piece in part.pieces):
            yield from _cut_powers_of_2(some)
            some, count = (), count + len(some)
    yield from _cut_powers_of_2(some)


def _cut_powers_of_2(some: Block) -> Iterator[Block]:
    """Yield blocks whose sizes are powers of 2, the largest first."""
    while some:
        size = 1 << len(some).bit_length() - 1
        yield some[:size]
        some = some[size:]


def collect(client: Any, plan: Plan, pending: deque[tuple[Block, Any]]) -> Iterator[Done]:
    """Yield the result of the oldest task, and of those after it that are done."""
    _wait_for_task(client, pending[0][1])
    count = next((i for i, (_, future) in enumerate(pending) if i and not future.done()), len(pending))
    taken = [pending.popleft() for _ in range(count)]
    gathered = _gather(client, [future for _, future in taken])
    for (block, _), results in zip(taken, gathered, strict=True):
        if isinstance(results, str):
            raise other_losscli(results)
        some = [block] if len(results) == 1 else [(part,) for part in block]
        for parts, found in zip(some, results, strict=True):
            if isinstance(found, PartResult):  # it was sent without the losses
                found.run.evaluators = plan.run.evaluators
            yield parts, found


def _wait_for_task(client: Any, future: Any) -> None:
    """Wait for a task; unlike Dask's own way, Ctrl-C interrupts this one without complaints."""
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    _wait_for_workers(client, done.wait)


def _gather(client: Any, futures: list[Any]) -> list[Any]:
    """Return the results of tasks; those that a worker took with it are evaluated again by others."""
    gathering = client.gather(futures, asynchronous=True)
    gathered = asyncio.run_coroutine_threadsafe(gathering, client.loop.asyncio_loop)
    _wait_for_workers(client, lambda seconds: bool(wait([gathered], seconds).done))
    with translate_errors():
        return gathered.result()  # type: ignore[no-any-return]


def _wait_for_workers(client: Any, is_done: Callable[[float], bool]) -> None:
    """Wait for what workers do; `is_done` waits so many seconds.

    Raises:
        ClusterError: All workers are gone, and none comes.
    """
    last_seen = time.monotonic()
    while not is_done(1):
        if count_threads(client):
            last_seen = time.monotonic()
        elif time.monotonic() - last_seen > SECONDS_WITHOUT_WORKERS:
            raise ClusterError(f"all workers are gone, and no other one came in {SECONDS_WITHOUT_WORKERS} s")


def _pickle_plugins_by_value(plan: Plan, cloudpickle: Any) -> None:
    """Send plugins as code: workers need not have their files."""
    for evaluator in plan.run.evaluators:
        module = sys.modules.get(evaluator.bound.loss.module)
        if module is not None and not evaluator.bound.loss.in_catalogue and module.__name__ != "__main__":
            cloudpickle.register_pickle_by_value(module)


def evaluate_task(block: Block, sketched: SketchedStatistics, data: bytes) -> list[PartResult | Exception]:
    """Return the merged result of a block, or that of each part if it depends on earlier ones; without the losses."""
    plan = _load_plan_once(data)
    results: list[PartResult | Exception] = []
    if len(block) > 1:
        with suppress(Exception):  # the parts below show which one failed
            if whole := evaluate_block(block, plan, sketched):
                results.append(whole)
    results = results or [_attempt(part, plan, sketched) for part in block]
    for found in results:
        if isinstance(found, PartResult):
            found.run.evaluators = ()
    return results


def _attempt(part: Part, plan: Plan, sketched: SketchedStatistics) -> PartResult | Exception:
    try:
        return evaluate_part(part, plan, sketched)
    except SplitInsideQuotes as error:
        return error
    except LosscliError as error:
        return WorkerCannotRead(str(error)) if isinstance(error.__context__, OSError) else error
    except Exception as error:  # the reducer tries again and reports it
        return RuntimeError(f"{type(error).__name__}: {error}")


_load_lock = threading.Lock()


def _load_plan_once(data: bytes) -> Plan:
    with _load_lock:  # the threads of a worker start at once
        return _load_plan(data)


@lru_cache(maxsize=2)
def _load_plan(data: bytes) -> Plan:
    found: Plan = pickle.loads(data)
    return found
