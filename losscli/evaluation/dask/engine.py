"""Parts evaluated by the workers of a Dask cluster, which read the files themselves.

What they come to is merged in the order of the parts: blocks of them by a worker, the rest here. Threads merge the same
blocks, so that the digits are those of one machine. Parts whose worker dies are evaluated by another one: Dask sees to
that.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

from losscli.data.batch import RowPolicy
from losscli.data.dataset import Dataset, Part
from losscli.data.table import SplitInsideQuotes
from losscli.errors import ClusterError, DataError, LosscliError
from losscli.evaluation.dask.cluster import open_client, translate_errors
from losscli.evaluation.part import PartResult, Plan, evaluate
from losscli.evaluation.reduce import PARTS_PER_MERGE, Block, Done, OrderedReducer, evaluate_block, report_progress
from losscli.evaluation.run import RunState, SketchedStatistics
from losscli.options import EvaluationOptions, processors

AHEAD = 3
"""Tasks for each thread of the cluster that are sent before the oldest is done with: what bounds the memory."""

GROWTH = 2
"""Tasks for each thread of the cluster after which the next ones have twice the parts, up to a section.

Few parts are enough for many workers, and where there are many parts, what Dask does for a task does not count.
"""

FAILED = 3
"""Parts in a row that cannot be read where they are sent: it is not by chance, then."""


class WorkerCannotRead(Exception):  # noqa: N818 - it may still be right where the parts are put together
    """A worker cannot read a file."""


class Sent(NamedTuple):
    """A Partial on its way: without the losses, which are known where it arrives."""

    state: dict[str, Any]
    policy: RowPolicy
    memory: dict[str, dict[str, Any]]
    sizes: tuple[int, ...]


def run_parts(dataset: Dataset, run: RunState, parts: Iterator[Part], request: EvaluationOptions) -> Iterator[int]:
    """Evaluate parts by the workers of a cluster; gives the rows of each part that is done with.

    Raises:
        UsageError: there can be no such cluster.
        ClusterError: it does not answer, has no workers, goes away, or its workers die over and over.
        LosscliError: as `Run.over`.
    """
    plan = Plan(dataset, run)
    assembly = OrderedReducer(plan)
    with open_client(request, processors()) as client:
        done = _until_torn(client, plan, assembly, parts)
        try:
            yield from assembly.of(report_progress(dataset, _reachable(done)))
        finally:
            done.close()


def _until_torn(client: Any, plan: Plan, assembly: OrderedReducer, parts: Iterable[Part]) -> Generator[Done]:
    """The parts with what they came to; from one that is cut in the wrong place the rest of it takes over."""
    following: Iterable[Part] | None = parts
    count = 0
    while following is not None:
        results, following = _in_order(client, plan, assembly, following, count), None
        for some, found in results:
            if isinstance(found, SplitInsideQuotes):
                results.close()
                following = plan.dataset.parts_from(some[0])
                break
            yield some, found
            count += len(some)


def _reachable(done: Iterable[Done]) -> Iterator[Done]:
    """Refuse to do the work of workers that do not find the files, which are found here; now and then one may fail."""
    failed = 0
    for parts, found in done:
        yield parts, found
        failed = failed + 1 if isinstance(found, WorkerCannotRead) else 0  # if so, it is evaluated here by now
        if failed == FAILED:
            raise DataError(f"{found} on a worker, though it can be here: the files must be where every worker finds "
                            "them by the same name (s3://, hdfs://, a shared folder)")  # fmt: skip


# ------------------------------------------------------------------------------------------- on this side


def _in_order(client: Any, plan: Plan, assembly: OrderedReducer, parts: Iterable[Part], count: int) -> Generator[Done]:
    """The parts after so many others with what they came to, in order; some tasks are sent ahead."""
    import pickle

    import cloudpickle

    _by_value(plan, cloudpickle)
    data = cloudpickle.dumps(plan.outline(), protocol=pickle.HIGHEST_PROTOCOL)
    what = submit(client, 0, _same, data)
    limit = _Limit(client)
    pending: deque[tuple[Block, Any]] = deque()
    try:
        for i, block in enumerate(_blocks(parts, count, limit)):
            pending.append((block, submit(client, i, _evaluated, block, assembly.full, what)))
            while pending and (pending[0][1].done() or len(pending) >= limit.tasks()):
                yield from collect(client, plan, pending)
        while pending:
            yield from collect(client, plan, pending)
    finally:
        with suppress(ClusterError), translate_errors():
            client.cancel([what, *(future for _, future in pending)], force=True)


def submit(client: Any, place: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """A task, after those that were sent before."""
    with translate_errors():
        return client.submit(function, *arguments, pure=False, priority=-place)


class _Limit:
    """How many tasks may be under way, and of how many parts, by the threads of the cluster: they come and go."""

    def __init__(self, client: Any) -> None:
        self._client, self._seen, self._threads = client, 0.0, 1
        self._tasks, self._parts = 0, 1

    def tasks(self) -> int:
        """How many tasks may be under way."""
        return AHEAD * self._there()

    def parts(self) -> int:
        """At most how many parts the next task has."""
        if self._tasks >= GROWTH * self._there():
            self._tasks, self._parts = 0, min(2 * self._parts, PARTS_PER_MERGE)
        self._tasks += 1
        return self._parts

    def _there(self) -> int:
        if time.monotonic() - self._seen > 1:
            with translate_errors():
                self._threads = max(1, sum(self._client.nthreads().values()))
            self._seen = time.monotonic()
        return self._threads


def _blocks(parts: Iterable[Part], count: int, limit: _Limit) -> Iterator[Block]:
    """Parts for one task each, after so many others; no rows of more than one part are sent along."""
    some: Block = ()
    most = 1
    for part in parts:
        most = most if some else min(limit.parts(), count & -count or PARTS_PER_MERGE)
        some = (*some, part)
        if len(some) == most or any(piece.path is None for piece in part.pieces):
            yield from _halved(some)
            some, count = (), count + len(some)
    yield from _halved(some)


def _halved(some: Block) -> Iterator[Block]:
    """Parts as blocks, the largest first: one block where they are a power of 2."""
    while some:
        size = 1 << len(some).bit_length() - 1
        yield some[:size]
        some = some[size:]


def collect(client: Any, plan: Plan, pending: deque[tuple[Block, Any]]) -> Iterator[Done]:
    """What the oldest task came to, and the next ones that are done."""
    _wait(pending[0][1])
    count = next((i for i, (_, future) in enumerate(pending) if i and not future.done()), len(pending))
    taken = [pending.popleft() for _ in range(count)]
    with translate_errors():
        gathered = client.gather([future for _, future in taken])
    for (block, _), results in zip(taken, gathered, strict=True):
        some = [block] if len(results) == 1 else [(part,) for part in block]
        for parts, found in zip(some, results, strict=True):
            yield parts, restore(found, plan)


def _wait(future: Any) -> None:
    """Wait for a task in a way that Ctrl-C interrupts: Dask's own way leaves something behind that complains."""
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    done.wait()


