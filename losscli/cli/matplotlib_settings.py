"""The surroundings of matplotlib, before a command imports it."""

from __future__ import annotations

import os


def ignore_matplotlib_settings() -> None:
    """Keep the user's settings of matplotlib from a command, and the warnings that it logs from stderr.

    Pictures have settings of their own. An unknown backend would be an error of the import, and a faulty matplotlibrc
    or a home that cannot be written would be warnings.
    """
    import logging

    os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
