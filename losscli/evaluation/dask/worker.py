"""A worker process that was started for one command: Ctrl-C is for that command, which then ends it."""

import signal


def dask_setup(worker: object) -> None:
    """Dask calls this as the worker starts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
