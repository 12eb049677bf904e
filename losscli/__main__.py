"""`python -m losscli`, and the entry point of the `losscli` command."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line; an interrupt at any moment ends with status 130."""
    gc.disable()  # nothing that is imported is garbage: where data is read it is looked for again
    try:
        from losscli.cli import run

        status = run()
    except KeyboardInterrupt:
        status = 130
    _leave(status)


def _leave(status: int) -> None:
    """End the process, but do not take it apart: that takes as long as many a command."""
    import atexit
    import threading

    if threading.active_count() > 1:
        sys.exit(status)
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