def restore(found: Sent | Exception, plan: Plan) -> PartResult | Exception:
    if isinstance(found, Exception):
        return found
    return PartResult(plan.run.fresh_copy().set_state(found.state), found.policy, found.memory, found.sizes)


def _sendable(found: PartResult | Exception) -> Sent | Exception:
    if isinstance(found, Exception):
        return found
    return Sent(found.run.state(), found.policy, found.memory, found.sizes)


def _by_value(plan: Plan, cloudpickle: Any) -> None:
    """Send losses from elsewhere as code: workers need not have the files they were read from."""
    import sys

    for evaluator in plan.run.evaluators:
        module = sys.modules.get(evaluator.bound.loss.module)
        if module is not None and not evaluator.bound.loss.in_catalogue and module.__name__ != "__main__":
            cloudpickle.register_pickle_by_value(module)


# --------------------------------------------------------------------------------------------- on a worker


def _same(data: bytes) -> bytes:
    """What every task needs, as the result of a task: where it is lost, Dask makes it anew."""
    return data


def _evaluated(block: Block, full: SketchedStatistics, data: bytes) -> list[Sent | Exception]:
    """What the parts of a block come to together, where that can be told here; else what each of them comes to."""
    plan = _plan(data)
    if len(block) > 1:
        with suppress(Exception):  # which part it was, and whether it matters, comes out below
            if whole := evaluate_block(block, plan, full):
                return [_sendable(whole)]
    return [_sendable(_attempt(part, plan, full)) for part in block]


def _attempt(part: Part, plan: Plan, full: SketchedStatistics) -> PartResult | Exception:
    try:
        return evaluate(part, plan, full)
    except SplitInsideQuotes as error:
        return error
    except LosscliError as error:
        return WorkerCannotRead(str(error)) if isinstance(error.__context__, OSError) else error
    except Exception as error:  # it is tried again where the parts are put together, and is told of there
        return RuntimeError(f"{type(error).__name__}: {error}")


_loading = threading.Lock()


def _plan(data: bytes) -> Plan:
    with _loading:  # the threads of a worker start at once
        return _loaded(data)


@lru_cache(maxsize=2)
def _loaded(data: bytes) -> Plan:
    import pickle

    found: Plan = pickle.loads(data)
    return found
