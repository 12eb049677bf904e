"""`python -m losscli`, and the entry point of the `losscli` command."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress

from losscli.signals import EndedBySignal, handle_signals_of_command, ignore_signals, status_of_signal


def main() -> None:
    """Run the command line and exit. A signal that ends it at any moment gives 128 and its number as the status."""
    status = 1  # that of an exception, which Python prints

    def leave() -> None:
        """End the process without taking its modules apart: 5 of the 160 ms of a small command."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # closed or full, for which `run` returned the status
                stream.flush()
        os._exit(status)

    atexit.register(leave)  # what is registered first runs last
    gc.disable()  # modules are never garbage; the command enables it before it reads data
    try:
        handle_signals_of_command()
        from losscli.cli import run
        from losscli.cli.streams import protect_standard_streams

        protect_standard_streams()
        status = run()
        ignore_signals()
    except (KeyboardInterrupt, EndedBySignal):
        pass
    if (ended := status_of_signal()) is not None:
        status = ended
    sys.exit(status)


if __name__ == "__main__":
    main()
