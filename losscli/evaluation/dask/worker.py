"""A worker process of one command: it ignores Ctrl-C, since the command ends it."""

import signal


def dask_setup(worker: object) -> None:
    """Ignore Ctrl-C; Dask calls this as the worker starts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
