"""A Dask cluster: an existing one, or new processes of this machine for one command."""

from __future__ import annotations

import inspect
import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from losscli.errors import ClusterError, UsageError
from losscli.evaluation.dask import task
from losscli.evaluation.dask.task import identify_losscli
from losscli.signals import signals_deferred, signals_handled

if TYPE_CHECKING:
    from losscli.options import EvaluationOptions

INSTALL_COMMAND = "python3 -m pip install 'losscli[dask]'"
CLUSTER_TIMEOUT_SECONDS = 30
"""Time in which a cluster must answer and have workers."""

TASK_SOURCE = inspect.getsource(task)
"""What defines the functions that workers run."""

WORKER_MODULE = "losscli.evaluation.dask.worker"
"""The module that new worker processes import first."""

QUIET_LOGGERS = ("distributed", "distributed.client", "tornado", "asyncio")

MALLOC_SETTINGS = {"MALLOC_TRIM_THRESHOLD_": 1 << 28, "MALLOC_MMAP_THRESHOLD_": 1 << 24}
"""Bytes from which on the C library of Linux returns freed memory: new memory takes long.

Dask makes its workers return all they can, with which reading CSV takes twice as long.
"""

DASK_SETTINGS = {
    "distributed.admin.large-graph-warning-threshold": "1 GiB",  # blocks of a stream are sent as they are
    "distributed.comm.timeouts.connect": f"{CLUSTER_TIMEOUT_SECONDS}s",
    "distributed.scheduler.allowed-failures": 5,
    **{f"distributed.nanny.pre-spawn-environ.{name}": size for name, size in MALLOC_SETTINGS.items()},
}


def check_installed() -> None:
    """Check that Dask is installed.

    Raises:
        UsageError: It is not.
    """
    if find_spec("distributed") is None:
        raise UsageError(f"the engine dask needs Dask, which is not installed: {INSTALL_COMMAND}")


@contextmanager
def open_client(options: EvaluationOptions, local_workers: int) -> Iterator[Any]:
    """Open a client of the cluster asked for; processes started for it end with it.

    Raises:
        UsageError: The address is none.
        ClusterError: Nothing answers there, or it has no workers, or they have another losscli.
    """
    import dask
    import distributed

    with dask.config.set(DASK_SETTINGS), _silence(), ExitStack() as opened:
        if options.scheduler is None:
            opened.enter_context(signals_handled())
            with _start_undisturbed():
                cluster = opened.enter_context(local_cluster(options.workers or local_workers, options.jobs or 1))
            distributed.gc.disable_gc_diagnosis(force=True)  # it would swallow the exception of a signal
            yield opened.enter_context(distributed.Client(cluster, set_as_default=False))
        else:
            client = _connect(opened, options.scheduler, options.workers or 1)
            _check_workers(client)
            yield client


def local_cluster(workers: int, threads: int) -> Any:
    """Start worker processes on this machine, without output and dashboard."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=threads,
        processes=True,
        memory_limit=None,
        silence_logs=logging.CRITICAL,
        preload=[WORKER_MODULE],
        dashboard_address="127.0.0.1:0",  # a free port, with nothing there
        scheduler_kwargs={"dashboard": False},
    )


@contextmanager
def _start_undisturbed() -> Iterator[None]:
    """Let signals wait while a cluster is started: Dask cannot close one that is just being started."""
    resource_tracker.ensure_running()  # later it would end the blocking of this thread
    with signals_deferred():
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # processes inherit that
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _connect(opened: ExitStack, address: str, workers: int) -> Any:
    """Return a client of a scheduler that has so many workers."""
    from distributed import Client

    try:
        client = opened.enter_context(Client(address, timeout=CLUSTER_TIMEOUT_SECONDS, set_as_default=False))
    except OSError as error:
        raise ClusterError(
            f"scheduler {address}: no Dask scheduler answers there in {CLUSTER_TIMEOUT_SECONDS} s"
        ) from error
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"scheduler {address}: is not the address of a Dask scheduler ({_first_line(error)})"
        ) from error
    try:
        client.wait_for_workers(workers, timeout=CLUSTER_TIMEOUT_SECONDS)
    except TimeoutError:
        found = len(client.nthreads())
        raise ClusterError(
            f"scheduler {address}: {found} of {workers} workers are there after {CLUSTER_TIMEOUT_SECONDS} s"
        ) from None
    return client


def _check_workers(client: Any) -> None:
    """Check that the workers that are there have this losscli: another one might give other digits.

    One that goes away meanwhile does not matter.
    """
    with translate_errors():
        found = client.run(eval, "exec(source) or identify_losscli()", {"source": TASK_SOURCE}, on_error="return")
    here = identify_losscli()
    for address, identity in found.items():
        if isinstance(identity, str) and identity != here:
            raise other_losscli(f"worker {address} has {identity}")
        if isinstance(identity, Exception) and not isinstance(identity, OSError):
            raise ClusterError(f"worker {address} cannot run what is sent to it ({_first_line(identity)})")


def other_losscli(worker_has: str) -> ClusterError:
    """Return the error that a worker has another losscli than this process."""
    return ClusterError(f"{worker_has}, here is {identify_losscli()}: install the same version on all workers")


def count_threads(client: Any) -> int:
    """Return how many threads all workers have now."""
    with translate_errors():
        return sum(client.nthreads().values())


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise failures of a cluster as ClusterError, and a module that a worker lacks as UsageError."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    try:
        yield
    except ImportError as error:
        raise UsageError(f"a worker lacks what a loss needs ({_first_line(error)}): install it there") from error
    except KilledWorker as error:
        raise ClusterError(
            "several workers in a row died over the same rows, perhaps because memory ran out"
        ) from error
    except (CancelledError, CommClosedError, OSError, RuntimeError) as error:
        raise ClusterError(f"the Dask cluster went away ({_first_line(error).rpartition('reason: ')[2]})") from error


@contextmanager
def _silence() -> Iterator[None]:
    """Silence the logs and warnings of a cluster: an error is reported once, by the command."""
    from distributed.versions import VersionMismatchWarning

    loggers = [logging.getLogger(name) for name in QUIET_LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
