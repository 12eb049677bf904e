"""A Dask cluster for as long as it is needed: one that is there, or processes of this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from losscli.errors import ClusterError, UsageError
from losscli.version import __version__

if TYPE_CHECKING:
    from losscli.options import EvaluationOptions

INSTALL = "python3 -m pip install 'losscli[dask]'"
PATIENCE = 30
"""Seconds in which a cluster must answer and have workers."""

WORKER = "losscli.evaluation.dask.worker"
"""What the processes that are started here import first."""

LOGGERS = ("distributed", "distributed.client", "tornado", "asyncio")

MALLOC_SETTINGS = {"MALLOC_TRIM_THRESHOLD_": 1 << 28, "MALLOC_MMAP_THRESHOLD_": 1 << 24}
"""Bytes from which on the C library of Linux gives memory back: arrays come and go, and new memory takes long.

Dask lets its workers give back all they can, with which reading CSV takes twice as long.
"""

SETTINGS = {
    "distributed.admin.large-graph-warning-threshold": "1 GiB",  # stretches of a stream are sent as they are
    "distributed.comm.timeouts.connect": f"{PATIENCE}s",
    "distributed.scheduler.allowed-failures": 5,
    **{f"distributed.nanny.pre-spawn-environ.{name}": size for name, size in MALLOC_SETTINGS.items()},
}


def check_installed() -> None:
    """See that Dask is there.

    Raises:
        UsageError: it is not.
    """
    if find_spec("distributed") is None:
        raise UsageError(f"the engine dask needs Dask, which is not installed: {INSTALL}")


@contextmanager
def open_client(request: EvaluationOptions, local_workers: int) -> Iterator[Any]:
    """A client of the cluster that was asked for; what was started for it ends with it.

    Raises:
        UsageError: that is no address, or losscli is not on the workers.
        ClusterError: nothing answers there, or it has no workers.
    """
    import dask
    import distributed  # noqa: F401 - it sets the levels of its loggers

    with dask.config.set(SETTINGS), _quiet(), ExitStack() as opened:
        if request.scheduler is None:
            yield _started(opened, request.workers or local_workers, request.jobs or 1)
        else:
            client = _joined(opened, request.scheduler)
            _wait(client, request.scheduler, request.workers or 1)
            _check_workers(client)
            yield client


def _started(opened: ExitStack, workers: int, threads: int) -> Any:
    """A client of as many new processes of this machine."""
    from distributed import Client

    cluster = opened.enter_context(local_cluster(workers, threads))
    return opened.enter_context(Client(cluster, set_as_default=False))


def local_cluster(workers: int, threads: int) -> Any:
    """New processes of this machine, which are quiet and show no dashboard."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers, threads_per_worker=threads, processes=True, memory_limit=None,
        silence_logs=logging.CRITICAL, preload=[WORKER],
        dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False},  # a free port, and nothing there
    )  # fmt: skip


def _joined(opened: ExitStack, address: str) -> Any:
    """A client of the cluster at an address."""
    from distributed import Client

    try:
        return opened.enter_context(Client(address, timeout=PATIENCE, set_as_default=False))
    except OSError as error:
        raise ClusterError(f"scheduler {address}: no Dask scheduler answers there in {PATIENCE} s") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"scheduler {address}: is no address of a Dask scheduler ({_line(error)})") from error


def _wait(client: Any, address: str, workers: int) -> None:
    try:
        client.wait_for_workers(workers, timeout=PATIENCE)
    except TimeoutError:
        there = len(client.nthreads())
        raise ClusterError(f"scheduler {address}: {there} of {workers} workers are there after {PATIENCE} s") from None


def _check_workers(client: Any) -> None:
    """See that the workers have this losscli: another one might give other digits."""
    for address, version in client.run(_version, on_error="return").items():
        if isinstance(version, Exception):
            raise UsageError(
                f"worker {address}: has no losscli ({_line(version)}): install losscli {__version__} there"
            )
        if version != __version__:
            raise UsageError(f"worker {address}: has losscli {version}, here is {__version__}")


def _version() -> str:
    return __version__


@contextmanager
def translate_errors() -> Iterator[None]:
    """What goes wrong with a cluster, as a ClusterError; what a worker lacks, as a UsageError."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    try:
        yield
    except ImportError as error:
        raise UsageError(f"a worker lacks what a loss needs ({_line(error)}): install it there") from error
    except KilledWorker as error:
        raise ClusterError("several workers in a row died over the same rows, perhaps for want of memory") from error
    except (CancelledError, CommClosedError, OSError, RuntimeError) as error:
        raise ClusterError(f"the Dask cluster went away ({_line(error).rpartition('reason: ')[2]})") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong is told once, by us: not by every part of a cluster that is coming down."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
